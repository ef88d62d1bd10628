"""Why a posting was refused. These never reach a client: the checkout evaluates again and answers from the findings."""

from typing import Final

import asyncpg

NOTHING_LEFT: Final = "GU001"
CONFIGURATION_CHANGED: Final = "GU002"
MORE_THAN_MOVED: Final = "GU004"


class RanOut(Exception):
    """A posting would have crossed the floor of an account; nothing was posted. `accounts` names those accounts."""

    def __init__(self, accounts: str) -> None:
        super().__init__(accounts)
        self.accounts = accounts


class Outdated(Exception):
    """What the decision rests on has changed since it was read; nothing was posted."""


class AlreadyReversed(Exception):
    """More would have been given or taken back than the entry moved; nothing was posted. `entry_id` names it."""

    def __init__(self, entry_id: str) -> None:
        super().__init__(entry_id)
        self.entry_id = entry_id


def refusal_of(error: BaseException | None) -> RanOut | Outdated | AlreadyReversed | None:
    """What the functions of the ledger say when they refuse; None for every other failure of the database."""
    if not isinstance(error, asyncpg.PostgresError):
        return None
    if error.sqlstate == NOTHING_LEFT:
        return RanOut(error.detail or "")
    if error.sqlstate == CONFIGURATION_CHANGED:
        return Outdated()
    if error.sqlstate == MORE_THAN_MOVED:
        return AlreadyReversed(error.detail or "")
    return None
