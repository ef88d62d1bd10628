"""Sessions that race for the last slots, over sockets: exactly as many as there are, no 5xx, no deadlock."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from httpx import AsyncClient, Limits, Response
from sqlalchemy import text

from app.kit.db import Database
from app.ledger.doctor import examine
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, try_to_redeem
from tests.factories.gifts import gift_of, give_card, paid_with
from tests.factories.pools import give_pool, give_voucher
from tests.factories.rules import give_assignment, give_rule, rule_of

CLIENTS = 50
SLOTS = 7


@pytest.fixture
async def http(live_server: str) -> AsyncIterator[AsyncClient]:
    """A client with a connection for each of the racers."""
    limits = Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with AsyncClient(base_url=live_server, limits=limits, timeout=60) as client:
        yield client


def session(number: int) -> dict[str, Any]:
    return {"session": {"type": "LOCK", "key": f"cart-{number}"}}


async def try_to_hold(http: AsyncClient, project: ProjectKeys, body: dict[str, Any]) -> Response:
    return await http.post("/v1/validations", json=body, headers=project.server)


def outcomes(responses: Sequence[Response]) -> Counter[str]:
    """How many held or redeemed, and how many were refused with which key. A 5xx has no key of these and would show."""
    return Counter(map(outcome, responses))


def outcome(response: Response) -> str:
    answer = response.json()
    if response.status_code != 200:
        return str(answer.get("key"))
    if answer.get("valid", True):
        return "ok"
    return str(answer["redeemables"][0]["result"]["error"]["key"])


async def assert_sound(db: Database, project: ProjectKeys) -> None:
    assert await examine(db, project.public_id) == []


async def test_fifty_sessions_get_seven_uses_and_each_of_the_seven_can_redeem(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = (await give_voucher(db, project, redemption_quantity=SLOTS)).code

    held = await asyncio.gather(*(try_to_hold(http, project, cart(code, **session(n))) for n in range(CLIENTS)))
    redeemed = await asyncio.gather(*(try_to_redeem(http, project, cart(code, **session(n))) for n in range(CLIENTS)))

    assert outcomes(held) == {"ok": SLOTS, "quantity_exceeded": CLIENTS - SLOTS}
    assert [outcome(response) for response in redeemed] == [outcome(response) for response in held]
    await assert_sound(db, project)


@pytest.mark.parametrize(
    ("limit", "most"),
    [
        ("campaign.redemptions.count", SLOTS),
        ("campaign.redemptions.count.daily", SLOTS),
        ("redemption.count.per_api_key", SLOTS),
        ("campaign.orders.amount_discounted", SLOTS * 200 + 199),
        ("campaign.orders.amount", SLOTS * 2000 + 1),
    ],
)
async def test_a_limit_of_seven_is_held_seven_times(
    http: AsyncClient, db: Database, project: ProjectKeys, limit: str, most: int
) -> None:
    campaign = await give_pool(db, project, vouchers_count=2)
    codes = [(await give_voucher(db, project, campaign_id=campaign.id)).code for _ in range(2)]
    if limit.startswith("redemption."):
        codes = codes[:1]
    rule = await give_rule(http, project, rules=rule_of(limit, "$less_than_or_equal", most))
    await give_assignment(http, project, rule["id"], "campaign", campaign.id)
    bodies = [cart(codes[n % len(codes)], **session(n)) for n in range(CLIENTS)]

    held = await asyncio.gather(*(try_to_hold(http, project, body) for body in bodies))
    redeemed = await asyncio.gather(*(try_to_redeem(http, project, body) for body in bodies))

    assert outcomes(held)["ok"] == SLOTS
    assert outcomes(held).total() == CLIENTS
    assert all(response.status_code == 200 for response in held)
    assert [outcome(response) for response in redeemed] == [outcome(response) for response in held]
    await assert_sound(db, project)


async def test_credits_of_a_card_are_held_to_the_last_cent_and_no_further(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(http, project, amount=SLOTS * 300 + 299)
    bodies = [paid_with("GIFT", 300, **session(n)) for n in range(CLIENTS)]

    held = await asyncio.gather(*(try_to_hold(http, project, body) for body in bodies))
    redeemed = await asyncio.gather(*(try_to_redeem(http, project, body) for body in bodies))

    assert outcomes(held) == {"ok": SLOTS, "gift_amount_exceeded": CLIENTS - SLOTS}
    assert [outcome(response) for response in redeemed] == [outcome(response) for response in held]
    assert (await gift_of(http, project))["balance"] == 299
    await assert_sound(db, project)


async def test_holds_and_redemptions_that_race_share_the_uses(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = (await give_voucher(db, project, redemption_quantity=SLOTS)).code
    holding = [try_to_hold(http, project, cart(code, **session(n))) for n in range(CLIENTS // 2)]
    redeeming = [try_to_redeem(http, project, cart(code)) for _ in range(CLIENTS // 2)]

    responses = await asyncio.gather(*(each for pair in zip(holding, redeeming, strict=True) for each in pair))

    assert outcomes(responses) == {"ok": SLOTS, "quantity_exceeded": CLIENTS - SLOTS}
    holders = [n for n, response in enumerate(responses[::2]) if outcome(response) == "ok"]
    redeemed = await asyncio.gather(*(try_to_redeem(http, project, cart(code, **session(n))) for n in holders))
    assert outcomes(redeemed) == ({"ok": len(holders)} if holders else {})
    assert outcomes([await try_to_redeem(http, project, cart(code))]) == {"quantity_exceeded": 1}
    await assert_sound(db, project)


async def test_one_session_that_validates_fifty_times_at_once_holds_one_use(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = (await give_voucher(db, project, redemption_quantity=2)).code

    held = await asyncio.gather(*(try_to_hold(http, project, cart(code, **session(1))) for _ in range(CLIENTS)))

    assert outcomes(held) == {"ok": CLIENTS}
    assert outcomes([await try_to_redeem(http, project, cart(code)) for _ in range(2)]) == {
        "ok": 1,
        "quantity_exceeded": 1,
    }
    await assert_sound(db, project)


async def test_a_held_use_that_is_redeemed_fifty_times_at_once_is_used_once(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = (await give_voucher(db, project, redemption_quantity=1)).code
    await try_to_hold(http, project, cart(code, **session(1)))

    redeemed = await asyncio.gather(*(try_to_redeem(http, project, cart(code, **session(1))) for _ in range(CLIENTS)))

    assert outcomes(redeemed) == {"ok": 1, "quantity_exceeded": CLIENTS - 1}
    await assert_sound(db, project)


async def test_uses_whose_holds_expired_go_to_exactly_as_many(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = (await give_voucher(db, project, redemption_quantity=SLOTS)).code
    await asyncio.gather(*(try_to_hold(http, project, cart(code, **session(n))) for n in range(SLOTS)))
    async with db.write() as rows:
        await rows.execute(text("UPDATE holds SET expires_at = now() WHERE project_id = :id").bindparams(id=project.id))

    redeemed = await asyncio.gather(*(try_to_redeem(http, project, cart(code)) for _ in range(CLIENTS)))

    assert outcomes(redeemed) == {"ok": SLOTS, "quantity_exceeded": CLIENTS - SLOTS}
    await assert_sound(db, project)


async def test_sessions_redemptions_and_releases_in_any_order_neither_deadlock_nor_oversell(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    codes = [(await give_voucher(db, project, redemption_quantity=20)).code for _ in range(3)]
    await asyncio.gather(*(give_card(http, project, card, amount=5000) for card in ("CARD-A", "CARD-B")))
    choose = random.Random(7)

    def body(number: int) -> dict[str, Any]:
        names = choose.sample([*codes, "CARD-A", "CARD-B"], 3)
        return cart(*names, **session(number)) if number % 3 else cart(*names)

    async def act(number: int) -> Response:
        if number % 10 == 0:
            path = f"/v1/vouchers/{choose.choice(codes)}/sessions/cart-{choose.randrange(15)}"
            return await http.delete(path, headers=project.server)
        doing = try_to_redeem if number % 2 else try_to_hold
        return await doing(http, project, body(choose.randrange(15)))

    responses = await asyncio.gather(*(act(number) for number in range(4 * CLIENTS)))

    assert {response.status_code for response in responses} <= {200, 204, 400}
    assert set(outcomes([each for each in responses if each.status_code == 400])) <= {
        "quantity_exceeded",
        "gift_amount_exceeded",
    }
    await assert_sound(db, project)
