"""Rewards that members have as soon as they have the points, and what a member can choose from."""

import asyncio
import time

import pytest
from httpx import AsyncClient

from app.kit.db import Database
from app.ledger.doctor import examine
from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer, ask
from tests.factories.rewards import give_coin, give_member, give_mug, give_program, offer


async def add(client: AsyncClient, project: ProjectKeys, card: Answer, points: int) -> None:
    await ask(client, project, "POST", f"/v1/loyalties/members/{card['code']}/balance", {"points": points})


async def balance_becomes(client: AsyncClient, project: ProjectKeys, card: Answer, points: int) -> Answer:
    """The card once it holds so many points."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        shown = await ask(client, project, "GET", f"/v1/vouchers/{card['code']}")
        if shown["loyalty_card"]["balance"] == points:
            return shown
        await asyncio.sleep(0.1)
    raise AssertionError(f"still {shown['loyalty_card']['balance']} points")


@pytest.mark.usefixtures("worker")
async def test_a_member_has_a_reward_as_soon_as_there_are_the_points(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program, mug = await give_program(client, project), await give_mug(client, project, stock=3)
    await offer(client, project, program["id"], mug["id"], 100, auto_redeem=True)
    card = await give_member(db, client, project, program)

    await add(client, project, card, 90)
    await add(client, project, card, 130)
    await balance_becomes(client, project, card, 20)
    await add(client, project, card, 300)
    await balance_becomes(client, project, card, 220)

    listed = await ask(client, project, "GET", f"/v1/vouchers/{card['code']}/redemption")
    redemptions = listed["redemption_entries"]
    assert {each["channel"]["channel_type"] for each in redemptions} == {"AUTO_REDEEM"}
    assert [each["reward"]["id"] for each in redemptions] == [mug["id"]] * 3
    shown = await ask(client, project, "GET", f"/v1/rewards/{mug['id']}")
    assert (shown["stock"], shown["redeemed"]) == (3, 3)
    assert await examine(db, project.view.public_id) == []


@pytest.mark.usefixtures("worker")
async def test_members_who_have_the_points_already_have_a_new_reward_too_ten_times_a_day(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program, mug = await give_program(client, project), await give_mug(client, project)
    ann = await give_member(db, client, project, program, "ann", points=30)
    bob = await give_member(db, client, project, program, "bob", points=1500)

    await offer(client, project, program["id"], mug["id"], 100, auto_redeem=True)

    await balance_becomes(client, project, bob, 500)
    await balance_becomes(client, project, ann, 30)


async def test_a_member_can_choose_from_what_the_program_offers(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program = await give_program(client, project)
    mug, car, coin = await give_mug(client, project), await give_mug(client, project), await give_coin(client, project)
    for reward, points in ((mug, 100), (car, 101), (coin, None)):
        await offer(client, project, program["id"], reward["id"], points)
    card = await give_member(db, client, project, program, points=100)
    path = f"/v1/loyalties/members/{card['code']}/rewards"

    everything = await ask(client, project, "GET", path)
    affordable = await ask(client, project, "GET", f"{path}?affordable_only=true")
    first = await ask(client, project, "GET", f"{path}?limit=1")

    assert [each["reward"]["id"] for each in everything["data"]] == [coin["id"], car["id"], mug["id"]]
    assert [each["reward"]["id"] for each in affordable["data"]] == [coin["id"], mug["id"]]
    assert affordable["data"][1]["assignment"]["parameters"]["loyalty"]["points"] == 100
    assert (len(first["data"]), first["total"]) == (1, 3)


@pytest.mark.usefixtures("worker")
async def test_the_tier_of_a_member_makes_the_price(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    program = await give_program(client, project)
    mug, car, pen = [await give_mug(client, project) for _ in range(3)]
    for reward in (mug, car, pen):
        await offer(client, project, program["id"], reward["id"], 100)
    rewards = {
        mug["id"]: {"type": "MULTIPLY", "multiplier": 0.5},
        pen["id"]: {"type": "CUSTOM", "points": 0},
    }
    tier = {"name": "Gold", "points": {"from": 1}, "rewards": rewards}
    (gold,) = await ask(client, project, "POST", f"/v1/loyalties/{program['id']}/tiers", [tier])
    card = await give_member(db, client, project, program)
    await add(client, project, card, 60)
    path = f"/v1/loyalties/members/{card['code']}"
    for _ in range(300):
        if (await ask(client, project, "GET", f"{path}/tiers"))["data"]:
            break
        await asyncio.sleep(0.1)

    listed = await ask(client, project, "GET", f"{path}/rewards?affordable_only=true")
    paid = await ask(client, project, "POST", f"{path}/redemption", {"reward": {"id": mug["id"]}})
    free = await ask(client, project, "POST", f"{path}/redemption", {"reward": {"id": pen["id"]}})

    assert {each["reward"]["id"] for each in listed["data"]} == {mug["id"], pen["id"]}
    assert (paid["amount"], paid["reward"]["loyalty_tier_id"]) == (50, gold["id"])
    assert (free["amount"], free["voucher"]["loyalty_card"]["balance"]) == (0, 10)
    assert await examine(db, project.view.public_id) == []
