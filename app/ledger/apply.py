"""Moving amounts between accounts. `apply_postings` in the database is the one statement that does it."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.postings import AccountKey, Posting
from app.kit.db import to_json
from app.ledger.accounts import posting_arrays
from app.ledger.errors import refusal_of
from app.ledger.movements import Holdings, Movement, holdings_after, movement_rows

APPLY = text(
    """SELECT moved FROM apply_postings(
    :project, :owners, :measures, :subjects, :periods, :amounts, :floors, CAST(:movements AS jsonb)
)"""
)


async def apply(
    session: AsyncSession, project_id: int, postings: Sequence[Posting], movements: Sequence[Movement] = ()
) -> dict[AccountKey, Holdings]:
    """Post all or none, each account's floor kept. Rows stay locked until the transaction ends.

    `postings` count; what holds value is moved by `movements`. Gives what the accounts moved by these hold now.

    Raises RanOut when an account would cross its floor, AlreadyReversed when more of an entry would be reversed than it
    moved.
    """
    names = ("owners", "measures", "subjects", "periods", "amounts", "floors")
    arrays = dict(zip(names, posting_arrays(postings), strict=True))
    rows = movement_rows(movements)
    try:
        moved = await session.scalar(
            APPLY, {"project": project_id, **arrays, "movements": None if rows is None else to_json(rows)}
        )
    except DBAPIError as error:
        refusal = refusal_of(getattr(error.orig, "__cause__", None))
        if refusal is None:
            raise
        raise refusal from error
    return holdings_after(moved)
