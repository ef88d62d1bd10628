"""What a customer could use, over HTTP."""

from datetime import UTC, datetime
from typing import Any

import pytest
from httpx import AsyncClient
from voucherify import ApiClient, PublicationsApi, QualificationsApi, VouchersApi
from voucherify.models import (
    PublicationsCreateRequestBody,
    QualificationsCheckEligibilityRequestBody,
    QualificationsCheckEligibilityResponseBody,
    VouchersCreateWithSpecificCodeRequestBody,
)

from app.decisions.answers import QualificationRead
from app.kit import clock
from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.audiences import give_segment
from tests.factories.carts import line
from tests.factories.commerce import give_customer
from tests.factories.incentives import AMOUNT, PERCENT, ask, give_campaign, give_coupon
from tests.factories.pools import give_pool, give_voucher
from tests.factories.promotions import give_promotion, give_stack, give_tier
from tests.factories.rules import ONCE_PER_CUSTOMER, ORDER_OVER_50, give_assignment, give_rule, rule_of

Answer = dict[str, Any]

ADA = {"source_id": "ada"}
SHIRT = {"items": [line("shirt", 4000)]}
VIPS = rule_of("customer.metadata", "$is", True, property="vip")
SHIRTS = rule_of("product.id", "$is", {"id": "shirt", "source_id": "shirt"})
ON_ITEMS = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ITEMS"}
ON_SHIRTS = {
    "included": [{"object": "product", "id": "prod_shirt", "source_id": "shirt"}],
    "excluded": [],
    "included_all": False,
}


async def qualify(client: AsyncClient, project: ProjectKeys, scenario: str = "ALL", **members: Any) -> Answer:
    """The answer, which the official client and the document can read."""
    answer = await ask(client, project, "POST", "/v1/qualifications", {"scenario": scenario, **members})
    QualificationRead.model_validate(answer, extra="forbid")
    assert QualificationsCheckEligibilityResponseBody.from_dict(answer) is not None
    return answer


async def found(client: AsyncClient, project: ProjectKeys, scenario: str = "ALL", **members: Any) -> list[str]:
    """Codes or ids of what qualifies, at most 50."""
    members["options"] = {"limit": 50, **members.get("options", {})}
    return [each["id"] for each in (await qualify(client, project, scenario, **members))["redeemables"]["data"]]


async def pages(client: AsyncClient, project: ProjectKeys, limit: int, **members: Any) -> list[list[str]]:
    """What qualifies, page by page."""
    ids: list[list[str]] = []
    options: Answer = {"limit": limit}
    while True:
        redeemables = (await qualify(client, project, options=options, **members))["redeemables"]
        ids.append([each["id"] for each in redeemables["data"]])
        if not redeemables["has_more"]:
            return ids
        options = {"limit": limit, "starting_after": redeemables["more_starting_after"]}


async def bind(client: AsyncClient, project: ProjectKeys, code: str, rules: Answer, **members: Any) -> None:
    """A coupon under a rule of its own."""
    rule = await give_rule(client, project, rules=rules)
    await give_coupon(client, project, code, validation_rules=[rule["id"]], **members)


@pytest.fixture
async def shop(client: AsyncClient, db: Database, project: ProjectKeys) -> ProjectKeys:
    """Ada, who is no VIP, and codes that ask for different things."""
    await give_customer(db, project, source_id="ada", metadata={"vip": False})
    await give_coupon(client, project, "ANYONE")
    await bind(client, project, "VIPS", VIPS)
    await bind(client, project, "LARGE", ORDER_OVER_50)
    await bind(client, project, "SHIRTS", SHIRTS)
    targets = await give_rule(client, project, rules={}, applicable_to=ON_SHIRTS)
    await give_coupon(client, project, "SHIRTS-LESS", discount=ON_ITEMS, validation_rules=[targets["id"]])
    both = {**VIPS, "2": SHIRTS["1"], "logic": "1 and 2"}
    await bind(client, project, "VIP-SHIRTS", both)
    return project


