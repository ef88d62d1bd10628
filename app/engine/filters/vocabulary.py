"""What a filter may ask about."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from app.engine.filters.errors import InvalidFilter
from app.engine.filters.kinds import Operators

LONGEST_NAME = 300


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Attributes by name, and families of them: `("metadata.", "")` has `metadata.<key>`, `("events.", ".count")` has
    `events.<name>.count`. `not_yet` says of beginnings of names why they cannot be asked for."""

    attributes: Mapping[str, Operators]
    families: Mapping[tuple[str, str], Operators] = field(default_factory=dict)
    not_yet: Mapping[str, str] = field(default_factory=dict)

    def operators_of(self, name: str, path: str) -> Operators:
        """Raises InvalidFilter for what cannot be asked."""
        known = self.attributes.get(name) or self._of_family(name)
        if known is not None and len(name) <= LONGEST_NAME:
            return known
        for beginning, reason in self.not_yet.items():
            if name.startswith(beginning):
                raise InvalidFilter(path, reason)
        near = difflib.get_close_matches(name[:100], self.names(), n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(self.names())}"
        raise InvalidFilter(path, f"is not an attribute{hint}")

    def names(self) -> list[str]:
        return [*self.attributes, *(f"{start}<name>{end}" for start, end in self.families)]

    def _of_family(self, name: str) -> Operators | None:
        for (start, end), operators in self.families.items():
            if name.startswith(start) and name.endswith(end) and len(name) > len(start) + len(end):
                return operators
        return None
