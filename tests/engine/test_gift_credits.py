"""Gift cards as the engine sees them: how much they pay, of what, and when they are refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.applicability import Applicability
from app.engine.cart import Cart
from app.engine.decision import Decision
from app.engine.effects import AmountOff, Effect, GiftCredits, PercentOff
from app.engine.evaluate import evaluate
from app.engine.postings import AccountKey, Posting
from app.engine.redeemables import Redeemable
from app.engine.stacking import StackingRules
from tests.engine.carts import EVERYTHING, applicabilities, carts, discounts, make_cart, make_item, reaching

BALANCE = AccountKey("v_gift", "balance")


def card(effect: Effect, **fields: Any) -> Redeemable:
    fields = {"id": "GIFT", "object_id": "v_gift", "is_tender": isinstance(effect, GiftCredits), **fields}
    return Redeemable(kind="voucher", effect=effect, **fields)


def decide(cart: Cart, *redeemables: Redeemable, explain: bool = False, **stacking: Any) -> Decision:
    return evaluate(cart, redeemables, StackingRules(**stacking), explain=explain)


def test_a_card_pays_the_order_and_its_account_sinks_by_as_much() -> None:
    decision = decide(make_cart(amount=2000), card(GiftCredits(balance=5000)))

    assert decision.cart.total_amount == 0
    assert decision.application.credits == 2000
    assert Posting(BALANCE, -2000, 0) in decision.postings


def test_a_card_pays_what_was_asked_for_and_no_more() -> None:
    decision = decide(make_cart(amount=2000), card(GiftCredits(balance=5000, credits=700)))

    assert decision.cart.total_amount == 1300
    assert Posting(BALANCE, -700, 0) in decision.postings


def test_the_worked_example_of_the_contract() -> None:
    # Surface, section 6: 200000; gift 100 leaves 199900; 20 % of that is 39980; 8000 more leave 151920.
    stack = [
        card(GiftCredits(balance=100)),
        card(PercentOff(percent_off=20), id="P", object_id="v_p"),
        card(AmountOff(amount_off=8000), id="A", object_id="v_a"),
    ]

    decision = decide(make_cart(amount=200_000), *stack, tenders_sorting_rule="AS_REDEEMABLES")

    assert [outcome.cart.total_amount for outcome in decision.outcomes] == [199_900, 159_920, 151_920]
    assert [outcome.application.order_discount_amount for outcome in decision.outcomes] == [100, 39_980, 8000]
    assert decision.outcomes[1].cart.discount_amount == 40_080
    assert decision.application.credits == 100


def test_on_items_a_card_pays_for_the_chosen_lines_by_what_is_left_of_each() -> None:
    cart = make_cart(make_item("a", 1, 1000), make_item("b", 1, 5000), make_item("a", 1, 500))

    decision = decide(cart, card(GiftCredits(balance=1000, effect="APPLY_TO_ITEMS"), applicability=reaching("a")))

    assert decision.application.item_discount_amounts == (667, 0, 333)
    assert decision.application.credits == 1000
    assert decision.application.order_discount_amount == 0


def test_on_items_a_card_never_pays_more_than_the_order_still_costs() -> None:
    cart = make_cart(make_item("a", 1, 1000), discount_amount=900)

    decision = decide(cart, card(GiftCredits(balance=5000, effect="APPLY_TO_ITEMS"), applicability=EVERYTHING))

    assert decision.application.credits == 100


@pytest.mark.parametrize(
    ("effect", "cart", "key"),
    [
        (GiftCredits(balance=0), make_cart(amount=1000), "gift_amount_exceeded"),
        (GiftCredits(balance=99, credits=100), make_cart(amount=1000), "gift_amount_exceeded"),
        (GiftCredits(balance=99, credits=100), make_cart(amount=50), "gift_amount_exceeded"),
        (GiftCredits(balance=99), make_cart(), "missing_amount"),
        (GiftCredits(balance=99, effect="APPLY_TO_ITEMS"), make_cart(amount=5), "missing_order_items_amount"),
    ],
)
def test_a_card_that_cannot_pay_is_refused(effect: GiftCredits, cart: Cart, key: str) -> None:
    decision = decide(cart, card(effect), explain=True)

    assert decision.failure is not None
    assert (decision.failure.key, decision.failure.details, decision.failure.resource_id) == (key, "GIFT", "GIFT")
    (finding,) = decision.outcomes[0].findings
    assert finding.counterfactual is not None
    assert decision.postings == ()


def test_a_card_whose_order_is_paid_already_pays_nothing_and_moves_nothing() -> None:
    decision = decide(make_cart(amount=1000, discount_amount=1000), card(GiftCredits(balance=500)))

    assert decision.is_valid
    assert [posting.account.measure for posting in decision.postings] == ["uses"]


@given(
    cart=carts(),
    applicability=applicabilities,
    balance=st.integers(0, 200_000),
    wanted=st.none() | st.integers(1, 200_000),
    on_items=st.booleans(),
    discount=discounts,
)
def test_whatever_the_stack_a_card_pays_at_most_what_it_holds_and_what_is_left(
    cart: Cart,
    applicability: Applicability | None,
    balance: int,
    wanted: int | None,
    on_items: bool,
    discount: Effect,
) -> None:
    effect = GiftCredits(balance=balance, credits=wanted, effect="APPLY_TO_ITEMS" if on_items else "APPLY_TO_ORDER")
    stack = [
        card(effect, applicability=applicability),
        card(discount, id="D", object_id="v_d", applicability=applicability),
    ]

    decision = decide(cart, *stack, redeemables_application_mode="PARTIAL")

    paid = decision.application.credits
    assert 0 <= paid <= balance
    assert wanted is None or paid <= wanted
    assert decision.cart.total_amount >= 0
    assert all(line.discount_amount <= line.amount for line in decision.cart.items)
    assert [posting.amount for posting in decision.postings if posting.account == BALANCE] == ([-paid] if paid else [])
    for outcome in decision.outcomes:
        if outcome.application.credits:
            assert outcome.application.credits == outcome.application.total_discount_amount


def test_what_sessions_of_others_hold_does_not_pay() -> None:
    decision = decide(make_cart(amount=2000), card(GiftCredits(balance=1500, locked_credits=600)))

    assert decision.application.credits == 900


@pytest.mark.parametrize(
    ("wanted", "counterfactual"),
    [
        (901, "once a session that holds credits is released or expires"),
        (1501, "with 601 minor units more on the card"),
    ],
)
def test_a_card_that_others_hold_tells_what_would_help(wanted: int, counterfactual: str) -> None:
    decision = decide(make_cart(amount=2000), card(GiftCredits(balance=1500, locked_credits=600, credits=wanted)))

    (finding,) = decision.outcomes[0].findings
    assert (finding.seen, finding.expected) == (900, wanted)
    assert finding.counterfactual == counterfactual
