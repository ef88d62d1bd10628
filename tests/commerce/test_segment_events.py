"""Entering and leaving auto-update segments: announced once each, however many workers look."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from app.commerce.segments import watching
from app.kit.db import Database
from app.kit.jobs import Work
from app.models import OutboxEvent, SegmentStanding
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, redeem, roll_back
from tests.factories.incentives import ask, give_coupon
from tests.factories.outbox import settled

IN_BERLIN = {"junction": "AND", "address.city": {"conditions": {"$is": ["Berlin"]}}}
REGULAR = {"junction": "AND", "summary.orders.total_count": {"conditions": {"$more_than_or_equal": [1]}}}


@pytest.fixture
async def work(db: Database) -> Work:
    return Work(db)


async def give_watched(
    client: AsyncClient, work: Work, project: ProjectKeys, wanted: dict[str, Any], kind: str = "auto-update"
) -> str:
    """A segment with this filter, watched if it is one of those, by its id."""
    body = {"name": "Berlin", "type": kind, "filter": wanted}
    segment_id: str = (await ask(client, project, "POST", "/v1/segments", body))["id"]
    if kind == "auto-update":
        await watching.note_members(work, {"project_id": project.id})
    return segment_id


async def give_customer(client: AsyncClient, project: ProjectKeys, source_id: str, city: str = "Berlin") -> str:
    """A customer of this city, made or moved there, by their id."""
    body = {"source_id": source_id, "address": {"city": city}}
    customer_id: str = (await ask(client, project, "POST", "/v1/customers", body))["id"]
    return customer_id


async def follow(work: Work, project: ProjectKeys) -> None:
    """Follow all that was announced so far."""
    await settled(work.db)
    await watching.follow(work, project.id)


async def announced(db: Database, project: ProjectKeys) -> list[tuple[str, str, str]]:
    """Kind, customer and segment of what was announced of segments, oldest first."""
    async with db.read() as session:
        events = await session.scalars(
            select(OutboxEvent)
            .where(OutboxEvent.project_id == project.id, OutboxEvent.type.like("customer.segment.%"))
            .order_by(OutboxEvent.id)
        )
        return [(each.type.rpartition(".")[2], each.entity_id, each.data["segment"]["id"]) for each in events]


async def test_a_customer_who_moves_enters_and_leaves_a_segment_once_each(
    client: AsyncClient, db: Database, work: Work, project: ProjectKeys
) -> None:
    segment_id = await give_watched(client, work, project, IN_BERLIN)

    ada = await give_customer(client, project, "ada")
    for _ in range(2):
        await follow(work, project)
    await give_customer(client, project, "ada", "Hamburg")
    for _ in range(2):
        await follow(work, project)

    assert await announced(db, project) == [("entered", ada, segment_id), ("left", ada, segment_id)]


async def test_those_who_are_in_a_new_segment_from_the_start_do_not_enter_it_but_can_leave(
    client: AsyncClient, db: Database, work: Work, project: ProjectKeys
) -> None:
    ada = await give_customer(client, project, "ada")
    segment_id = await give_watched(client, work, project, IN_BERLIN)
    await follow(work, project)
    at_first = await announced(db, project)

    await give_customer(client, project, "ada", "Hamburg")
    await follow(work, project)

    assert at_first == []
    assert await announced(db, project) == [("left", ada, segment_id)]


async def test_orders_that_are_redeemed_and_rolled_back_change_segments(
    client: AsyncClient, db: Database, work: Work, project: ProjectKeys
) -> None:
    segment_id = await give_watched(client, work, project, REGULAR)
    await give_coupon(client, project, "CODE")

    redeemed = await redeem(client, project, cart("CODE", customer={"source_id": "ada"}))
    await follow(work, project)
    entered = await announced(db, project)
    await roll_back(client, project, redeemed["redemptions"][0]["id"])
    await follow(work, project)

    ada = redeemed["redemptions"][0]["customer_id"]
    assert entered == [("entered", ada, segment_id)]
    assert await announced(db, project) == [("entered", ada, segment_id), ("left", ada, segment_id)]


@pytest.mark.parametrize("kind", ["passive", "static"])
async def test_other_segments_announce_nothing(
    client: AsyncClient, db: Database, work: Work, project: ProjectKeys, kind: str
) -> None:
    if kind == "passive":
        await give_watched(client, work, project, IN_BERLIN, kind)
    ada = await give_customer(client, project, "ada")
    if kind == "static":
        await ask(client, project, "POST", "/v1/segments", {"name": "S", "type": "static", "customers": [ada]})

    await follow(work, project)
    await watching.look_at_all(work, project.id)

    assert await announced(db, project) == []


async def test_of_many_workers_one_announces_each_change(
    client: AsyncClient, db: Database, work: Work, project: ProjectKeys
) -> None:
    segment_id = await give_watched(client, work, project, IN_BERLIN)
    ids = [await give_customer(client, project, f"c{n}") for n in range(10)]

    async def move(n: int) -> None:
        await give_customer(client, project, f"c{n}", "Hamburg")

    looks = [watching.follow(work, project.id) for _ in range(4)]
    looks += [watching.look_at_all(work, project.id) for _ in range(4)]
    await asyncio.gather(*looks, *(move(n) for n in range(5)))
    await follow(work, project)

    events = await announced(db, project)
    last = {customer_id: kind for kind, customer_id, _ in events}
    async with db.read() as session:
        standing = set(
            await session.scalars(select(SegmentStanding.customer_id).where(SegmentStanding.project_id == project.id))
        )
    assert len(events) == len(set(events))
    assert standing == set(ids[5:])
    assert all(last[customer_id] == "entered" for customer_id in ids[5:])
    assert all(last.get(customer_id, "left") == "left" for customer_id in ids[:5])
    assert {segment for _, _, segment in events} == {segment_id}


async def test_an_announcement_that_commits_late_is_followed_all_the_same(
    client: AsyncClient, db: Database, work: Work, project: ProjectKeys
) -> None:
    """Its id is smaller than that of one which was committed before."""
    segment_id = await give_watched(client, work, project, IN_BERLIN)
    ada = await give_customer(client, project, "ada", "Hamburg")
    async with db.write() as late:
        late.add(
            OutboxEvent(
                project_id=project.id,
                type="customer.updated",
                entity_id=ada,
                data={"customer": {"id": ada, "object": "customer"}},
                created_at=watching.clock.now(),
            )
        )
        await late.flush()
        grace = await give_customer(client, project, "grace")
        await watching.follow(work, project.id)
        await give_customer(client, project, "ada")
    await follow(work, project)

    assert set(await announced(db, project)) == {("entered", grace, segment_id), ("entered", ada, segment_id)}


async def test_an_erased_customer_and_a_deleted_segment_are_forgotten(
    client: AsyncClient, db: Database, work: Work, project: ProjectKeys
) -> None:
    segment_id = await give_watched(client, work, project, IN_BERLIN)
    await give_customer(client, project, "ada")
    await give_customer(client, project, "grace")
    await follow(work, project)

    async def standing() -> int:
        async with db.read() as session:
            rows = await session.scalars(select(SegmentStanding).where(SegmentStanding.project_id == project.id))
            return len(rows.all())

    at_first = await standing()
    erased = await client.post("/v1/customers/ada/permanent-deletion", headers=project.server)
    after_erasure = await standing()
    await client.delete(f"/v1/segments/{segment_id}", headers=project.server)

    assert erased.is_success
    assert (at_first, after_erasure, await standing()) == (2, 1, 0)


async def test_a_guest_who_becomes_an_account_stands_where_the_account_stands(
    client: AsyncClient, db: Database, work: Work, project: ProjectKeys
) -> None:
    segment_id = await give_watched(client, work, project, IN_BERLIN)
    guest = await give_customer(client, project, "guest")
    ada = (await ask(client, project, "POST", "/v1/customers", {"source_id": "ada"}))["id"]
    await follow(work, project)

    await ask(client, project, "POST", "/x/v1/customers/ada/merge", {"guest": "guest"})
    await follow(work, project)
    await watching.look_at_all(work, project.id)

    async with db.read() as session:
        standing = list(
            await session.scalars(select(SegmentStanding.customer_id).where(SegmentStanding.project_id == project.id))
        )
    assert standing == [ada]
    assert await announced(db, project) == [("entered", guest, segment_id), ("entered", ada, segment_id)]
