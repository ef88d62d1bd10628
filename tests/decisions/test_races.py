"""K slots and 50 clients that really race, over sockets: exactly K get one, the others a typed refusal."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from httpx import AsyncClient, Limits, Response
from sqlalchemy import func, select

from app.kit.db import Database
from app.models import Redemption
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, line, redeem, roll_back, try_to_redeem
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


async def race(http: AsyncClient, project: ProjectKeys, bodies: Sequence[dict[str, Any]]) -> list[Response]:
    return list(await asyncio.gather(*(try_to_redeem(http, project, body) for body in bodies)))


def outcomes(responses: Sequence[Response]) -> Counter[str]:
    """How many succeeded, and how many were refused with which key. A 5xx has no key and would show."""
    return Counter("ok" if response.status_code == 200 else str(response.json().get("key")) for response in responses)


async def successes_stored(db: Database, project: ProjectKeys) -> int:
    async with db.read() as session:
        rows = select(func.count()).where(
            Redemption.project_id == project.id, Redemption.object == "redemption", Redemption.status == "SUCCEEDED"
        )
        return await session.scalar(rows) or 0


async def test_a_voucher_with_seven_uses_is_redeemed_seven_times(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project, redemption_quantity=SLOTS)

    responses = await race(http, project, [cart(voucher.code)] * CLIENTS)

    assert outcomes(responses) == {"ok": SLOTS, "quantity_exceeded": CLIENTS - SLOTS}
    assert await successes_stored(db, project) == SLOTS
    shown = [
        r.json()["redemptions"][0]["voucher"]["redemption"]["redeemed_quantity"] for r in responses if r.is_success
    ]
    assert sorted(shown) == list(range(1, SLOTS + 1))


@pytest.mark.parametrize(
    "limit",
    [
        "campaign.redemptions.count",
        "campaign.redemptions.count.daily",
        "campaign.redemptions.count.weekly",
        "campaign.redemptions.count.monthly",
        "campaign.redemptions.customers_count",
        "campaign.redemptions.customers_count.daily",
        "redemption.count.daily",
        "redemption.count.weekly",
        "redemption.count.monthly",
        "redemption.count.per_customer",
        "redemption.count.per_customer.daily",
        "redemption.count.per_customer.weekly",
        "redemption.count.per_customer.monthly",
        "redemption.count.per_api_key",
    ],
)
async def test_a_limit_of_seven_lets_seven_through(
    http: AsyncClient, db: Database, project: ProjectKeys, limit: str
) -> None:
    campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    rule = await give_rule(http, project, rules=rule_of(limit, "$less_than_or_equal", SLOTS))
    await give_assignment(http, project, rule["id"], "campaign", campaign.id)

    responses = await race(http, project, [cart(voucher.code, customer={"source_id": "ann"})] * CLIENTS)

    assert outcomes(responses) == {"ok": SLOTS, "redemption_rules_violated": CLIENTS - SLOTS}
    assert await successes_stored(db, project) == SLOTS


async def test_a_budget_is_never_overspent(http: AsyncClient, db: Database, project: ProjectKeys) -> None:
    campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    budget = rule_of("campaign.orders.amount_discounted", "$less_than_or_equal", 100 * SLOTS + 99)
    rule = await give_rule(http, project, rules=budget)
    await give_assignment(http, project, rule["id"], "campaign", campaign.id)

    responses = await race(http, project, [cart(voucher.code, items=[line("shirt", 1000)])] * CLIENTS)

    assert outcomes(responses) == {"ok": SLOTS, "redemption_rules_violated": CLIENTS - SLOTS}


async def test_a_limit_with_a_history_is_recounted_once_however_many_ask_first(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    for _ in range(3):
        await redeem(http, project, cart(voucher.code))
    limit = rule_of("campaign.redemptions.count", "$less_than_or_equal", 3 + SLOTS)
    rule = await give_rule(http, project, rules=limit)
    await give_assignment(http, project, rule["id"], "campaign", campaign.id)

    responses = await race(http, project, [cart(voucher.code)] * CLIENTS)

    assert outcomes(responses) == {"ok": SLOTS, "redemption_rules_violated": CLIENTS - SLOTS}


async def test_one_new_customer_asked_for_fifty_times_is_one_customer_with_one_limit(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    vouchers = [await give_voucher(db, project) for _ in range(CLIENTS)]
    campaign = await give_pool(db, project)
    async with db.write() as session:
        for voucher in vouchers:
            voucher.campaign_id, voucher.discount = campaign.id, campaign.discount
            await session.merge(voucher)
    once = rule_of("campaign.redemptions.customers_count", "$less_than_or_equal", 1)
    rule = await give_rule(http, project, rules=once)
    await give_assignment(http, project, rule["id"], "campaign", campaign.id)

    bodies = [cart(voucher.code, customer={"source_id": "ann", "name": "Ann"}) for voucher in vouchers]
    responses = await race(http, project, bodies)

    assert outcomes(responses) == {"ok": 1, "redemption_rules_violated": CLIENTS - 1}


async def test_overlapping_stacks_in_any_order_never_deadlock(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    first, second = [await give_voucher(db, project, redemption_quantity=SLOTS) for _ in range(2)]
    bodies = [cart(*(codes)) for codes in [(first.code, second.code), (second.code, first.code)] * (CLIENTS // 2)]

    responses = await race(http, project, bodies)

    assert outcomes(responses) == {"ok": SLOTS, "quantity_exceeded": CLIENTS - SLOTS}


async def test_redemptions_on_one_order_add_up(http: AsyncClient, db: Database, project: ProjectKeys) -> None:
    ten_off = {"type": "AMOUNT", "amount_off": 10, "effect": "APPLY_TO_ORDER"}
    vouchers = [await give_voucher(db, project, discount=ten_off) for _ in range(6)]
    order = {"source_id": "o-1"}

    responses = await race(http, project, [cart(voucher.code, order=order) for voucher in vouchers])

    kept = (await http.get("/v1/orders/o-1", headers=project.server)).json()
    assert outcomes(responses) == {"ok": 6}
    assert kept["total_discount_amount"] == 60
    assert len(kept["redemptions"]) == 6


async def test_of_fifty_rollbacks_one_succeeds(http: AsyncClient, db: Database, project: ProjectKeys) -> None:
    voucher = await give_voucher(db, project, redemption_quantity=1)
    redemption_id = (await redeem(http, project, cart(voucher.code)))["redemptions"][0]["id"]

    responses = await asyncio.gather(*(roll_back(http, project, redemption_id) for _ in range(CLIENTS)))

    assert outcomes(responses) == {"ok": 1, "already_rolled_back": CLIENTS - 1}
    assert outcomes(await race(http, project, [cart(voucher.code)] * 5)) == {"ok": 1, "quantity_exceeded": 4}


async def test_uses_released_while_others_redeem_are_neither_lost_nor_doubled(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project, redemption_quantity=SLOTS)
    first = [(await redeem(http, project, cart(voucher.code)))["redemptions"][0]["id"] for _ in range(SLOTS)]

    rollbacks = [roll_back(http, project, redemption_id) for redemption_id in first]
    redemptions = [try_to_redeem(http, project, cart(voucher.code)) for _ in range(CLIENTS)]
    responses = await asyncio.gather(*rollbacks, *redemptions)

    taken_back, taken = outcomes(responses[:SLOTS]), outcomes(responses[SLOTS:])
    assert taken_back == {"ok": SLOTS}
    assert taken["ok"] + taken["quantity_exceeded"] == CLIENTS
    rest = await race(http, project, [cart(voucher.code)] * CLIENTS)
    assert taken["ok"] + outcomes(rest)["ok"] == SLOTS == await successes_stored(db, project)


async def test_after_a_code_is_disabled_nothing_is_redeemed(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)

    async def disable_then_count() -> int:
        await asyncio.sleep(0.05)
        response = await http.post(f"/v1/campaigns/{campaign.id}/disable", headers=project.server)
        assert response.status_code == 200, response.text
        return await successes_stored(db, project)

    *responses, at_the_end = await asyncio.gather(
        *(try_to_redeem(http, project, cart(voucher.code)) for _ in range(CLIENTS)), disable_then_count()
    )

    taken = outcomes([response for response in responses if isinstance(response, Response)])
    assert set(taken) <= {"ok", "voucher_disabled"}
    assert taken["ok"] == at_the_end == await successes_stored(db, project)


async def test_fifty_carts_share_the_units_that_a_campaign_may_discount(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    target = {"object": "product", "id": "prod_mug", "product_campaign_quantity_limit": SLOTS}
    rule = await give_rule(http, project, rules={"logic": ""}, applicable_to={"included": [target]})
    discount = {"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ITEMS_BY_QUANTITY"}
    voucher = await give_voucher(db, project, discount=discount, redemption_quantity=None)
    await give_assignment(http, project, rule["id"], "voucher", voucher.id)
    two_mugs = [{"product_id": "prod_mug", "quantity": 2, "price": 1000}]

    responses = await race(http, project, [cart(voucher.code, items=two_mugs)] * CLIENTS)

    assert outcomes(responses) == {"ok": CLIENTS}
    totals = Counter(response.json()["order"].get("total_discount_amount", 0) for response in responses)
    assert totals == {200: 3, 100: 1, 0: CLIENTS - 4}


async def test_redemptions_that_fight_for_one_order_do_not_harm_those_they_are_written_with(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher, other = await give_voucher(db, project), await give_voucher(db, project)
    fighting = [cart(voucher.code, order={"source_id": "fought-for"})] * 5
    bystanders = [cart(other.code, order={"source_id": f"own-{number}"}) for number in range(CLIENTS - 5)]

    responses = await race(http, project, fighting + bystanders)

    assert outcomes(responses[5:]) == {"ok": CLIENTS - 5}
    assert all(response.status_code < 500 for response in responses)
