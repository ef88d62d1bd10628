"""Orders in the database, and what of the catalogue they need."""

from collections.abc import Collection

from sqlalchemy import or_
from sqlalchemy.ext.asyncio import AsyncSession

from app.commerce.orders.resolution import Catalogue, KnownSku
from app.commerce.products.repository import ProductRepository, SkuRepository
from app.commerce.sourced import SourcedRepository
from app.engine import cart
from app.models import Order, Product, Sku


class OrderRepository(SourcedRepository[Order]):
    model = Order
    resource_type = "order"
    prefix = "ord"
    metadata_name = "order_metadata"


async def load_catalogue(session: AsyncSession, project_id: int, names: Collection[str]) -> Catalogue:
    """The products and SKUs under these ids and source ids, and the products of these SKUs: two statements."""
    if not names:
        return Catalogue({}, {})
    named_skus = SkuRepository(session, project_id).rows().where(or_(Sku.id.in_(names), Sku.source_id.in_(names)))
    skus = (await session.scalars(named_skus)).all()
    ids = {*names, *(sku.product_id for sku in skus)}
    named = ProductRepository(session, project_id).rows().where(or_(Product.id.in_(ids), Product.source_id.in_(names)))
    products = (await session.scalars(named)).all()
    return Catalogue.of((engine_product(product) for product in products), (known_sku(sku) for sku in skus))


def engine_product(row: Product) -> cart.Product:
    return cart.Product(row.id, row.source_id, row.name, row.price, row.product_metadata)


def known_sku(row: Sku) -> KnownSku:
    return KnownSku(cart.Sku(row.id, row.source_id, row.sku, row.price, row.sku_metadata), row.product_id, row.currency)
