"""Campaigns: groups of vouchers with a purpose."""
