"""Rewards that members have for their points, at the checkout's side: who may have one, and what is given."""
