from decimal import Decimal
from fractions import Fraction
from typing import Literal

from app.engine.applicability import Applicability
from app.engine.application import NOTHING, Application
from app.engine.cart import Cart
from app.engine.currencies import MISMATCH_KEY, Mismatch, minor_units
from app.engine.effects.base import Effect, EffectScope, Hindrance
from app.engine.money import Amount, AmountLimit, Currency
from app.engine.stored import Stored


class Coin(Stored):
    """What points are worth: `points_ratio` of them are `exchange_ratio` units of the currency, such as 0.05 euros."""

    exchange_ratio: Decimal
    points_ratio: AmountLimit = 1

    def worth(self, currency: str | None) -> Fraction:
        """Minor units of the currency for one point, exactly."""
        return Fraction(self.exchange_ratio) * minor_units(currency) / self.points_ratio


class PayWithPoints(Effect):
    """Pay with the points of a loyalty card.

    `balance` is what the card holds, of which sessions of others have reserved `locked_points`. `points` is how many of
    them the customer wants to use, empty for as many as the order takes. Points are worth whole minor units only, and
    no more of them are used than that takes: what was asked for in vain stays on the card. The card belongs to
    `holder_id`, and pays orders in its `currency`, the project's if empty. What points are worth says the `coin` of the
    reward that is asked for by `reward_id`; without one `problem` tells why.
    """

    type: Literal["POINTS"] = "POINTS"
    balance: Amount
    locked_points: Amount = 0
    points: AmountLimit | None = None
    reward_id: str | None = None
    coin: Coin | None = None
    problem: str | None = None
    currency: Currency | None = None
    holder_id: str | None = None

    @property
    def free_points(self) -> int:
        """What nobody has reserved."""
        return max(0, self.balance - self.locked_points)

    def hindrance(self, cart: Cart, applicability: Applicability | None) -> Hindrance | None:
        if self.holder_id is None or (cart.customer is not None and cart.customer.id != self.holder_id):
            return Hindrance(
                "invalid_customer",
                "invalid customer",
                "voucher.holder",
                "the holder",
                "nobody" if self.holder_id is None else "another customer",
                "for the customer to whom the card was given",
                "Customer must be a holder of a loyalty card.",
            )
        if self.coin is None:
            return Hindrance(
                "missing_reward" if self.problem is None else "invalid_reward",
                "missing reward" if self.problem is None else "invalid reward",
                "redeemable.reward",
                "a reward to pay with points",
                None,
                "with a reward of the loyalty program that says what points are worth",
                self.problem,
            )
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
                Mismatch("the reward", cart.currency or "", (own_currency or "",)).details,
            )
        wanted = 1 if self.points is None else self.points
        if wanted > self.free_points:
            return Hindrance(
                "loyalty_card_points_exceeded",
                "loyalty card points exceeded",
                "loyalty_card.balance",
                wanted,
                self.free_points,
                "once a session that holds points is released or expires"
                if wanted <= self.balance
                else f"with {wanted - self.free_points} points more on the card",
            )
        return None

    def application(self, scope: EffectScope) -> Application:
        cart = scope.cart
        if cart.amount is None or self.coin is None:
            return NOTHING
        most = min(self.free_points if self.points is None else self.points, self.free_points)
        worth = self.coin.worth(cart.currency or self.currency)
        paid_amount = min(int(most * worth), cart.total_amount)
        if not paid_amount:
            return NOTHING
        return Application(order_discount_amount=paid_amount, credits=paid_amount, points=-int(-paid_amount // worth))
