"""Where members stand, from the points in the books."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from httpx import AsyncClient
from sqlalchemy import select, update

from app.engine.postings import AccountKey
from app.incentives.loyalty_tiers.recalculation import move_due
from app.kit import clock
from app.kit.db import Database
from app.kit.jobs import Work
from app.ledger.movements import points_account
from app.ledger.points import gathered_before, usable
from app.models import LoyaltyStanding, OutboxEvent
from tests.factories.access import ProjectKeys
from tests.factories.loyalty_tiers import (
    give_member,
    give_program,
    give_tiers,
    look,
    member_tiers,
    move_points,
    tier_events,
)
from tests.factories.outbox import follow_all

QUARTER = {
    "qualification_type": "POINTS_IN_PERIOD",
    "qualification_period": "QUARTER",
    "start_date": {"type": "IMMEDIATE"},
    "expiration_date": {"type": "END_OF_PERIOD"},
}


def at(month: int, day: int = 1) -> datetime:
    return datetime(2027, month, day, tzinfo=UTC)


async def test_a_member_follows_their_balance_up_and_down(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project)
    await give_tiers(client, project, program)
    card = await give_member(client, project, program)
    seen: list[Any] = [await look(db, project, card, at(1))]

    for month, points in ((2, 120), (3, 400), (4, -100), (5, -420)):
        await move_points(db, project, card, points, at(month))
        seen.append(await look(db, project, card, at(month)))

    assert seen == [
        ("joined", [("Bronze", None)]),
        ("upgraded", [("Silver", None)]),
        ("upgraded", [("Gold", None)]),
        ("downgraded", [("Silver", None)]),
        ("downgraded", [("Bronze", None)]),
    ]
    assert await look(db, project, card, at(6)) == (None, [("Bronze", None)])
    assert await tier_events(db, project) == [
        ("joined", "Bronze", None),
        ("upgraded", "Silver", "Bronze"),
        ("upgraded", "Gold", "Silver"),
        ("downgraded", "Silver", "Gold"),
        ("downgraded", "Bronze", "Silver"),
    ]


async def test_points_that_have_expired_count_no_more_even_before_that_is_entered(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project)
    await give_tiers(client, project, program, [("Silver", 100, None)])
    card = await give_member(client, project, program)
    await move_points(db, project, card, 120, at(1), expires_at=at(3))

    before, after = await look(db, project, card, at(2)), await look(db, project, card, at(3))

    assert before == ("joined", [("Silver", None)])
    assert after == ("left", [])
    assert (await tier_events(db, project))[-1] == ("left", "Silver", None)


async def test_points_of_a_period_are_counted_from_the_books(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project, loyalty_tiers_expiration=QUARTER)
    await give_tiers(client, project, program)
    card = await give_member(client, project, program)
    await move_points(db, project, card, 450, at(3, 31))
    await move_points(db, project, card, 90, at(4))
    await move_points(db, project, card, 60, at(5))
    await move_points(db, project, card, -500, at(5, 2))  # spent
    await move_points(db, project, card, -45, at(5, 3), "earned")  # a return

    now = await look(db, project, card, at(6))
    next_quarter = await look(db, project, card, at(7))

    assert now == ("joined", [("Silver", at(7))])
    assert next_quarter == ("downgraded", [("Bronze", at(10))])


async def test_what_was_gathered_before_an_instant_is_found_among_many_entries(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    card = await give_member(client, project, await give_program(client, project))
    account = points_account(card["id"])
    for day in range(1, 28):
        await move_points(db, project, card, day, at(1, day))
        await move_points(db, project, card, -1, at(1, day))

    instants = [at(1, day) for day in range(1, 29)]
    async with db.read() as session:
        found = await gathered_before(session, project.id, account, instants)
        nothing = await gathered_before(session, project.id, AccountKey("v_none", "points"), instants[:2])
        held = await usable(session, project.id, account, at(2))

    assert found == [sum(range(1, day)) for day in range(1, 29)]
    assert nothing == [0, 0]
    assert held == sum(range(1, 28)) - 27


async def test_a_tier_of_the_next_period_is_shown_before_it_begins(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    rules = {**QUARTER, "start_date": {"type": "NEXT_PERIOD"}}
    program = await give_program(client, project, loyalty_tiers_expiration=rules)
    ids = await give_tiers(client, project, program, [("Silver", 100, None)])
    card = await give_member(client, project, program)
    await move_points(db, project, card, 120, at(5))

    waiting = await look(db, project, card, at(5))
    (shown,) = await member_tiers(client, project, card)
    begun = await look(db, project, card, at(7))

    assert waiting == (None, [("Silver", at(10))])
    assert (shown["id"], shown["name"]) == (ids["Silver"], "Silver")
    assert shown["expiration"].pop("created_at")
    assert shown["expiration"].pop("updated_at")
    assert shown["expiration"] == {
        "customer_id": card["customer_id"],
        "campaign_id": program["id"],
        "tier_id": ids["Silver"],
        "start_date": "2027-07-01T00:00:00.000Z",
        "expiration_date": "2027-10-01T00:00:00.000Z",
    }
    assert begun == ("joined", [("Silver", at(10))])
    assert await tier_events(db, project) == [("joined", "Silver", None)]


async def test_tiers_whose_time_has_come_end_and_begin_by_themselves(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project, loyalty_tiers_expiration=QUARTER)
    await give_tiers(client, project, program, [("Silver", 100, None)])
    card, other = await give_member(client, project, program), await give_member(client, project, program, "bob")
    for each in (card, other):
        await move_points(db, project, each, 120, clock.now())
        await look(db, project, each, clock.now())
    async with db.write() as session:
        a_minute_ago = clock.now() - timedelta(minutes=1)
        this_card = (LoyaltyStanding.project_id == project.id, LoyaltyStanding.voucher_id == card["id"])
        await session.execute(
            update(LoyaltyStanding).where(*this_card).values(expires_at=a_minute_ago, due_at=a_minute_ago)
        )

    await move_due(Work(db), project.id)

    # The points of this quarter are still there, so the tier is given again, to its end.
    assert await tier_events(db, project) == [("joined", "Silver", None)] * 2 + [("prolonged", "Silver", None)]
    async with db.read() as session:
        due = await session.scalars(select(LoyaltyStanding.due_at).where(LoyaltyStanding.project_id == project.id))
        assert min(due) > clock.now()  # type: ignore[type-var]


async def test_a_new_member_is_in_the_tier_for_everybody(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project)
    await give_tiers(client, project, program)
    await give_member(client, project, program)

    await follow_all(db, project)
    await follow_all(db, project)

    assert await tier_events(db, project) == [("joined", "Bronze", None)]


async def test_a_recalculation_that_was_asked_for_raises_and_never_lowers(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project)
    await give_tiers(client, project, program)
    card = await give_member(client, project, program)
    await move_points(db, project, card, 120, at(1))
    await look(db, project, card, at(1))
    await move_points(db, project, card, -100, at(2))

    kept = await look(db, project, card, at(2), may_lower=False)
    await move_points(db, project, card, 900, at(2))
    raised = await look(db, project, card, at(2), may_lower=False)

    assert kept == (None, [("Silver", None)])
    assert raised == ("upgraded", [("Gold", None)])


async def test_an_event_names_who_where_and_which_tiers(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project, loyalty_tiers_expiration=QUARTER)
    ids = await give_tiers(client, project, program)
    card = await give_member(client, project, program)
    await look(db, project, card, at(4))
    await move_points(db, project, card, 120, at(4))
    await look(db, project, card, at(4))

    async with db.read() as session:
        event = await session.scalar(
            select(OutboxEvent).where(
                OutboxEvent.project_id == project.id, OutboxEvent.type == "customer.loyalty.tier.upgraded"
            )
        )

    assert event is not None
    assert event.entity_id == card["customer_id"]
    assert event.data == {
        "customer": {"id": card["customer_id"], "object": "customer"},
        "campaign": {"id": program["id"], "object": "campaign"},
        "voucher": {"id": card["id"], "code": card["code"], "object": "voucher"},
        "loyalty_tier": {"id": ids["Silver"], "name": "Silver", "object": "loyalty_tier"},
        "previous_loyalty_tier": {"id": ids["Bronze"], "name": "Bronze", "object": "loyalty_tier"},
        "expiration_date": "2027-07-01T00:00:00.000Z",
    }


async def test_two_who_look_at_once_move_a_member_once(client: AsyncClient, project: ProjectKeys, db: Database) -> None:
    program = await give_program(client, project)
    await give_tiers(client, project, program)
    card = await give_member(client, project, program)
    await move_points(db, project, card, 120, at(1))

    changes = await asyncio.gather(*(look(db, project, card, at(1)) for _ in range(8)))

    assert sorted(str(change) for change, _ in changes) == ["None"] * 7 + ["joined"]
    assert await tier_events(db, project) == [("joined", "Silver", None)]
