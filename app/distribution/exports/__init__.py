"""Rows of a project as CSV files, written by the worker."""
