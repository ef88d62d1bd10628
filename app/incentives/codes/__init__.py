"""Codes: how they are matched, what they may look like, and how they are drawn."""
