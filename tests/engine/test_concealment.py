"""To strangers, a voucher that does not apply is one that does not exist."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.concealment import Candidates, concealing_decision, without_closed
from app.engine.decision import Decision
from app.engine.effects import AmountOff
from app.engine.evaluate import evaluate
from app.engine.postings import AccountKey
from app.engine.redeemables import Redeemable, Unresolved
from app.engine.rules import RuleSet, parse_rule_set
from app.engine.stacking import StackingRules
from app.engine.validity import Validity

from .carts import BUYER, NOW, make_cart

ORDER = make_cart(amount=100_00, customer=BUYER)
MODES = {mode: StackingRules(redeemables_application_mode=mode) for mode in ("ALL", "PARTIAL")}  # type: ignore[arg-type]
USELESS: dict[str, dict[str, Any]] = {
    "disabled": {"is_active": False},
    "campaign disabled": {"campaign_is_active": False},
    "expired": {"validities": (Validity(expiration_date=NOW - timedelta(days=1)),)},
    "not open yet": {"validities": (Validity(start_date=NOW + timedelta(days=1)),)},
    "spent": {"uses_limit": 1, "counts": {AccountKey("v_USELESS", "uses"): 1}},
}


def code(name: str, **fields: Any) -> Redeemable:
    return Redeemable("voucher", id=name, object_id=f"v_{name}", effect=AmountOff(amount_off=10_00), **fields)


def over(amount: int, message: str | None = None) -> tuple[tuple[str, RuleSet], ...]:
    """The rule that the order is over so much."""
    node: dict[str, Any] = {"name": "order.amount", "conditions": {"$more_than": [amount]}, "rules": {}}
    if message is not None:
        node["error"] = {"message": message}
    return (("val_1", parse_rule_set({"rules": {"1": node, "logic": "1"}})),)


def told(redeemables: Candidates, stacking: StackingRules) -> Decision:
    return concealing_decision(
        lambda candidates: evaluate(ORDER, candidates, stacking), without_closed(ORDER, redeemables)
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reason", USELESS)
def test_a_voucher_that_applies_to_no_order_is_told_as_one_that_does_not_exist(reason: str, mode: str) -> None:
    others = [code("GOOD"), Unresolved("voucher", "NONE")]
    useless = code("USELESS", hierarchy=0, category_id="cat_1", **USELESS[reason])

    for place in range(3):
        redeemables = [*others[:place], useless, *others[place:]]
        without = [*others[:place], Unresolved("voucher", "USELESS"), *others[place:]]

        assert told(redeemables, MODES[mode]) == evaluate(ORDER, without, MODES[mode])


def test_a_voucher_that_is_not_for_this_order_is_told_as_one_that_does_not_exist() -> None:
    redeemables = [code("GOOD"), code("BIG", rules=over(1_000_00)), code("BIGGER", rules=over(2_000_00))]

    decision = told(redeemables, MODES["PARTIAL"])

    assert decision == evaluate(
        ORDER, [code("GOOD"), *(Unresolved("voucher", name) for name in ("BIG", "BIGGER"))], MODES["PARTIAL"]
    )


def test_what_the_marketer_wrote_to_customers_is_told() -> None:
    decision = told([code("BIG", rules=over(1_000_00, "Orders over 1,000 only."))], MODES["ALL"])

    assert decision.failure is not None
    assert decision.failure.custom_message == "Orders over 1,000 only."


def test_promotions_are_no_secret() -> None:
    tier = replace(code("promo_1"), kind="promotion_tier", is_active=False)

    decision = told([tier], MODES["ALL"])

    assert decision.failure is not None
    assert decision.failure.key == "promotion_inactive"


@given(
    kinds=st.lists(st.sampled_from(["good", "unknown", "rules", "message", *USELESS]), min_size=1, max_size=8),
    mode=st.sampled_from(sorted(MODES)),
)
def test_only_messages_of_the_marketer_tell_why_any_voucher_failed(kinds: list[str], mode: str) -> None:
    redeemables: list[Redeemable | Unresolved] = []
    for n, kind in enumerate(kinds):
        name = f"CODE-{n}"
        if kind == "unknown":
            redeemables.append(Unresolved("voucher", name))
        elif kind in USELESS:
            fields = USELESS[kind] | ({"counts": {AccountKey(f"v_{name}", "uses"): 1}} if kind == "spent" else {})
            redeemables.append(code(name, **fields))
        else:
            rules = {"rules": over(1_000_00), "message": over(1_000_00, "No.")}.get(kind, ())
            redeemables.append(code(name, rules=rules))

    decision = told(redeemables, MODES[mode])

    keys = {each.failure.key for each in decision.outcomes if each.failure and each.failure.custom_message is None}
    assert keys <= {"not_found"}
    assert decision.is_valid == evaluate(ORDER, redeemables, MODES[mode]).is_valid
    assert decision.discount_amount == evaluate(ORDER, redeemables, MODES[mode]).discount_amount
