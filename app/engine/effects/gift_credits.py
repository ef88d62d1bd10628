from typing import Literal

from app.engine.allocation import allocate
from app.engine.applicability import Applicability
from app.engine.application import NOTHING, Application
from app.engine.cart import Cart
from app.engine.currencies import MISMATCH_KEY, Mismatch
from app.engine.effects.base import Effect, EffectScope, Hindrance
from app.engine.money import Amount, Currency


class GiftCredits(Effect):
    """Pay with what a gift card holds: the whole order, or only the lines that the rule's targets pick.

    `balance` is what the card holds, of which sessions of others have reserved `locked_credits`. `credits` is how much
    of it the customer wants to use, empty for as much as the order takes. Never more is used than is left to pay, so
    credits that were asked for in vain stay on the card. On lines, what is paid is spread by what is left to pay for
    each. The card pays orders in its `currency`, the project's if empty.
    """

    type: Literal["GIFT"] = "GIFT"
    effect: Literal["APPLY_TO_ORDER", "APPLY_TO_ITEMS"] = "APPLY_TO_ORDER"
    balance: Amount
    locked_credits: Amount = 0
    credits: Amount | None = None
    currency: Currency | None = None

    @property
    def free_amount(self) -> int:
        """What nobody has reserved."""
        return max(0, self.balance - self.locked_credits)

    def hindrance(self, cart: Cart, applicability: Applicability | None) -> Hindrance | None:
        if cart.amount is None:
            return Hindrance("missing_amount", "missing amount", "order.amount", "an amount", None, "with an order")
        if not cart.takes(self.currency):
            own_currency = self.currency or cart.home_currency
            return Hindrance(
                MISMATCH_KEY,
                "currency mismatch",
                "order.currency",
                own_currency,
                cart.currency,
                f"with an order in {own_currency}",
                Mismatch("the gift card", cart.currency or "", (own_currency or "",)).details,
            )
        if self.effect == "APPLY_TO_ITEMS" and not cart.items:
            return Hindrance(
                "missing_order_items_amount",
                "missing order items amount",
                "order.items",
                "lines with amounts",
                None,
                "with lines in the order",
            )
        wanted = 1 if self.credits is None else self.credits
        if wanted > self.free_amount:
            more = wanted - self.free_amount
            return Hindrance(
                "gift_amount_exceeded",
                "gift amount exceeded",
                "gift.balance",
                wanted,
                self.free_amount,
                "once a session that holds credits is released or expires"
                if wanted <= self.balance
                else f"with {more} minor units more on the card",
            )
        return None

    def application(self, scope: EffectScope) -> Application:
        cart = scope.cart
        if cart.amount is None:
            return NOTHING
        most = min(self.free_amount if self.credits is None else self.credits, self.free_amount, cart.total_amount)
        if self.effect == "APPLY_TO_ORDER":
            return Application(order_discount_amount=most, credits=most)
        covers = scope.applicability.covers if scope.applicability is not None else None
        left_amounts = [item.subtotal_amount if covers and covers(item) else 0 for item in cart.items]
        paid_amount = min(most, sum(left_amounts))
        if not paid_amount:
            return NOTHING
        return Application(item_discount_amounts=tuple(allocate(paid_amount, left_amounts)), credits=paid_amount)
