"""Whether what a customer holds can still be used."""

from datetime import datetime
from typing import Any, Literal

from app.incentives.vouchers.standing import Standing, figures_of, gift_of, holdings_of, loyalty_of
from app.models import Campaign, Voucher

Status = Literal["ACTIVE", "USED", "DISABLED", "NOT_ACTIVE_YET", "EXPIRED", "NO_BALANCE"]


def status_of(voucher: Voucher, campaign: Campaign | None, standing: Standing, now: datetime) -> Status:
    """The first thing that stands in the way, in the order in which a checkout asks; days and hours aside."""
    if not voucher.active or (campaign is not None and not campaign.active):
        return "DISABLED"
    start_date, expiration_date = (
        _own_or(voucher, campaign, "start_date"),
        _own_or(voucher, campaign, "expiration_date"),
    )
    if start_date is not None and now < start_date:
        return "NOT_ACTIVE_YET"
    if expiration_date is not None and now >= expiration_date:
        return "EXPIRED"
    if voucher.redemption_quantity is not None and standing.uses >= voucher.redemption_quantity:
        return "USED"
    gift = gift_of(voucher, campaign)
    if gift is not None and holdings_of(gift, standing).balance <= 0:
        return "NO_BALANCE"
    loyalty = loyalty_of(voucher, campaign)
    if loyalty is not None and figures_of(voucher, loyalty, standing).balance <= 0:
        return "NO_BALANCE"
    return "ACTIVE"


def _own_or(voucher: Voucher, campaign: Campaign | None, name: str) -> Any:
    """The voucher's own date where it has one, else its campaign's."""
    return getattr(voucher, name) or (getattr(campaign, name) if campaign is not None else None)
