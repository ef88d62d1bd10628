"""What an order earned is taken back when it is canceled or refunded: exactly, once, and never below zero."""

from typing import Any

from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from app.kit.db import Database
from app.ledger.doctor import examine
from app.models import Entry, PendingPoints, PointsEarning, Project
from tests.factories.access import ProjectKeys, give_project
from tests.factories.earning import (
    TEN_POINTS,
    buy,
    follow_well,
    give_buyer,
    give_earning_program,
    give_earning_rule,
    owed_of,
    points_of,
)
from tests.factories.incentives import Answer, ask, give_coupon
from tests.factories.refunds import refund

PENDING = {"period_type": "DAY", "period_value": 14}


async def cancel(client: AsyncClient, project: ProjectKeys, order: Answer) -> None:
    await ask(client, project, "PUT", f"/v1/orders/{order['id']}", {"status": "CANCELED"})


async def spend(client: AsyncClient, project: ProjectKeys, program: Answer, buyer: Answer, points: int) -> None:
    """Take points off the buyer's card by hand."""
    members = await ask(client, project, "GET", f"/v1/loyalties/{program['id']}/members?customer={buyer['id']}")
    path = f"/v1/loyalties/members/{members['vouchers'][0]['id']}/balance"
    await ask(client, project, "POST", path, {"points": -points})


async def redeem(
    client: AsyncClient, project: ProjectKeys, buyer: Answer, code: str, *items: tuple[int, int]
) -> Answer:
    """A paid order of these lines (units, price) with a coupon on it."""
    order = {
        "items": [
            {"source_id": f"thing {n}", "related_object": "product", "quantity": units, "price": price}
            for n, (units, price) in enumerate(items)
        ]
    }
    body = {"redeemables": [{"object": "voucher", "id": code}], "order": order, "customer": {"id": buyer["id"]}}
    answer = await ask(client, project, "POST", "/v1/redemptions", body)
    return answer["redemptions"][0]  # type: ignore[no-any-return]


async def test_a_canceled_order_gives_everything_back_once(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    await give_earning_rule(client, project, program["id"])
    await give_earning_rule(client, project, program["id"], loyalty=TEN_POINTS)
    buyer = await give_buyer(client, project)
    kept = await buy(client, project, buyer["id"], ("shirt", 1, 2000))
    order = await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)
    assert await points_of(db, project, buyer["id"], program["id"]) == 90

    await cancel(client, project, order)
    await follow_well(db, project)
    await ask(client, project, "PUT", f"/v1/orders/{order['id']}", {"status": "CREATED"})
    await cancel(client, project, order)
    await follow_well(db, project)

    assert kept["status"] == "PAID"
    assert await points_of(db, project, buyer["id"], program["id"]) == 30
    assert await examine(db, project.public_id) == []


