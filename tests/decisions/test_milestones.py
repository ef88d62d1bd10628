"""Milestones: reached once, given by themselves or chosen."""

import asyncio
import time
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from app.decisions.milestones.reaching import look
from app.incentives.loyalties.points import add_points
from app.incentives.referrals.events import moved
from app.incentives.vouchers.repository import VoucherRepository
from app.kit import clock
from app.kit.db import Database
from app.kit.following import Happening
from app.kit.ids import new_id
from app.ledger.doctor import examine
from app.ledger.movements import Cause
from app.models import OutboxEvent, Referral
from tests.factories.access import ProjectKeys, give_project
from tests.factories.incentives import Answer, ask
from tests.factories.referrals import give_code
from tests.factories.referrals import give_program as give_referrals
from tests.factories.rewards import give_coin, give_coupon_reward, give_member, give_mug, give_program

PATH = "/x/v1/milestones"


async def give_milestone(client: AsyncClient, project: ProjectKeys, *rewards: Answer, **members: Any) -> Answer:
    """A milestone of two orders, unless the arguments say otherwise, as answered."""
    body = {"name": "Two orders", "metric": "orders", "threshold": 2, "rewards": [each["id"] for each in rewards]}
    return await ask(client, project, "POST", PATH, body | members)


async def buy(client: AsyncClient, project: ProjectKeys, amount: int = 1000, status: str = "PAID") -> Answer:
    body = {"amount": amount, "status": status, "customer": {"source_id": "ann"}}
    return await ask(client, project, "POST", "/v1/orders", body)


async def crossings_of(client: AsyncClient, project: ProjectKeys, milestone: Answer) -> list[Answer]:
    listed = await ask(client, project, "GET", f"{PATH}/{milestone['id']}/crossings?order=id&limit=100")
    data: list[Answer] = listed["data"]
    return data


