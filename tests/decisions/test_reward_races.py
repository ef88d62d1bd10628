"""Many clients and the same points and prizes, over sockets: not one too many, not one too few."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest
from httpx import AsyncClient, Limits, Response

from app.kit.db import Database
from app.ledger.doctor import examine
from tests.factories.access import ProjectKeys
from tests.factories.carts import roll_back, try_to_redeem
from tests.factories.incentives import Answer, ask
from tests.factories.rewards import (
    give_coin,
    give_coupon_reward,
    give_member,
    give_mug,
    give_program,
    offer,
    paid_with_points,
)

CLIENTS = 50


@pytest.fixture
async def http(live_server: str) -> AsyncIterator[AsyncClient]:
    """A client with a connection for each of the racers."""
    limits = Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with AsyncClient(base_url=live_server, limits=limits, timeout=60) as client:
        yield client


def outcomes(responses: Sequence[Response]) -> Counter[str]:
    """How many succeeded, and how many were refused with which key. A 5xx has no key of these and would show."""
    return Counter("ok" if response.status_code == 200 else str(response.json().get("key")) for response in responses)


async def want(http: AsyncClient, project: ProjectKeys, card: Answer, reward: Answer) -> Response:
    path = f"/v1/loyalties/members/{card['code']}/redemption"
    return await http.post(path, json={"reward": {"id": reward["id"]}}, headers=project.server)


async def points_of(http: AsyncClient, project: ProjectKeys, card: Answer) -> int:
    balance: int = (await ask(http, project, "GET", f"/v1/vouchers/{card['code']}"))["loyalty_card"]["balance"]
    return balance


async def adds_up(db: Database, project: ProjectKeys) -> bool:
    return await examine(db, project.view.public_id) == []


async def test_the_last_points_buy_as_many_coupons_as_they_are_worth(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program, reward = await give_program(http, project), await give_coupon_reward(http, project)
    await offer(http, project, program["id"], reward["id"], 100)
    card = await give_member(db, http, project, program, points=799)

    responses = await asyncio.gather(*(want(http, project, card, reward) for _ in range(CLIENTS)))

    assert outcomes(responses) == {"ok": 7, "loyalty_card_points_exceeded": CLIENTS - 7}
    assert await points_of(http, project, card) == 99
    campaign_id = reward["parameters"]["campaign"]["id"]
    listed = await ask(http, project, "GET", f"/v1/vouchers?campaign_id={campaign_id}&limit=100")
    assert len(listed["vouchers"]) == 7
    assert await adds_up(db, project)


async def test_the_last_mugs_go_to_as_many_members_as_there_are_mugs(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program, mug = await give_program(http, project), await give_mug(http, project, stock=5)
    await offer(http, project, program["id"], mug["id"], 100)
    cards = [await give_member(db, http, project, program, f"member {n}", points=100) for n in range(CLIENTS)]

    responses = await asyncio.gather(*(want(http, project, card, mug) for card in cards))

    assert outcomes(responses) == {"ok": 5, "reward_out_of_stock": CLIENTS - 5}
    shown = await ask(http, project, "GET", f"/v1/rewards/{mug['id']}")
    assert (shown["stock"], shown["redeemed"]) == (5, 5)
    left = [await points_of(http, project, card) for card in cards]
    assert Counter(left) == {0: 5, 100: CLIENTS - 5}
    assert await adds_up(db, project)


async def test_the_last_points_pay_one_of_many_orders(http: AsyncClient, db: Database, project: ProjectKeys) -> None:
    program, coin = await give_program(http, project), await give_coin(http, project)
    await offer(http, project, program["id"], coin["id"], None)
    card = await give_member(db, http, project, program, points=300)
    order = paid_with_points(card["code"], coin["id"], 100)

    responses = await asyncio.gather(*(try_to_redeem(http, project, order) for _ in range(CLIENTS)))

    assert outcomes(responses) == {"ok": 3, "loyalty_card_points_exceeded": CLIENTS - 3}
    assert await points_of(http, project, card) == 0
    assert await adds_up(db, project)


async def test_a_reward_is_rolled_back_once_by_whoever_comes_first(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program, mug = await give_program(http, project), await give_mug(http, project, stock=1)
    await offer(http, project, program["id"], mug["id"], 100)
    card = await give_member(db, http, project, program, points=100)
    redemption = (await want(http, project, card, mug)).json()

    responses = await asyncio.gather(*(roll_back(http, project, redemption["id"]) for _ in range(CLIENTS)))

    assert outcomes(responses) == {"ok": 1, "already_rolled_back": CLIENTS - 1}
    assert await points_of(http, project, card) == 100
    assert (await ask(http, project, "GET", f"/v1/rewards/{mug['id']}"))["redeemed"] == 0
    assert await adds_up(db, project)
