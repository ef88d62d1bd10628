"""Earning points from what happens, and taking them back."""
