"""Filters of segments and product collections on the wire."""

from typing import Annotated, Any

from pydantic import Field

from app.engine.filters import Filter, InvalidFilter, Vocabulary, parse_filter
from app.kit.errors import InvalidPayload

FilterDefinition = Annotated[
    dict[str, Any],
    Field(
        description="Attributes with their conditions, and a `junction`: `and` when all must hold, `or` when one must.",
        examples=[{"junction": "and", "metadata.brand": {"conditions": {"$is": ["Acme"]}}}],
    ),
]


def checked_filter(definition: Any, vocabulary: Vocabulary) -> Filter:
    """The filter that `definition` means.

    Raises InvalidPayload with the path of what is wrong.
    """
    try:
        return parse_filter(definition, vocabulary)
    except InvalidFilter as problem:
        raise InvalidPayload(problem.path, f"The filter {problem.message}.") from None
