"""Accounts and postings: the only code that moves what can run out."""
