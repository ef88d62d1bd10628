"""The index never hides a discount that would have applied, and looks at few that would not."""

import itertools
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.applicability import Applicability, ApplicabilityDefinition, applicability_of
from app.engine.candidates import Candidate, CandidateIndex, needs_of
from app.engine.candidates.spans import Span, span_tree
from app.engine.cart import Cart
from app.engine.effects import AmountOff, Effect, PercentOff
from app.engine.evaluate import qualify
from app.engine.redeemables import Redeemable
from app.engine.rules import RuleSet, parse_rule_set
from app.engine.stacking import StackingRules
from app.engine.validity import ALWAYS, Validity, parse_validity
from tests.engine.rules.subjects import BARE_CART, CART, CUSTOMER, HAT, NOW, SHIRT, rule, rules

FIVE_OFF = AmountOff(amount_off=500)
BAGGED = replace(HAT, collection_ids=frozenset(["prod_none"]))
FIVE_OFF_LINES = AmountOff(amount_off=500, effect="APPLY_TO_ITEMS")


@dataclass(frozen=True)
class Promotion:
    """A discount as a marketer writes it."""

    effect: Effect = FIVE_OFF
    applicability: Applicability | None = None
    rule_set: RuleSet | None = None
    validity: Validity = ALWAYS

    @property
    def candidate(self) -> "Candidate[Promotion]":
        own = [self.rule_set] if self.rule_set else []
        needs = needs_of(self.effect, self.applicability, own, [self.validity])
        return Candidate.of(self, needs, [self.validity])

    def applies_to(self, cart: Cart) -> bool:
        """Whether the engine, asked in full, takes something off."""
        redeemable = Redeemable(
            kind="promotion_tier",
            id="promo_1",
            object_id="promo_1",
            effect=self.effect,
            campaign_id="camp_1",
            applicability=self.applicability,
            validities=(self.validity,),
            rules=(("val_1", self.rule_set),) if self.rule_set else (),
        )
        (outcome,) = qualify(cart, [redeemable], StackingRules())
        return outcome.status == "APPLICABLE" and outcome.application.has_effect


def having(*listed: dict[str, Any], logic: str = "", **fields: Any) -> Promotion:
    return Promotion(rule_set=parse_rule_set({"rules": rules(*listed, logic=logic)}), **fields)


def targets(**definition: Any) -> Applicability | None:
    return applicability_of(ApplicabilityDefinition.model_validate(definition))


names = st.sampled_from(
    [*("prod_shirt", "shirt", "prod_hat", "sku_hat_m", "hat-m", "prod_none"), *("seg_vip", "seg_none")]
)
named_lines = st.one_of(
    names,
    st.builds(
        lambda name, kind: {"id": name, "object": kind},
        names,
        st.sampled_from(["product", "sku", "product_or_sku", "products_collection"]),
    ),
)
amounts = st.sampled_from([0, 1, 11_499, 11_500, 11_501, 20_000])
texts = st.sampled_from(["DE", "de", "FR", "Bayern", "app", "red", "blue", "gold", "a", "10", "true", "key_1", "ada"])
anything: st.SearchStrategy[Any] = st.one_of(texts, st.integers(0, 12), st.booleans(), st.just(0.5))
equalities = st.sampled_from(["$is", "$in", "$is_not", "$not_in"])


