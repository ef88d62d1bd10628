"""What FastAPI gives with the same bodies and one query: the floor under the HTTP figures.

Nothing of the application is used. Requests and answers have the members that those of the workload have, as pydantic
models the way the framework's own documentation writes them; a percentage is taken off, one statement is sent, on a
pool that does not reset its connections. The benchmark checks that the answers have the same shape as the real ones.
"""

import gc
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

POOL_SIZE = 16

READ = """
SELECT voucher.id, voucher.discount, voucher.quantity, voucher.redeemed_count, voucher.active, voucher.starts_at,
    voucher.expires_at, voucher.created_at, voucher.metadata, campaign.id AS campaign_id, campaign.name AS campaign,
    customer.id AS customer_id, customer.name, customer.email, customer.metadata AS customer_metadata
FROM floor.voucher JOIN floor.campaign
        ON campaign.project_id = voucher.project_id AND campaign.id = voucher.campaign_id
    LEFT JOIN floor.customer ON customer.project_id = voucher.project_id AND customer.source_id = $2
WHERE voucher.project_id = 1 AND voucher.code = $1
"""
REDEEM = """
WITH used AS (
    UPDATE floor.voucher SET redeemed_count = redeemed_count + 1
    WHERE project_id = 1 AND code = $1 AND active AND (quantity IS NULL OR redeemed_count < quantity)
        AND (starts_at IS NULL OR starts_at <= now()) AND (expires_at IS NULL OR expires_at > now())
    RETURNING project_id, code, id, campaign_id, discount, quantity, redeemed_count, created_at
), redeemed AS (
    INSERT INTO floor.redemption (project_id, voucher_code, customer_id, order_id, amount, result)
    SELECT project_id, code, $2, $3, $4, 'SUCCESS' FROM used RETURNING id
), announced AS (
    INSERT INTO floor.outbox (project_id, kind, payload)
    SELECT project_id, 'redemption.succeeded', jsonb_build_object(
        'code', code, 'customer', CAST($2 AS text), 'order', CAST($3 AS text), 'amount', CAST($4 AS bigint),
        'count', redeemed_count)
    FROM used
)
SELECT redeemed.id, used.id AS voucher_id, campaign_id, discount, quantity, redeemed_count, created_at
FROM used, redeemed
"""


class RedeemableIn(BaseModel):
    object: str
    id: str = Field(min_length=1, max_length=500)


class ItemIn(BaseModel):
    source_id: str = Field(max_length=500)
    related_object: str
    quantity: int = Field(ge=0)
    price: int = Field(ge=0)
    metadata: dict[str, Any] = {}


class OrderIn(BaseModel):
    source_id: str = Field(max_length=500)
    items: list[ItemIn] = Field(max_length=500)
    metadata: dict[str, Any] = {}


class CustomerIn(BaseModel):
    source_id: str = Field(max_length=500)
    name: str = Field(max_length=500)
    email: str = Field(max_length=500)
    metadata: dict[str, Any] = {}


class CheckoutIn(BaseModel):
    redeemables: list[RedeemableIn] = Field(min_length=1, max_length=30)
    order: OrderIn
    customer: CustomerIn
    metadata: dict[str, Any] = {}


class Product(BaseModel):
    id: str
    source_id: str
    name: str
    price: int
    metadata: dict[str, Any]


class Item(BaseModel):
    object: str = "order_item"
    product_id: str
    source_id: str
    related_object: str
    quantity: int
    initial_quantity: int
    amount: int
    initial_amount: int
    price: int
    subtotal_amount: int
    product: Product
    metadata: dict[str, Any]


class CustomerId(BaseModel):
    id: str
    object: str = "customer"


class Figures(BaseModel):
    """An order's amounts, without its lines."""

    customer_id: str
    customer: CustomerId
    object: str = "order"
    amount: int
    initial_amount: int
    discount_amount: int
    total_discount_amount: int
    total_amount: int
    applied_discount_amount: int
    total_applied_discount_amount: int
    metadata: dict[str, Any]


class Order(Figures):
    items: list[Item]


class RedeemedOrder(Order):
    id: str
    source_id: str
    status: str = "PAID"


class KeptOrder(RedeemedOrder):
    created_at: str
    redemptions: dict[str, Any]


