"""Customers, products and orders for tests, made the way a shop makes them."""

from typing import Any

from app.commerce.customers import service as customers
from app.commerce.customers.schemas import CustomerIn, CustomerRead
from app.commerce.orders import service as orders
from app.commerce.orders.schemas import OrderCreate
from app.commerce.products import service as products
from app.commerce.products.schemas import ProductIn, ProductRead, SkuIn
from app.kit.db import Database
from app.models import Sku
from tests.factories.access import ProjectKeys


async def give_customer(db: Database, project: ProjectKeys, **members: Any) -> CustomerRead:
    return await customers.upsert(db, project.caller(), CustomerIn.model_validate(members))


async def give_product(db: Database, project: ProjectKeys, **members: Any) -> ProductRead:
    return await products.upsert_product(db, project.caller(), ProductIn.model_validate(members))


async def give_sku(db: Database, project: ProjectKeys, product_id: str, **members: Any) -> Sku:
    return await products.upsert_sku(db, project.caller(), product_id, SkuIn.model_validate(members))


async def give_order(db: Database, project: ProjectKeys, **members: Any) -> dict[str, Any]:
    """A kept order as it is answered."""
    return await orders.upsert(db, project.caller(), OrderCreate.model_validate(members))
