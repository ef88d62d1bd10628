"""Filters: what a segment asks of customers, and a product collection of products. Decided here and nowhere else."""

from app.engine.filters.errors import InvalidFilter
from app.engine.filters.parsing import Filter, parse_filter
from app.engine.filters.vocabulary import Vocabulary

__all__ = ["Filter", "InvalidFilter", "Vocabulary", "parse_filter"]
