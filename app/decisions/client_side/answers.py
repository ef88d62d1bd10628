"""What a page is answered when it redeems: less than a server is."""

from app.commerce.customers.client_side import ClientCustomer
from app.decisions.answers import RedemptionRead, RedemptionsRead
from app.incentives.client_side import ClientPromotionTier, ClientVoucher


class ClientRedemptionRead(RedemptionRead):
    customer: ClientCustomer | None  # type: ignore[assignment]  # it is shown less, not more
    voucher: ClientVoucher | None = None  # type: ignore[assignment]  # likewise
    promotion_tier: ClientPromotionTier | None = None  # type: ignore[assignment]  # likewise


class ClientRedemptionsRead(RedemptionsRead):
    """What was redeemed: one redemption for each redeemable, and a parent when there is more than one."""

    redemptions: list[ClientRedemptionRead]  # type: ignore[assignment]  # each is shown less, not more
    parent_redemption: ClientRedemptionRead | None = None
