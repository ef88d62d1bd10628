"""Promotion tiers and stacks at the checkout."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select
from voucherify.models import (
    RedemptionsGetResponseBody,
    RedemptionsListResponseBody,
    RedemptionsRedeemResponseBody,
    ValidationsValidateResponseBody,
)

from app.engine.postings import AccountKey
from app.kit.db import Database
from app.ledger.accounts import recount
from app.models import Account, OutboxEvent
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import redeem, roll_back, try_to_redeem, validate
from tests.factories.incentives import ask, give_coupon
from tests.factories.promotions import give_promotion, give_stack, give_tier, tier_of, tiers_cart
from tests.factories.rules import give_rule, rule_of

ANN = {"source_id": "ann"}


async def summary_of(client: AsyncClient, project: ProjectKeys, tier: dict[str, Any]) -> tuple[int, int, int]:
    """How often the tier is redeemed, on orders of how much, and for how much."""
    shown = (await ask(client, project, "GET", f"/v1/promotions/tiers/{tier['id']}"))["summary"]
    orders = shown["orders"]
    return shown["redemptions"]["total_redeemed"], orders["total_amount"], orders["total_discount_amount"]


async def accounts_agree(db: Database, project: ProjectKeys) -> bool:
    """Whether every account has counted what the stored redemptions say."""
    async with db.read() as session:
        accounts = (await session.scalars(select(Account).where(Account.project_id == project.id))).all()
        return all(
            [
                await recount(session, project.id, key_of(account), project.view.zone) == -account.balance
                for account in accounts
            ]
        )


def key_of(account: Account) -> AccountKey:
    return AccountKey(account.owner_id, account.measure, account.subject, account.period)  # type: ignore[arg-type]


async def test_redeeming_a_tier_charges_what_validation_showed(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    tier = await give_tier(client, project, amount_off=700, metadata={"sort": 1})
    body = tiers_cart(tier, customer=ANN, options={"expand": ["redeemable"]})

    shown = await validate(client, project, body)
    answer = await redeem(client, project, body)

    (validated,), (redemption,) = shown["redeemables"], answer["redemptions"]
    assert (validated["object"], validated["id"], validated["status"]) == ("promotion_tier", tier["id"], "APPLICABLE")
    assert (validated["name"], validated["metadata"], validated["campaign_id"]) == (
        tier["name"],
        {"sort": 1},
        tier["campaign_id"],
    )
    assert shown["order"]["total_amount"] == answer["order"]["total_amount"] == 9_300
    assert (redemption["related_object_type"], redemption["related_object_id"]) == ("promotion_tier", tier["id"])
    assert "voucher" not in redemption
    summary = redemption["promotion_tier"].pop("summary")
    assert redemption["promotion_tier"] == {name: value for name, value in tier.items() if name != "summary"}
    assert summary == {
        "redemptions": {"total_redeemed": 1},
        "orders": {"total_amount": 10_000, "total_discount_amount": 700},
    }
    entry = answer["order"]["redemptions"][redemption["id"]]
    assert (entry["related_object_type"], entry["related_object_id"]) == ("promotion_tier", tier["id"])
    assert entry["related_object_parent_id"] == tier["campaign_id"]
    assert await summary_of(client, project, tier) == (1, 10_000, 700)
    assert await accounts_agree(db, project)
    assert ValidationsValidateResponseBody.from_dict(shown) is not None
    assert RedemptionsRedeemResponseBody.from_dict(answer) is not None


async def test_a_redeemed_tier_is_looked_up_as_it_was_answered(client: AsyncClient, project: ProjectKeys) -> None:
    tier = await give_tier(client, project)
    (redemption,) = (await redeem(client, project, tiers_cart(tier, customer=ANN)))["redemptions"]

    read = await ask(client, project, "GET", f"/v1/redemptions/{redemption['id']}")
    listed = await ask(
        client, project, "GET", f"/v1/redemptions?filters[related_object_id][conditions][$is]={tier['id']}"
    )

    assert read == redemption
    assert listed["redemptions"] == [redemption]
    assert RedemptionsGetResponseBody.from_dict(read) is not None
    assert RedemptionsListResponseBody.from_dict(listed) is not None


async def test_a_deleted_tier_can_neither_be_redeemed_nor_is_it_gone_from_what_was(
    client: AsyncClient, project: ProjectKeys
) -> None:
    tier = await give_tier(client, project)
    (redemption,) = (await redeem(client, project, tiers_cart(tier)))["redemptions"]

    await ask(client, project, "DELETE", f"/v1/promotions/tiers/{tier['id']}")

    refused = await try_to_redeem(client, project, tiers_cart(tier))
    read = await ask(client, project, "GET", f"/v1/redemptions/{redemption['id']}")
    rolled_back = await roll_back(client, project, redemption["id"])
    assert (refused.status_code, refused.json()["key"]) == (404, "not_found")
    assert read["promotion_tier"]["id"] == tier["id"]
    assert rolled_back.json()["promotion_tier"]["summary"]["redemptions"]["total_redeemed"] == 0


async def test_codes_and_tiers_stack_in_the_order_of_the_request(client: AsyncClient, project: ProjectKeys) -> None:
    tier = await give_tier(client, project, amount_off=1_000)
    await give_coupon(client, project, "TEN")
    body = tiers_cart(tier)
    body["redeemables"].append({"object": "voucher", "id": "TEN"})

    answer = await redeem(client, project, body)

    assert [each["related_object_type"] for each in answer["redemptions"]] == ["promotion_tier", "voucher"]
    assert answer["order"]["total_amount"] == 8_100
    assert answer["parent_redemption"]["related_object_type"] == "redemption"


async def test_a_tier_rolled_back_has_not_been_redeemed(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    tier = await give_tier(client, project)
    (redemption,) = (await redeem(client, project, tiers_cart(tier)))["redemptions"]

    answer = await roll_back(client, project, redemption["id"])
    again = await roll_back(client, project, redemption["id"])

    assert answer.status_code == 200, answer.text
    assert answer.json()["promotion_tier"]["id"] == tier["id"]
    assert again.json()["key"] == "already_rolled_back"
    assert await summary_of(client, project, tier) == (0, 0, 0)
    assert await accounts_agree(db, project)


async def test_a_stack_applies_its_tiers_in_its_order_whatever_their_categories(
    client: AsyncClient, project: ProjectKeys
) -> None:
    late = await ask(client, project, "POST", "/v1/categories", {"name": "Late", "hierarchy": 9})
    percent = {"discount": {"type": "PERCENT", "percent_off": 50, "effect": "APPLY_TO_ORDER"}}
    campaign = await give_promotion(
        client,
        project,
        tier_of(name="half", action=percent, category_id=late["id"]),
        tier_of(1_000, category_id=late["id"]),
    )
    half, amount = campaign["promotion"]["tiers"]
    half_first = await give_stack(client, project, half, amount)
    amount_first = await give_stack(client, project, amount, half)

    totals = [
        (await validate(client, project, tiers_cart(stack, kind="promotion_stack")))["order"]["total_amount"]
        for stack in (half_first, amount_first)
    ]

    assert totals == [4_000, 4_500]


async def test_a_stack_is_redeemed_and_rolled_back_as_a_whole(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_promotion(client, project, *(tier_of(amount) for amount in (100, 200, 300)))
    tiers = campaign["promotion"]["tiers"]
    stack = await give_stack(client, project, *reversed(tiers))

    answer = await redeem(client, project, tiers_cart(stack, kind="promotion_stack", customer=ANN))
    parent = answer["parent_redemption"]
    single = await roll_back(client, project, answer["redemptions"][0]["id"])
    rolled_back = (await roll_back(client, project, parent["id"], "rollbacks")).json()

    assert [each["related_object_id"] for each in answer["redemptions"]] == [tier["id"] for tier in reversed(tiers)]
    assert {each["redemption"] for each in answer["redemptions"]} == {parent["id"]}
    assert answer["order"]["total_amount"] == 9_400
    assert [each["order"]["total_amount"] for each in answer["redemptions"]] == [9_700, 9_500, 9_400]
    assert RedemptionsRedeemResponseBody.from_dict(answer) is not None
    assert single.json()["key"] == "invalid_redemption_parent"
    assert len(rolled_back["rollbacks"]) == 3
    assert rolled_back["order"]["total_amount"] == 10_000
    assert [await summary_of(client, project, tier) for tier in tiers] == [(0, 0, 0)] * 3
    assert await accounts_agree(db, project)
    async with db.read() as session:
        rows = select(OutboxEvent.data["promotion_stack_id"].astext).where(
            OutboxEvent.project_id == project.id, OutboxEvent.type == "redemption.succeeded"
        )
        assert set(await session.scalars(rows)) == {stack["id"]}


async def test_a_stack_of_thirty_tiers_applies_whole_and_one_that_fails_spends_nothing(
    client: AsyncClient, project: ProjectKeys
) -> None:
    campaign = await give_promotion(client, project, *(tier_of(10) for _ in range(30)))
    tiers = campaign["promotion"]["tiers"]
    stack = await give_stack(client, project, *tiers)
    body = tiers_cart(stack, kind="promotion_stack")

    shown = await validate(client, project, body)
    await ask(client, project, "POST", f"/v1/promotions/tiers/{tiers[17]['id']}/disable")
    refused = await try_to_redeem(client, project, body)

    assert shown["valid"] is True
    assert [each["status"] for each in shown["redeemables"]] == ["APPLICABLE"] * 30
    assert shown["order"]["total_amount"] == 9_700
    error = refused.json()
    assert (refused.status_code, error["key"]) == (400, "promotion_inactive")
    assert (error["redeemable_type"], error["redeemable_id"]) == ("promotion_tier", tiers[17]["id"])
    assert await summary_of(client, project, tiers[0]) == (0, 0, 0)


async def test_a_stack_is_redeemed_alone(client: AsyncClient, project: ProjectKeys) -> None:
    tier = await give_tier(client, project)
    stack = await give_stack(client, project, tier)
    body = tiers_cart(stack, kind="promotion_stack")
    body["redeemables"] += tiers_cart(tier)["redeemables"]

    for path in ("/v1/validations", "/v1/redemptions"):
        response = await client.post(path, json=body, headers=project.server)

        assert (response.status_code, response.json()["key"]) == (400, "invalid_redeemables")


async def test_a_tier_named_twice_is_refused(client: AsyncClient, project: ProjectKeys) -> None:
    tier = await give_tier(client, project)

    response = await try_to_redeem(client, project, tiers_cart(tier, tier))

    assert (response.status_code, response.json()["key"]) == (400, "duplicated_redeemables")


@pytest.mark.parametrize("kind", ["promotion_tier", "promotion_stack"])
async def test_what_another_project_has_is_as_unknown_as_what_nobody_has(
    client: AsyncClient, db: Database, project: ProjectKeys, kind: str
) -> None:
    other = await give_project(db)
    tier = await give_tier(client, other)
    theirs = tier if kind == "promotion_tier" else await give_stack(client, other, tier)

    for named in (theirs, {"id": "promo_nobodys"}):
        shown = await validate(client, project, tiers_cart(named, kind=kind))
        refused = await try_to_redeem(client, project, tiers_cart(named, kind=kind))

        (redeemable,) = shown["inapplicable_redeemables"]
        error = redeemable["result"]["error"]
        # The contract has no stacks in this place, and the official models refuse them.
        assert (redeemable["object"], error["code"], error["key"]) == ("promotion_tier", 404, "not_found")
        assert (error["resource_type"], error["resource_id"]) == (kind, named["id"])
        assert (refused.status_code, refused.json()["key"]) == (404, "not_found")


def days(count: int) -> str:
    return (datetime.now(UTC) + timedelta(days=count)).isoformat()


@pytest.mark.parametrize(
    ("members", "of_campaign", "key"),
    [
        ({"active": False}, {}, "promotion_inactive"),
        ({"start_date": days(1)}, {}, "promotion_not_active_now"),
        ({"expiration_date": days(-1)}, {}, "promotion_not_active_now"),
        ({"validity_day_of_week": [(int(f"{datetime.now(UTC):%w}") + 3) % 7]}, {}, "promotion_not_active_now"),
        ({}, {"expiration_date": days(-1)}, "promotion_not_active_now"),
        ({}, {"start_date": days(1)}, "promotion_not_active_now"),
    ],
)
async def test_a_tier_that_is_not_open_is_refused(
    client: AsyncClient, project: ProjectKeys, members: dict[str, Any], of_campaign: dict[str, Any], key: str
) -> None:
    campaign = await give_promotion(client, project, tier_of(**members), **of_campaign)
    (tier,) = campaign["promotion"]["tiers"]

    shown = await validate(client, project, tiers_cart(tier))
    refused = await try_to_redeem(client, project, tiers_cart(tier))

    assert shown["valid"] is False
    assert shown["redeemables"][0]["result"]["error"]["key"] == key
    assert (refused.status_code, refused.json()["key"]) == (400, key)


async def test_the_tiers_of_a_disabled_campaign_are_not_active(client: AsyncClient, project: ProjectKeys) -> None:
    tier = await give_tier(client, project)

    await ask(client, project, "POST", f"/v1/campaigns/{tier['campaign_id']}/disable")
    refused = await try_to_redeem(client, project, tiers_cart(tier))
    await ask(client, project, "POST", f"/v1/campaigns/{tier['campaign_id']}/enable")
    redeemed = await try_to_redeem(client, project, tiers_cart(tier))

    assert refused.json()["key"] == "promotion_inactive"
    assert redeemed.status_code == 200


async def test_rules_of_the_tier_and_of_its_campaign_must_both_hold(client: AsyncClient, project: ProjectKeys) -> None:
    above = await give_rule(client, project, rules=rule_of("order.amount", "$more_than", 5_000))
    below = await give_rule(client, project, rules=rule_of("order.amount", "$less_than", 20_000))
    campaign = await give_promotion(
        client, project, tier_of(validation_rules=[above["id"]]), validation_rules=[below["id"]]
    )
    (tier,) = campaign["promotion"]["tiers"]

    valid = [
        (await validate(client, project, tiers_cart(tier, amount=amount)))["valid"] for amount in (5_000, 9_000, 30_000)
    ]

    assert valid == [False, True, False]


async def test_a_limit_per_customer_counts_each_tier_by_itself_and_one_per_campaign_all_of_them(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    once = await give_rule(client, project, rules=rule_of("redemption.count.per_customer", "$less_than_or_equal", 1))
    twice = await give_rule(client, project, rules=rule_of("campaign.redemptions.count", "$less_than_or_equal", 2))
    campaign = await give_promotion(
        client, project, *(tier_of(validation_rules=[twice["id"]]) for _ in range(3)), validation_rules=[once["id"]]
    )
    first, second, third = campaign["promotion"]["tiers"]

    answers = [
        (await try_to_redeem(client, project, tiers_cart(tier, customer=ANN))).status_code
        for tier in (first, first, second, third)
    ]

    assert answers == [200, 400, 200, 400]
    assert await accounts_agree(db, project)


async def test_a_limit_set_later_counts_what_was_redeemed_before(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    tier = await give_tier(client, project)
    for _ in range(2):
        await redeem(client, project, tiers_cart(tier, customer=ANN))
    rule = await give_rule(client, project, rules=rule_of("redemption.count.per_customer", "$less_than_or_equal", 3))
    body = {"validation_rule_assignments": {"data": [{"rule_id": rule["id"]}]}}
    await ask(client, project, "PUT", f"/v1/promotions/tiers/{tier['id']}", body)

    answers = [await try_to_redeem(client, project, tiers_cart(tier, customer=ANN)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 400]
    assert await accounts_agree(db, project)


async def test_a_change_of_a_tier_is_obeyed_at_once(client: AsyncClient, project: ProjectKeys) -> None:
    tier = await give_tier(client, project, amount_off=100)
    before = (await validate(client, project, tiers_cart(tier)))["order"]["total_amount"]

    await ask(client, project, "PUT", f"/v1/promotions/tiers/{tier['id']}", tier_of(900))
    after = (await validate(client, project, tiers_cart(tier)))["order"]["total_amount"]

    assert (before, after) == (9_900, 9_100)
