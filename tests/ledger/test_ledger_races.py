"""Many at once on few accounts: nothing is lost, spent twice, or waited for in a circle."""

import asyncio
import random
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from app.engine.postings import AccountKey, Posting
from app.kit import clock
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.ledger.chains import value_faults
from app.ledger.errors import AlreadyReversed, RanOut
from app.ledger.movements import Cause, Movement, points_account
from app.models import Account
from tests.factories.access import ProjectKeys

NOW = clock.now()
AT_ONCE = 20


async def tried(db: Database, project: ProjectKeys, *movements: Movement) -> bool:
    """Whether the movements were made, all of them in one transaction."""
    try:
        async with db.write() as session:
            await apply(session, project.id, (), movements)
    except (RanOut, AlreadyReversed):
        return False
    return True


def change(account: AccountKey, points: int, **members: Any) -> Movement:
    members.setdefault("cause", Cause("adjustment", new_id("vtx")))
    return Movement(Posting(account, points, 0), "issued" if points > 0 else "redeemed", effective_at=NOW, **members)


def transfer(payer: AccountKey, payee: AccountKey, points: int) -> list[Movement]:
    transaction = new_id("ltx")
    return [
        Movement(
            Posting(account, amount, 0), "transferred", Cause("transfer", transaction), NOW, transaction_id=transaction
        )
        for account, amount in ((payer, -points), (payee, points))
    ]


async def test_of_twenty_who_want_the_last_points_as_many_get_them_as_there_are(
    db: Database, project: ProjectKeys
) -> None:
    card = points_account(new_id("v"))
    for days in (1, 2, 3):
        await tried(db, project, change(card, 3, expires_at=NOW + timedelta(days=days)))

    spent = await asyncio.gather(*(tried(db, project, change(card, -2)) for _ in range(AT_ONCE)))

    assert sum(spent) == 4
    async with db.read() as session:
        assert await session.scalar(select(Account.balance).where(Account.project_id == project.id)) == 1
        assert await value_faults(session, project.id) == []


async def test_a_payment_is_given_back_once_by_all_who_try_at_once(db: Database, project: ProjectKeys) -> None:
    card = points_account(new_id("v"))
    payment = change(card, -10)
    await tried(db, project, change(card, 10))
    await tried(db, project, payment)

    refunds = [change(card, 4, returns_to=payment.id) for _ in range(AT_ONCE)]
    given = await asyncio.gather(*(tried(db, project, refund) for refund in refunds))

    assert sum(given) == 2
    async with db.read() as session:
        assert await session.scalar(select(Account.balance).where(Account.project_id == project.id)) == 8
        assert await value_faults(session, project.id) == []


async def test_transfers_in_all_directions_neither_wait_in_a_circle_nor_lose_a_point(
    db: Database, project: ProjectKeys
) -> None:
    cards = [points_account(new_id("v")) for _ in range(4)]
    for card in cards:
        await tried(db, project, change(card, 50))
    draw = random.Random(7)

    async def member() -> None:
        for _ in range(10):
            payer, payee = draw.sample(cards, 2)
            await tried(db, project, *transfer(payer, payee, draw.randint(1, 30)))

    await asyncio.gather(*(member() for _ in range(AT_ONCE)))

    async with db.read() as session:
        held = await session.scalar(select(func.sum(Account.balance)).where(Account.project_id == project.id))
        assert held == 200
        assert await value_faults(session, project.id) == []
