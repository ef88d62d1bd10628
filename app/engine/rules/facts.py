"""The facts: importing this module fills the registry."""

from app.engine.cart import Cart, Item, Metadata
from app.engine.postings import Counted
from app.engine.rules.registry import (
    FACTS,
    LOYALTY_TIER,
    MINOR_UNITS,
    Flag,
    Ids,
    Json,
    Line,
    Place,
    ProductLine,
    SkuLine,
    fact,
    limit,
    line_fact,
    lines_fact,
)
from app.engine.rules.subject import Missing, RuleSubject, Scope
from app.engine.rules.values import fold

__all__ = ["FACTS"]


# The customer.


@fact("customer.segment", Ids)
def customer_segment(subject: RuleSubject) -> frozenset[str] | Missing:
    """Ids of the segments the customer is in."""
    customer = subject.cart.customer
    return Missing.CUSTOMER if customer is None else customer.segment_ids


@fact(LOYALTY_TIER, Ids)
def customer_loyalty_tier(subject: RuleSubject) -> frozenset[str] | Missing:
    """Ids of the loyalty tiers the customer is in, one for each of their loyalty cards."""
    customer = subject.cart.customer
    return Missing.CUSTOMER if customer is None else customer.tier_ids


@fact("customer.metadata", Json)
def customer_metadata(subject: RuleSubject) -> Metadata | Missing:
    """Metadata of the customer, as stored and overlaid by the request."""
    customer = subject.cart.customer
    return Missing.CUSTOMER if customer is None else customer.metadata


def _address(subject: RuleSubject, part: str) -> str | Missing | None:
    customer = subject.cart.customer
    if customer is None:
        return Missing.CUSTOMER
    text = getattr(customer.address, part, None)
    return fold(text) if text else None


@fact("customer.address.country", Place)
def customer_country(subject: RuleSubject) -> str | Missing | None:
    """Country of the customer's address, as the shop writes it."""
    return _address(subject, "country")


@fact("customer.address.state", Place)
def customer_state(subject: RuleSubject) -> str | Missing | None:
    """Region (state, province, Land) of the customer's address."""
    return _address(subject, "state")


@fact("customer.address.city", Place)
def customer_city(subject: RuleSubject) -> str | Missing | None:
    """City of the customer's address."""
    return _address(subject, "city")


@fact("customer.address.postal_code", Place)
def customer_postal_code(subject: RuleSubject) -> str | Missing | None:
    """Postal code of the customer's address; $starts_with asks for an area."""
    return _address(subject, "postal_code")


@fact("publication.redeemable_by_linked_customer", Flag)
def is_holder(subject: RuleSubject) -> bool | Missing:
    """Whether the customer is the one the code was published to. A code that nobody holds is nobody's."""
    customer = subject.cart.customer
    if customer is None:
        return Missing.CUSTOMER
    return customer.id is not None and customer.id == subject.holder_id


# The order.


def _no_amount(cart: Cart) -> Missing:
    return Missing.AMOUNT if cart.items or cart.metadata else Missing.ORDER


@fact("order.amount", int, label="The order", unit=MINOR_UNITS)
def order_amount(subject: RuleSubject) -> int | Missing:
    """What is left to pay before this redeemable: the order as earlier redeemables left it."""
    cart = subject.cart
    return _no_amount(cart) if cart.amount is None else cart.total_amount


@fact("order.initial_amount", int, label="The order", unit=MINOR_UNITS)
def order_initial_amount(subject: RuleSubject) -> int | Missing:
    """The order before discounts and before any redeemable added units."""
    amount = subject.initial_amount
    return _no_amount(subject.cart) if amount is None else amount


@fact("order.total_amount", int, label="The order after the discount", unit=MINOR_UNITS)
def order_total_amount(subject: RuleSubject) -> int | Missing:
    """What is left to pay after this redeemable's discount."""
    amount = subject.total_amount_after
    return _no_amount(subject.cart) if amount is None or subject.cart.amount is None else amount


