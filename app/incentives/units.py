"""Discounts in units as they are saved: what they give must be in the catalogue, and is shown as it was there."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.commerce.products.repository import ProductRepository, SkuRepository
from app.engine.effects.unit_effect import SHIPPING_ID
from app.kit.errors import InvalidPayload
from app.models import ProductCollection

SHIPPING = {"id": SHIPPING_ID, "source_id": SHIPPING_ID, "name": "Free shipping"}


async def with_known_units(
    session: AsyncSession, project_id: int, columns: Mapping[str, Any], path: str = "discount"
) -> dict[str, Any]:
    """The columns of a row, its `discount` with the product or SKU of everything it gives, if it gives any.

    Raises InvalidPayload, its path beginning with `path`, for a product or SKU that the project does not have.
    """
    discount = columns.get("discount")
    if discount is None or discount["type"] != "UNIT":
        return dict(columns)
    if "units" in discount:
        units = [
            await _known(session, project_id, unit, f"{path}.units[{place}]")
            for place, unit in enumerate(discount["units"])
        ]
        return {**columns, "discount": {**discount, "units": units}}
    return {**columns, "discount": await _known(session, project_id, discount, path)}


async def _known(session: AsyncSession, project_id: int, unit: Mapping[str, Any], path: str) -> dict[str, Any]:
    name: str = unit["unit_type"]
    bare = {member: value for member, value in unit.items() if member not in ("product", "sku")}
    if name == SHIPPING_ID:
        return {**bare, "product": SHIPPING}
    product = None if name.startswith("sku_") else await ProductRepository(session, project_id).find_by_reference(name)
    if product is not None:
        return {**bare, "product": _shown(product.id, product.source_id, product.name)}
    sku = await SkuRepository(session, project_id).find_by_reference(name)
    if sku is not None:
        return {**bare, "sku": _shown(sku.id, sku.source_id, sku.sku)}
    if unit["effect"] == "ADD_SAME_ITEMS" and await session.get(ProductCollection, (project_id, name)) is not None:
        return bare
    raise InvalidPayload(f"{path}.unit_type", f"There is no product or SKU {name} in this project.")


def _shown(row_id: str, source_id: str | None, name: str | None) -> dict[str, Any]:
    shown = {"id": row_id, "name": name or source_id or row_id}
    return {**shown, "source_id": source_id} if source_id else shown
