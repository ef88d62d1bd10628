"""Validation rules: sets of conditions, and which campaigns and vouchers they bind."""
