"""Loyalty cards at the checkout as the engine sees them: how much they pay, with how many points, and when not."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.cart import Cart, Customer
from app.engine.decision import Decision
from app.engine.effects import Coin, GiftCredits, PayWithPoints, PercentOff
from app.engine.evaluate import evaluate
from app.engine.postings import AccountKey, Posting
from app.engine.redeemables import Redeemable
from app.engine.rules import parse_rule_set
from app.engine.stacking import StackingRules
from tests.engine.carts import carts, make_cart

POINTS = AccountKey("v_card", "points")
TEN_FOR_ONE = Coin(exchange_ratio=Decimal(1), points_ratio=10)


def card(balance: int = 1000, points: int | None = None, coin: Coin | None = TEN_FOR_ONE, **fields: Any) -> Redeemable:
    members = {name: fields.pop(name) for name in ("locked_points", "problem", "currency") if name in fields}
    effect = PayWithPoints(balance=balance, points=points, coin=coin, holder_id="cust_ann", **members)
    return Redeemable(kind="voucher", id="CARD", object_id="v_card", effect=effect, is_tender=True, **fields)


def decide(cart: Cart, *redeemables: Redeemable, explain: bool = False, **stacking: Any) -> Decision:
    return evaluate(cart, redeemables, StackingRules(**stacking), explain=explain)


def refusal(cart: Cart, redeemable: Redeemable) -> str:
    failure = decide(cart, redeemable).failure
    assert failure is not None
    return failure.key


def test_points_pay_at_their_ratio_and_the_card_sinks_by_as_many() -> None:
    decision = decide(make_cart(amount=20_000), card(balance=1000, points=150))

    assert decision.cart.total_amount == 18_500
    assert (decision.application.credits, decision.application.points) == (1500, 150)
    assert Posting(POINTS, -150, 0) in decision.postings


def test_only_as_many_points_are_used_as_the_order_takes() -> None:
    decision = decide(make_cart(amount=2005), card(balance=1000))

    assert decision.cart.total_amount == 0
    assert decision.application.points == 201


def test_points_that_are_worth_no_whole_cent_stay_on_the_card() -> None:
    third_of_a_cent = Coin(exchange_ratio=Decimal("0.01"), points_ratio=3)

    decision = decide(make_cart(amount=2000), card(balance=1000, points=11, coin=third_of_a_cent))

    assert (decision.application.credits, decision.application.points) == (3, 9)


@pytest.mark.parametrize(("currency", "paid"), [("EUR", 500), ("JPY", 5), ("KWD", 5000), (None, 500)])
def test_a_ratio_is_in_whole_units_of_the_currency(currency: str | None, paid: int) -> None:
    cart = make_cart(amount=100_000, currency=currency, home_currency=currency)

    decision = decide(cart, card(points=50))

    assert decision.application.credits == paid


def test_points_come_after_discounts_and_beside_gift_cards() -> None:
    gift = Redeemable(kind="voucher", id="GIFT", object_id="v_gift", effect=GiftCredits(balance=300), is_tender=True)
    percent = Redeemable(kind="voucher", id="P", object_id="v_p", effect=PercentOff(percent_off=50))

    decision = decide(make_cart(amount=2000), gift, card(points=50), percent)

    assert [outcome.redeemable.id for outcome in decision.outcomes] == ["P", "GIFT", "CARD"]
    assert decision.cart.total_amount == 200
    assert (decision.application.credits, decision.application.points) == (800, 50)


def test_more_points_than_the_card_holds_are_refused() -> None:
    assert refusal(make_cart(amount=2000), card(balance=10, points=11)) == "loyalty_card_points_exceeded"
    assert refusal(make_cart(amount=2000), card(balance=0)) == "loyalty_card_points_exceeded"


def test_points_that_a_session_of_somebody_else_holds_are_refused_and_the_finding_says_so() -> None:
    decision = decide(make_cart(amount=2000), card(balance=100, locked_points=60, points=50), explain=True)

    assert decision.failure is not None
    assert decision.failure.key == "loyalty_card_points_exceeded"
    assert "session that holds points" in (decision.outcomes[0].findings[0].counterfactual or "")


def test_a_card_without_a_reward_cannot_pay() -> None:
    assert refusal(make_cart(amount=2000), card(coin=None)) == "missing_reward"
    assert refusal(make_cart(amount=2000), card(coin=None, problem="It is a mug.")) == "invalid_reward"


def test_only_its_holder_pays_with_a_card() -> None:
    another = Customer(id="cust_bob")

    assert refusal(make_cart(amount=2000, customer=another), card()) == "invalid_customer"
    assert decide(make_cart(amount=2000, customer=Customer(id="cust_ann")), card()).is_valid


def test_points_pay_no_order_in_another_currency() -> None:
    cart = make_cart(amount=2000, currency="USD", home_currency="EUR")

    assert refusal(cart, card()) == "currency_mismatch"


def test_without_an_amount_there_is_nothing_to_pay() -> None:
    assert refusal(make_cart(amount=None), card()) == "missing_amount"


def test_a_rule_can_ask_how_many_points_are_used() -> None:
    few = parse_rule_set(
        {
            "rules": {
                "1": {
                    "name": "redemption.reward.pay_with_points.points_used",
                    "conditions": {"$less_than": [100]},
                    "rules": {},
                },
                "logic": "1",
            }
        }
    )

    assert decide(make_cart(amount=2000), card(points=99, rules=(("val_1", few),))).is_valid
    assert refusal(make_cart(amount=2000), card(points=100, rules=(("val_1", few),))) == "redemption_rules_violated"


@given(
    carts(),
    st.integers(1, 10**6),
    st.one_of(st.none(), st.integers(1, 10**6)),
    st.decimals("0.000001", 1000, places=6),
    st.integers(1, 10**4),
)
def test_no_point_is_used_in_vain_and_no_cent_is_paid_twice(
    cart: Cart, balance: int, points: int | None, exchange_ratio: Decimal, points_ratio: int
) -> None:
    coin = Coin(exchange_ratio=exchange_ratio, points_ratio=points_ratio)

    application = decide(cart, card(balance, points, coin)).application

    worth = Fraction(exchange_ratio) * 100 / points_ratio
    assert application.points <= min(balance, points or balance)
    assert application.credits == application.total_discount_amount <= (cart.amount or 0)
    if application.points:
        assert application.credits <= application.points * worth
        assert (application.points - 1) * worth < application.credits
