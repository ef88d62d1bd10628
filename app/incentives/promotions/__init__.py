"""Promotion campaigns: tiers, which are discounts without a code, and stacks of tiers."""
