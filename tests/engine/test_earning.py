"""What an order, an event or a customer earns, and which units of an order have earned it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.engine.cart import Cart, Customer
from app.engine.earning import MOST_POINTS, Earning, Loyalty, Occasion, Tender, Worth, points_of_units
from app.engine.effects import AddNewItems, EffectScope, GiftCredits, PercentOff
from app.engine.loyalty_tiers import Custom, Multiplied, NotAvailable, PointsMapping
from app.engine.returns import joined
from app.engine.stored_allocation import parsed, written
from app.engine.unit_allocation import spread_of

from .carts import EVERYTHING, SOURCES, make_cart, make_item, summed_carts

loyalty: TypeAdapter[Earning] = TypeAdapter(Loyalty)


def by(calculation_type: str, every: int = 100, points: int = 1, **rate: Any) -> Earning:
    """A rule in proportion to something, one point for every 1.00 unless the arguments say otherwise."""
    place, name = {
        "ORDER_AMOUNT": ("order", "amount"),
        "ORDER_TOTAL_AMOUNT": ("order", "total_amount"),
        "ORDER_METADATA": ("order", "metadata"),
        "ORDER_ITEMS_QUANTITY": ("order_items", "quantity"),
        "ORDER_ITEMS_AMOUNT": ("order_items", "amount"),
        "ORDER_ITEMS_SUBTOTAL_AMOUNT": ("order_items", "subtotal_amount"),
        "CUSTOMER_METADATA": ("customer", "metadata"),
        "CUSTOM_EVENT_METADATA": ("custom_event", "metadata"),
    }[calculation_type]
    return loyalty.validate_python(
        {
            "type": "PROPORTIONAL",
            "calculation_type": calculation_type,
            place: {name: {"every": every, "points": points, **rate}},
        }
    )


def fixed(points: int, **members: Any) -> Earning:
    return loyalty.validate_python({"type": "FIXED", "points": points, **members})


def times(multiplier: str) -> PointsMapping:
    return Multiplied(type="MULTIPLY", multiplier=Decimal(multiplier))


def instead(points: int) -> PointsMapping:
    return Custom.model_validate({"type": "CUSTOM", "points": points})


SHIRTS = {"object": "product", "id": "prod_shirt"}


def points(rule: Earning, cart: Cart, tenders: tuple[Tender, ...] = (), mapping: PointsMapping | None = None) -> int:
    occasion = Occasion(cart, Worth.of(cart, tenders))
    return rule.earned(occasion, mapping).points


def after(cart: Cart, *effects: Any) -> tuple[Cart, tuple[Tender, ...], list[Any]]:
    """The cart as these effects leave it, what tenders among them paid, and the allocations of the others."""
    tenders, discounts = [], []
    for effect in effects:
        application = effect.application(EffectScope(cart, EVERYTHING, units=SOURCES))
        allocation = spread_of(cart, [application], [*(t.allocation for t in tenders), *discounts]).allocations[0]
        if application.credits:
            tenders.append(Tender(application.credits, allocation, application.item_discount_amounts))
        else:
            discounts.append(allocation)
        cart = application.applied_to(cart)
    return cart, tuple(tenders), discounts


def test_only_full_steps_earn() -> None:
    cart = make_cart(make_item("prod_shirt", 1, 1999))

    assert points(by("ORDER_AMOUNT", 1000, 5), cart) == 5
    assert points(by("ORDER_AMOUNT", 2000, 5), cart) == 0


def test_the_total_is_what_is_left_after_discounts_and_the_amount_is_not() -> None:
    cart, _, discounts = after(make_cart(make_item("prod_shirt", 2, 5000)), PercentOff(percent_off=25))
    occasion = Occasion(cart, Worth.of(cart, (), discounts))

    assert by("ORDER_AMOUNT").earned(occasion).points == 100
    assert by("ORDER_TOTAL_AMOUNT").earned(occasion).points == 75


@pytest.mark.parametrize("effect", ["APPLY_TO_ORDER", "APPLY_TO_ITEMS"])
@pytest.mark.parametrize(
    ("rule", "earned"),
    [
        (by("ORDER_AMOUNT"), 70),
        (by("ORDER_TOTAL_AMOUNT"), 60),
        (by("ORDER_ITEMS_AMOUNT", **SHIRTS), 70),
        (by("ORDER_ITEMS_SUBTOTAL_AMOUNT", **SHIRTS), 60),
    ],
)
def test_what_a_gift_card_paid_earns_nothing(effect: str, rule: Earning, earned: int) -> None:
    ten_off = PercentOff(percent_off=10, effect="APPLY_TO_ITEMS")
    card = GiftCredits.model_validate({"balance": 3000, "effect": effect})
    cart, tenders, discounts = after(make_cart(make_item("prod_shirt", 1, 10000)), ten_off, card)

    assert rule.earned(Occasion(cart, Worth.of(cart, tenders, discounts))).points == earned


def test_an_order_that_a_gift_card_paid_whole_earns_nothing() -> None:
    cart, tenders, _ = after(make_cart(make_item("prod_shirt", 3, 1000)), GiftCredits(balance=9000))
    occasion = Occasion(cart, Worth.of(cart, tenders))

    for rule in (by("ORDER_AMOUNT"), by("ORDER_TOTAL_AMOUNT"), by("ORDER_ITEMS_QUANTITY", 1, **SHIRTS)):
        assert rule.earned(occasion).points == 0


def test_free_units_earn_nothing() -> None:
    free_hat = AddNewItems(unit_off=2, unit_type="gift")
    cart, _, discounts = after(make_cart(make_item("prod_shirt", 1, 5000)), free_hat)
    occasion = Occasion(cart, Worth.of(cart, (), discounts))

    assert len(cart.items) == 2
    assert by("ORDER_AMOUNT").earned(occasion).points == 50
    assert by("ORDER_ITEMS_QUANTITY", 1, object="product", id="gift").earned(occasion).points == 0
    assert by("ORDER_ITEMS_QUANTITY", 1, **SHIRTS).earned(occasion).points == 1


def test_a_line_counts_once_however_many_targets_name_it() -> None:
    twice = by("ORDER_ITEMS_AMOUNT", applicable_to=[SHIRTS, {"object": "products_collection", "id": "pc_clothes"}])
    shirt = make_item("prod_shirt", 1, 1000, collection_ids=frozenset({"pc_clothes"}))
    socks = make_item("prod_socks", 1, 500, collection_ids=frozenset({"pc_clothes"}))

    assert points(twice, make_cart(shirt, socks, make_item("prod_book", 1, 9000))) == 15
    assert twice.collection_ids == {"pc_clothes"}


def test_an_order_without_lines_earns_by_its_amount() -> None:
    assert points(by("ORDER_AMOUNT"), make_cart(amount=1250)) == 12
    assert points(by("ORDER_AMOUNT"), make_cart(amount=1250, discount_amount=500), (Tender(500, ()),)) == 7


def test_units_without_any_price_are_counted() -> None:
    assert points(by("ORDER_ITEMS_QUANTITY", 2, 3, **SHIRTS), make_cart(make_item("prod_shirt", 5, 0))) == 6


def test_an_amount_in_another_currency_earns_nothing_and_a_fixed_rule_does_not_mind() -> None:
    cart = make_cart(make_item("prod_shirt", 3, 1000), currency="USD", home_currency="EUR")

    assert points(by("ORDER_AMOUNT"), cart) == 0
    assert points(by("ORDER_ITEMS_QUANTITY", 1, **SHIRTS), cart) == 3
    assert points(fixed(7), cart) == 7


@pytest.mark.parametrize(("value", "earned"), [(25, 4), (25.9, 4), ("25", 0), (-25, 0), (None, 0), (True, 0), ([], 0)])
def test_metadata_earns_where_it_is_a_number(value: Any, earned: int) -> None:
    customer = Customer(id="cust_1", metadata={"km": value})
    occasion = Occasion(make_cart(metadata={"km": value}, customer=customer), event_metadata={"km": value})

    for kind in ("ORDER_METADATA", "CUSTOMER_METADATA", "CUSTOM_EVENT_METADATA"):
        assert by(kind, 10, 2, property="km").earned(occasion).points == earned


def test_a_formula_gives_the_points_and_the_fixed_ones_count_where_it_cannot() -> None:
    rule = fixed(3, points_formula='CUSTOM_EVENT_METADATA("stars") * 2.5')

    assert rule.earned(Occasion(make_cart(), event_metadata={"stars": 5})).points == 12
    assert rule.earned(Occasion(make_cart())).points == 3
    stepped = by("ORDER_AMOUNT", 1000, 1, points_formula="IF(ORDER_AMOUNT > 50; 3; 2)")
    assert points(stepped, make_cart(make_item("prod_shirt", 6, 1000))) == 18


@pytest.mark.parametrize(
    "members",
    [
        {"points_formula": "ORDER_ITEM_PRICE"},
        {"points_formula": "VOUCHER_PUBLISH_COUNT"},
        {"points_formula": "1 +"},
        {"points": -1},
        {"points": 1.5},
        {"points": 10**10},
    ],
)
def test_a_rule_that_could_not_be_computed_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        fixed(**{"points": 1, **members})


@pytest.mark.parametrize("every", [0, -1, "x", None])
def test_steps_are_longer_than_nothing(every: Any) -> None:
    with pytest.raises(ValidationError):
        by("ORDER_AMOUNT", every)


def test_one_event_earns_no_more_than_can_be_kept() -> None:
    assert fixed(1, points_formula="POW(10; 30)").earned(Occasion(make_cart())).points == MOST_POINTS
    assert points(fixed(10**9), make_cart(), mapping=times("10000")) == MOST_POINTS


def test_a_tier_multiplies_the_points_or_sets_them() -> None:
    cart = make_cart(make_item("prod_shirt", 1, 2500))

    assert points(by("ORDER_AMOUNT", 1000, 5), cart, mapping=times("1.55")) == 16
    assert points(by("ORDER_AMOUNT", 1000, 5), cart, mapping=instead(8)) == 16
    assert points(fixed(5), cart, mapping=instead(0)) == 0
    assert points(fixed(5), cart, mapping=NotAvailable(type="NOT_AVAILABLE")) == 0


def test_one_target_is_shown_both_ways() -> None:
    shown = by("ORDER_ITEMS_QUANTITY", 1, **SHIRTS).model_dump(mode="json", exclude_none=True)

    assert shown["order_items"]["quantity"] == {"every": 1, "points": 1, **SHIRTS, "applicable_to": [SHIRTS]}
    assert loyalty.validate_python(shown) == by("ORDER_ITEMS_QUANTITY", 1, **SHIRTS)


RULES = [
    by("ORDER_AMOUNT", 7, 3),
    by("ORDER_TOTAL_AMOUNT", 13, 2),
    by("ORDER_ITEMS_QUANTITY", 1, 5, applicable_to=[{"object": "product", "id": "a"}, SHIRTS]),
    by("ORDER_ITEMS_AMOUNT", 3, 1, object="product", id="a"),
    by("ORDER_ITEMS_SUBTOTAL_AMOUNT", 3, 1, object="product", id="a"),
]


@given(summed_carts(), st.sampled_from(RULES), st.integers(0, 50_000), st.integers(0, 100))
def test_the_points_of_all_units_are_the_points_of_the_order(
    cart: Cart, rule: Earning, balance: int, percent: int
) -> None:
    effects = [GiftCredits(balance=balance)] if balance else []
    if percent:
        effects.insert(0, PercentOff(percent_off=percent))  # type: ignore[arg-type]
    cart, tenders, discounts = after(cart, *effects)

    earned = rule.earned(Occasion(cart, Worth.of(cart, tenders, discounts)))

    assert earned.points >= 0
    if earned.allocation is not None:
        everything = {index: [(1, 10**9)] for index in range(len(cart.items))}
        kept = parsed(written(earned.allocation))
        assert points_of_units(kept, everything) == earned.points
        assert points_of_units(kept, {}) == 0
        assert all(each >= 0 and units > 0 for line in kept for units, each in line)


@given(summed_carts(), st.data())
def test_units_that_come_back_in_parts_give_back_what_they_do_at_once(cart: Cart, data: st.DataObject) -> None:
    earned = by("ORDER_AMOUNT", 3, 2).earned(Occasion(cart, Worth.of(cart)))
    if earned.allocation is None:
        return
    line = data.draw(st.sampled_from(range(len(cart.items))))
    units = cart.items[line].quantity
    cut = data.draw(st.integers(0, units))

    first = points_of_units(earned.allocation, {line: [(1, cut)] if cut else []})
    both = points_of_units(earned.allocation, {line: joined([(1, cut), (cut + 1, units)]) if cut else [(1, units)]})

    assert 0 <= first <= both <= earned.points
