"""What the second release changes in the functions of the ledger."""

from typing import Any


def create(op: Any) -> None:
    """Install the functions of this release."""


def drop(op: Any) -> None:
    """Bring back those of the release before."""
