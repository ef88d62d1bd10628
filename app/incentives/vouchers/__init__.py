"""Vouchers: codes and what they are worth."""
