"""Earning rules: what earns points in a loyalty program."""
