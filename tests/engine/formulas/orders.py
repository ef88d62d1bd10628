"""An order that formulas are asked about: every figure of it appears in the tests."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.engine.cart import Cart, Customer, Item, Product
from app.engine.formulas import Formula, FormulaScope, InvalidFormula, parse_formula
from app.engine.formulas.variables import METADATA, VARIABLES

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
"""In Berlin it is already the 22nd."""

BERLIN = ZoneInfo("Europe/Berlin")
MUG = Item(
    quantity=2,
    price=10_00,
    amount=20_00,
    discount_amount=5_00,
    product_id="mug",
    product=Product(id="mug", metadata={"weight": 0.4}),
    metadata={"gift": True},
)
POSTER = Item(quantity=3, price=15_00, amount=45_00, product_id="poster")
SHIRT = Item(quantity=3, price=20_00, amount=60_00, product_id="shirt", metadata={"size": "M"})
ORDER_METADATA = {
    "points": 50,
    "ratio": 0.1,
    "numeral": "10",
    "channel": "web shop",
    "vip": True,
    "tags": ["new", 7, False, None, {"a": 1}],
    "due": "2026-12-24",
    "placed": "2026-11-21T22:59:59Z",
    "nothing": None,
    "object": {"a": 1},
}
CART = Cart(
    now=NOW,
    zone=BERLIN,
    items=(MUG, POSTER, SHIRT),
    amount=125_00,
    metadata=ORDER_METADATA,
    customer=Customer(id="cust_1", birthdate=date(2000, 2, 29), metadata={"tier": "gold"}),
    redemption_metadata={"till": 3},
)
SCOPE = FormulaScope(
    CART,
    redeemable_metadata={"bonus": 4},
    publication_metadata={"campaign": "spring"},
    variables={
        "VOUCHER_REDEMPTION_QUANTITY": 5,
        "VOUCHER_REDEEMED_QUANTITY": 2,
        "VOUCHER_PUBLISH_COUNT": 1,
        "VOUCHER_START_DATE": datetime(2026, 1, 1, tzinfo=UTC),
        "VOUCHER_EXPIRATION_DATE": datetime(2026, 12, 31, 23, 30, tzinfo=UTC),
        "PROMOTION_TIER_START_DATE": None,
        "BUNDLE_QUANTITY": 3,
    },
)


EVERYTHING = frozenset(VARIABLES) | frozenset(METADATA)


def parsed(text: str) -> Formula | InvalidFormula:
    """The formula, which may ask for everything there is, or why it is none."""
    try:
        return parse_formula(text, variables=EVERYTHING)
    except InvalidFormula as refusal:
        return refusal


def scope_of(cart: Cart | None = None, **fields: Any) -> FormulaScope:
    """A scope that knows nothing but a cart, by default an empty one."""
    return FormulaScope(cart or Cart(now=NOW, zone=BERLIN), **fields)