class DataList(BaseModel):
    object: str = "list"
    data_ref: str = "data"
    data: list[Any] = []
    total: int = 0


class Discount(BaseModel):
    type: str
    effect: str
    percent_off: float


class Result(BaseModel):
    discount: Discount


class Applicable(BaseModel):
    status: str = "APPLICABLE"
    id: str
    object: str = "voucher"
    order: Figures
    applicable_to: DataList
    inapplicable_to: DataList
    result: Result


class StackingRules(BaseModel):
    redeemables_limit: int = 30
    applicable_redeemables_limit: int = 5
    applicable_redeemables_per_category_limit: int = 1
    applicable_redeemables_category_limits: dict[str, int] = {}
    applicable_exclusive_redeemables_limit: int = 1
    applicable_exclusive_redeemables_per_category_limit: int = 1
    exclusive_categories: list[str] = []
    joint_categories: list[str] = []
    redeemables_application_mode: str = "ALL"
    redeemables_sorting_rule: str = "REQUESTED_ORDER"
    grouped_redeemables_sorting_rule: str = "JOINT_ALWAYS_LAST"
    tenders_sorting_rule: str = "AFTER_DISCOUNTS"
    redeemables_products_application_mode: str = "STACK"
    redeemables_no_effect_rule: str = "REDEEM_ANYWAY"
    no_effect_skip_categories: list[str] = []
    no_effect_redeem_anyway_categories: list[str] = []
    discount_calculation_mode: str = "DISCOUNTED_AMOUNT"
    initial_amount_mode_categories: list[str] = []
    discounted_amount_mode_categories: list[str] = []
    redeemables_rollback_order_mode: str = "WITH_ORDER"


class ValidationOut(BaseModel):
    id: str
    valid: bool = True
    redeemables: list[Applicable]
    stacking_rules: StackingRules
    order: Order
    tracking_id: str


class Channel(BaseModel):
    channel_id: str
    channel_type: str = "API"


class Customer(BaseModel):
    id: str
    source_id: str
    name: str
    email: str
    metadata: dict[str, Any]
    object: str = "customer"


class Publish(BaseModel):
    object: str = "list"
    count: int = 0
    url: str


class Uses(BaseModel):
    object: str = "list"
    quantity: int | None
    redeemed_quantity: int
    url: str


class Voucher(BaseModel):
    campaign: str
    campaign_id: str
    category_id: str | None = None
    id: str
    code: str
    type: str = "DISCOUNT_VOUCHER"
    discount: Discount
    active: bool = True
    metadata: dict[str, Any] = {}
    is_referral_code: bool = False
    created_at: datetime
    object: str = "voucher"
    categories: list[str] = []
    publish: Publish
    redemption: Uses
    validation_rules_assignments: DataList


class Redemption(BaseModel):
    id: str
    object: str = "redemption"
    date: datetime
    customer_id: str
    tracking_id: str
    metadata: dict[str, Any]
    redemption: str | None = None
    result: str = "SUCCESS"
    status: str = "SUCCEEDED"
    order: RedeemedOrder
    channel: Channel
    customer: Customer
    related_object_type: str = "voucher"
    related_object_id: str
    voucher: Voucher


class RedemptionsOut(BaseModel):
    redemptions: list[Redemption]
    order: KeptOrder


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async def decode_json(connection: asyncpg.Connection) -> None:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=lambda value: value, decoder=msgspec.json.decode
        )

    async def keep_as_it_is(connection: asyncpg.Connection) -> None:
        """No round trip between one request and the next."""

    app.state.pool = await asyncpg.create_pool(
        os.environ["FLOOR_DATABASE_URL"], min_size=POOL_SIZE, max_size=POOL_SIZE, init=decode_json, reset=keep_as_it_is
    )
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    yield
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan, openapi_url=None)


@app.post("/validate")
async def validate(body: CheckoutIn) -> ValidationOut:
    code = body.redeemables[0].id
    row = await app.state.pool.fetchrow(READ, code, body.customer.source_id)
    if row is None:
        raise HTTPException(404)
    members = order_of(body, row["discount"]["percent_off"], row["customer_id"])
    return ValidationOut(
        id="valid_01m7zzy85nfeasearwwv0hb5nk",
        redeemables=[
            Applicable(
                id=code,
                order=Figures(**members),
                applicable_to=DataList(),
                inapplicable_to=DataList(),
                result=Result(discount=Discount(**row["discount"])),
            )
        ],
        stacking_rules=StackingRules(),
        order=Order(items=lines_of(body), **members),
        tracking_id="track_0346aa372e77947405f69a206f5d2907",
    )


