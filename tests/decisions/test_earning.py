"""Points from orders, events, segments and tiers: once for each cause, on the right card, within limits."""

from datetime import timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from app.kit import clock
from app.kit.db import Database
from app.kit.outbox import OutboxEvent
from app.ledger.doctor import examine
from app.models import Entry, Lot, PendingPoints, PointsEarning
from tests.factories.access import ProjectKeys
from tests.factories.earning import (
    POINT_FOR_EVERY_UNIT,
    TEN_POINTS,
    buy,
    follow_well,
    give_buyer,
    give_earning_program,
    give_earning_rule,
    points_of,
)
from tests.factories.incentives import ask, give_coupon
from tests.factories.rules import give_rule, rule_of


async def test_a_paid_order_earns_once_however_often_it_is_paid(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    await give_earning_rule(client, project, program["id"])
    buyer = await give_buyer(client, project)

    order = await buy(client, project, buyer["id"], ("shirt", 2, 2550))
    await follow_well(db, project)
    for status in ("CREATED", "PAID", "FULFILLED", "PAID"):
        await ask(client, project, "PUT", f"/v1/orders/{order['id']}", {"status": status})
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 51
    assert await examine(db, project.public_id) == []


async def test_an_order_that_is_not_paid_or_is_nobodys_earns_nothing(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    await give_earning_rule(client, project, program["id"])
    buyer = await give_buyer(client, project)

    await buy(client, project, buyer["id"], ("shirt", 1, 5000), status="CREATED")
    await ask(client, project, "POST", "/v1/orders", {"status": "PAID", "amount": 5000})
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) is None


async def test_each_rule_of_each_program_earns_and_disabled_ones_do_not(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program, other = [await give_earning_program(client, project) for _ in range(2)]
    await give_earning_rule(client, project, program["id"])
    await give_earning_rule(client, project, program["id"], loyalty=TEN_POINTS)
    off = await give_earning_rule(client, project, program["id"], loyalty=TEN_POINTS, active=False)
    await give_earning_rule(client, project, program["id"], expiration_date="2020-01-01T00:00:00Z")
    await give_earning_rule(client, project, other["id"], loyalty=TEN_POINTS)
    closed = await give_earning_program(client, project, expiration_date="2020-01-01T00:00:00Z")
    await give_earning_rule(client, project, closed["id"])
    buyer = await give_buyer(client, project)

    await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)

    assert off["active"] is False
    assert [await points_of(db, project, buyer["id"], each["id"]) for each in (program, other, closed)] == [
        60,
        10,
        None,
    ]


async def test_without_auto_join_only_members_earn(db: Database, client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_earning_program(client, project, auto_join=False)
    await give_earning_rule(client, project, program["id"])
    member, stranger = [await give_buyer(client, project) for _ in range(2)]
    await ask(client, project, "POST", f"/v1/loyalties/{program['id']}/members", {"customer": {"id": member["id"]}})

    for buyer in (member, stranger):
        await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)

    assert await points_of(db, project, member["id"], program["id"]) == 50
    assert await points_of(db, project, stranger["id"], program["id"]) is None


async def test_a_redeemed_order_earns_by_what_was_paid_for_it(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    total = {**POINT_FOR_EVERY_UNIT, "calculation_type": "ORDER_TOTAL_AMOUNT"}
    total["order"] = {"total_amount": {"every": 100, "points": 1}}
    await give_earning_rule(client, project, program["id"], loyalty=total)
    await give_coupon(client, project, "TEN-OFF")
    buyer = await give_buyer(client, project)

    order = {"amount": 10000, "items": [{"product_id": "shirt", "quantity": 1, "price": 10000}]}
    await ask(
        client,
        project,
        "POST",
        "/v1/redemptions",
        {"redeemables": [{"object": "voucher", "id": "TEN-OFF"}], "order": order, "customer": {"id": buyer["id"]}},
    )
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 90


async def test_validation_rules_are_asked_about_the_order_the_customer_and_the_event(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    big = await give_rule(client, project, rules=rule_of("order.amount", "$more_than", 5000))
    five_stars = await give_rule(client, project, rules=rule_of("custom_event.metadata", "$is", 5, property="stars"))
    segment = await ask(
        client,
        project,
        "POST",
        "/v1/segments",
        {
            "name": "Berliners",
            "type": "passive",
            "filter": {"junction": "and", "metadata.city": {"conditions": {"$is": ["Berlin"]}}},
        },
    )
    local = await give_rule(client, project, rules=rule_of("customer.segment", "$is", segment["id"]))
    await give_earning_rule(client, project, program["id"], loyalty=TEN_POINTS, validation_rule_id=big["id"])
    await give_earning_rule(
        client,
        project,
        program["id"],
        event="review",
        loyalty={"type": "FIXED", "points": 3},
        validation_rule_id=five_stars["id"],
    )
    await give_earning_rule(
        client, project, program["id"], loyalty={"type": "FIXED", "points": 100}, validation_rule_id=local["id"]
    )
    buyer = await give_buyer(client, project)
    berliner = await give_buyer(client, project, metadata={"city": "Berlin"})

    await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await buy(client, project, buyer["id"], ("shirt", 1, 5001))
    await buy(client, project, berliner["id"], ("shirt", 1, 1))
    for stars in (4, 5):
        await ask(
            client,
            project,
            "POST",
            "/v1/events",
            {
                "event": "review",
                "customer": {"id": buyer["id"]},
                "metadata": {"stars": stars},
            },
        )
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 13
    assert await points_of(db, project, berliner["id"], program["id"]) == 100


async def test_each_custom_event_earns_once_and_its_loyalty_code_says_on_which_card(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    await give_earning_rule(
        client,
        project,
        program["id"],
        event="ride",
        loyalty={
            "type": "PROPORTIONAL",
            "calculation_type": "CUSTOM_EVENT_METADATA",
            "custom_event": {"metadata": {"every": 10, "points": 2, "property": "km"}},
        },
    )
    rider, friend = [await give_buyer(client, project) for _ in range(2)]
    card = await ask(
        client, project, "POST", f"/v1/loyalties/{program['id']}/members", {"customer": {"id": friend["id"]}}
    )

    for body in ({}, {}, {"loyalty": {"code": card["code"]}}, {"loyalty": {"code": "NO-SUCH-CARD"}}):
        event = {"event": "ride", "customer": {"id": rider["id"]}, "metadata": {"km": 25}, **body}
        await ask(client, project, "POST", "/v1/events", event)
    await follow_well(db, project)

    assert await points_of(db, project, rider["id"], program["id"]) == 12
    assert await points_of(db, project, friend["id"], program["id"]) == 4


async def test_entering_a_segment_earns(db: Database, client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_earning_program(client, project)
    segments = [
        await ask(
            client,
            project,
            "POST",
            "/v1/segments",
            {
                "name": name,
                "type": "auto-update",
                "filter": {"junction": "and", "metadata.vip": {"conditions": {"$is": [name]}}},
            },
        )
        for name in ("gold", "other")
    ]
    await give_earning_rule(
        client,
        project,
        program["id"],
        event="customer.segment.entered",
        segment={"id": segments[0]["id"]},
        loyalty=TEN_POINTS,
    )
    buyer = await give_buyer(client, project)
    from app.kit.outbox import announce

    async with db.write() as session:
        for segment in segments:
            data = {"customer": {"id": buyer["id"]}, "segment": {"id": segment["id"]}}
            announce(session, project.id, "customer.segment.entered", buyer["id"], data)
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 10


async def test_limits_hold_for_each_member_and_are_given_back(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    await give_earning_rule(
        client,
        project,
        program["id"],
        limits=[{"measure": "POINTS", "period": "MONTH", "most": 80}, {"measure": "TIMES", "period": "DAY", "most": 2}],
    )
    buyer, other = [await give_buyer(client, project) for _ in range(2)]

    first = await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)
    await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)
    await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await buy(client, project, other["id"], ("shirt", 1, 5000))
    await follow_well(db, project)
    assert await points_of(db, project, buyer["id"], program["id"]) == 80
    assert await points_of(db, project, other["id"], program["id"]) == 50
    assert await examine(db, project.public_id) == []

    await ask(client, project, "PUT", f"/v1/orders/{first['id']}", {"status": "CANCELED"})
    await follow_well(db, project)
    await buy(client, project, buyer["id"], ("shirt", 1, 20000))
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 80
    assert await examine(db, project.public_id) == []


async def test_points_wait_where_the_rule_says_so_and_expire_by_its_rules(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    own_rules = {"period_type": "MONTH", "period_value": 1}
    await give_earning_rule(client, project, program["id"], expiration_rules=own_rules)
    await give_earning_rule(
        client, project, program["id"], loyalty=TEN_POINTS, pending_points={"period_type": "DAY", "period_value": 14}
    )
    buyer = await give_buyer(client, project)

    order = await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 50
    async with db.read() as session:
        pending = (await session.scalars(select(PendingPoints).where(PendingPoints.project_id == project.id))).one()
        lot = (await session.scalars(select(Lot).where(Lot.project_id == project.id))).one()
    assert (pending.points, pending.order_id, pending.status) == (10, order["id"], "PENDING")
    assert timedelta(days=13) <= pending.activates_at - clock.now() <= timedelta(days=14)
    assert lot.expires_at is not None
    assert timedelta(days=27) < lot.expires_at - clock.now() < timedelta(days=33)


async def test_what_was_earned_is_told_with_ids_and_kept_with_its_cause(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    rule = await give_earning_rule(client, project, program["id"])
    buyer = await give_buyer(client, project, email="ada@example.com")

    order = await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)

    async with db.read() as session:
        entry = (await session.scalars(select(Entry).where(Entry.project_id == project.id))).one()
        told = (
            await session.scalars(
                select(OutboxEvent).where(
                    OutboxEvent.project_id == project.id, OutboxEvent.type == "customer.rewarded.loyalty_points"
                )
            )
        ).one()
    assert (entry.cause_type, entry.cause_id) == ("earning", f"{rule['id']}:{order['id']}")
    assert entry.details is not None
    assert entry.details["order"]["id"] == order["id"]
    assert entry.details["earning_rule"]["id"] == rule["id"]
    assert told.data["customer"]["id"] == buyer["id"]
    assert told.data["balance"]["points"] == 50
    assert "ada" not in str(told.data)


async def test_the_tier_of_the_member_multiplies_and_joining_it_earns(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_earning_program(client, project)
    rule = await give_earning_rule(client, project, program["id"])
    (gold,) = await ask(
        client,
        project,
        "POST",
        f"/v1/loyalties/{program['id']}/tiers",
        [
            {  # type: ignore[misc]
                "name": "Gold",
                "points": {"from": 50, "to": 100_000},
                "earning_rules": {rule["id"]: {"type": "MULTIPLY", "multiplier": 1.5}},
            }
        ],
    )
    assert gold["name"] == "Gold"  # type: ignore[index]
    await give_earning_rule(
        client,
        project,
        program["id"],
        event="customer.loyalty.tier.joined",
        loyalty={"type": "FIXED", "points": 7},
        loyalty_tier={"id": gold["id"]},  # type: ignore[index]
    )
    buyer = await give_buyer(client, project)

    await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)
    assert await points_of(db, project, buyer["id"], program["id"]) == 57
    await buy(client, project, buyer["id"], ("shirt", 1, 5000))
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 132


@pytest.mark.parametrize("rules", [1, 3])
async def test_what_two_workers_are_told_at_once_is_earned_once(
    db: Database, client: AsyncClient, project: ProjectKeys, rules: int
) -> None:
    import asyncio

    program = await give_earning_program(client, project)
    for _ in range(rules):
        await give_earning_rule(client, project, program["id"], limits=[{"measure": "POINTS", "most": 120}])
    buyer = await give_buyer(client, project)
    for _ in range(3):
        await buy(client, project, buyer["id"], ("shirt", 1, 5000))

    await asyncio.gather(*(follow_well(db, project) for _ in range(3)), return_exceptions=True)
    await follow_well(db, project)

    assert await points_of(db, project, buyer["id"], program["id"]) == 120 * rules
    async with db.read() as session:
        earnings = (await session.scalars(select(PointsEarning).where(PointsEarning.project_id == project.id))).all()
    assert len(earnings) == 3 * rules
