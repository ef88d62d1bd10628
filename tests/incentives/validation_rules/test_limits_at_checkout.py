"""A limit holds from the moment it is assigned, redemptions before it included."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from httpx import AsyncClient, Response

from app.kit.db import Database
from app.models import Voucher
from tests.factories.access import ProjectKeys
from tests.factories.pools import give_pool, give_voucher
from tests.factories.rules import give_assignment, give_rule, rule_of


async def redeem(client: AsyncClient, project: ProjectKeys, voucher: Voucher, customer: str = "ada") -> Response:
    body: dict[str, Any] = {
        "redeemables": [{"object": "voucher", "id": voucher.code}],
        "order": {"amount": 10_000},
        "customer": {"source_id": customer},
    }
    return await client.post("/v1/redemptions", json=body, headers=project.server)


def outcomes(answers: list[Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


@pytest.mark.parametrize(
    ("fact", "related_object_type"),
    [
        ("campaign.redemptions.count", "campaign"),
        ("campaign.redemptions.count", "voucher"),
        ("redemption.count.per_customer", "campaign"),
        ("redemption.count.per_customer", "voucher"),
        ("redemption.count.daily", "voucher"),
    ],
)
async def test_a_limit_counts_what_was_redeemed_before_it(
    client: AsyncClient, db: Database, project: ProjectKeys, fact: str, related_object_type: str
) -> None:
    campaign = await give_pool(db, project, type="STANDALONE")
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    assert outcomes([await redeem(client, project, voucher) for _ in range(3)]) == {200: 3}
    rule = await give_rule(client, project, rules=rule_of(fact, "$less_than_or_equal", 5))

    bound_id = campaign.id if related_object_type == "campaign" else voucher.id
    await give_assignment(client, project, rule["id"], related_object_type, bound_id)
    answers = await asyncio.gather(*(redeem(client, project, voucher) for _ in range(20)))

    assert outcomes(list(answers)) == {200: 2, 400: 18}
    assert {answer.json()["key"] for answer in answers if answer.status_code == 400} == {"redemption_rules_violated"}


async def test_a_limit_assigned_in_the_middle_of_a_rush_lets_nobody_slip_through(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, type="STANDALONE")
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    rule = await give_rule(client, project, rules=rule_of("campaign.redemptions.count", "$less_than_or_equal", 40))

    rush = [asyncio.create_task(redeem(client, project, voucher)) for _ in range(30)]
    await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    rush += [asyncio.create_task(redeem(client, project, voucher)) for _ in range(30)]
    answers = await asyncio.gather(*rush)

    assert outcomes(list(answers)) == {200: 40, 400: 20}


async def test_raising_a_limit_needs_no_repair(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    campaign = await give_pool(db, project, type="STANDALONE")
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    rule = await give_rule(client, project, rules=rule_of("campaign.redemptions.count", "$less_than_or_equal", 2))
    await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    first = [await redeem(client, project, voucher) for _ in range(4)]

    raised = {"rules": rule_of("campaign.redemptions.count", "$less_than_or_equal", 5)}
    await client.put(f"/v1/validation-rules/{rule['id']}", json=raised, headers=project.server)
    second = [await redeem(client, project, voucher) for _ in range(4)]

    assert outcomes(first) == {200: 2, 400: 2}
    assert outcomes(second) == {200: 3, 400: 1}


async def test_a_limit_of_another_kind_recounts_from_the_redemptions(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, type="STANDALONE")
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    rule = await give_rule(client, project, rules=rule_of("order.amount", "$more_than", 100))
    await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    await redeem(client, project, voucher)

    budget = {"rules": rule_of("campaign.orders.amount_discounted", "$less_than_or_equal", 2500)}
    await client.put(f"/v1/validation-rules/{rule['id']}", json=budget, headers=project.server)
    answers = [await redeem(client, project, voucher) for _ in range(3)]

    # Each discount is 10 % of 100.00; the one before the budget counts too.
    assert outcomes(answers) == {200: 1, 400: 2}


async def test_vouchers_of_one_campaign_use_up_its_limit_together(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    vouchers = [await give_voucher(db, project, campaign_id=campaign.id) for _ in range(10)]
    rule = await give_rule(client, project, rules=rule_of("campaign.redemptions.count", "$less_than_or_equal", 4))
    await give_assignment(client, project, rule["id"], "voucher", vouchers[0].id)

    free = [await redeem(client, project, voucher) for voucher in vouchers[1:5]]
    bound = await redeem(client, project, vouchers[0])

    assert outcomes(free) == {200: 4}
    assert (bound.status_code, bound.json()["key"]) == (400, "redemption_rules_violated")
