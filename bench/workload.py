"""The shop that is measured: a campaign under a rule of five conditions, customers, products, a cart of ten lines."""

import asyncio
import json
import time
from typing import Any

import asyncpg
import httpx

from app.kit.ids import new_ids
from bench.processes import Guerdon

LINES = 10
CODE_CONFIG = {"length": 12, "charset": "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"}
DISCOUNT = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}
ENOUGH_USES = 1_000_000_000
"""Uses are counted and limited, but never run out: a refusal would be measured as if it were a redemption."""

RULE = {
    "1": {"name": "order.amount", "conditions": {"$more_than": [5000]}, "rules": {}},
    "2": {"name": "order.items.count", "conditions": {"$more_than_or_equal": [3]}, "rules": {}},
    "3": {"name": "customer.metadata", "property": "tier", "conditions": {"$is": ["gold", "silver"]}, "rules": {}},
    "4": {"name": "order.metadata", "property": "channel", "conditions": {"$is_not": ["marketplace"]}, "rules": {}},
    "5": {"name": "order.items.any", "conditions": {"$is": [{"source_id": "sku-00001"}]}, "rules": {}},
    "logic": "1 and 2 and 3 and (4 or 5)",
}

FILL_CUSTOMERS = """
INSERT INTO customers (project_id, id, source_id, name, email, normal_email, metadata, created_at)
SELECT 1, id, source_id, 'Ada ' || source_id, source_id || '@example.com', source_id || '@example.com',
    '{"tier": "gold"}', now()
FROM unnest($1::text[], $2::text[]) AS new (id, source_id) ON CONFLICT DO NOTHING
"""
FILL_PRODUCTS = """
INSERT INTO products (project_id, id, source_id, name, price, attributes, metadata, created_at)
SELECT 1, id, source_id, 'Running shoe ' || source_id, 1999, '[]', '{"brand": "acme"}', now()
FROM unnest($1::text[], $2::text[]) AS new (id, source_id) ON CONFLICT DO NOTHING
"""


def customer_of(source_id: str) -> dict[str, Any]:
    email = f"{source_id}@example.com"
    return {"source_id": source_id, "name": f"Ada {source_id}", "email": email, "metadata": {"tier": "gold"}}


def product_of(source_id: str) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "name": f"Running shoe {source_id}",
        "price": 1999,
        "metadata": {"brand": "acme"},
    }


def checkout_body() -> str:
    """The template of the request that validates and redeems: see `bench.load.Load.body`."""
    items = [
        {
            "source_id": f"sku-{line:05d}",
            "related_object": "product",
            "quantity": 1 + line % 3,
            "price": 1999 + 137 * line,
            "metadata": {"color": "red", "size": 42},
        }
        for line in range(LINES)
    ]
    order = {"source_id": "%(order)s", "items": items, "metadata": {"channel": "web", "store": "helsinki-1"}}
    body = {
        "redeemables": [{"object": "voucher", "id": "%(code)s"}],
        "order": order,
        "customer": customer_of("%(customer)s"),
        "metadata": {"session": "s_9f8e7d6c5b4a"},
    }
    return json.dumps(body, separators=(",", ":"))


def customer_ids(count: int) -> list[str]:
    return [f"shop-{number:06d}" for number in range(count)]


async def open_shop(server: Guerdon, *, customers: int, products: int, over_http: int) -> str:
    """Set everything up but the codes; gives the id of the rule.

    The first customers and products are made through the API; the rest, which only fill the tables, in bulk.
    """
    async with client_of(server) as client:
        rule = await post(client, "/v1/validation-rules", {"name": "Five conditions", "rules": RULE})
        for source_id in customer_ids(over_http):
            await post(client, "/v1/customers", customer_of(source_id))
        for number in range(over_http):
            await post(client, "/v1/products", product_of(f"sku-{number:05d}"))
    connection = await asyncpg.connect(server.database_url)
    skus = [f"sku-{number:05d}" for number in range(products)]
    await connection.execute(FILL_CUSTOMERS, new_ids("cust", customers), customer_ids(customers))
    await connection.execute(FILL_PRODUCTS, new_ids("prod", products), skus)
    await connection.close()
    rule_id: str = rule["id"]
    return rule_id


async def create_campaign(server: Guerdon, rule_id: str) -> str:
    """A campaign under the rule, still without codes; gives its id."""
    voucher = {"type": "DISCOUNT_VOUCHER", "discount": DISCOUNT, "redemption": {"quantity": ENOUGH_USES}}
    voucher["code_config"] = CODE_CONFIG
    body = {"campaign_type": "DISCOUNT_COUPONS", "type": "STATIC", "name": "Autumn", "voucher": voucher}
    async with client_of(server) as client:
        campaign = await post(client, "/v1/campaigns", body)
        assignment = {"related_object_type": "campaign", "related_object_id": campaign["id"]}
        await post(client, f"/v1/validation-rules/{rule_id}/assignments", assignment)
    campaign_id: str = campaign["id"]
    return campaign_id


async def generate_codes(server: Guerdon, campaign_id: str, count: int) -> float:
    """Have the worker make so many codes; gives the seconds from the request until the last one is stored.

    Raises RuntimeError when the worker gave up.
    """
    async with client_of(server) as client:
        began_at = time.perf_counter()
        started = await post(client, f"/v1/campaigns/{campaign_id}/vouchers?vouchers_count={count}", {})
        action = await _get(client, f"/v1/async-actions/{started['async_action_id']}")
        while action["status"] in ("ENQUEUED", "IN_PROGRESS"):
            await asyncio.sleep(0.1)
            action = await _get(client, f"/v1/async-actions/{started['async_action_id']}")
    if action["operation_status"] != "SUCCESS":
        raise RuntimeError(f"The codes were not generated: {action}")
    return time.perf_counter() - began_at


async def first_sales(server: Guerdon, codes: list[str]) -> int:
    """Redeem each of the codes once: no table is empty when the measuring begins, nor when it is analysed."""
    async with client_of(server) as client:
        for number, code in enumerate(codes):
            names = {"code": code, "customer": "shop-000000", "order": f"first-{number}"}
            await post(client, "/v1/redemptions", json.loads(checkout_body() % names))
    return len(codes)


def client_of(server: Guerdon) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", headers=server.headers, timeout=60)


async def post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(path, json=body)
    answer.raise_for_status()
    value: dict[str, Any] = answer.json()
    return value


async def _get(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    answer = await client.get(path)
    answer.raise_for_status()
    value: dict[str, Any] = answer.json()
    return value