def conditions(operators: st.SearchStrategy[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(operators, st.lists(values, min_size=1, max_size=3), min_size=1, max_size=2)


def asking(*facts: str, operators: st.SearchStrategy[str], values: st.SearchStrategy[Any]) -> Any:
    return st.fixed_dictionaries({"name": st.sampled_from(facts), "conditions": conditions(operators, values)})


bounds = st.sampled_from(["$less_than", "$less_than_or_equal", "$more_than", "$more_than_or_equal"])
plain_rules = st.one_of(
    st.builds(
        lambda operator, amount: rule("order.amount", operator, amount),
        bounds | equalities,
        amounts,
    ),
    asking("customer.segment", operators=equalities, values=names),
    asking("customer.address.country", "customer.address.state", operators=equalities, values=texts),
    asking("redemption.api_key", "redemption.user.login", operators=equalities, values=texts),
    asking(
        *("customer.metadata", "order.metadata", "redemption.metadata", "redeemable.metadata"),
        *("product.metadata", "order.items.metadata_any", "order.items.metadata_each", "order.items.metadata"),
        operators=equalities | st.just("$contains"),
        values=texts | anything,
    ).flatmap(lambda each: st.sampled_from(["channel", "tags", "color", "tier", "gift"]).map(
        lambda key: {**each, "property": key}
    )),
    asking(
        *("order.items.any", "order.items.every", "order.items.none"),
        *("order.items.cheapest", "order.items.most_expensive", "product.id"),
        operators=equalities | st.just("$from"),
        values=named_lines,
    ),
    asking("order.items.count", operators=equalities | bounds, values=st.integers(0, 7)),
)  # fmt: skip


def with_sub_rules(each: dict[str, Any], inner: list[dict[str, Any]]) -> dict[str, Any]:
    return {**each, "rules": rules(*inner)} if inner else each


rule_sets = st.builds(
    lambda listed, logic: {"rules": rules(*listed, logic=logic if len(listed) == 3 else "")},
    st.lists(
        st.builds(with_sub_rules, plain_rules, st.just([]) | st.lists(plain_rules, max_size=1)),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(["", "1 or 2 or 3", "1 or 2 or 3", "1 and (2 or 3)", "(1 and 2) or 3", "2"]),
)
line_targets = st.builds(lambda kind, name: {"object": kind, "id": name}, st.sampled_from(["product", "sku"]), names)
applicabilities = st.none() | st.builds(
    lambda included, excluded, everything: targets(included=included, excluded=excluded, included_all=everything),
    st.lists(line_targets, max_size=2),
    st.lists(line_targets, max_size=1),
    st.booleans(),
)
hours = st.timedeltas(timedelta(hours=-48), timedelta(hours=48))


def limited(start: timedelta | None, length: timedelta | None, days: list[int], *, by_hours: bool) -> Validity:
    starts = None if start is None else NOW + start
    fields: dict[str, Any] = {"start_date": starts}
    if length is not None:
        fields["expiration_date"] = (starts or NOW) + length
    if days and by_hours:
        fields["validity_hours"] = {"daily": [{"days_of_week": days, "start_time": "06:00"}]}
    elif days:
        fields["validity_day_of_week"] = days
    return parse_validity(fields)


validities = st.builds(
    limited,
    st.none() | hours,
    st.none() | st.timedeltas(timedelta(minutes=1), timedelta(hours=60)),
    st.lists(st.integers(0, 6), max_size=3),
    by_hours=st.booleans(),
)


@st.composite
def promotions(draw: st.DrawFn) -> Promotion:
    definition = draw(rule_sets)
    try:
        rule_set = parse_rule_set(definition)
    except ValueError:  # values that the operators of the fact do not take
        rule_set = parse_rule_set({})
    if draw(st.booleans()):
        return Promotion(rule_set=rule_set)
    effects = [FIVE_OFF, FIVE_OFF_LINES, PercentOff(percent_off=10, effect="APPLY_TO_ITEMS")]
    return Promotion(draw(st.sampled_from(effects)), draw(applicabilities), rule_set, draw(validities))


@st.composite
def carts(draw: st.DrawFn) -> Cart:
    if draw(st.integers(0, 4)) == 0:
        return replace(BARE_CART, customer=draw(st.none() | st.just(CUSTOMER)))
    items = tuple(draw(st.lists(st.sampled_from([SHIRT, HAT, BAGGED]), max_size=3)))
    return replace(
        CART,
        items=items,
        amount=draw(st.none() | amounts),
        now=NOW + draw(st.just(timedelta()) | hours),
        customer=draw(st.sampled_from([None, CUSTOMER, CUSTOMER])),
        metadata=draw(st.sampled_from([{}, {"channel": "app"}, {"channel": 10, "tags": ["a", 10, True]}])),
    )


@settings(max_examples=600)
@given(st.lists(promotions(), max_size=12), st.lists(carts(), min_size=1, max_size=3))
def test_whatever_would_apply_is_found_and_comes_in_its_place(listed: list[Promotion], asked: list[Cart]) -> None:
    index = CandidateIndex([promotion.candidate for promotion in listed])

    for cart in asked:
        found = [id(promotion) for promotion in index.find(cart)]
        applying = [id(promotion) for promotion in listed if promotion.applies_to(cart)]

        assert [each for each in found if each in set(applying)] == applying
        assert sorted(found, key=[id(promotion) for promotion in listed].index) == found


HOLDING = [
    rule("order.amount", "$more_than", 11_499),
    rule("order.amount", "$more_than_or_equal", 11_500),
    rule("order.amount", "$less_than", 11_501),
    rule("order.amount", "$less_than_or_equal", 11_500),
    rule("order.amount", "$in", 11_500, 1),
    rule("customer.segment", "$is", "seg_vip", "seg_none"),
    rule("customer.metadata", "$is", "10", property="orders"),
    rule("customer.metadata", "$in", "b", "c", property="tags"),
    rule("customer.address.country", "$is", " de "),
    rule("product.id", "$is", "shirt"),
    rule("order.items.any", "$in", {"source_id": "hat-m", "object": "sku"}),
    rule("order.items.every", "$in", "prod_shirt", "prod_hat"),
    rule("order.items.none", "$is", "prod_none"),
    rule("product.metadata", "$is", "blue", property="color"),
    rule("order.items.count", "$more_than", 5),
    rule("customer.segment", "$is_not", "seg_none"),
]
FAILING = [
    rule("order.amount", "$more_than", 11_500),
    rule("order.amount", "$less_than", 11_500),
    rule("order.amount", "$is", 11_499),
    rule("customer.segment", "$is", "seg_none"),
    rule("customer.metadata", "$is", "silver", property="tier"),
    rule("product.id", "$is", "prod_none"),
    rule("order.items.every", "$is", "prod_hat"),
    rule("order.items.count", "$more_than", 6),
]
logics = st.sampled_from(
    [
        "1 and 2",
        "1 or 2",
        "1 or 2 or 3",
        "1 and (2 or 3)",
        "(1 and 2) or 3",
        "(1 or 2) and (3 or 4)",
        "1 and 2 or 3 and 4",
    ]
)


@settings(max_examples=400)
@given(st.lists(st.sampled_from(HOLDING + FAILING), min_size=4, max_size=4), logics)
def test_rules_that_hold_together_are_found_however_they_are_joined(listed: list[dict[str, Any]], logic: str) -> None:
    promotion = having(*listed, logic=logic)

    found = CandidateIndex([promotion.candidate]).find(CART)

    assert found == [promotion] or not promotion.applies_to(CART)


@pytest.mark.parametrize("logic", ["1 and 2", "1 or 2"])
def test_any_two_rules_that_hold_joined_are_found(logic: str) -> None:
    for first, second in itertools.product(HOLDING + FAILING, repeat=2):
        promotion = having(first, second, logic=logic)

        found = CandidateIndex([promotion.candidate]).find(CART)

        assert found == [promotion] or not promotion.applies_to(CART), (first, second)


@pytest.mark.parametrize("listed", HOLDING, ids=str)
def test_a_rule_that_holds_is_found(listed: dict[str, Any]) -> None:
    promotion = having(listed)

    assert promotion.applies_to(CART)
    assert CandidateIndex([promotion.candidate]).find(CART) == [promotion]


@given(
    st.lists(st.tuples(st.integers(-9, 9) | st.just(float("-inf")), st.integers(-9, 9) | st.just(float("inf")))),
    st.integers(-10, 10),
)
def test_a_number_finds_exactly_the_spans_around_it(ends: list[tuple[float, float]], number: int) -> None:
    tree = span_tree([Span(low, high, position) for position, (low, high) in enumerate(ends)])

    found = sorted(tree.containing(number)) if tree else []

    assert found == [position for position, (low, high) in enumerate(ends) if low <= number <= high]


NARROW: list[tuple[str, Any]] = [
    ("a product", lambda n: having(rule("product.id", "$is", f"prod_{n}"))),
    ("one of some products or SKUs", lambda n: having(rule("order.items.any", "$in", f"a_{n}", {"id": f"b_{n}"}))),
    ("a collection", lambda n: having(rule("order.items.any", "$from", f"pc_{n}"))),
    ("a segment", lambda n: having(rule("customer.segment", "$in", f"seg_{n}"))),
    ("a customer's metadata", lambda n: having(rule("customer.metadata", "$is", n + 100, property="score"))),
    ("a place", lambda n: having(rule("customer.address.city", "$is", f"Town {n}"))),
    ("an amount between two bounds", lambda n: having(rule(
        "order.amount", "$more_than", 20_000 + n, ), rule("order.amount", "$less_than", 20_010 + n))),
    ("a product or a segment", lambda n: having(
        rule("product.id", "$is", f"prod_{n}"), rule("customer.segment", "$is", f"seg_{n}"), logic="1 or 2")),
    ("what many need, and a product", lambda n: having(
        rule("customer.segment", "$is", "seg_vip"), rule("product.id", "$is", f"prod_{n}"))),
    ("a line to take something off", lambda n: Promotion(
        FIVE_OFF_LINES, targets(included=[{"object": "product", "id": f"prod_{n}"}]))),
    ("a later day", lambda n: Promotion(validity=Validity(start_date=NOW + timedelta(hours=1 + n)))),
    ("an earlier day", lambda n: Promotion(validity=Validity(expiration_date=NOW - timedelta(hours=n)))),
    ("another day of the week", lambda n: Promotion(validity=Validity(days_of_week=frozenset({n % 6})))),
]  # fmt: skip


@pytest.mark.parametrize(("need", "narrow"), NARROW, ids=[need for need, _ in NARROW])
def test_of_a_thousand_that_need_something_else_none_is_looked_at(need: str, narrow: Any) -> None:
    relevant = [having(rule("product.id", "$is", "prod_hat")) for _ in range(10)]
    others = [narrow(number) for number in range(1_000)]
    index = CandidateIndex([promotion.candidate for promotion in [*others, *relevant]])

    found = index.find(CART)

    assert [id(promotion) for promotion in found] == [id(promotion) for promotion in relevant]


def test_what_the_index_does_not_understand_is_always_looked_at() -> None:
    unclear = [
        having(rule("order.items.count", "$is", 99)),
        having(rule("redeemable.metadata", "$is", "x", property="y")),
        having(rule("customer.segment", "$is_not", "seg_vip")),
        having(rule("order.items.none", "$is", "prod_none")),
        having(rule("product.id", "$is", "prod_none"), rule("order.total_amount", "$more_than", 1), logic="1 or 2"),
    ]

    found = CandidateIndex([promotion.candidate for promotion in unclear]).find(CART)

    assert [id(promotion) for promotion in found] == [id(promotion) for promotion in unclear]


def test_the_index_follows_the_clock_both_ways() -> None:
    tomorrow = Promotion(validity=Validity(start_date=NOW + timedelta(days=1)))
    today = Promotion(validity=Validity(expiration_date=NOW + timedelta(days=1)))
    index = CandidateIndex([tomorrow.candidate, today.candidate])

    found = [index.find(replace(CART, now=NOW + timedelta(days=days))) for days in (0, 1, 0)]

    assert found == [[today], [tomorrow], [today]]
