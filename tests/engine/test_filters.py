"""The filter language: what each operator means for each kind of attribute, and what is refused when it is saved."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.cart import Address, Customer, Product, Sku
from app.engine.filters import InvalidFilter, parse_filter
from app.engine.product_collections import CATALOGUE, Collection, collection_ids_of
from app.engine.segments import CUSTOMER, NO_HISTORY, History, Membership, Segment, segment_ids_of
from tests.engine.carts import BERLIN, NOW, make_cart, make_item

ADA = Customer(
    id="cust_ada",
    source_id="ada",
    name="Ada Lovelace",
    email="Ada@Example.com",
    birthdate=date(1815, 12, 10),
    address=Address(country="DE", city="Berlin"),
    metadata={"vip": True, "sizes": ["L", "XL"], "level": 3, "since": "2026-11-01", "a.b": "dotted"},
    created_at=NOW - timedelta(days=10),
)
REGULAR = History(
    home_orders_count=3,
    orders_count=3,
    orders_amount=10_001,
    last_order_amount=4_000,
    last_order_at=NOW - timedelta(days=2),
    bought=("prod_shirt", "shirt"),
    succeeded_count=2,
    failed_count=1,
    event_counts={"wishlist.filled": 4},
    memberships={"V.I.P.": Membership(120, 30, ("ltr_gold", "Gold")), "Club": Membership(5, 0)},
)


def accepts(attribute: str, operator: str, *values: Any, customer: Customer = ADA, history: History = REGULAR) -> bool:
    definition = {attribute: {"conditions": {operator: list(values)}}}
    segment = Segment("seg", parse_filter(definition, CUSTOMER))
    return bool(segment_ids_of(customer, history, frozenset(), [segment], make_cart()))


@pytest.mark.parametrize(
    ("attribute", "operator", "values", "expected"),
    [
        ("name", "$is", ["Ada Lovelace"], True),
        ("name", "$is", ["ada lovelace"], False),
        ("name", "$in", ["Bob", "Ada Lovelace"], True),
        ("name", "$not_in", ["Bob"], True),
        ("name", "$starts_with", ["Ada"], True),
        ("name", "$ends_with", ["Ada"], False),
        ("name", "$contains", ["Love"], True),
        ("name", "$not_contain", ["Love"], False),
        ("phone", "$not_contain", ["+49"], True),
        ("phone", "$is_not", ["+49"], True),
        ("phone", "$has_value", [], False),
        ("phone", "$is_unknown", [], True),
        ("name", "$has_value", [True], True),
        ("name", "$is_unknown", [True], False),
        ("email", "$is", ["ada@example.com"], True),
        ("address.country", "$is", ["de"], True),
        ("address.state", "$is_unknown", [], True),
        ("metadata.vip", "$is", [True], True),
        ("metadata.vip", "$is", ["true"], True),
        ("metadata.sizes", "$is", ["L"], True),
        ("metadata.sizes", "$count", [2], True),
        ("metadata.sizes", "$is_not", ["S"], True),
        ("metadata.level", "$more_than", [2], True),
        ("metadata.level", "$more_than_equal", [3], True),
        ("metadata.level", "$less_than_equal", [2], False),
        ("metadata.level", "$is", ["3"], True),
        ("metadata.since", "$before", ["2026-11-02"], True),
        ("metadata.since", "$is_days_ago", [20], True),
        ("metadata.a.b", "$is", ["dotted"], True),
        ("metadata.unknown", "$more_than", [0], False),
        ("metadata.unknown", "$is_unknown", [], True),
        ("birthdate", "$next_month", [True], True),
        ("birthday", "$next_month", [], True),
        ("birthdate", "$before", ["1900-01-01"], True),
        ("created_at", "$is_days_ago", [10], True),
        ("created_at", "$more_than_ago", [9], True),
        ("created_at", "$more_than", [10], False),
        ("created_at", "$less_than", [11], True),
        ("created_at", "$after", ["2026-11-11T11:59:00Z"], True),
        ("summary.orders.total_count", "$is", [3], True),
        ("summary.orders.total_amount", "$more_than", ["10000"], True),
        ("summary.orders.average_amount", "$is", [3334], True),
        ("summary.orders.last_order_amount", "$less_than", [4001], True),
        ("summary.orders.last_order_date", "$less_than_ago", [3], True),
        ("summary.orders.products", "$in", ["shirt", "hat"], True),
        ("summary.orders.products", "$is_not", ["shirt"], False),
        ("summary.orders.products", "$starts_with", ["prod_"], True),
        ("summary.redemptions.total_redeemed", "$is", [2], True),
        ("summary.redemptions.total_failed", "$is", [1], True),
        ("events.wishlist.filled.count", "$more_than", [3], True),
        ("events.unheard.count", "$is", [0], True),
        ("loyalty.points", "$is", [125], True),
        ("loyalty_points.campaigns.V.I.P..points", "$more_than", [119], True),
        ("loyalty.campaigns.Club.points", "$is", [5], True),
        ("loyalty_points.campaigns.Nowhere.points", "$is", [0], True),
        ("loyalty.campaigns.V.I.P..loyalty_tier", "$is", ["Gold"], True),
        ("loyalty.campaigns.V.I.P..loyalty_tier", "$in", ["ltr_silver", "ltr_gold"], True),
        ("loyalty.campaigns.Club.loyalty_tier", "$is_unknown", [], True),
        ("summary.redemptions.loyalty_card.redeemed_points", "$is", [30], True),
        ("summary.redemptions.loyalty_card.points_to_go", "$is", [125], True),
    ],
)
def test_a_filter_means_what_its_table_says(attribute: str, operator: str, values: list[Any], expected: bool) -> None:
    assert accepts(attribute, operator, *values) is expected


def test_a_newcomer_has_ordered_nothing_and_never() -> None:
    newcomer = Customer(source_id="new")

    assert accepts("summary.orders.total_count", "$is", 0, customer=newcomer, history=NO_HISTORY)
    assert accepts("summary.orders.last_order_date", "$is_unknown", customer=newcomer, history=NO_HISTORY)
    assert accepts("summary.orders.products", "$is_unknown", customer=newcomer, history=NO_HISTORY)
    assert not accepts("summary.orders.last_order_date", "$more_than_ago", 1, customer=newcomer, history=NO_HISTORY)


def test_december_is_followed_by_january() -> None:
    definition = {"birthdate": {"conditions": {"$next_month": True}}}
    segment = Segment("seg", parse_filter(definition, CUSTOMER))
    december = replace(make_cart(), now=datetime(2026, 12, 31, 22, 0, tzinfo=UTC))
    january = replace(make_cart(), now=datetime(2026, 12, 31, 23, 0, tzinfo=UTC))  # 0:00 in Berlin

    def found(birthdate: date, cart: Any) -> bool:
        return bool(segment_ids_of(Customer(birthdate=birthdate), NO_HISTORY, frozenset(), [segment], cart))

    assert (december.zone, found(date(2000, 1, 5), december), found(date(2000, 2, 5), december)) == (
        BERLIN,
        True,
        False,
    )
    assert (found(date(2000, 1, 5), january), found(date(2000, 2, 5), january)) == (False, True)


@pytest.mark.parametrize(("junction", "expected"), [("and", False), ("OR", True), (None, False)])
def test_the_junction_joins_attributes(junction: str | None, expected: bool) -> None:
    definition = {
        "junction": junction,
        "name": {"conditions": {"$starts_with": "Ada", "$ends_with": ["Lovelace"]}},
        "address.country": {"conditions": {"$is": "FR"}},
    }

    found = parse_filter(definition, CUSTOMER)

    assert bool(segment_ids_of(ADA, REGULAR, frozenset(), [Segment("s", found)], make_cart())) is expected


@pytest.mark.parametrize(
    ("definition", "path"),
    [
        (None, "filter"),
        ([], "filter"),
        ({}, "filter"),
        ({"junction": "and"}, "filter"),
        ({"junction": "xor", "name": {"conditions": {"$is": "a"}}}, "filter.junction"),
        ({"nam": {"conditions": {"$is": "a"}}}, "filter.nam"),
        ({"metadata.": {"conditions": {"$is": "a"}}}, "filter.metadata."),
        ({"name": "Ada"}, "filter.name"),
        ({"name": {"conditions": {}}}, "filter.name"),
        ({"name": {"conditions": {"$more_than": 1}}}, "filter.name.conditions.$more_than"),
        ({"name": {"conditions": {"$is": []}}}, "filter.name.conditions.$is"),
        ({"name": {"conditions": {"$is": ["a", 5]}}}, "filter.name.conditions.$is[1]"),
        ({"created_at": {"conditions": {"$after": "soon"}}}, "filter.created_at.conditions.$after"),
        ({"summary.orders.total_count": {"conditions": {"$more_than": [1, 2]}}}, "filter.summary.orders.total_count"),
        ({"loyalty_points.campaigns.VIP.level": {"conditions": {"$is": 1}}}, "filter.loyalty_points.campaigns"),
        ({"referrals.total": {"conditions": {"$is": 1}}}, "filter.referrals.total"),
        ({f"metadata.{n}": {"conditions": {"$is": 1}} for n in range(51)}, "filter"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_with_its_path(definition: Any, path: str) -> None:
    with pytest.raises(InvalidFilter) as refused:
        parse_filter(definition, CUSTOMER)

    assert refused.value.path.startswith(path)


OPPOSITES = [
    ("$is", "$is_not"),
    ("$in", "$not_in"),
    ("$contains", "$not_contain"),
    ("$has_value", "$is_unknown"),
]
texts = st.text("abc", min_size=1, max_size=3)
json_values = st.none() | st.booleans() | st.integers(-5, 5) | texts | st.lists(texts, max_size=3)


@given(st.sampled_from(OPPOSITES), json_values, st.lists(texts, min_size=1, max_size=3))
def test_an_operator_and_its_opposite_never_agree(pair: tuple[str, str], value: Any, wanted: list[str]) -> None:
    customer = Customer(metadata={} if value is None else {"key": value})

    answers = [accepts("metadata.key", operator, *wanted, customer=customer) for operator in pair]

    assert sorted(answers) == [False, True]


@given(st.integers(-5, 5), st.integers(-5, 5))
def test_bounds_of_a_number_are_those_of_arithmetic(value: int, bound: int) -> None:
    customer = Customer(metadata={"key": value})
    history = replace(NO_HISTORY, orders_count=value)

    for attribute in ("metadata.key", "summary.orders.total_count"):
        answers = {
            operator: accepts(attribute, operator, bound, customer=customer, history=history)
            for operator in ("$more_than", "$less_than", "$more_than_equal", "$less_than_equal", "$is")
        }
        assert answers == {
            "$more_than": value > bound,
            "$less_than": value < bound,
            "$more_than_equal": value >= bound,
            "$less_than_equal": value <= bound,
            "$is": value == bound,
        }


@given(st.integers(-40, 40), st.integers(0, 40))
def test_days_ago_and_in_future_are_counted_on_the_calendar_of_the_zone(days: int, bound: int) -> None:
    created_at = NOW + timedelta(days=days)  # noon, so no change of the clock moves it to another day
    customer = Customer(created_at=created_at)

    answers = {
        operator: accepts("created_at", operator, bound, customer=customer)
        for operator in ("$is_days_ago", "$more_than_ago", "$less_than_ago", "$is_days_in_future", "$more_than_future")
    }

    assert answers == {
        "$is_days_ago": -days == bound,
        "$more_than_ago": -days > bound,
        "$less_than_ago": 0 <= -days < bound,
        "$is_days_in_future": days == bound,
        "$more_than_future": days > bound,
    }


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4), st.dictionaries(texts, texts), st.booleans())
def test_a_junction_is_all_or_any(asked: list[tuple[str, str]], metadata: dict[str, str], matches_any: bool) -> None:
    wanted = dict(asked)
    definition: dict[str, Any] = {f"metadata.{key}": {"conditions": {"$is": value}} for key, value in wanted.items()}
    definition["junction"] = "or" if matches_any else "and"

    found = parse_filter(definition, CUSTOMER)

    holds = [metadata.get(key) == value for key, value in wanted.items()]
    segment = Segment("seg", found)
    accepted = segment_ids_of(Customer(metadata=metadata), NO_HISTORY, frozenset(), [segment], make_cart())
    assert bool(accepted) == (any(holds) if matches_any else all(holds))


SHIRT = Product("prod_1", "shirt", "Shirt", 2000, {"brand": "Acme", "colour": "white"})
RED = Sku("sku_1", "shirt/red", "red", None, {"colour": "red"})


def is_in(attribute: str, operator: str, *values: Any, item: Any, details: Any = None) -> bool:
    found = parse_filter({attribute: {"conditions": {operator: list(values)}}}, CATALOGUE)
    collection = Collection("pc_1", found)
    return bool(collection_ids_of(item, [collection], {}, details or {}, make_cart()))


def test_a_sku_is_its_product_with_its_own_members_over_it() -> None:
    white = make_item("prod_1", 1, 2000, product=SHIRT)
    red = make_item("prod_1", 1, 2000, product=SHIRT, sku_id="sku_1", sku=RED)

    assert is_in("metadata.colour", "$is", "white", item=white)
    assert is_in("metadata.colour", "$is", "red", item=red)
    assert not is_in("metadata.colour", "$is", "white", item=red)
    assert is_in("metadata.brand", "$is", "Acme", item=red)
    assert not is_in("metadata.brand", "$is_not", "Acme", item=red)
    assert is_in("id", "$is", "prod_1", item=red)
    assert is_in("id", "$is", "sku_1", item=red)
    assert is_in("name", "$is", "Shirt", item=red)
    assert is_in("sku", "$is", "red", item=red)
    assert is_in("price", "$is", 2000, item=red)
    assert is_in("object", "$is", "sku", item=red)


def test_what_only_the_catalogue_knows_can_be_asked_too() -> None:
    red = make_item("prod_1", 1, 2000, product=SHIRT, sku_id="sku_1", sku=RED)
    details = {
        "prod_1": {"attributes": ["colour"], "created_at": "2026-01-01T00:00:00+00:00", "image_url": "https://p"},
        "sku_1": {"attributes": {"colour": "red"}, "created_at": "2026-02-01T00:00:00+00:00", "image_url": None},
    }

    assert is_in("attributes", "$is", "colour", item=red, details=details)
    assert is_in("attributes.colour", "$is", "red", item=red, details=details)
    assert is_in("created_at", "$after", "2026-01-15", item=red, details=details)
    assert is_in("image_url", "$is", "https://p", item=red, details=details)


def test_a_product_brings_its_skus_into_a_static_collection() -> None:
    members = {"prod_1": frozenset({"pc_1"}), "sku_9": frozenset({"pc_2"})}
    collections = [Collection("pc_1", None), Collection("pc_2", None)]
    red = make_item("prod_1", 1, 2000, product=SHIRT, sku_id="sku_1", sku=RED)
    other = make_item("prod_2", 1, 2000, sku_id="sku_9")

    assert collection_ids_of(red, collections, members, {}, make_cart()) == {"pc_1"}
    assert collection_ids_of(other, collections, members, {}, make_cart()) == {"pc_2"}
