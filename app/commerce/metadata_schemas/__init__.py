"""Metadata schemas: what the shop says its metadata looks like."""
