"""Definitions of metadata as they are kept."""

from collections.abc import Mapping
from typing import Any

from app.kit.errors import InvalidPayload
from app.kit.metadata_schema import MOST_DEFINITIONS


def merged_definitions(stored: Mapping[str, Any], given: Mapping[str, Any], path: str) -> dict[str, Any]:
    """`stored` with the definitions in `given` put over it by name.

    Raises InvalidPayload when they become too many.
    """
    merged = {**stored, **given}
    if len(merged) > MOST_DEFINITIONS:
        raise InvalidPayload(path, f"A schema may have up to {MOST_DEFINITIONS} definitions.")
    return merged