@app.post("/redeem")
async def redeem(body: CheckoutIn) -> RedemptionsOut:
    code, order_id, customer_id = body.redeemables[0].id, body.order.source_id, body.customer.source_id
    row = await app.state.pool.fetchrow(
        REDEEM, code, customer_id, order_id, sum(item.price * item.quantity for item in body.order.items)
    )
    if row is None:
        raise HTTPException(400)
    members = order_of(body, row["discount"]["percent_off"], customer_id)
    items, redemption_id, now = lines_of(body), str(row["id"]), datetime.now(UTC)
    redemption = Redemption(
        id=redemption_id,
        date=now,
        customer_id=customer_id,
        tracking_id="track_0346aa372e77947405f69a206f5d2907",
        metadata=body.metadata,
        order=RedeemedOrder(id=order_id, source_id=order_id, items=items, **members),
        channel=Channel(channel_id="1dfe8e22-a8d7-4b99-85ab-c94b6c20fef2"),
        customer=Customer(id=customer_id, **body.customer.model_dump()),
        related_object_id=row["voucher_id"],
        voucher=Voucher(
            campaign="Campaign",
            campaign_id=row["campaign_id"],
            id=row["voucher_id"],
            code=code,
            discount=Discount(**row["discount"]),
            created_at=row["created_at"],
            publish=Publish(url=f"/v1/vouchers/{code}/publications?page=1&limit=10"),
            redemption=Uses(
                quantity=row["quantity"],
                redeemed_quantity=row["redeemed_count"],
                url=f"/v1/vouchers/{code}/redemptions?page=1&limit=10",
            ),
            validation_rules_assignments=DataList(),
        ),
    )
    entry = {
        "date": now,
        "related_object_type": "voucher",
        "related_object_id": row["voucher_id"],
        "related_object_parent_id": row["campaign_id"],
    }
    order = KeptOrder(
        id=order_id,
        source_id=order_id,
        items=items,
        created_at=now.isoformat(),
        redemptions={redemption_id: entry},
        **members,
    )
    return RedemptionsOut(redemptions=[redemption], order=order)


def order_of(body: CheckoutIn, percent_off: float, customer_id: str) -> dict[str, Any]:
    """The order's amounts, after a percentage was taken off."""
    amount = sum(item.price * item.quantity for item in body.order.items)
    discount_amount = round(amount * percent_off / 100)
    return {
        "customer_id": customer_id,
        "customer": CustomerId(id=customer_id),
        "amount": amount,
        "initial_amount": amount,
        "discount_amount": discount_amount,
        "total_discount_amount": discount_amount,
        "total_amount": amount - discount_amount,
        "applied_discount_amount": discount_amount,
        "total_applied_discount_amount": discount_amount,
        "metadata": body.order.metadata,
    }


def lines_of(body: CheckoutIn) -> list[Item]:
    return [
        Item(
            product_id=f"prod_{item.source_id}",
            source_id=item.source_id,
            related_object=item.related_object,
            quantity=item.quantity,
            initial_quantity=item.quantity,
            amount=item.price * item.quantity,
            initial_amount=item.price * item.quantity,
            price=item.price,
            subtotal_amount=item.price * item.quantity,
            product=Product(
                id=f"prod_{item.source_id}",
                source_id=item.source_id,
                name=f"Running shoe {item.source_id}",
                price=item.price,
                metadata={"brand": "acme"},
            ),
            metadata=item.metadata,
        )
        for item in body.order.items
    ]


BARE_BODY = b"{" + b" " * 8000 + b"}"
BARE_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BARE_BODY)).encode())]


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads the body and answers the same few kilobytes: it shows what the generator can do."""
    if scope["type"] == "lifespan":
        for step in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{step}.complete"})
        return
    while (await receive()).get("more_body"):
        continue
    await send({"type": "http.response.start", "status": 200, "headers": BARE_HEADERS})
    await send({"type": "http.response.body", "body": BARE_BODY})
