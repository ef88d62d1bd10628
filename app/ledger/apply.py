"""Moving amounts between accounts. `apply_postings` in the database is the one statement that does it."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.postings import Posting
from app.ledger.accounts import posting_arrays
from app.ledger.errors import refusal_of

APPLY = text("SELECT apply_postings(:project, :owners, :measures, :subjects, :periods, :amounts, :floors)")


async def apply(session: AsyncSession, project_id: int, postings: Sequence[Posting]) -> None:
    """Post all or none, each account's floor kept. Rows stay locked until the transaction ends.

    Raises RanOut when an account would cross its floor.
    """
    names = ("owners", "measures", "subjects", "periods", "amounts", "floors")
    arrays = dict(zip(names, posting_arrays(postings), strict=True))
    try:
        await session.execute(APPLY, {"project": project_id, **arrays})
    except DBAPIError as error:
        refusal = refusal_of(getattr(error.orig, "__cause__", None))
        if refusal is None:
            raise
        raise refusal from error