async def crossed(client: AsyncClient, project: ProjectKeys, milestone: Answer, times: int) -> list[Answer]:
    """The crossings once there are so many."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = await crossings_of(client, project, milestone)
        if len(found) >= times:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"{len(found)} crossings")


@pytest.mark.usefixtures("worker")
async def test_a_customer_who_reaches_it_has_the_reward_by_itself_and_once(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug = await give_mug(client, project, stock=5)
    milestone = await give_milestone(client, project, mug)
    later = await give_milestone(client, project, mug, threshold=4)

    await buy(client, project, status="CREATED")
    await buy(client, project)
    second = await buy(client, project)
    (crossing,) = await crossed(client, project, milestone, 1)
    await ask(client, project, "PUT", f"/v1/orders/{second['id']}", {"status": "CANCELED"})
    for _ in range(3):
        await buy(client, project)
    await crossed(client, project, later, 1)

    assert (crossing["status"], crossing["number"], crossing["reward_id"]) == ("GIVEN", 1, mug["id"])
    assert crossing["given"] == {"product_id": mug["parameters"]["product"]["id"]}
    assert len(await crossings_of(client, project, milestone)) == 1
    assert (await ask(client, project, "GET", f"/v1/rewards/{mug['id']}"))["redeemed"] == 2
    assert await examine(db, project.view.public_id) == []


@pytest.mark.usefixtures("worker")
async def test_of_several_rewards_the_customer_chooses_one_once(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    coupon, mug = await give_coupon_reward(client, project), await give_mug(client, project, stock=1)
    milestone = await give_milestone(client, project, coupon, mug, metric="spent", threshold=5000)
    await buy(client, project, 5000)
    (crossing,) = await crossed(client, project, milestone, 1)
    path = f"{PATH}/{milestone['id']}/crossings/{crossing['id']}/choice"
    other = await give_mug(client, project)

    wrong = await client.post(path, json={"reward": other["id"]}, headers=project.server)
    choices = await asyncio.gather(
        *(client.post(path, json={"reward": coupon["id"]}, headers=project.server) for _ in range(10))
    )

    (chosen,) = [each.json() for each in choices if each.is_success]
    assert crossing["status"] == "DUE"
    assert wrong.status_code == 404
    assert {each.json()["key"] for each in choices if not each.is_success} == {"invalid_milestone_state"}
    assert chosen["status"] == "GIVEN"
    code = (await ask(client, project, "GET", f"/v1/vouchers/{chosen['given']['voucher_id']}"))["holder_id"]
    assert code == crossing["customer_id"]
    async with db.read() as session:
        told = set(await session.scalars(select(OutboxEvent.type).where(OutboxEvent.project_id == project.id)))
    assert {"milestone.reached", "milestone.choice.due", "customer.rewarded"} <= told


@pytest.mark.usefixtures("worker")
async def test_one_that_repeats_is_reached_at_each_multiple(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program = await give_program(client, project)
    body = {"name": "Hundred", "parameters": {"campaign": {"id": program["id"], "balance": 100}}}
    points = await ask(client, project, "POST", "/v1/rewards", body)
    milestone = await give_milestone(client, project, points, metric="spent", threshold=1000, repeats=True)

    await buy(client, project, 3500)
    await crossed(client, project, milestone, 3)
    await buy(client, project, 499)
    await buy(client, project, 1)
    reached = await crossed(client, project, milestone, 4)

    assert [each["number"] for each in reached] == [1, 2, 3, 4]
    card = await ask(client, project, "GET", f"/v1/vouchers/{reached[0]['given']['voucher_id']}")
    assert card["loyalty_card"]["balance"] == 400
    assert await examine(db, project.view.public_id) == []


@pytest.mark.usefixtures("worker")
async def test_what_cannot_be_given_is_told_and_can_be_tried_again(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug = await give_mug(client, project, stock=0)
    milestone = await give_milestone(client, project, mug, threshold=1)
    await buy(client, project)
    (crossing,) = await crossed(client, project, milestone, 1)
    path = f"{PATH}/{milestone['id']}/crossings/{crossing['id']}/choice"

    refused = await client.post(path, json={"reward": mug["id"]}, headers=project.server)
    await ask(client, project, "PUT", f"/v1/rewards/{mug['id']}", {"stock": 1})
    given = await ask(client, project, "POST", path, {"reward": mug["id"]})

    assert (crossing["status"], crossing["problem"]) == ("FAILED", "Nothing is left of it.")
    assert refused.json()["key"] == "reward_out_of_stock"
    assert given["status"] == "GIVEN"
    assert "problem" not in given


async def earn(db: Database, project: ProjectKeys, code: str, points: int) -> None:
    async with db.write() as session:
        found = await VoucherRepository(session, project.id, case_sensitive=True).find_by_code(code)
        assert found is not None
        card, program = found
        assert program is not None
        await add_points(session, project.view, card, program, points, Cause("earning", new_id("e")))


@pytest.mark.usefixtures("worker")
async def test_points_count_that_were_earned_in_the_program(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug, program, other = (
        await give_mug(client, project),
        await give_program(client, project),
        await give_program(client, project),
    )
    milestone = await give_milestone(client, project, mug, metric="points", threshold=100, campaign=program["id"])
    card = await give_member(db, client, project, program, points=500)
    elsewhere = await give_member(db, client, project, other)

    await earn(db, project, elsewhere["code"], 100)
    await earn(db, project, card["code"], 60)
    await earn(db, project, card["code"], 40)
    (crossing,) = await crossed(client, project, milestone, 1)

    assert crossing["customer_id"] == card["holder_id"]


@pytest.mark.usefixtures("worker")
async def test_referees_count_for_whom_the_referrer_was_rewarded(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug, campaign = await give_mug(client, project), await give_referrals(client, project)
    milestone = await give_milestone(client, project, mug, metric="referrals", threshold=2, campaign=campaign["id"])
    code = await give_code(client, project, campaign)
    now = clock.now()

    for status in ("REJECTED", "REWARDED", "REWARDED"):
        referral = Referral(
            project_id=project.id,
            id=new_id("ref"),
            campaign_id=campaign["id"],
            voucher_id=code["id"],
            referrer_id=code["holder_id"],
            referee_id=new_id("cust"),
            status=status,
            source="redemption",
            created_at=now,
            **({"position": 1, "settled_at": now}),
        )
        async with db.write() as session:
            session.add(referral)
            if status == "REWARDED":
                moved(session, "rewarded", referral)
    (crossing,) = await crossed(client, project, milestone, 1)

    assert crossing["customer_id"] == code["holder_id"]


async def test_the_same_event_delivered_by_many_workers_gives_once(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug = await give_mug(client, project, stock=9)
    milestone = await give_milestone(client, project, mug, threshold=1)
    order = await buy(client, project)
    happening = Happening(project.id, 1, "order.paid", order["id"], {"customer_id": order["customer_id"]}, clock.now())

    async def deliver() -> None:
        async with db.write() as session:
            await look(session, happening)

    await asyncio.gather(*(deliver() for _ in range(10)))

    assert len(await crossings_of(client, project, milestone)) == 1
    assert (await ask(client, project, "GET", f"/v1/rewards/{mug['id']}"))["redeemed"] == 1


async def test_a_milestone_is_kept_changed_listed_and_deleted(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug, pen = await give_mug(client, project), await give_mug(client, project)
    milestone = await give_milestone(client, project, mug, metadata={"a": 1})
    path = f"{PATH}/{milestone['id']}"

    changed = await ask(client, project, "PUT", path, {"rewards": [pen["id"]], "active": False, "metadata": {"b": 2}})
    listed = await ask(client, project, "GET", PATH)
    elsewhere = await client.get(path, headers=(await give_project(db)).server)
    in_use = await client.delete(f"/v1/rewards/{pen['id']}", headers=project.server)
    await ask(client, project, "DELETE", path)
    free = await client.delete(f"/v1/rewards/{pen['id']}", headers=project.server)

    assert (changed["rewards"], changed["active"], changed["metadata"]) == ([pen["id"]], False, {"a": 1, "b": 2})
    assert listed["data"] == [changed]
    assert elsewhere.status_code == 404
    assert in_use.json()["key"] == "resource_in_use"
    assert free.status_code == 204
    assert (await client.get(path, headers=project.server)).status_code == 404


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"metric": "visits"}, "metric"),
        ({"threshold": 0}, "threshold"),
        ({"threshold": 1.5}, "threshold"),
        ({"rewards": []}, "rewards"),
        ({"metric": "points"}, "campaign"),
        ({"campaign": "camp_x"}, "campaign"),
    ],
)
async def test_what_is_no_milestone_is_refused_with_its_path(
    client: AsyncClient, project: ProjectKeys, members: dict[str, Any], path: str
) -> None:
    mug = await give_mug(client, project)
    body = {"name": "Bad", "metric": "orders", "threshold": 1, "rewards": [mug["id"]]} | members

    refused = await client.post(PATH, json=body, headers=project.server)

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["path"] == path


async def test_paying_with_points_and_unknown_rewards_are_nothing_to_give(
    client: AsyncClient, project: ProjectKeys
) -> None:
    coin = await give_coin(client, project)
    for reward_id, status in ((coin["id"], 400), ("rew_none", 404)):
        body = {"name": "Bad", "metric": "orders", "threshold": 1, "rewards": [reward_id]}
        refused = await client.post(PATH, json=body, headers=project.server)

        assert refused.status_code == status


@pytest.mark.usefixtures("worker")
async def test_what_a_guest_was_given_for_reaching_it_is_not_given_again_to_the_account(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug = await give_mug(client, project, stock=5)
    milestone = await give_milestone(client, project, mug, threshold=1, repeats=True)
    guest = {"source_id": "guest-1"}
    for customer in (guest, {"source_id": "ann"}):
        await ask(client, project, "POST", "/v1/orders", {"amount": 1000, "status": "PAID", "customer": customer})
    await crossed(client, project, milestone, 2)

    await ask(client, project, "POST", "/x/v1/customers/ann/merge", {"guest": "guest-1"})
    await buy(client, project)
    found = await crossed(client, project, milestone, 3)

    assert sorted(crossing["number"] for crossing in found) == [1, 2, 3]
    assert len({crossing["customer_id"] for crossing in found}) == 1
