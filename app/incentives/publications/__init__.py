"""Giving codes to customers: a step that every room above can take."""
