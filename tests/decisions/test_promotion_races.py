"""Clients that really race for a promotion tier, over sockets."""

from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient, Limits

from app.kit.db import Database
from tests.decisions.test_promotions import accounts_agree, summary_of
from tests.decisions.test_races import CLIENTS, SLOTS, outcomes, race, successes_stored
from tests.factories.access import ProjectKeys
from tests.factories.promotions import give_promotion, give_stack, give_tier, tier_of, tiers_cart
from tests.factories.rules import give_rule, rule_of


@pytest.fixture
async def http(live_server: str) -> AsyncIterator[AsyncClient]:
    """A client with a connection for each of the racers."""
    limits = Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with AsyncClient(base_url=live_server, limits=limits, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    "limit", ["redemption.count", "redemption.count.per_customer", "campaign.redemptions.count.daily"]
)
async def test_a_tier_with_a_limit_of_seven_is_redeemed_seven_times(
    http: AsyncClient, db: Database, project: ProjectKeys, limit: str
) -> None:
    rule = await give_rule(http, project, rules=rule_of(limit, "$less_than_or_equal", SLOTS))
    tier = await give_tier(http, project, validation_rules=[rule["id"]])

    responses = await race(http, project, [tiers_cart(tier, customer={"source_id": "ann"})] * CLIENTS)

    assert outcomes(responses) == {"ok": SLOTS, "redemption_rules_violated": CLIENTS - SLOTS}
    assert await successes_stored(db, project) == SLOTS
    assert await summary_of(http, project, tier) == (SLOTS, SLOTS * 10_000, SLOTS * 500)
    totals = [
        response.json()["redemptions"][0]["promotion_tier"]["summary"]["redemptions"]["total_redeemed"]
        for response in responses
        if response.is_success
    ]
    assert sorted(totals) == list(range(1, SLOTS + 1))
    assert await accounts_agree(db, project)


async def test_the_budget_of_a_tier_is_never_overspent(http: AsyncClient, db: Database, project: ProjectKeys) -> None:
    budget = rule_of("campaign.orders.amount_discounted", "$less_than_or_equal", SLOTS * 500 + 499)
    rule = await give_rule(http, project, rules=budget)
    tier = await give_tier(http, project, validation_rules=[rule["id"]])

    responses = await race(http, project, [tiers_cart(tier)] * CLIENTS)

    assert outcomes(responses) == {"ok": SLOTS, "redemption_rules_violated": CLIENTS - SLOTS}
    assert await accounts_agree(db, project)


async def test_a_stack_and_its_scarce_tier_take_the_same_slots(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    rule = await give_rule(http, project, rules=rule_of("redemption.count", "$less_than_or_equal", SLOTS))
    campaign = await give_promotion(http, project, tier_of(100), tier_of(200, validation_rules=[rule["id"]]))
    plain, scarce = campaign["promotion"]["tiers"]
    stack = await give_stack(http, project, plain, scarce)
    bodies = [tiers_cart(stack, kind="promotion_stack"), tiers_cart(scarce)] * (CLIENTS // 2)

    responses = await race(http, project, bodies)

    assert outcomes(responses) == {"ok": SLOTS, "redemption_rules_violated": CLIENTS - SLOTS}
    whole_count = sum("parent_redemption" in response.json() for response in responses)
    assert await summary_of(http, project, scarce) == (SLOTS, SLOTS * 10_000, SLOTS * 200)
    assert (await summary_of(http, project, plain))[0] == whole_count
    assert await accounts_agree(db, project)


async def test_a_tier_disabled_in_the_middle_is_not_redeemed_afterwards(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    tier = await give_tier(http, project)

    await race(http, project, [tiers_cart(tier)] * SLOTS)
    disabled = await http.post(f"/v1/promotions/tiers/{tier['id']}/disable", headers=project.server)
    responses = await race(http, project, [tiers_cart(tier)] * CLIENTS)

    assert disabled.json()["summary"]["redemptions"]["total_redeemed"] == SLOTS
    assert outcomes(responses) == {"promotion_inactive": CLIENTS}
    assert await successes_stored(db, project) == SLOTS