@pytest.mark.parametrize(
    ("scenario", "codes"),
    [
        ("ALL", {"ANYONE", "SHIRTS", "SHIRTS-LESS"}),
        ("AUDIENCE_ONLY", {"ANYONE", "LARGE", "SHIRTS", "SHIRTS-LESS"}),
        ("PRODUCTS", {"SHIRTS", "SHIRTS-LESS", "VIP-SHIRTS"}),
        ("PRODUCTS_BY_CUSTOMER", {"SHIRTS", "SHIRTS-LESS"}),
        ("PRODUCTS_DISCOUNT", {"SHIRTS-LESS"}),
        ("PRODUCTS_DISCOUNT_BY_CUSTOMER", {"SHIRTS-LESS"}),
        ("CUSTOMER_WALLET", set()),
        ("PROMOTION_STACKS", set()),
    ],
)
async def test_a_scenario_asks_its_own_rules_and_takes_the_others_to_hold(
    client: AsyncClient, shop: ProjectKeys, scenario: str, codes: set[str]
) -> None:
    assert set(await found(client, shop, scenario, customer=ADA, order=SHIRT)) == codes


async def test_what_asks_for_products_is_not_shown_for_an_order_of_others(
    client: AsyncClient, shop: ProjectKeys
) -> None:
    assert await found(client, shop, "PRODUCTS", order={"items": [line("hat", 4000)]}) == []


async def test_a_rule_with_an_alternative_that_is_not_asked_holds(client: AsyncClient, project: ProjectKeys) -> None:
    either = {**VIPS, "2": ORDER_OVER_50["1"], "logic": "1 or 2"}
    await bind(client, project, "EITHER", either)
    await bind(client, project, "BOTH", {**either, "logic": "1 and 2"})

    assert await found(client, project, "AUDIENCE_ONLY", customer=ADA) == ["EITHER"]


async def test_without_a_customer_what_depends_on_one_is_left_out(client: AsyncClient, shop: ProjectKeys) -> None:
    published = await give_coupon(client, shop, "ADAS")
    await ask(client, shop, "POST", "/v1/publications", {"voucher": published["code"], "customer": ADA})

    assert set(await found(client, shop, order=SHIRT)) == {"ANYONE", "SHIRTS", "SHIRTS-LESS"}
    assert "VIPS" not in await found(client, shop, "AUDIENCE_ONLY")


async def test_a_wallet_holds_only_what_was_published_to_the_customer(
    client: AsyncClient, db: Database, shop: ProjectKeys
) -> None:
    ada = await give_customer(db, shop, source_id="grace")
    pool = await give_pool(db, shop, codes=3)
    await give_voucher(db, shop, code="MINE", normal_code="MINE", campaign_id=pool.id, holder_id=ada.id)
    await give_voucher(db, shop, code="THEIRS", normal_code="THEIRS", campaign_id=pool.id, holder_id="cust_other")

    assert await found(client, shop, "CUSTOMER_WALLET", customer={"id": ada.id}, order=SHIRT) == ["MINE"]
    everything = await found(client, shop, customer={"id": ada.id}, order=SHIRT)
    assert set(everything) == {"MINE", "ANYONE", "SHIRTS", "SHIRTS-LESS"}


async def test_campaigns_show_to_the_audience_only(client: AsyncClient, shop: ProjectKeys) -> None:
    rule = await give_rule(client, shop, rules=VIPS)
    open_to_all = await give_campaign(client, shop, name="Autumn", metadata={"season": "autumn"})
    vips = await give_campaign(client, shop, name="Insiders")
    await give_assignment(client, shop, rule["id"], "campaign", vips["id"])
    vip = {"source_id": "ada", "metadata": {"vip": True}}
    options = {"limit": 50, "expand": ["redeemable", "category", "validation_rules"]}

    shown = (await qualify(client, shop, "AUDIENCE_ONLY", customer=vip, options=options))["redeemables"]["data"]

    campaigns = {each["id"]: each for each in shown if each["object"] == "campaign"}
    assert list(campaigns) == [vips["id"], open_to_all["id"]]
    autumn = campaigns[open_to_all["id"]]
    assert (autumn["name"], autumn["metadata"], autumn["result"]["discount"]["type"]) == (
        "Autumn",
        {"season": "autumn"},
        "PERCENT",
    )
    (assignment,) = campaigns[vips["id"]]["validation_rules_assignments"]["data"]
    assert assignment["rule_id"] == rule["id"]
    assert vips["id"] not in await found(client, shop, "AUDIENCE_ONLY", customer=ADA)
    assert vips["id"] not in await found(client, shop, customer=vip)


