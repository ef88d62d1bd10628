"""Rewards, and the loyalty programs that offer them."""
