"""What time does to points: they become good, and they expire."""

import asyncio
from datetime import datetime, timedelta

from httpx import AsyncClient
from sqlalchemy import select, text

from app.decisions.loyalty_day import pass_day
from app.incentives.loyalties import pending
from app.incentives.loyalties.points import add_points, take_points
from app.incentives.vouchers.repository import VoucherRepository
from app.kit import clock
from app.kit.db import Database
from app.kit.ids import new_id
from app.kit.jobs import Work
from app.ledger.chains import value_faults
from app.ledger.movements import Cause
from app.models import Campaign, Entry, OutboxEvent, Voucher
from tests.factories.access import ProjectKeys
from tests.factories.clocks import later
from tests.factories.incentives import ask
from tests.factories.loyalties import card_figures, give_member, give_program

LONG_AGO = timedelta(days=40)


async def card_and_program(db: Database, project: ProjectKeys, code: str) -> tuple[Voucher, Campaign]:
    async with db.read() as session:
        pair = await VoucherRepository(session, project.id, case_sensitive=True).find_by_code(code)
    assert pair is not None
    assert pair[1] is not None
    return pair[0], pair[1]


async def earn(
    db: Database, project: ProjectKeys, code: str, points: int, expires_at: datetime | None, **members: str
) -> None:
    card, campaign = await card_and_program(db, project, code)
    async with db.write() as session:
        cause = Cause("rollback" if members else "earning", new_id("e"))
        await add_points(session, project.view, card, campaign, points, cause, expires_at=expires_at, **members)


async def entries_of(db: Database, project: ProjectKeys) -> list[tuple[str, int]]:
    async with db.read() as session:
        assert await value_faults(session, project.id) == []
        rows = await session.scalars(select(Entry).where(Entry.project_id == project.id).order_by(Entry.id))
        return [(entry.cause_type, entry.amount) for entry in rows]


