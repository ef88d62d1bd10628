"""Loyalty programs: campaigns whose vouchers are the cards of their members."""
