"""The steps with which points move, asked without HTTP."""

import asyncio
from datetime import timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.access.callers import worker_of
from app.incentives.loyalties import pending
from app.incentives.loyalties.errors import CardNotPublished, InvalidPendingPointsState, PointsExceeded
from app.incentives.loyalties.points import add_points, card_of, join, take_points
from app.incentives.vouchers.repository import VoucherRepository
from app.kit import clock
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.chains import value_faults
from app.ledger.movements import Cause, Holdings
from app.models import Campaign, Lot, OutboxEvent, Voucher
from tests.factories.access import ProjectKeys
from tests.factories.incentives import ask
from tests.factories.loyalties import card_figures, give_member, give_program

MONTHLY = {"period_type": "MONTH", "period_value": 1}


async def found(db: Database, project: ProjectKeys, code: str) -> tuple[Voucher, Campaign]:
    async with db.read() as session:
        pair = await VoucherRepository(session, project.id, case_sensitive=True).find_by_code(code)
    assert pair is not None
    card, campaign = pair
    assert campaign is not None
    return card, campaign


async def earn(db: Database, project: ProjectKeys, code: str, points: int, cause: str | None = None) -> Holdings:
    card, campaign = await found(db, project, code)
    async with db.write() as session:
        return await add_points(
            session, project.view, card, campaign, points, Cause("earning", cause or new_id("e")), actor="worker"
        )


async def spend(db: Database, project: ProjectKeys, code: str, points: int) -> Holdings:
    card, campaign = await found(db, project, code)
    async with db.write() as session:
        return await take_points(session, project.view, card, campaign, points, Cause("redemption", new_id("r")))


async def test_a_customer_who_joins_gets_one_card_however_often(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program = await give_program(client, project)
    customer = await ask(client, project, "POST", "/v1/customers", {"source_id": "ann"})
    campaign = Campaign(id=program["id"])

    async def once() -> str:
        async with db.write() as session:
            row = await session.get_one(Campaign, (project.id, campaign.id))
            return (await join(session, worker_of(project.view), row, customer["id"])).id

    async with db.read() as session:
        assert await card_of(session, project.id, program["id"], customer["id"]) is None
    ids = await asyncio.gather(*(once() for _ in range(8)))

    assert len(set(ids)) == 1
    async with db.read() as session:
        card = await card_of(session, project.id, program["id"], customer["id"])
    assert card is not None
    assert (card.id, card.holder_id) == (ids[0], customer["id"])


async def test_points_are_added_and_taken(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_program(client, project)
    code = (await give_member(client, project))["code"]

    earned = await earn(db, project, code, 100)
    spent = await spend(db, project, code, 30)

    assert (earned.balance, spent.balance) == (100, 70)
    figures = await card_figures(client, project, code)
    assert figures == {
        "points": 100,
        "balance": 70,
        "pending_points": 0,
        "expired_points": 0,
        "subtracted_points": 0,
    }
    async with db.read() as session:
        assert await value_faults(session, project.id) == []


async def test_a_card_never_pays_more_than_it_has(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_program(client, project, points=50)
    code = (await give_member(client, project))["code"]

    attempts = await asyncio.gather(*(spend(db, project, code, 20) for _ in range(10)), return_exceptions=True)

    assert sum(isinstance(attempt, Holdings) for attempt in attempts) == 2
    assert sum(isinstance(attempt, PointsExceeded) for attempt in attempts) == 8
    assert (await card_figures(client, project, code))["balance"] == 10


async def test_a_cause_earns_once(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_program(client, project)
    code = (await give_member(client, project))["code"]
    await earn(db, project, code, 100, "rule:order")

    with pytest.raises(IntegrityError):
        await earn(db, project, code, 100, "rule:order")

    assert (await card_figures(client, project, code))["balance"] == 100


async def test_a_card_in_the_pool_takes_no_points(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_program(client, project, vouchers_count=1)
    (card,) = (await ask(client, project, "GET", "/v1/vouchers"))["vouchers"]

    with pytest.raises(CardNotPublished):
        await earn(db, project, card["code"], 100)


async def test_points_expire_by_the_rules_of_the_program(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_program(client, project, expiration_rules=MONTHLY)
    code = (await give_member(client, project))["code"]

    await earn(db, project, code, 100)
    await earn(db, project, code, 50)

    figures = await card_figures(client, project, code)
    assert figures["next_expiration_points"] == 150
    day = clock.now().astimezone(project.view.zone).date()
    assert figures["next_expiration_date"] > (day + timedelta(days=27)).isoformat()
    async with db.read() as session:
        lots = (await session.scalars(select(Lot).where(Lot.project_id == project.id))).all()
    assert [(lot.issued_points, lot.left_points) for lot in lots] == [(150, 150)]


async def test_every_movement_is_announced(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_program(client, project)
    card = await give_member(client, project)
    await earn(db, project, card["code"], 100)
    await spend(db, project, card["code"], 30)

    async with db.read() as session:
        rows = select(OutboxEvent).where(
            OutboxEvent.project_id == project.id, OutboxEvent.type.startswith("voucher.loyalty_card.")
        )
        events = (await session.scalars(rows.order_by(OutboxEvent.id))).all()

    created = "voucher.loyalty_card.transaction.created"
    assert sorted(event.type for event in events) == ["voucher.loyalty_card.points_added", created, created]
    assert {event.data["customer_id"] for event in events} == {card["holder_id"]}
    assert {event.data["balance"]["balance"] for event in events} == {100, 70}


async def test_pending_points_are_activated_once(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_program(client, project)
    code = (await give_member(client, project))["code"]
    card, campaign = await found(db, project, code)
    async with db.write() as session:
        held = await pending.hold_back(
            session, card, campaign, 40, Cause("earning", "rule:order"), activates_at=clock.now() + timedelta(days=3)
        )
        again = await pending.hold_back(
            session, card, campaign, 40, Cause("earning", "rule:order"), activates_at=clock.now()
        )
    assert held is not None
    assert again is None
    before = await card_figures(client, project, code)

    async def activate() -> None:
        async with db.write() as session:
            await pending.activate(session, project.view, card, campaign, held.id)

    attempts = await asyncio.gather(*(activate() for _ in range(5)), return_exceptions=True)

    assert (before["balance"], before["pending_points"]) == (0, 40)
    assert sum(isinstance(attempt, InvalidPendingPointsState) for attempt in attempts) == 4
    after = await card_figures(client, project, code)
    assert (after["balance"], after["pending_points"]) == (40, 0)