async def test_an_order_that_is_canceled_before_anybody_looked_earns_nothing(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    await give_earning_rule(client, project, program["id"])
    buyer = await give_buyer(client, project)

    order = await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await cancel(client, project, order)
    await follow_well(db, project)

    assert not await points_of(db, project, buyer["id"], program["id"])


async def test_an_order_that_is_paid_again_earns_again_by_what_it_is_then(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    await give_earning_rule(client, project, program["id"])
    buyer = await give_buyer(client, project)
    order = await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)
    await cancel(client, project, order)
    await follow_well(db, project)

    items = [{"source_id": "shirt", "related_object": "product", "quantity": 2, "price": 4000}]
    await ask(client, project, "PUT", f"/v1/orders/{order['id']}", {"status": "PAID", "items": items})
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 80
    await cancel(client, project, order)
    await follow_well(db, project)
    assert await points_of(db, project, buyer["id"], program["id"]) == 0
    assert await examine(db, project.public_id) == []


async def test_units_that_come_back_give_back_what_they_earned(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    await give_earning_rule(client, project, program["id"])
    await give_earning_rule(client, project, program["id"], loyalty=TEN_POINTS)
    await give_coupon(client, project, "TEN-OFF")
    buyer = await give_buyer(client, project)
    redemption = await redeem(client, project, buyer, "TEN-OFF", (3, 1000), (1, 7000))
    await follow_well(db, project)
    assert await points_of(db, project, buyer["id"], program["id"]) == 110

    await refund(client, project, redemption["id"], (0, 2))
    await follow_well(db, project)
    assert await points_of(db, project, buyer["id"], program["id"]) == 90
    await refund(client, project, redemption["id"])
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 0
    assert await examine(db, project.public_id) == []


async def test_a_rollback_takes_back_what_the_order_earned(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    await give_earning_rule(client, project, program["id"])
    await give_coupon(client, project, "TEN-OFF")
    buyer = await give_buyer(client, project)
    redemption = await redeem(client, project, buyer, "TEN-OFF", (1, 1000))
    await follow_well(db, project)

    await ask(client, project, "POST", f"/v1/redemptions/{redemption['id']}/rollback")
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 0


async def test_points_that_were_spent_are_owed_and_the_next_ones_pay_for_them(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    await give_earning_rule(client, project, program["id"])
    buyer = await give_buyer(client, project)
    order = await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)
    await spend(client, project, program, buyer, 30)

    await cancel(client, project, order)
    await follow_well(db, project)
    assert await points_of(db, project, buyer["id"], program["id"]) == 0
    assert await owed_of(db, project, buyer["id"], program["id"]) == 30
    await buy(client, project, buyer["id"], ("shirt", 1, 2000))
    await follow_well(db, project)
    assert await points_of(db, project, buyer["id"], program["id"]) == 0
    assert await owed_of(db, project, buyer["id"], program["id"]) == 10
    await buy(client, project, buyer["id"], ("shirt", 1, 2000))
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 10
    assert await owed_of(db, project, buyer["id"], program["id"]) == 0
    assert await examine(db, project.public_id) == []


async def test_a_project_can_forgive_what_was_spent(db: Database, client: AsyncClient, project: ProjectKeys) -> None:
    async with db.write() as session:
        await session.execute(
            update(Project).where(Project.id == project.id).values(settings={"points_debt": "FORGIVE"})
        )
    program = await give_earning_program(client, project)
    await give_earning_rule(client, project, program["id"])
    buyer = await give_buyer(client, project)
    order = await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)
    await spend(client, project, program, buyer, 30)

    await cancel(client, project, order)
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 0
    assert await owed_of(db, project, buyer["id"], program["id"]) == 0


async def test_points_that_wait_are_canceled_or_lowered_and_activated_ones_are_taken_back(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    await give_earning_rule(client, project, program["id"], pending_points=PENDING)
    await give_coupon(client, project, "TEN-OFF")
    buyer = await give_buyer(client, project)
    redemption = await redeem(client, project, buyer, "TEN-OFF", (4, 1000))
    canceled = await buy(client, project, buyer["id"], ("shirt", 1, 2000))
    active = await buy(client, project, buyer["id"], ("shirt", 1, 3000))
    await follow_well(db, project)
    async with db.read() as session:
        rows = await session.scalars(select(PendingPoints).where(PendingPoints.project_id == project.id))
        waiting = {row.order_id: row for row in rows}
    pending = waiting[active["id"]]
    await ask(
        client, project, "POST", f"/v1/loyalties/members/{pending.voucher_id}/pending-points/{pending.id}/activate"
    )
    assert await points_of(db, project, buyer["id"], program["id"]) == 30

    await refund(client, project, redemption["id"], (0, 1))
    await cancel(client, project, canceled)
    await cancel(client, project, active)
    await follow_well(db, project)

    async with db.read() as session:
        rows = await session.scalars(select(PendingPoints).where(PendingPoints.project_id == project.id))
        told = {row.order_id: (row.status, row.points) for row in rows}
    assert told[redemption["order"]["id"]] == ("PENDING", 30)
    assert told[canceled["id"]][0] == "CANCELED"
    assert told[active["id"]][0] == "ACTIVATED"
    assert await points_of(db, project, buyer["id"], program["id"]) == 0
    assert await examine(db, project.public_id) == []


async def test_the_entry_that_takes_back_names_the_one_that_gave(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    rule = await give_earning_rule(client, project, program["id"])
    buyer = await give_buyer(client, project)
    order = await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)

    await cancel(client, project, order)
    await follow_well(db, project)

    async with db.read() as session:
        rows = await session.scalars(select(Entry).where(Entry.project_id == project.id).order_by(Entry.position))
        given, taken = rows.all()
        earning = (await session.scalars(select(PointsEarning).where(PointsEarning.project_id == project.id))).one()
    assert (taken.amount, taken.cause_type, taken.reverses_id) == (-50, "earning_reversal", given.id)
    assert taken.details is not None
    assert (taken.details["earning_rule"]["id"], taken.details["order"]["id"]) == (rule["id"], order["id"])
    assert (earning.points, earning.taken_back_points) == (50, 50)


lines = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3333)), min_size=1, max_size=3)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=lines, percent=st.integers(1, 100), every=st.integers(1, 700), data=st.data())
async def test_whatever_comes_back_in_whatever_parts_everything_back_is_everything_given_back(
    db: Database, client: AsyncClient, items: list[tuple[int, int]], percent: int, every: int, data: Any
) -> None:
    project = await give_project(db)
    program = await give_earning_program(client, project)
    loyalty = {
        "type": "PROPORTIONAL",
        "calculation_type": "ORDER_TOTAL_AMOUNT",
        "order": {"total_amount": {"every": every, "points": 3}},
    }
    await give_earning_rule(client, project, program["id"], loyalty=loyalty)
    discount = {"type": "PERCENT", "percent_off": percent, "effect": "APPLY_TO_ORDER"}
    await give_coupon(client, project, "OFF", discount=discount)
    buyer = await give_buyer(client, project)
    redemption = await redeem(client, project, buyer, "OFF", *items)
    await follow_well(db, project)
    last = await points_of(db, project, buyer["id"], program["id"]) or 0

    left = {n: units for n, (units, _) in enumerate(items)}
    while left:
        line = data.draw(st.sampled_from(sorted(left)))
        units = data.draw(st.integers(1, left[line]))
        await refund(client, project, redemption["id"], (line, units))
        left[line] -= units
        left = {n: count for n, count in left.items() if count}
        await follow_well(db, project)
        now = await points_of(db, project, buyer["id"], program["id"]) or 0
        assert 0 <= now <= last
        last = now

    assert last == 0
    assert await examine(db, project.public_id) == []
