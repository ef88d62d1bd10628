"""Plumbing that knows no promotions."""
