"""How a campaign looks on the wire."""

from collections.abc import Sequence
from typing import Any

from app.incentives.categories.rendering import category_members
from app.incentives.referrals.programs import program_read
from app.incentives.validation_rules.assignments import assignment_list
from app.incentives.validation_rules.schemas import AssignmentRead
from app.incentives.vouchers.drawing import TYPES
from app.incentives.vouchers.standing import gift_read
from app.kit.wire import format_instant
from app.models import Campaign, Category


def campaign_read(
    campaign: Campaign,
    assignments: Sequence[AssignmentRead] = (),
    warnings: Sequence[str] = (),
    category: Category | None = None,
) -> dict[str, Any]:
    """The contract's Campaign as JSON values; members without a value are left out, but those it wants as null."""
    schedule = {
        "start_date": format_instant(campaign.start_date) if campaign.start_date else None,
        "expiration_date": format_instant(campaign.expiration_date) if campaign.expiration_date else None,
        **campaign.validity,
    }
    voucher = (
        None
        if campaign.campaign_type not in TYPES
        else {
            "type": TYPES[campaign.campaign_type],
            "discount": campaign.discount,
            "gift": gift_read(campaign.gift) if campaign.gift else None,
            "loyalty_card": campaign.loyalty,
            "redemption": {"quantity": campaign.redemption_quantity},
            "code_config": campaign.code_config,
            "is_referral_code": campaign.campaign_type == "REFERRAL_PROGRAM",
            **schedule,
        }
    )
    members = {
        "id": campaign.id,
        "name": campaign.name,
        "description": campaign.description,
        "campaign_type": campaign.campaign_type,
        "type": campaign.type,
        "voucher": voucher and {name: value for name, value in voucher.items() if value is not None},
        "referral_program": program_read(campaign.referral_program) if campaign.referral_program else None,
        "loyalty_tiers_expiration": campaign.loyalty_tiers_expiration,
        "auto_join": campaign.auto_join,
        "join_once": campaign.join_once,
        "use_voucher_metadata_schema": campaign.use_voucher_metadata_schema,
        **schedule,
        "activity_duration_after_publishing": campaign.activity_duration_after_publishing,
        "vouchers_count": campaign.vouchers_count,
        "active": campaign.active,
        "metadata": campaign.campaign_metadata,
        "created_at": format_instant(campaign.created_at),
        "updated_at": format_instant(campaign.updated_at) if campaign.updated_at else None,
        "creation_status": campaign.generation_status,
        "vouchers_generation_status": campaign.generation_status,
        "protected": False,
        "object": "campaign",
        "validation_rules_assignments": assignment_list(assignments),
        "warnings": list(warnings) or None,
    }
    return {
        **category_members(category),
        "category_id": campaign.category_id,
        **{name: value for name, value in members.items() if value is not None},
    }
