"""Orders on the wire."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from app.commerce.customers.schemas import CustomerIn, Line, Reference, SourceId
from app.engine.money import Currency
from app.kit.lists import PageBody
from app.kit.wire import Amount, Instant, Metadata, WireIn, WireOut, WirePatch

Status = Literal["CREATED", "PAID", "CANCELED", "FULFILLED"]
MAX_ITEMS = 500
OrderCurrency = Annotated[
    Currency,
    Field(
        description="ISO 4217, of all amounts of the order; the project's when left out. In a project without a "
        "currency it is kept and shown, and compared with nothing."
    ),
]
Quantity = Annotated[int, Field(ge=0, le=2**31 - 1, description="Units. A numeric string is accepted too.")]


class OrderItemProductIn(WireIn):
    """What the shop says about the product of a line. `override` keeps it in the catalogue."""

    id: SourceId | None = None
    source_id: SourceId | None = None
    override: bool = False
    name: Line | None = None
    price: Amount | None = None
    metadata: Metadata | None = None


class OrderItemSkuIn(WireIn):
    """What the shop says about the SKU of a line. `override` keeps it in the catalogue, under the line's product."""

    id: SourceId | None = None
    source_id: SourceId | None = None
    override: bool = False
    sku: Line | None = None
    price: Amount | None = None
    metadata: Metadata | None = None


class OrderItemIn(WireIn):
    """One line: of a known product or SKU, named by its id or by `source_id` and `related_object`, or of any other.

    `amount` is price x quantity unless it is given; a line without a quantity is one unit.
    """

    sku_id: SourceId | None = None
    product_id: SourceId | None = None
    related_object: Literal["product", "sku"] | None = None
    source_id: SourceId | None = None
    quantity: Quantity | None = None
    discount_quantity: Quantity | None = None
    initial_quantity: Quantity | None = None
    amount: Amount | None = None
    discount_amount: Amount | None = None
    initial_amount: Amount | None = None
    price: Amount | None = None
    product: OrderItemProductIn | None = None
    sku: OrderItemSkuIn | None = None
    metadata: Metadata | None = None


class OrderIn(WireIn):
    """An order or cart. `amount` counts when no line has a price. Amounts are in minor units."""

    id: Reference | None = None
    source_id: SourceId | None = None
    status: Status | None = None
    currency: OrderCurrency | None = None
    amount: Amount | None = None
    initial_amount: Amount | None = None
    discount_amount: Amount | None = None
    items: Annotated[list[OrderItemIn], Field(max_length=MAX_ITEMS)] | None = None
    metadata: Metadata | None = None


class OrderCreate(OrderIn):
    """An order to keep: found by `id`, else by `source_id`, else new. The customer and referrer are kept with it."""

    created_at: Instant | None = None
    customer: CustomerIn | None = None
    referrer: CustomerIn | None = None
    referrer_id: Reference | None = None


class OrderUpdate(WirePatch):
    """What may change. Lines are replaced as a whole, metadata is merged key by key."""

    source_id: SourceId | None = None
    status: Status | None = None
    currency: OrderCurrency | None = None
    amount: Amount | None = None
    initial_amount: Amount | None = None
    discount_amount: Amount | None = None
    items: Annotated[list[OrderItemIn], Field(max_length=MAX_ITEMS)] | None = None
    metadata: Metadata | None = None
    created_at: Instant | None = None
    customer: CustomerIn | None = None
    referrer: CustomerIn | None = None
    referrer_id: Reference | None = None


class CustomerId(WireOut):
    id: str
    object: Literal["customer"] = "customer"


class OrderItemProductRead(WireOut):
    id: str | None = None
    source_id: str | None = None
    name: str | None = None
    price: int | None = None
    metadata: Metadata | None = None


class OrderItemSkuRead(WireOut):
    id: str | None = None
    source_id: str | None = None
    sku: str | None = None
    price: int | None = None
    metadata: Metadata | None = None


class ApplicationDetails(WireOut):
    """Units of the source line that were replaced by units of the target line. The source's figures are negative."""

    source_index: int
    source_applied_quantity: int
    source_applied_quantity_amount: int
    target_index: int
    target_applied_quantity: int
    target_applied_quantity_amount: int
    target_applied_discount_amount: int


class OrderItemRead(WireOut):
    """A line with what it carries. `subtotal_amount` is what is left to pay for it."""

    id: str | None = None
    sku_id: str | None = None
    product_id: str | None = None
    related_object: Literal["product", "sku"] | None = None
    source_id: str | None = None
    quantity: int
    discount_quantity: int | None = None
    initial_quantity: int | None = None
    amount: int
    discount_amount: int | None = None
    applied_discount_amount: int | None = None
    applied_discount_quantity: int | None = None
    applied_quantity: Annotated[
        int | None, Field(description="Units that were added; negative for units that were replaced.")
    ] = None
    applied_quantity_amount: Annotated[int | None, Field(description="What those cost before discounts.")] = None
    initial_amount: int | None = None
    price: int | None = None
    subtotal_amount: int
    product: OrderItemProductRead | None = None
    sku: OrderItemSkuRead | None = None
    metadata: Metadata | None = None
    application_details: list[ApplicationDetails] | None = None
    object: Literal["order_item"] = "order_item"


class OrderRead(WireOut):
    """An order with its figures: `discount_amount` is the order-level part, `total_amount` what is left to pay."""

    nullable: ClassVar[frozenset[str]] = frozenset({"source_id", "customer_id", "referrer_id", "updated_at"})

    id: str
    source_id: str | None
    status: Status
    currency: str | None = None
    amount: int | None = None
    initial_amount: int | None = None
    discount_amount: int | None = None
    items_discount_amount: int | None = None
    total_discount_amount: int | None = None
    total_amount: int | None = None
    applied_discount_amount: int | None = None
    items_applied_discount_amount: int | None = None
    total_applied_discount_amount: int | None = None
    items: list[OrderItemRead] | None = None
    metadata: Metadata
    object: Literal["order"] = "order"
    created_at: Instant
    updated_at: Instant | None
    customer_id: str | None
    referrer_id: str | None
    customer: CustomerId | None = None
    referrer: CustomerId | None = None
    redemptions: Annotated[dict[str, Any], Field(description="What was redeemed on the order, by redemption id.")]


class OrderList(PageBody):
    data_ref: Literal["orders"] = "orders"
    orders: list[OrderRead]
