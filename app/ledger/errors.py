"""Why a posting was refused. These never reach a client: the checkout evaluates again and answers from the findings."""

from typing import Final

import asyncpg

NOTHING_LEFT: Final = "GU001"
CONFIGURATION_CHANGED: Final = "GU002"


class RanOut(Exception):
    """A posting would have crossed the floor of an account; nothing was posted. `accounts` names those accounts."""

    def __init__(self, accounts: str) -> None:
        super().__init__(accounts)
        self.accounts = accounts


class Outdated(Exception):
    """What the decision rests on has changed since it was read; nothing was posted."""


def refusal_of(error: BaseException | None) -> RanOut | Outdated | None:
    """What the functions of the ledger say when they refuse; None for every other failure of the database."""
    if not isinstance(error, asyncpg.PostgresError):
        return None
    if error.sqlstate == NOTHING_LEFT:
        return RanOut(error.detail or "")
    if error.sqlstate == CONFIGURATION_CHANGED:
        return Outdated()
    return None
