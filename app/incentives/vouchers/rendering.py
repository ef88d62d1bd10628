"""How a voucher looks on the wire: one function for every answer that shows one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncSession

from app.incentives.categories.rendering import category_members
from app.incentives.categories.repository import CategoryRepository
from app.incentives.validation_rules.assignments import assignment_list
from app.incentives.validation_rules.schemas import AssignmentRead
from app.incentives.vouchers.standing import (
    Standing,
    figures_of,
    gift_of,
    gift_read,
    loyalty_of,
    loyalty_read,
)
from app.kit.wire import format_instant
from app.models import Campaign, Category, Voucher

Categories = Mapping[Any, Category | None]
"""Categories by id; of one that does not exist any more, None or nothing."""


def voucher_read(
    voucher: Voucher,
    campaign: Campaign | None,
    standing: Standing,
    assignments: Sequence[AssignmentRead] = (),
    *,
    categories: Categories,
) -> dict[str, Any]:
    """The contract's Voucher as JSON values; members without a value are left out, but those it wants as null.

    What the voucher lacks (discount, gift, category, dates, validity) is shown as its campaign has it. `assignments`
    are the voucher's own rules. `categories` are those of both, by id (`categories_of`).
    """
    definition = gift_of(voucher, campaign)
    gift = None if definition is None else gift_read(definition, standing)
    loyalty = loyalty_of(voucher, campaign)
    figures = None if loyalty is None else figures_of(voucher, loyalty, standing)
    is_referral = campaign is not None and campaign.campaign_type == "REFERRAL_PROGRAM"
    url = f"/v1/vouchers/{quote(voucher.code, safe='')}"
    members = {
        "id": voucher.id,
        "code": voucher.code,
        "type": voucher.type,
        "discount": discount_of(voucher, campaign),
        "gift": gift,
        "loyalty_card": None if figures is None else loyalty_read(figures, standing),
        **schedule_of(voucher, campaign),
        "active": voucher.active,
        "additional_info": voucher.additional_info,
        "metadata": voucher.voucher_metadata or {},
        "is_referral_code": is_referral,
        "holder_id": voucher.holder_id,
        "referrer_id": voucher.holder_id if is_referral else None,
        "created_at": format_instant(voucher.created_at),
        "updated_at": format_instant(voucher.updated_at) if voucher.updated_at else None,
        "object": "voucher",
        "publish": {
            "object": "list",
            "count": voucher.publish_count,
            "url": f"{url}/publications?page=1&limit=10",
        },
        "redemption": {
            "object": "list",
            "quantity": voucher.redemption_quantity,
            "redeemed_quantity": standing.uses,
            **({} if gift is None else {"redeemed_amount": gift["redeemed_amount"]}),
            **({} if figures is None else {"redeemed_points": figures.redeemed_points}),
            "url": f"{url}/redemptions?page=1&limit=10",
        },
        "validation_rules_assignments": assignment_list(assignments),
    }
    return {
        "campaign": campaign.name if campaign else None,
        "campaign_id": voucher.campaign_id,
        **category_members(category_of(voucher, campaign, categories)),
        **{name: value for name, value in members.items() if value is not None},
    }


async def categories_of(
    session: AsyncSession, project_id: int, vouchers: Iterable[tuple[Voucher, Campaign | None]]
) -> Categories:
    """The categories of these vouchers and their campaigns; at most one statement."""
    ids = {owner.category_id for pair in vouchers for owner in pair if owner is not None}
    return await CategoryRepository(session, project_id).by_id(ids)


def category_of(voucher: Voucher, campaign: Campaign | None, categories: Categories) -> Category | None:
    """The voucher's own category while there is such a category, else its campaign's."""
    own = categories.get(voucher.category_id)
    return own if own is not None or campaign is None else categories.get(campaign.category_id)


def discount_of(voucher: Voucher, campaign: Campaign | None) -> dict[str, Any] | None:
    """What the voucher is worth: its own discount, else its campaign's."""
    return voucher.discount or (campaign.discount if campaign else None)


def schedule_of(voucher: Voucher, campaign: Campaign | None) -> dict[str, Any]:
    """The time limits in force, by wire name; the voucher's where it has them, the campaign's elsewhere."""
    start_date, expiration_date, validity = voucher.start_date, voucher.expiration_date, voucher.validity
    if campaign is not None:
        start_date = start_date or campaign.start_date
        expiration_date = expiration_date or campaign.expiration_date
        validity = validity or campaign.validity
    return {
        "start_date": format_instant(start_date) if start_date else None,
        "expiration_date": format_instant(expiration_date) if expiration_date else None,
        **(validity or {}),
    }
