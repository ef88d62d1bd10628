"""Routes of accounts that hold value."""

from typing import Annotated

from fastapi import Path, Query

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.statements import service
from app.incentives.statements.schemas import AccountBalanceRead, BalanceQuery, StatementQuery, StatementRead
from app.kit.http import Db, Router

router = Router(prefix="/x/v1/ledger/accounts/{owner}", tags=["ledger"])
Reader = Annotated[Caller, requires("ledger:read")]
Owner = Annotated[
    str,
    Path(max_length=100, description="Whose account: a voucher, by code or id, or the id of a reward or a customer."),
]


@router.get("/statement")
async def get_statement(
    db: Db, caller: Reader, owner: Owner, query: Annotated[StatementQuery, Query()]
) -> StatementRead:
    """Get the entries of a gift card, a loyalty card, a stock or what is payable to a customer, oldest first, with the
    balance before and after the period.

    `from` belongs to the period and `to` does not. What counts is when an entry was recorded, so a statement of the
    past never changes; only what a card was made with counts from the day it was made. Opening and closing balance are
    those of the whole period, whatever page of it is shown.
    """
    return await service.statement(db, caller, owner, query)


@router.get("/balance")
async def get_balance(
    db: Db, caller: Reader, owner: Owner, query: Annotated[BalanceQuery, Query()]
) -> AccountBalanceRead:
    """Get what the account holds now, or held at any instant in the past.

    Now is what can be spent: points that have expired are not in it. In the past is what the entries recorded until
    then add up to.
    """
    return await service.balance(db, caller, owner, query)
