"""Amounts in several currencies as they are saved: beside those of the project, never instead of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from app.access.callers import ProjectView
from app.kit.errors import InvalidPayload

MONEYED = ("discount", "gift", "rules", "applicable_to")
"""Members of what is saved that may name currencies."""


def check_currencies(project: ProjectView, members: Mapping[str, Any], prefix: str = "") -> None:
    """Refuse currencies where the project has none to tell them from, and its own among the others.

    Raises InvalidPayload, its paths beginning with `prefix`.
    """
    for name in MONEYED:
        for path, currency in _named(members.get(name), f"{prefix}{name}"):
            if project.currency is None:
                raise InvalidPayload(
                    path, "The project has no currency, which amounts without one are in; set it first."
                )
            if currency == project.currency and not path.endswith(".currency"):
                raise InvalidPayload(path, "The amounts in the currency of the project stand outside of `currencies`.")


def _named(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every currency that is named, with its path."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            inner = f"{path}.{name}"
            if name == "currencies" and isinstance(member, Mapping):
                yield from ((f"{inner}.{currency}", currency) for currency in member)
            elif name == "currency":
                yield inner, member
            else:
                yield from _named(member, inner)
    elif isinstance(value, list | tuple):
        for place, member in enumerate(value):
            yield from _named(member, f"{path}[{place}]")
