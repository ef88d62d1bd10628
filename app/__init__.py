"""Guerdon: a self-hosted, headless incentive engine."""

__version__ = "0.1.0"