@fact("order.metadata", Json)
def order_metadata(subject: RuleSubject) -> Metadata | Missing:
    """Metadata of the order."""
    cart = subject.cart
    return Missing.ORDER if not cart.metadata and cart.amount is None and not cart.items else cart.metadata


@fact("order.items.count", int, label="The order", unit=" units")
def items_count(subject: RuleSubject) -> int | Missing:
    """Units in the order: three shirts and a hat make four."""
    items = subject.cart.items
    return sum(item.quantity for item in items) if items else no_items(subject.cart)


def no_items(cart: Cart) -> Missing:
    """What to say of a cart without lines."""
    return Missing.ORDER if cart.amount is None and not cart.metadata else Missing.ITEMS


# One line of the order.


def unit_price(line: Item) -> int:
    """Price of one unit before discounts; a line that only says its amount is divided, rounded down."""
    return line.price or (line.amount // line.quantity if line.quantity else 0)


@line_fact("order.items.any", Line, "any")
@line_fact("order.items.every", Line, "every")
@line_fact("order.items.none", Line, "none")
@line_fact("order.items.cheapest", Line, "cheapest")
@line_fact("order.items.most_expensive", Line, "most_expensive")
@line_fact("product.id", ProductLine)
@line_fact("sku.id", SkuLine)
def line_itself(line: Item, scope: Scope) -> Item:
    """Which product or SKU the line is."""
    return line


@line_fact("order.items.price_any", int, "any", label="A unit price", unit=MINOR_UNITS)
@line_fact("order.items.price_each", int, "every", label="Every unit price", unit=MINOR_UNITS)
@line_fact("order.items.price", int, label="The unit price", unit=MINOR_UNITS)
def line_price(line: Item, scope: Scope) -> int:
    """Price of one unit of the line before discounts."""
    return unit_price(line)


@line_fact("order.items.quantity", int, label="The line", unit=" units")
def line_quantity(line: Item, scope: Scope) -> int:
    """Units on the line."""
    return line.quantity


@line_fact("order.items.metadata_any", Json, "any")
@line_fact("order.items.metadata_each", Json, "every")
@line_fact("order.items.metadata", Json)
def line_metadata(line: Item, scope: Scope) -> Metadata:
    """Metadata of the line itself, not of its product."""
    return line.metadata


@line_fact("product.price", int, label="The price of the product", unit=MINOR_UNITS)
def product_price(line: Item, scope: Scope) -> int:
    """Price of the line's product; what the line costs per unit where the product has no price of its own."""
    price = None if line.product is None else line.product.price
    return unit_price(line) if price is None else price


@line_fact("product.quantity", int, label="The order", unit=" units of the product")
def product_quantity(line: Item, scope: Scope) -> int:
    """Units of the line's product in the whole order, however many lines they are spread over."""
    return scope.units_of("product", line)


@line_fact("product.metadata", Json)
def product_metadata(line: Item, scope: Scope) -> Metadata:
    """Metadata of the line's product."""
    return {} if line.product is None else line.product.metadata


@line_fact("sku.price", int, label="The price of the SKU", unit=MINOR_UNITS)
def sku_price(line: Item, scope: Scope) -> int | None:
    """Price of the line's SKU; lines without a SKU have none."""
    if line.sku is None:
        return None if line.sku_id is None else unit_price(line)
    return unit_price(line) if line.sku.price is None else line.sku.price


@line_fact("sku.quantity", int, label="The order", unit=" units of the SKU")
def sku_quantity(line: Item, scope: Scope) -> int | None:
    """Units of the line's SKU in the whole order; lines without a SKU have none."""
    has_sku = line.sku_id is not None or line.sku is not None or line.related_object == "sku"
    return scope.units_of("sku", line) if has_sku else None


# The lines that the enclosing rule picked.


@lines_fact("order.items.aggregated_quantity", int, label="The order", unit=" units")
@lines_fact(
    "product.metadata.aggregated_quantity", int, label="The order", unit=" units", only_under="product.metadata"
)
def lines_quantity(scope: Scope) -> int | Missing:
    """Units on all lines together."""
    cart = scope.subject.cart
    return scope.quantity if cart.items else no_items(cart)


@lines_fact("order.items.aggregated_amount", int, label="The order", unit=MINOR_UNITS)
@lines_fact(
    "product.metadata.aggregated_amount", int, label="The order", unit=MINOR_UNITS, only_under="product.metadata"
)
def lines_amount(scope: Scope) -> int | Missing:
    """Amount of all lines together, before discounts."""
    cart = scope.subject.cart
    return scope.amount if cart.items else no_items(cart)


@lines_fact("product.metadata.match_all", bool, only_under="product.metadata")
def lines_are_all(scope: Scope) -> bool:
    """Whether every line of the order has been picked."""
    return len(scope.lines) == len(scope.subject.cart.items)


# The redemption.


@fact("redemption.metadata", Json)
def redemption_metadata(subject: RuleSubject) -> Metadata:
    """Metadata sent with the redemption or validation."""
    return subject.cart.redemption_metadata


@fact("custom_event.metadata", Json)
def custom_event_metadata(subject: RuleSubject) -> Metadata:
    """Metadata of the custom event that points are earned by; empty wherever there is none."""
    return subject.event_metadata


@fact("redeemable.metadata", Json)
def redeemable_metadata(subject: RuleSubject) -> Metadata:
    """Metadata of the voucher or promotion tier itself, so that one campaign rule can tell its codes apart."""
    return subject.redeemable_metadata


@fact("redemption.api_key", str)
def redemption_api_key(subject: RuleSubject) -> str | None:
    """Id of the key the request came with."""
    return subject.cart.api_key_id


@fact("redemption.user.login", str)
def redemption_user_login(subject: RuleSubject) -> str | None:
    """Login of the person the request was made for."""
    return subject.cart.user_login


@fact("redemption.gift.amount", int, label="The gift card", unit=MINOR_UNITS)
def redemption_gift_amount(subject: RuleSubject) -> int | None:
    """What a gift card pays in this redemption."""
    return subject.gift_credits


@fact("redemption.reward.pay_with_points.points_used", int, label="The loyalty card", unit=" points")
def redemption_points_used(subject: RuleSubject) -> int | None:
    """How many points a loyalty card pays with in this redemption."""
    return subject.points_used


# Limits. Each counts the redemption being made; only successful redemptions that were not rolled back count.

limit("redemption.count", Counted("uses", "redeemable"))
limit("redemption.count.daily", Counted("uses", "redeemable", "", "day"))
limit("redemption.count.weekly", Counted("uses", "redeemable", "", "week"))
limit("redemption.count.monthly", Counted("uses", "redeemable", "", "month"))
limit("redemption.count.per_customer", Counted("uses", "redeemable", "customer"))
limit("redemption.count.per_customer.daily", Counted("uses", "redeemable", "customer", "day"))
limit("redemption.count.per_customer.weekly", Counted("uses", "redeemable", "customer", "week"))
limit("redemption.count.per_customer.monthly", Counted("uses", "redeemable", "customer", "month"))
limit("redemption.count.per_api_key", Counted("uses", "redeemable", "api_key"))
limit("redemption.count.per_user", Counted("uses", "redeemable", "user"))
limit("campaign.redemptions.count", Counted("uses", "campaign"))
limit("campaign.redemptions.count.daily", Counted("uses", "campaign", "", "day"))
limit("campaign.redemptions.count.weekly", Counted("uses", "campaign", "", "week"))
limit("campaign.redemptions.count.monthly", Counted("uses", "campaign", "", "month"))
limit("campaign.redemptions.customers_count", Counted("uses", "campaign", "customer"))
limit("campaign.redemptions.customers_count.daily", Counted("uses", "campaign", "customer", "day"))
limit("campaign.redemptions.customers_count.weekly", Counted("uses", "campaign", "customer", "week"))
limit("campaign.redemptions.customers_count.monthly", Counted("uses", "campaign", "customer", "month"))
limit("campaign.orders.amount", Counted("ordered", "campaign"))
limit("campaign.orders.amount_discounted", Counted("discounted", "campaign"))
