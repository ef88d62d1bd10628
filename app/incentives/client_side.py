"""What pages are shown of vouchers and promotion tiers: what a customer needs, nothing about others or the business."""

from typing import Annotated, Any, ClassVar, Literal

from fastapi import Depends, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.access.client_side.routes import ClientRouter
from app.engine.effects import Discount
from app.incentives.promotions import service as promotions
from app.incentives.promotions.listing import TierQuery
from app.incentives.promotions.schemas import ActionRead, TierCampaign
from app.incentives.schedule import ValidityHours, ValidityTimeframe
from app.incentives.vouchers.schemas import GiftRead, VoucherType
from app.kit.http import Db, answered
from app.kit.lists import PageBody
from app.kit.wire import Instant, WireOut
from app.models import PromotionTier

router = ClientRouter()
Reader = Annotated[Caller, requires("promotions:read")]
Wire = dict[str, Any]


class ClientVoucher(WireOut):
    """A voucher that was just redeemed or given."""

    id: str
    code: str
    campaign: str | None = None
    campaign_id: str | None = None
    type: VoucherType
    discount: Discount | None = None
    gift: GiftRead | None = None
    start_date: Instant | None = None
    expiration_date: Instant | None = None
    validity_timeframe: ValidityTimeframe | None = None
    validity_day_of_week: list[int] | None = None
    validity_hours: ValidityHours | None = None
    active: bool
    object: Literal["voucher"] = "voucher"


class ClientPromotionTier(WireOut):
    id: str
    name: str
    banner: str | None = None
    action: ActionRead
    hierarchy: int
    promotion_id: str
    campaign_id: str
    campaign: TierCampaign
    active: bool
    start_date: Instant | None = None
    expiration_date: Instant | None = None
    validity_timeframe: ValidityTimeframe | None = None
    validity_day_of_week: list[int] | None = None
    validity_hours: ValidityHours | None = None
    created_at: Instant
    updated_at: Instant | None = None
    object: Literal["promotion_tier"] = "promotion_tier"


class ClientTierList(PageBody):
    data_ref: Literal["tiers"] = "tiers"
    tiers: list[ClientPromotionTier]
    has_more: bool


class ClientTierQuery(TierQuery):
    orders: ClassVar = {"created_at": PromotionTier.created_at, "updated_at": PromotionTier.updated_at}

    def only_available(self) -> "ClientTierQuery":
        return self.model_copy(update={"is_available": True})


@router.get("/promotions/tiers", response_model=ClientTierList)
async def list_promotion_tiers(
    db: Db, caller: Reader, query: Annotated[ClientTierQuery, Depends(ClientTierQuery.parse)]
) -> Response:
    """List the promotion tiers that are available now, newest first. Others are never shown to pages, whatever
    `is_available` says."""
    listed = await promotions.search(db, caller, query.only_available())
    return answered({**listed, "tiers": [shown_tier(tier) for tier in listed["tiers"]]})


def shown_voucher(voucher: Wire) -> Wire:
    """A voucher's answer, without what a page is not shown."""
    return {name: voucher[name] for name in ClientVoucher.model_fields if voucher.get(name) is not None}


def shown_tier(tier: Wire) -> Wire:
    """A promotion tier's answer, without what a page is not shown."""
    return {name: tier[name] for name in ClientPromotionTier.model_fields if tier.get(name) is not None}