async def test_points_are_gone_when_their_day_is_over_and_then_entered_as_expired(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_program(client, project)
    code = (await give_member(client, project))["code"]
    await earn(db, project, code, 30, clock.now() - LONG_AGO)
    await earn(db, project, code, 20, clock.now() - timedelta(seconds=1))
    await earn(db, project, code, 50, clock.now() + LONG_AGO)
    before = await card_figures(client, project, code)

    await pass_day(Work(db), project.id)

    assert await card_figures(client, project, code) == before
    assert (before["points"], before["balance"], before["expired_points"]) == (100, 50, 50)
    entries = await entries_of(db, project)
    assert entries[:3] == [("earning", 30), ("earning", 20), ("earning", 50)]
    assert entries[3:] == [("expiry", -30), ("expiry", -20)]
    listed = await ask(client, project, "GET", f"/v1/loyalties/members/{code}/transactions")
    assert [entry["type"] for entry in listed["data"][:2]] == ["POINTS_EXPIRATION"] * 2
    async with db.read() as session:
        rows = select(OutboxEvent).where(
            OutboxEvent.project_id == project.id, OutboxEvent.type == "voucher.loyalty_card.points_expired"
        )
        assert [event.data["balance"]["points"] for event in await session.scalars(rows.order_by(OutboxEvent.id))] == [
            -30,
            -20,
        ]


async def test_points_expire_once_however_many_workers_look(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_program(client, project)
    codes = [(await give_member(client, project, f"member-{n}"))["code"] for n in range(5)]
    for code in codes:
        await earn(db, project, code, 30, clock.now() - LONG_AGO)

    await asyncio.gather(*(pass_day(Work(db), project.id) for _ in range(4)))

    assert sorted(await entries_of(db, project)) == [*[("earning", 30)] * 5, *[("expiry", -30)] * 5]


async def test_what_a_session_holds_does_not_expire(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_program(client, project)
    code = (await give_member(client, project))["code"]
    await earn(db, project, code, 30, clock.now() - LONG_AGO)
    async with db.write() as session:
        held = "UPDATE accounts SET held = 12 WHERE project_id = :project AND measure = 'points'"
        await session.execute(text(held), {"project": project.id})

    await pass_day(Work(db), project.id)
    assert await entries_of(db, project) == [("earning", 30), ("expiry", -18)]

    async with db.write() as session:
        await session.execute(text(held.replace("12", "0")), {"project": project.id})
    await pass_day(Work(db), project.id)
    assert (await entries_of(db, project))[-1] == ("expiry", -12)


async def test_points_that_come_back_too_late_expire_again(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_program(client, project)
    code = (await give_member(client, project))["code"]
    await earn(db, project, code, 30, clock.now() + timedelta(days=1))
    card, campaign = await card_and_program(db, project, code)
    async with db.write() as session:
        await take_points(session, project.view, card, campaign, 10, Cause("redemption", new_id("r")))
    async with db.read() as session:
        spent = select(Entry.id).where(Entry.project_id == project.id, Entry.cause_type == "redemption")
        spent_id = await session.scalar(spent)

    with later(timedelta(days=2)):
        await pass_day(Work(db), project.id)
        await earn(db, project, code, 10, None, returns_to=str(spent_id))
        await pass_day(Work(db), project.id)
        figures = await card_figures(client, project, code)

    assert [amount for _, amount in await entries_of(db, project)] == [30, -10, -20, 10, -10]
    assert figures["balance"] == 0


async def hold_back(db: Database, project: ProjectKeys, code: str, points: int, activates_at: datetime) -> str:
    card, campaign = await card_and_program(db, project, code)
    async with db.write() as session:
        held = await pending.hold_back(
            session, card, campaign, points, Cause("earning", new_id("e")), activates_at=activates_at
        )
    assert held is not None
    return held.id


async def test_pending_points_come_to_the_card_when_they_are_due(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_program(client, project, expiration_rules={"period_type": "MONTH", "period_value": 1})
    code = (await give_member(client, project))["code"]
    gone = (await give_member(client, project, "bob"))["code"]
    await hold_back(db, project, code, 40, clock.now() - LONG_AGO)
    await hold_back(db, project, gone, 40, clock.now() - LONG_AGO)
    await hold_back(db, project, code, 2, clock.now() + LONG_AGO)
    await ask(client, project, "DELETE", f"/v1/vouchers/{gone}")

    await asyncio.gather(*(pass_day(Work(db), project.id) for _ in range(3)))

    figures = await card_figures(client, project, code)
    assert (figures["balance"], figures["pending_points"], figures["next_expiration_points"]) == (40, 2, 40)
    assert await entries_of(db, project) == [("pending_points", 40)]
    (entry,) = (await ask(client, project, "GET", f"/v1/loyalties/members/{code}/transactions"))["data"]
    assert entry["type"] == "PENDING_POINTS_ACTIVATION"
    assert entry["details"]["pending_points"]["points"] == 40


async def test_pending_points_are_listed_changed_activated_and_canceled(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_program(client, project)
    card = await give_member(client, project)
    code, later = card["code"], clock.now() + LONG_AGO
    first, second = [await hold_back(db, project, code, points, later) for points in (10, 20)]
    path = f"/v1/loyalties/members/{code}/pending-points"

    listed = await ask(client, project, "GET", f"{path}?limit=1")
    following = await ask(client, project, "GET", f"{path}?limit=1&starting_after_id={listed['more_starting_after']}")
    of_program = await ask(client, project, "GET", "/v1/loyalties/Club/pending-points")
    assert ([row["id"] for row in listed["data"]], [row["id"] for row in following["data"]]) == ([second], [first])
    assert len(of_program["data"]) == 2
    assert listed["data"][0]["activates_at"] == later.astimezone(project.view.zone).date().isoformat()
    assert listed["data"][0]["customer_id"] == card["holder_id"]

    changed = await ask(client, project, "POST", f"{path}/{first}/balance", {"points": 5})
    assert (changed["points"], changed["total"]) == (5, 15)
    for points, key in ((-15, "invalid_amount"), (0, "invalid_amount")):
        response = await client.post(f"{path}/{first}/balance", json={"points": points}, headers=project.server)
        assert (response.status_code, response.json()["key"]) == (400, key)
    activated = await ask(client, project, "POST", f"{path}/{first}/activate")
    assert (activated["points"], activated["balance"], activated["operation_type"]) == (15, 15, "MANUAL")
    canceled = await client.post(f"{path}/{second}/cancel", headers=project.server)
    assert (canceled.status_code, canceled.content) == (204, b"")
    for pending_id in (first, second):
        for step in ("activate", "cancel", "balance"):
            response = await client.post(f"{path}/{pending_id}/{step}", json={"points": 1}, headers=project.server)
            assert (response.status_code, response.json()["key"]) == (400, "invalid_pending_points_state")
    unknown = await client.post(f"{path}/lopp_x/activate", headers=project.server)
    assert unknown.status_code == 404
    assert (await ask(client, project, "GET", path))["data"] == []
