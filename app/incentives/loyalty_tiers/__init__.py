"""Tiers of loyalty programs: what they are, who is in them, and what they make of points."""
