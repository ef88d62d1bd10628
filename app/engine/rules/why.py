"""Sentences: what would make a failed condition hold. Amounts are in minor units of the order's currency."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.engine.cart import Cart, Item
from app.engine.postings import period_bounds
from app.engine.rules.conditions import Condition, Words
from app.engine.rules.limits import counted_amount
from app.engine.rules.registry import LimitFact
from app.engine.rules.subject import Missing, RuleSubject
from app.engine.rules.values import Num, number_of
from app.engine.validity import spoken

MOST_NAMED = 3
MISSING: Mapping[Missing, str] = {
    Missing.CUSTOMER: "A customer has to be named.",
    Missing.EMAIL: "A mail address of the customer has to be given.",
    Missing.PHONE: "A phone number of the customer has to be given.",
    Missing.DEVICE: "A fingerprint of the customer's device has to be given.",
    Missing.PAYMENT: "A fingerprint of the customer's means of payment has to be given.",
    Missing.ORDER: "An order has to be given.",
    Missing.ITEMS: "The order has to list its items.",
    Missing.AMOUNT: "The order has to have an amount.",
    Missing.CURRENCY: "The order has to be in a currency for which the rule has amounts.",
}
VERBS: Mapping[str, str] = {
    "$is": "has to be",
    "$in": "has to be",
    "$is_not": "must not be",
    "$not_in": "must not be",
    "$not_intersect": "must not be",
    "$not_differ": "has to be exactly",
    "$starts_with": "has to start with",
    "$ends_with": "has to end with",
    "$contains": "has to contain",
    "$from": "has to be from",
    "$after": "has to be after",
    "$before": "has to be before",
}


def shown(value: Any) -> Any:
    """What a fact answered, as a finding shows it."""
    if isinstance(value, Missing):
        return None
    if isinstance(value, frozenset):
        return sorted(value)
    return name_of(value) if isinstance(value, Item) else value


def name_of(line: Item) -> str | None:
    """What to call a line: its SKU, else its product, by our id or by the shop's."""
    sku, product = line.sku, line.product
    return (
        line.sku_id
        or (sku and (sku.id or sku.source_id))
        or line.product_id
        or (product and (product.id or product.source_id))
        or line.source_id
    )


def listed(expected: Sequence[Any]) -> str:
    """`a, b or c`; of many, the first few."""
    names = [_named(each) for each in expected[:MOST_NAMED]]
    if len(expected) > MOST_NAMED:
        names.append(f"{len(expected) - MOST_NAMED} more")
    return " or ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _named(expected: Any) -> str:
    if isinstance(expected, Mapping):
        return str(expected.get("id") or expected.get("source_id") or dict(expected))
    return str(expected)


def counterfactual(words: Words, condition: Condition, value: Any, cart: Cart, of: str = "") -> str | None:
    """What would make `condition` hold instead of `value`; None where no short sentence says it.

    `of` tells which lines are meant (` of shirt or hat`), where an enclosing rule picked some.
    """
    if isinstance(value, Missing):
        return MISSING[value]
    if condition.opens_at is not None:
        opens_at = condition.opens_at(value, cart)
        return None if opens_at is None else f"From {spoken(opens_at, cart.zone)}."
    difference = _difference(condition, value)
    if difference is not None and difference > 0:
        return f"{words.label} needs {difference} more{words.unit}{of}."
    if difference is not None:
        return f"{words.label} has {-difference} too many{words.unit}{of}."
    verb = VERBS.get(condition.operator)
    return None if verb is None else f"{words.label} {verb} {listed(condition.expected)}."


def _difference(condition: Condition, value: Any) -> Num | None:
    """What to add to `value` to reach the nearest whole number that holds; None if order is not the question."""
    number = number_of(value)
    if number is None or condition.operator not in STEPS:
        return None
    bound: Num = condition.operands[0]
    return bound - number + STEPS[condition.operator]


STEPS: Mapping[str, int] = {
    "$more_than": 1,
    "$greater_than": 1,
    "$more_than_or_equal": 0,
    "$greater_than_or_equal": 0,
    "$less_than": -1,
    "$less_than_or_equal": 0,
}


def limit_counterfactual(fact: LimitFact, condition: Condition, count: Any, subject: RuleSubject) -> str | None:
    """How much of a limit is left, and when it begins anew if it does."""
    if isinstance(count, Missing):
        return MISSING[count]
    difference = _difference(condition, count)
    if difference is None or difference == 0:
        return None
    if difference > 0:
        return f"{difference} more have to be counted{fact.unit}."
    this = counted_amount(fact.counted, subject)
    greatest = count + difference
    left = max(0, greatest - (count - this))
    sentence = f"Of {greatest} allowed{fact.unit}, {left} are left."
    period = fact.counted.period
    if not period or not condition.predicate(this, subject.cart):
        return sentence
    _, end = period_bounds(period, subject.cart.now, subject.cart.zone)
    return f"{sentence} Again from {spoken(end, subject.cart.zone)}."


def picked(condition: Condition, words: Words) -> str:
    """The lines that a condition picks, for sentences about them: ` of shirt or hat`, ` with colour red`."""
    if condition.operator not in ("$is", "$in", "$from"):
        return ""
    if words.fact.startswith(("order.items.", "product.id", "sku.id")):
        return f" of {listed(condition.expected)}"
    return f" with {words.fact} {listed(condition.expected)}"
