"""Referral programs: what a marketer sets up, the codes' holders, and what came of each referral."""
