"""How promotion tiers and stacks look on the wire: one function for every answer that shows one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.engine.postings import AccountKey
from app.incentives.categories.rendering import category_members
from app.incentives.validation_rules.assignments import assignment_list
from app.incentives.validation_rules.schemas import AssignmentRead
from app.kit.wire import format_instant
from app.models import Campaign, Category, PromotionStack, PromotionTier


@dataclass(frozen=True, slots=True)
class Summary:
    """What was redeemed of a tier and not rolled back; amounts in minor units."""

    redeemed_count: int = 0
    ordered_amount: int = 0
    discounted_amount: int = 0

    @classmethod
    def of(cls, tier_id: str, counts: Mapping[AccountKey, int]) -> "Summary":
        """From what the accounts of the tier have counted, in positive numbers."""
        return cls(
            counts.get(AccountKey(tier_id, "uses"), 0),
            counts.get(AccountKey(tier_id, "ordered"), 0),
            counts.get(AccountKey(tier_id, "discounted"), 0),
        )


def tier_read(
    tier: PromotionTier,
    campaign: Campaign,
    summary: Summary,
    assignments: Sequence[AssignmentRead] = (),
    category: Category | None = None,
) -> dict[str, Any]:
    """The contract's PromotionTier as JSON values; members without a value are left out."""
    members = {
        "id": tier.id,
        "name": tier.name,
        "banner": tier.banner,
        "action": {"discount": tier.discount},
        "metadata": tier.tier_metadata,
        "hierarchy": tier.hierarchy,
        "promotion_id": tier.campaign_id,
        "campaign_id": tier.campaign_id,
        "campaign": _campaign_of_tier(campaign),
        "active": tier.active,
        **_schedule(tier),
        "summary": {
            "redemptions": {"total_redeemed": summary.redeemed_count},
            "orders": {
                "total_amount": summary.ordered_amount,
                "total_discount_amount": summary.discounted_amount,
            },
        },
        "validation_rule_assignments": assignment_list(assignments),
        "created_at": format_instant(tier.created_at),
        "updated_at": format_instant(tier.updated_at) if tier.updated_at else None,
        "object": "promotion_tier",
    }
    return {**category_members(category), **{name: value for name, value in members.items() if value is not None}}


def tier_list(tiers: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The `promotion` of a campaign: all its tiers, as they are answered."""
    shown = list(tiers)
    return {"object": "list", "data_ref": "tiers", "tiers": shown, "total": len(shown), "has_more": False}


def stack_read(stack: PromotionStack, category: Category | None = None) -> dict[str, Any]:
    """The contract's PromotionStack as JSON values."""
    members = {
        "id": stack.id,
        "name": stack.name,
        "tiers": {"ids": stack.tier_ids, "hierarchy_mode": "MANUAL"},
        "campaign_id": stack.campaign_id,
        "created_at": format_instant(stack.created_at),
        "updated_at": format_instant(stack.updated_at) if stack.updated_at else None,
        "object": "promotion_stack",
    }
    return {**category_members(category), **{name: value for name, value in members.items() if value is not None}}


def _campaign_of_tier(campaign: Campaign) -> dict[str, Any]:
    members = {
        "id": campaign.id,
        **_schedule(campaign),
        "active": campaign.active,
        "category_id": campaign.category_id,
        "object": "campaign",
    }
    return {name: value for name, value in members.items() if value is not None}


def _schedule(limited: PromotionTier | Campaign) -> dict[str, Any]:
    return {
        "start_date": format_instant(limited.start_date) if limited.start_date else None,
        "expiration_date": format_instant(limited.expiration_date) if limited.expiration_date else None,
        **limited.validity,
    }
