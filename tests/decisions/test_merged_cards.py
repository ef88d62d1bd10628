"""A guest with a loyalty card becomes a customer who has one too."""

import asyncio
from datetime import timedelta

from httpx import AsyncClient
from sqlalchemy import select

from app.kit import clock
from app.kit.db import Database
from app.ledger.chains import value_faults
from app.models import CustomerBirthday
from tests.decisions.test_loyalty_day import earn, hold_back
from tests.factories.access import ProjectKeys
from tests.factories.incentives import ask
from tests.factories.loyalties import card_figures, change_points, give_member, give_program


async def merge(client: AsyncClient, project: ProjectKeys) -> int:
    body = {"guest": "guest"}
    response = await client.post("/x/v1/customers/ann/merge", json=body, headers=project.server)
    return response.status_code


async def test_points_of_the_guest_come_to_the_card_of_the_account_and_expire_as_they_would_have(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_program(client, project, expiration_rules={"period_type": "MONTH", "period_value": 6})
    guest, ann = [await give_member(client, project, name) for name in ("guest", "ann")]
    soon, later = clock.now() + timedelta(days=3), clock.now() + timedelta(days=30)
    for code, points, expires_at in ((guest["code"], 10, soon), (guest["code"], 20, None), (ann["code"], 5, later)):
        await earn(db, project, code, points, expires_at)
    await hold_back(db, project, guest["code"], 7, later)

    assert [await merge(client, project), await merge(client, project)] == [200, 200]

    figures = await card_figures(client, project, ann["code"])
    assert (figures["balance"], figures["pending_points"], figures["next_expiration_points"]) == (35, 7, 10)
    left = await ask(client, project, "GET", f"/v1/vouchers/{guest['code']}")
    assert (left["loyalty_card"]["balance"], left["active"], left["holder_id"]) == (0, False, ann["holder_id"])
    async with db.read() as session:
        assert await value_faults(session, project.id) == []
    body = {"campaign": {"name": "Club"}, "customer": {"source_id": "guest"}}
    again = await ask(client, project, "POST", "/v1/publications?join_once=true", body)
    assert again["voucher"]["code"] == ann["code"]


async def test_the_guests_card_becomes_that_of_an_account_without_one(
    client: AsyncClient, project: ProjectKeys
) -> None:
    await give_program(client, project, points=10)
    guest = await give_member(client, project, "guest")
    account = await ask(client, project, "POST", "/v1/customers", {"source_id": "ann"})

    assert await merge(client, project) == 200

    card = await ask(client, project, "GET", f"/v1/loyalties/members/{guest['code']}")
    assert (card["holder_id"], card["active"], card["loyalty_card"]["balance"]) == (account["id"], True, 10)


async def test_no_points_are_lost_or_doubled_when_they_move_during_a_merge(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_program(client, project, points=100)
    guest, ann = [(await give_member(client, project, name))["code"] for name in ("guest", "ann")]

    *changes, merged = await asyncio.gather(
        *(change_points(client, project, (guest, ann)[n % 2], -5) for n in range(10)), merge(client, project)
    )

    removed = 5 * sum(response.status_code == 200 for response in changes)
    assert merged == 200
    balances = [(await card_figures(client, project, code))["balance"] for code in (guest, ann)]
    assert sum(balances) == 200 - removed
    async with db.read() as session:
        assert await value_faults(session, project.id) == []


async def test_a_birthday_is_announced_once_a_year_for_guest_and_account(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    guest, ann = [
        (await ask(client, project, "POST", "/v1/customers", {"source_id": name}))["id"] for name in ("guest", "ann")
    ]
    async with db.write() as session:
        for customer_id, year in ((guest, 2026), (ann, 2025)):
            session.add(CustomerBirthday(project_id=project.id, customer_id=customer_id, year=year))

    assert await merge(client, project) == 200

    async with db.read() as session:
        rows = await session.scalars(select(CustomerBirthday).where(CustomerBirthday.project_id == project.id))
        assert [(row.customer_id, row.year) for row in rows] == [(ann, 2026)]
