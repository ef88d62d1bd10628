"""Answers about promotions are written as the models of the document would write them."""

import pytest
from httpx import AsyncClient

from app.decisions.answers import QualificationRead, RedemptionRead, RedemptionsRead, RollbacksRead, ValidationRead
from app.incentives.campaigns.schemas import CampaignRead
from app.incentives.promotions.schemas import PromotionStackRead, PromotionTierRead, TierList
from tests.decisions.test_answers import ADA, EXPAND_ALL, check
from tests.factories.access import ProjectKeys
from tests.factories.carts import redeem, validate
from tests.factories.incentives import Answer, ask
from tests.factories.promotions import give_promotion, give_stack, tier_of, tiers_cart
from tests.factories.rules import ORDER_OVER_50, give_rule


@pytest.fixture
async def promotion(client: AsyncClient, project: ProjectKeys) -> Answer:
    """A campaign with a tier that has everything and one that has only what it must have."""
    rule = await give_rule(client, project, rules=ORDER_OVER_50)
    category = await ask(client, project, "POST", "/v1/categories", {"name": "Sale", "hierarchy": 1})
    full = tier_of(
        banner="Save",
        metadata={"sort": 1},
        category_id=category["id"],
        validation_rules=[rule["id"]],
        start_date="2026-01-01T00:00:00Z",
        expiration_date="2099-01-01T00:00:00Z",
        validity_day_of_week=list(range(7)),
    )
    members = {"category": "Sale", "validation_rules": [rule["id"]], "expiration_date": "2099-01-01T00:00:00Z"}
    return await give_promotion(client, project, full, tier_of(100), **members)


async def test_promotions_are_shown_as_documented(client: AsyncClient, project: ProjectKeys, promotion: Answer) -> None:
    stack = await give_stack(client, project, *promotion["promotion"]["tiers"], category="Sale")

    check(CampaignRead, promotion)
    for tier in promotion["promotion"]["tiers"]:
        check(PromotionTierRead, await ask(client, project, "GET", f"/v1/promotions/tiers/{tier['id']}"))
    check(TierList, await ask(client, project, "GET", "/v1/promotions/tiers?limit=1"))
    check(PromotionStackRead, stack)


async def test_promotions_at_the_checkout_are_answered_as_documented(
    client: AsyncClient, project: ProjectKeys, promotion: Answer
) -> None:
    tiers = promotion["promotion"]["tiers"]
    stack = await give_stack(client, project, *tiers)
    question = {"order": {"amount": 10_000}, "customer": ADA, "options": {"expand": ["redeemable", "category"]}}

    for body in (tiers_cart(tiers[0]), tiers_cart(stack, kind="promotion_stack"), tiers_cart(tiers[0], amount=10)):
        check(ValidationRead, await validate(client, project, {**body, "customer": ADA, "options": EXPAND_ALL}))
    for scenario in ("ALL", "PROMOTION_STACKS"):
        answer = await ask(client, project, "POST", "/v1/qualifications", {**question, "scenario": scenario})
        assert answer["redeemables"]["data"]
        check(QualificationRead, answer)
    redeemed = await redeem(client, project, tiers_cart(stack, kind="promotion_stack", customer=ADA))
    check(RedemptionsRead, redeemed)
    path = f"/v1/redemptions/{redeemed['parent_redemption']['id']}"
    check(RollbacksRead, await ask(client, project, "POST", f"{path}/rollbacks"))
    for redemption in redeemed["redemptions"]:
        check(RedemptionRead, await ask(client, project, "GET", f"/v1/redemptions/{redemption['id']}"))
