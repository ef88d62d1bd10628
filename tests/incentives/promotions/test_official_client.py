"""The official client sets up a tiered cart promotion, and a shop uses it; every answer is parsed by its models."""

import asyncio
from typing import Any

from voucherify import ApiClient, CampaignsApi, PromotionsApi, RedemptionsApi, ValidationRulesApi, ValidationsApi
from voucherify.models import (
    CampaignsCreateRequestBody,
    PromotionsStacksCreateRequestBody,
    PromotionsStacksUpdateRequestBody,
    PromotionsTiersCreateRequestBody,
    PromotionsTiersUpdateRequestBody,
    RedemptionsRedeemRequestBody,
    ValidationRulesAssignmentsCreateRequestBody,
    ValidationRulesCreateRequestBody,
    ValidationsValidateRequestBody,
)


async def test_the_official_client_runs_a_tiered_cart_promotion(voucherify_client: ApiClient) -> None:
    await asyncio.to_thread(_run_tiers, voucherify_client)


def _run_tiers(client: ApiClient) -> None:
    campaigns, promotions, rules = CampaignsApi(client), PromotionsApi(client), ValidationRulesApi(client)
    validations, redemptions = ValidationsApi(client), RedemptionsApi(client)

    campaign = campaigns.create_campaign(
        CampaignsCreateRequestBody.from_dict(
            {
                "name": "Spend more",
                "campaign_type": "PROMOTION",
                "type": "STATIC",
                "promotion": {"tiers": [_tier("5 from 50", 500), _tier("20 from 150", 2_000)]},
            }
        )
    )
    small, large = campaign.promotion.tiers
    for tier, amount in ((small, 5_000), (large, 15_000)):
        rule = rules.create_validation_rules(
            ValidationRulesCreateRequestBody.from_dict(
                {
                    "name": tier.name,
                    "rules": {
                        "1": {"name": "order.amount", "conditions": {"$more_than_or_equal": [amount]}, "rules": {}},
                        "logic": "1",
                    },
                }
            )
        )
        rules.create_validation_rule_assignment(
            rule.id,
            validation_rules_assignments_create_request_body=ValidationRulesAssignmentsCreateRequestBody.from_dict(
                {"related_object_type": "promotion_tier", "related_object_id": tier.id}
            ),
        )
    third = promotions.add_promotion_tier_to_campaign(
        campaign.id, PromotionsTiersCreateRequestBody.from_dict(_tier("Extra", 100))
    )
    promotions.update_promotion_tier(
        third.id, PromotionsTiersUpdateRequestBody.from_dict({"banner": "One more", "metadata": {"sort": 3}})
    )
    promotions.disable_promotion_tier(third.id)
    listed = promotions.list_promotion_tiers_from_campaign(campaign.id)
    available = promotions.list_promotion_tiers(is_available=True)
    shown = [
        validations.validate_stacked_discounts(ValidationsValidateRequestBody.from_dict(_cart(tier.id, 9_000)))
        for tier in (small, large)
    ]
    promotions.enable_promotion_tier(third.id)
    redeemed = redemptions.redeem_stacked_discounts(RedemptionsRedeemRequestBody.from_dict(_cart(small.id, 9_000)))
    rolled_back = redemptions.rollback_redemption(redeemed.redemptions[0].id)
    promotions.delete_promotion_tier(third.id)

    assert [tier.hierarchy for tier in listed.tiers] == [1, 2, 3]
    assert listed.tiers[2].banner == "One more"
    assert listed.tiers[2].active is False
    assert listed.tiers[0].validation_rule_assignments.total == 1
    assert [tier.name for tier in available.tiers] == ["20 from 150", "5 from 50"]
    assert [answer.valid for answer in shown] == [True, False]
    assert shown[0].order.total_amount == 8_500
    assert redeemed.redemptions[0].promotion_tier.id == small.id
    assert redeemed.redemptions[0].promotion_tier.summary.redemptions.total_redeemed == 1
    assert rolled_back.result == "SUCCESS"
    assert promotions.get_promotion_tier(small.id).summary.redemptions.total_redeemed == 0
    assert promotions.list_promotion_tiers_from_campaign("Spend more").total == 2


async def test_the_official_client_redeems_a_stack_of_tiers_and_takes_it_back(voucherify_client: ApiClient) -> None:
    await asyncio.to_thread(_run_stack, voucherify_client)


def _run_stack(client: ApiClient) -> None:
    campaigns, promotions, redemptions = CampaignsApi(client), PromotionsApi(client), RedemptionsApi(client)

    campaign = campaigns.create_campaign(
        CampaignsCreateRequestBody.from_dict(
            {
                "name": "Together",
                "campaign_type": "PROMOTION",
                "promotion": {"tiers": [_tier("A", 100), _tier("B", 200)]},
            }
        )
    )
    first, second = campaign.promotion.tiers
    stack = promotions.create_promotion_stack(
        campaign.id,
        PromotionsStacksCreateRequestBody.from_dict(
            {"name": "Both", "tiers": {"ids": [first.id, second.id], "hierarchy_mode": "MANUAL"}}
        ),
    )
    updated = promotions.update_promotion_stack(
        campaign.id,
        stack.id,
        PromotionsStacksUpdateRequestBody.from_dict({"tiers": {"ids": [second.id, first.id]}}),
    )
    body = RedemptionsRedeemRequestBody.from_dict(_cart(stack.id, 9_000, "promotion_stack"))
    redeemed = redemptions.redeem_stacked_discounts(body)
    rolled_back = redemptions.rollback_stacked_redemptions(redeemed.parent_redemption.id)
    listed = promotions.list_all_promotion_stacks()
    promotions.delete_promotion_stack(campaign.id, stack.id)

    assert updated.tiers.ids == [second.id, first.id]
    assert [each.related_object_id for each in redeemed.redemptions] == [second.id, first.id]
    assert redeemed.order.total_amount == 8_700
    assert len(rolled_back.rollbacks) == 2
    assert [each.name for each in listed.data] == ["Both"]
    assert promotions.list_promotion_stacks_in_campaign(campaign.id).total == 0


def _tier(name: str, amount_off: int) -> dict[str, Any]:
    discount = {"type": "AMOUNT", "amount_off": amount_off, "effect": "APPLY_TO_ORDER"}
    return {"name": name, "action": {"discount": discount}}


def _cart(redeemable_id: str, amount: int, kind: str = "promotion_tier") -> dict[str, Any]:
    return {
        "redeemables": [{"object": kind, "id": redeemable_id}],
        "order": {"amount": amount},
        "customer": {"source_id": "ann"},
    }
