"""Metadata: free members that the shop hangs on a resource."""

from collections.abc import Mapping
from typing import Any


def merged_metadata(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`stored` with the members of `given` put over it, key by key; a null removes its key."""
    return {key: value for key, value in {**stored, **given}.items() if value is not None}