async def test_how_often_a_customer_redeemed_is_not_looked_at(client: AsyncClient, project: ProjectKeys) -> None:
    await bind(client, project, "ONCE", ONCE_PER_CUSTOMER)
    redemption = {"redeemables": [{"object": "voucher", "id": "ONCE"}], "customer": ADA, "order": {"amount": 100}}
    await ask(client, project, "POST", "/v1/redemptions", redemption)

    assert await found(client, project, customer=ADA, order=SHIRT) == ["ONCE"]


async def test_pages_lose_nothing_of_one_bulk_publication(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    ada = await give_customer(db, project, source_id="ada")
    pool, now = await give_pool(db, project), clock.now()
    codes = {f"BULK-{number}" for number in range(20)}
    for code in codes:
        await give_voucher(
            db, project, code=code, normal_code=code, campaign_id=pool.id, holder_id=ada.id, created_at=now
        )

    for limit in (1, 3, 7):
        shown = await pages(client, project, limit, customer=ADA, order=SHIRT)
        codes_shown = [code for page in shown for code in page]
        assert sorted(codes_shown) == sorted(codes)
        assert all(len(page) <= limit + 3 for page in shown)


async def test_pages_go_on_past_two_hundred_candidates(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    for number in range(230):
        code = f"OPEN-{number}"
        await give_voucher(db, project, code=code, normal_code=code, created_at=now)
    await bind(client, project, "LARGE", ORDER_OVER_50)

    shown = await pages(client, project, 50, order=SHIRT)

    codes = [code for page in shown for code in page]
    assert sorted(codes) == sorted(f"OPEN-{number}" for number in range(230))


async def test_best_and_least_deals_are_sorted_by_what_they_take_off(client: AsyncClient, project: ProjectKeys) -> None:
    for code, amount in (("MIDDLE", 300), ("BEST", 900), ("LEAST", 100)):
        await give_coupon(client, project, code, discount={**AMOUNT, "amount_off": amount})

    best = await found(client, project, order=SHIRT, options={"sorting_rule": "BEST_DEAL"})
    least = await found(client, project, order=SHIRT, options={"sorting_rule": "LEAST_DEAL"})

    assert (best, least) == (["BEST", "MIDDLE", "LEAST"], ["LEAST", "MIDDLE", "BEST"])
    answer = await qualify(client, project, order=SHIRT, options={"sorting_rule": "BEST_DEAL", "limit": 1})
    assert [each["id"] for each in answer["redeemables"]["data"]] == ["BEST"]
    assert answer["redeemables"]["has_more"] is True
    assert "more_starting_after" not in answer["redeemables"]


@pytest.mark.parametrize(
    ("filters", "codes"),
    [
        ({"code": {"conditions": {"$is": ["MINE"]}}}, {"MINE"}),
        ({"code": {"conditions": {"$not_in": ["MINE", "GIFT"]}}}, {"OPEN"}),
        ({"holder_role": {"conditions": {"$is": ["OWNER"]}}}, {"MINE"}),
        ({"holder_role": {"conditions": {"$is_unknown": [""]}}}, {"OPEN", "GIFT"}),
        ({"voucher_type": {"conditions": {"$in": ["GIFT_VOUCHER"]}}}, {"GIFT"}),
        ({"resource_type": {"conditions": {"$is": ["promotion_tier"]}}}, set()),
        ({"campaign_id": {"conditions": {"$has_value": [""]}}}, {"MINE"}),
        ({"campaign_type": {"conditions": {"$is": ["DISCOUNT_COUPONS"]}}}, {"MINE"}),
        ({"category_id": {"conditions": {"$is": ["cat_none"]}}}, set()),
        ({"code": {"conditions": {"$is": ["MINE"]}}, "holder_role": {"conditions": {"$is_not": ["OWNER"]}}}, set()),
        (
            {
                "junction": "OR",
                "code": {"conditions": {"$is": ["OPEN"]}},
                "voucher_type": {"conditions": {"$is": ["GIFT_VOUCHER"]}},
            },
            {"OPEN", "GIFT"},
        ),
        ({}, {"MINE", "OPEN", "GIFT"}),
    ],
)
async def test_filters_narrow_what_is_looked_at(
    client: AsyncClient, db: Database, project: ProjectKeys, filters: Answer, codes: set[str]
) -> None:
    ada = await give_customer(db, project, source_id="ada")
    pool = await give_pool(db, project)
    await give_voucher(db, project, code="MINE", normal_code="MINE", campaign_id=pool.id, holder_id=ada.id)
    await give_coupon(client, project, "OPEN")
    card = {"type": "GIFT_VOUCHER", "gift": {"amount": 500}}
    await ask(client, project, "POST", "/v1/vouchers/GIFT", card)

    assert set(await found(client, project, customer=ADA, order=SHIRT, options={"filters": filters})) == codes


async def test_filters_on_ids_find_codes_and_campaigns(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    ada = await give_customer(db, project, source_id="ada")
    autumn, winter = await give_pool(db, project), await give_pool(db, project)
    for code, pool in (("A", autumn), ("W", winter)):
        await give_voucher(db, project, code=code, normal_code=code, campaign_id=pool.id, holder_id=ada.id)
    open_code = await give_coupon(client, project, "OPEN")

    async def filtered(field: str, value: str) -> list[str]:
        options = {"filters": {field: {"conditions": {"$is": [value]}}}}
        return await found(client, project, "AUDIENCE_ONLY", customer=ADA, order=SHIRT, options=options)

    assert await filtered("campaign_id", autumn.id) == ["A", autumn.id]
    assert await filtered("resource_id", winter.id) == [winter.id]
    assert await filtered("resource_id", open_code["id"]) == ["OPEN"]


@pytest.mark.parametrize(
    "question",
    [
        {"scenario": "EVERYTHING"},
        {"options": {"limit": 51}},
        {"options": {"limit": 0}},
        {"options": {"sorting_rule": "CHEAPEST"}},
        {"options": {"filters": {"code": {"conditions": {"$is": "TEN"}}}}},
        {"options": {"filters": {"junction": "XOR"}}},
        {"options": {"starting_after": "yesterday"}},
    ],
)
async def test_a_question_that_says_nothing_known_is_refused(
    client: AsyncClient, project: ProjectKeys, question: Answer
) -> None:
    response = await client.post("/v1/qualifications", json=question, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")


def test_the_official_client_finds_what_is_in_a_wallet(voucherify_client: ApiClient) -> None:
    VouchersApi(voucherify_client).create_voucher(
        "ADAS", VouchersCreateWithSpecificCodeRequestBody.from_dict({"type": "DISCOUNT_VOUCHER", "discount": PERCENT})
    )
    PublicationsApi(voucherify_client).create_publication(
        publications_create_request_body=PublicationsCreateRequestBody.from_dict({"voucher": "ADAS", "customer": ADA})
    )
    api = QualificationsApi(voucherify_client)
    question = {
        "scenario": "CUSTOMER_WALLET",
        "customer": ADA,
        "order": SHIRT,
        "options": {
            "limit": 5,
            "sorting_rule": "BEST_DEAL",
            "expand": ["redeemable", "category", "validation_rules"],
            "filters": {"junction": "and", "holder_role": {"conditions": {"$is": ["OWNER"]}}},
        },
    }

    answer = api.check_eligibility(QualificationsCheckEligibilityRequestBody.from_dict(question))

    assert answer.redeemables is not None
    assert answer.redeemables.has_more is False
    assert [(each.id, each.order.total_amount) for each in answer.redeemables.data] == [("ADAS", 3600)]


async def test_tiers_are_shown_with_what_they_take_off(client: AsyncClient, project: ProjectKeys) -> None:
    rule = await give_rule(client, project, rules=ORDER_OVER_50)
    small = await give_tier(client, project, banner="Save 5", metadata={"season": "autumn"})
    large = await give_tier(client, project, amount_off=900, validation_rules=[rule["id"]])
    off = await give_tier(client, project)
    await ask(client, project, "POST", f"/v1/promotions/tiers/{off['id']}/disable")
    options = {"expand": ["redeemable", "category", "validation_rules"]}

    shown = (await qualify(client, project, order=SHIRT, options=options))["redeemables"]["data"]

    (tier,) = shown
    assert (tier["id"], tier["object"], tier["banner"]) == (small["id"], "promotion_tier", "Save 5")
    assert (tier["name"], tier["campaign_id"], tier["metadata"]) == (
        small["name"],
        small["campaign_id"],
        {"season": "autumn"},
    )
    assert (tier["order"]["total_discount_amount"], tier["order"]["total_amount"]) == (500, 3500)
    both = await found(client, project, order={"amount": 6000}, options={"sorting_rule": "BEST_DEAL"})
    assert both == [large["id"], small["id"]]
    filters = {"filters": {"resource_type": {"conditions": {"$is_not": ["promotion_tier"]}}}}
    assert await found(client, project, order=SHIRT, options=filters) == []
    for name, value in (("resource_id", small["id"]), ("campaign_id", small["campaign_id"])):
        filters = {"filters": {name: {"conditions": {"$in": [value]}}}}
        assert await found(client, project, order={"amount": 6000}, options=filters) == [small["id"]]


async def test_a_stack_shows_each_of_its_tiers_on_what_earlier_ones_left(
    client: AsyncClient, project: ProjectKeys
) -> None:
    rule = await give_rule(client, project, rules=ORDER_OVER_50)
    campaign = (await give_promotion(client, project))["id"]
    first = await give_tier(client, project, campaign_id=campaign)
    second = await give_tier(client, project, campaign_id=campaign, amount_off=300)
    large = await give_tier(client, project, campaign_id=campaign, validation_rules=[rule["id"]])
    stack = await give_stack(client, project, first, second)
    with_large = await give_stack(client, project, second, large)
    options = {"expand": ["redeemable", "category", "validation_rules"]}

    shown = (await qualify(client, project, "PROMOTION_STACKS", order=SHIRT, options=options))["redeemables"]["data"]

    (found_stack,) = shown
    assert (found_stack["id"], found_stack["object"], found_stack["name"]) == (
        stack["id"],
        "promotion_stack",
        stack["name"],
    )
    assert [(tier["id"], tier["order"]["total_amount"]) for tier in found_stack["redeemables"]] == [
        (first["id"], 3500),
        (second["id"], 3200),
    ]
    assert found_stack["order"]["total_discount_amount"] == found_stack["order"]["total_applied_discount_amount"] == 800
    deals = {"sorting_rule": "LEAST_DEAL"}
    everything = await found(client, project, "PROMOTION_STACKS", order={"amount": 6000}, options=deals)
    assert set(everything) == {stack["id"], with_large["id"]}
    assert stack["id"] not in await found(client, project, order=SHIRT)


async def test_pages_hold_codes_and_tiers_alike(client: AsyncClient, project: ProjectKeys) -> None:
    ids = []
    for number in range(4):
        ids.append((await give_tier(client, project))["id"])
        ids.append((await give_coupon(client, project, f"CODE-{number}"))["code"])

    shown = await pages(client, project, 3, order=SHIRT)

    assert [name for page in shown for name in page] == ids[::-1]
    assert [len(page) for page in shown] == [3, 3, 2]


async def test_a_filter_on_codes_leaves_out_what_has_none(client: AsyncClient, project: ProjectKeys) -> None:
    tier = await give_tier(client, project)
    second = await give_tier(client, project, campaign_id=tier["campaign_id"])
    stack = await give_stack(client, project, tier, second)
    options = {"filters": {"code": {"conditions": {"$in": ["NONE"]}}}}

    assert await found(client, project, "PROMOTION_STACKS", order=SHIRT) == [stack["id"]]
    for scenario in ("ALL", "PROMOTION_STACKS"):
        assert await found(client, project, scenario, order=SHIRT, options=options) == []


async def test_a_campaign_whose_segment_the_customer_is_not_in_is_left_out(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    ada = await give_customer(db, project, source_id="ada")
    await give_customer(db, project, source_id="grace")
    segment = await give_segment(client, project, type="static", customers=[ada.id])
    rule = await give_rule(client, project, rules=rule_of("customer.segment", "$is", segment["id"]))
    campaign = await give_campaign(client, project)
    await give_assignment(client, project, rule["id"], "campaign", campaign["id"])

    assert await found(client, project, "AUDIENCE_ONLY", customer=ADA) == [campaign["id"]]
    assert await found(client, project, "AUDIENCE_ONLY", customer={"source_id": "grace"}) == []
    assert await found(client, project, "AUDIENCE_ONLY") == []


async def test_a_campaign_of_gift_cards_shows_what_a_card_would_pay(client: AsyncClient, project: ProjectKeys) -> None:
    card = {"type": "GIFT_VOUCHER", "gift": {"amount": 500}}
    body = {"name": "Cards", "campaign_type": "GIFT_VOUCHERS", "voucher": card}
    campaign = await ask(client, project, "POST", "/v1/campaigns", body)

    answer = await qualify(client, project, "AUDIENCE_ONLY", order=SHIRT)

    (shown,) = answer["redeemables"]["data"]
    assert (shown["id"], shown["result"]) == (campaign["id"], {"gift": {"balance": 500, "credits": 500}})
