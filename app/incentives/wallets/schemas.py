"""A customer's redeemables on the wire."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from app.incentives.vouchers.schemas import VoucherRead, VoucherType
from app.incentives.wallets.standing import Status
from app.kit.wire import Instant, WireOut


class HeldRedeemable(WireOut):
    type: Literal["voucher"] = "voucher"
    voucher: VoucherRead
    status: Annotated[Status, Field(description="Days and hours aside: a code for Fridays is active on Mondays too.")]


class CustomerRedeemable(WireOut):
    """Something a customer holds. `created_at` is when they were given it."""

    nullable: ClassVar[frozenset[str]] = frozenset({"campaign_id", "campaign_type"})

    id: str
    created_at: Instant
    redeemable_id: str
    redeemable_object: Literal["voucher"] = "voucher"
    customer_id: str
    holder_role: Literal["OWNER", "REFERRER", "REFEREE"] = "OWNER"
    campaign_id: str | None
    campaign_type: str | None
    voucher_type: VoucherType
    redeemable: HeldRedeemable
