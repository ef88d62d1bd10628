"""What the list of campaigns can be asked."""

from typing import ClassVar, Literal

from sqlalchemy import Text, and_, case, cast, false, func, literal, null, or_, select, true

from app.incentives.campaigns.schemas import CampaignType, GenerationStatus
from app.kit.conditions import Filterable
from app.kit.filters import Filter, array, flag, moment, text
from app.kit.lists import ListQuery
from app.models import Campaign, Category

STATUSES = ("DONE", "IN_PROGRESS", "FAILED", "DRAFT", "MODIFYING")
NOTHING = cast(null(), Text)
VOUCHER_TYPE = case(
    (Campaign.campaign_type == "GIFT_VOUCHERS", "GIFT_VOUCHER"),
    (Campaign.campaign_type == "LOYALTY_PROGRAM", "LOYALTY_CARD"),
    else_=cast(literal("DISCOUNT_VOUCHER"), Text),
)

_has_begun = or_(Campaign.start_date.is_(None), Campaign.start_date <= func.now())
_has_ended = and_(Campaign.expiration_date.is_not(None), Campaign.expiration_date <= func.now())
_is_running = and_(Campaign.active, _has_begun, ~_has_ended)

STATUS: Filter = {
    "$active": lambda *_: _is_running,
    "$failed": lambda *_: Campaign.generation_status == "FAILED",
    "$in_progress": lambda *_: Campaign.generation_status == "IN_PROGRESS",
    "$expired": lambda *_: _has_ended,
    "before_start": lambda *_: ~_has_begun,
    "$before_start": lambda *_: ~_has_begun,
}
ACTIVE: Filter = {
    "$enabled": lambda *_: Campaign.active.is_(true()),
    "$disabled": lambda *_: Campaign.active.is_(false()),
    "$expired": lambda *_: _has_ended,
    "$active": lambda *_: _is_running,
}
_category_name = (
    select(Category.name)
    .where(Category.project_id == Campaign.project_id, Category.id == Campaign.category_id)
    .scalar_subquery()
)
_timeframe = text(Campaign.validity["validity_timeframe"].astext)


class CampaignQuery(ListQuery):
    """Filters of the list of campaigns."""

    orders: ClassVar = {"created_at": Campaign.created_at, "updated_at": Campaign.updated_at}
    filterable: ClassVar = Filterable(
        {
            "campaigns": text(Campaign.name),
            "campaigns_id": text(Campaign.id),
            "campaign_status": text(Campaign.generation_status, STATUSES),
            "status": STATUS,
            "active": ACTIVE,
            "is_referral_code": flag(Campaign.campaign_type == "REFERRAL_PROGRAM"),
            "validity_timeframe": {name: _timeframe[name] for name in ("$has_value", "$is_unknown")},
            "voucher_type": text(VOUCHER_TYPE, ("GIFT_VOUCHER", "DISCOUNT_VOUCHER", "LOYALTY_CARD")),
            "categories": text(_category_name),
            "category_ids": text(Campaign.category_id),
            "type": text(Campaign.type, ("AUTO_UPDATE", "BULK", "STANDALONE", "STATIC")),
            "created_date": moment(Campaign.created_at),
            "created_at": moment(Campaign.created_at),
            "updated_at": moment(Campaign.updated_at),
            "start_date": moment(Campaign.start_date),
            "expiration_date": moment(Campaign.expiration_date),
            "validity_day_of_week": array(Campaign.validity["validity_day_of_week"]),
        },
        Campaign.campaign_metadata,
    )

    campaign_type: CampaignType | None = None
    campaign_status: GenerationStatus | Literal["DRAFT", "MODIFYING"] | None = None
    is_referral_code: bool | None = None
