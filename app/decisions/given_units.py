"""Products and SKUs that discounts give, with the prices of this moment, filled in at the redeemables."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.engine.cart import Cart, Product, Sku
from app.engine.redeemables import Redeemable, Unresolved
from app.engine.units import UnitName, UnitSource
from app.kit.db import Connection

# Prices change without a new version of the configuration, so that what discounts name is read anew for each request.
GIVEN = """
WITH sku AS MATERIALIZED (
    SELECT known, product_id FROM skus AS known
    WHERE project_id = $1 AND (id = ANY ($2) OR source_id = ANY ($2)) AND deleted_at IS NULL
)
SELECT
    ARRAY(SELECT known FROM sku) AS skus,
    ARRAY(
        SELECT known FROM products AS known
        WHERE project_id = $1 AND deleted_at IS NULL
            AND (id = ANY ($2) OR source_id = ANY ($2) OR id IN (SELECT product_id FROM sku))
    ) AS products
"""


async def with_units(
    connection: Connection, project_id: int, cart: Cart, redeemables: Sequence[Redeemable | Unresolved]
) -> list[Redeemable | Unresolved]:
    """The redeemables with the units that their effects give; one statement when any of them gives some.

    What the catalogue prices in another currency than that of `cart` has no price there: it is given all the same.
    """
    named = {
        unit.name
        for redeemable in redeemables
        if isinstance(redeemable, Redeemable)
        for unit in redeemable.effect.named_units()
    }
    if not named:
        return list(redeemables)
    row = await connection.fetchrow(GIVEN, project_id, sorted(named))
    products, skus = row["products"], row["skus"]
    return [
        replace(redeemable, units=_units(redeemable.effect.named_units(), products, skus, cart))
        if isinstance(redeemable, Redeemable)
        else redeemable
        for redeemable in redeemables
    ]


def _units(
    named: Sequence[UnitName],
    products: Sequence[Mapping[str, Any]],
    skus: Sequence[Mapping[str, Any]],
    cart: Cart,
) -> dict[str, UnitSource]:
    found: dict[str, UnitSource] = {}
    for unit in named:
        row = _named(unit.name, skus if unit.kind == "sku" else products)
        if row is None:
            continue
        if unit.kind == "product":
            found[unit.name] = UnitSource(_product(row, cart))
            continue
        product = _named(row["product_id"], products)
        price = row["price"] if cart.takes(row["currency"]) else None
        sku = Sku(row["id"], row["source_id"], row["sku"], price, row["metadata"])
        found[unit.name] = UnitSource(_product(product, cart) if product else None, sku)
    return found


def _named(name: str, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The row with this id, else the one with this source id."""
    by_id = next((row for row in rows if row["id"] == name), None)
    return by_id or next((row for row in rows if row["source_id"] == name), None)


def _product(row: Mapping[str, Any], cart: Cart) -> Product:
    price = row["price"] if cart.takes(None) else None
    return Product(row["id"], row["source_id"], row["name"], price, row["metadata"])
