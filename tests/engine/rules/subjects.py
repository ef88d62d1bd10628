"""A cart to ask rules about, and shorthand for rules."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.engine.cart import Address, Cart, Customer, Item, Product, Sku
from app.engine.rules import RuleOutcome, RuleSubject, parse_rule_set

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)  # a Saturday

SHIRT = Item(
    quantity=2,
    amount=4000,
    price=2000,
    product_id="prod_shirt",
    product=Product(id="prod_shirt", source_id="shirt", metadata={"color": "red", "weight": 200}),
    metadata={"gift": True},
)
HAT = Item(
    quantity=1,
    amount=1500,
    price=1500,
    sku_id="sku_hat_m",
    product_id="prod_hat",
    related_object="sku",
    source_id="hat-m",
    product=Product(id="prod_hat", price=1600, metadata={"color": "blue"}),
    sku=Sku(id="sku_hat_m", source_id="hat-m", price=1500),
)
MORE_SHIRTS = Item(quantity=3, amount=6000, price=2000, product_id="prod_shirt", product=SHIRT.product)

CUSTOMER = Customer(
    id="cust_1",
    address=Address(country="DE", state="Bayern", city="München", postal_code="80331"),
    metadata={"tier": "gold", "orders": 10, "score": 0.5, "since": "2026-11-01", "tags": ["a", "b"]},
    segment_ids=frozenset({"seg_vip", "seg_new"}),
    tier_ids=frozenset({"ltr_gold"}),
)
CART = Cart(
    now=NOW,
    zone=BERLIN,
    items=(SHIRT, HAT, MORE_SHIRTS),
    amount=11_500,
    initial_amount=11_500,
    metadata={"channel": "app", "paid_at": "2026-11-21T12:30:00+01:00"},
    customer=CUSTOMER,
    redemption_metadata={"till": 4},
    api_key_id="key_1",
    user_login="ada",
)
BARE_CART = Cart(now=NOW, zone=BERLIN)


def subject(cart: Cart = CART, **fields: Any) -> RuleSubject:
    """A voucher of campaign camp_1 that takes 1500 off, held by cust_1."""
    known: dict[str, Any] = {
        "initial_amount": cart.initial_amount,
        "total_amount_after": None if cart.amount is None else cart.amount - 1500,
        "discount_amount": 1500,
        "object_id": "v_1",
        "campaign_id": "camp_1",
        "holder_id": "cust_1",
    }
    return RuleSubject(cart=cart, **{**known, **fields})


def rule(name: str, operator: str = "", *values: Any, **fields: Any) -> dict[str, Any]:
    """One rule with one condition, or with none."""
    return {"name": name, "conditions": {operator: list(values)} if operator else {}, **fields}


def rules(*listed: dict[str, Any], logic: str = "") -> dict[str, Any]:
    """Rules numbered from 1."""
    return {**{str(number): each for number, each in enumerate(listed, 1)}, "logic": logic}


def ask(about: RuleSubject, *listed: dict[str, Any], logic: str = "", explain: bool = False) -> RuleOutcome:
    return parse_rule_set({"rules": rules(*listed, logic=logic)}).evaluate(about, explain)
