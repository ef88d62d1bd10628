"""How many units of a product a campaign may discount."""

from decimal import Decimal
from typing import Any

from app.engine.applicability import ApplicabilityDefinition, applicability_of
from app.engine.cart import Cart, Customer
from app.engine.decision import Decision
from app.engine.effects import Effect, PercentOff
from app.engine.evaluate import evaluate
from app.engine.identities import Identities
from app.engine.postings import AccountKey, Posting
from app.engine.redeemables import Redeemable, RedeemableKind
from app.engine.stacking import DEFAULT_STACKING_RULES

from .carts import BUYER, make_cart, make_item

HALF = PercentOff(percent_off=Decimal(50), effect="APPLY_TO_ITEMS")
OF_ALL = AccountKey("camp_1", "units", "item:shirt")
OF_BUYER = AccountKey("camp_1", "units", "item:shirt|customer:cust_1")
SHIRTS = make_cart(make_item("shirt", 4, 10_00), make_item("hat", 2, 5_00), customer=BUYER)


def limited(**limits: Any) -> dict[str, Any]:
    return {"object": "product", "id": "shirt", **limits}


def redeemable(
    *entries: dict[str, Any],
    name: str = "CODE",
    kind: RedeemableKind = "voucher",
    effect: Effect = HALF,
    counts: dict[AccountKey, int] | None = None,
    campaign_id: str | None = "camp_1",
) -> Redeemable:
    return Redeemable(
        kind,
        name,
        f"v_{name}",
        effect,
        campaign_id=campaign_id,
        applicability=applicability_of(ApplicabilityDefinition.model_validate({"included": entries})),
        counts=counts or {},
    )


def redeemed(cart: Cart, *redeemables: Redeemable) -> Decision:
    return evaluate(cart, redeemables, DEFAULT_STACKING_RULES)


def units(decision: Decision) -> list[Posting]:
    return [posting for posting in decision.postings if posting.account.measure == "units"]


def test_no_more_units_are_discounted_than_the_campaign_has_left() -> None:
    entry = limited(product_campaign_quantity_limit=10)

    for counted, discounted in ((0, 4), (7, 3), (10, 0), (12, 0)):
        decision = redeemed(SHIRTS, redeemable(entry, counts={OF_ALL: counted}))
        assert decision.discount_amount == discounted * 5_00
        assert units(decision) == ([Posting(OF_ALL, -discounted, -10)] if discounted else [])


def test_the_smallest_limit_wins_and_each_is_counted() -> None:
    entry = limited(product_campaign_quantity_limit=10, product_customer_campaign_quantity_limit=3)

    decision = redeemed(SHIRTS, redeemable(entry, counts={OF_BUYER: 1}))

    assert decision.discount_amount == 10_00
    assert units(decision) == [Posting(OF_ALL, -2, -10), Posting(OF_BUYER, -2, -3)]


def test_units_that_cost_nothing_are_not_discounted_and_not_counted() -> None:
    cart = make_cart(make_item("shirt", 2, 0), make_item("shirt", 2, 10_00))

    assert units(redeemed(cart, redeemable(limited(product_campaign_quantity_limit=10)))) == [Posting(OF_ALL, -2, -10)]


def test_a_limit_for_each_customer_lets_nobody_through_without_one() -> None:
    entry = limited(product_customer_campaign_quantity_limit=3)
    anonymous = make_cart(*SHIRTS.items)
    unknown = make_cart(*SHIRTS.items, customer=Customer(source_id="new"))

    assert redeemed(anonymous, redeemable(entry)).discount_amount == 0
    assert redeemed(unknown, redeemable(entry)).discount_amount == 15_00
    assert units(redeemed(unknown, redeemable(entry))) == []


def test_each_product_of_a_collection_is_counted_by_itself() -> None:
    entry = {"object": "products_collection", "id": "pc_1", "product_in_collection_campaign_quantity_limit": 3}
    collected = frozenset({"pc_1"})
    cart = make_cart(
        make_item("shirt", 2, 10_00, collection_ids=collected),
        make_item("hat", 5, 1_00, collection_ids=collected),
        make_item("shirt", 2, 10_00, collection_ids=collected),
    )

    decision = redeemed(cart, redeemable(entry))

    assert decision.application.item_discount_amounts == (10_00, 1_50, 5_00)
    assert units(decision) == [
        Posting(AccountKey("camp_1", "units", "item:pc_1|product:hat"), -3, -3),
        Posting(AccountKey("camp_1", "units", "item:pc_1|product:shirt"), -3, -3),
    ]


def test_a_limit_of_a_promotion_tier_is_counted_there_and_means_nothing_for_a_code() -> None:
    entry = limited(product_promotion_tier_quantity_limit=1)

    tier = redeemed(SHIRTS, redeemable(entry, kind="promotion_tier"))
    code = redeemed(SHIRTS, redeemable(entry))

    assert units(tier) == [Posting(AccountKey("v_CODE", "units", "item:shirt"), -1, -1)]
    assert (tier.discount_amount, code.discount_amount) == (5_00, 20_00)


def test_a_code_without_a_campaign_is_its_own() -> None:
    decision = redeemed(SHIRTS, redeemable(limited(product_campaign_quantity_limit=1), campaign_id=None))

    assert units(decision) == [Posting(AccountKey("v_CODE", "units", "item:shirt"), -1, -1)]


def test_units_taken_by_one_code_of_the_campaign_are_gone_for_the_next() -> None:
    entry = limited(product_campaign_quantity_limit=6)

    decision = redeemed(SHIRTS, redeemable(entry, name="A"), redeemable(entry, name="B"))

    assert [outcome.application.total_discount_amount for outcome in decision.outcomes] == [20_00, 5_00]
    assert units(decision) == [Posting(OF_ALL, -6, -6)]


def test_a_limit_may_come_from_a_formula_and_one_that_cannot_be_computed_falls_back() -> None:
    formula = 'ORDER_METADATA("units")'
    computed = make_cart(*SHIRTS.items, metadata={"units": 3})

    with_fallback = limited(product_campaign_quantity_limit=1, product_campaign_quantity_limit_formula=formula)
    without = limited(product_campaign_quantity_limit_formula=formula)

    assert redeemed(computed, redeemable(with_fallback)).discount_amount == 15_00
    assert redeemed(SHIRTS, redeemable(with_fallback)).discount_amount == 5_00
    assert redeemed(SHIRTS, redeemable(without)).discount_amount == 0


def test_the_most_expensive_units_get_what_room_there_is() -> None:
    entry = limited(product_campaign_quantity_limit=2, effect="APPLY_FROM_MOST_EXPENSIVE")
    cart = make_cart(make_item("shirt", 2, 10_00), make_item("shirt", 1, 40_00))

    assert redeemed(cart, redeemable(entry)).application.item_discount_amounts == (5_00, 20_00)


def test_units_of_a_customer_are_counted_for_each_of_their_identities() -> None:
    buyer = Identities(("customer:cust_1", "email:abc"))
    of_mail = AccountKey("camp_1", "units", "item:shirt|email:abc")
    shirts = make_cart(make_item("shirt", 4, 10_00), customer=BUYER, identities=buyer)
    entry = limited(product_customer_campaign_quantity_limit=5)

    decision = redeemed(shirts, redeemable(entry, counts={OF_BUYER: 1, of_mail: 3}))
    nobody = make_cart(make_item("shirt", 4, 10_00), identities=Identities(buyer.subjects, "phone"))

    assert units(decision) == [Posting(OF_BUYER, -2, -5), Posting(of_mail, -2, -5)]
    assert redeemed(nobody, redeemable(entry)).discount_amount == 0
