"""What processes keep of the catalogue: the things that carts name, for as long as nothing of it changes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.commerce.orders.resolution import Catalogue, KnownSku
from app.engine.cart import Product, Sku
from app.kit.db import Connection

MOST_NAMES = 20_000
"""Of all projects together; whatever they buy most is read again at once."""

FIND = """
WITH sku AS MATERIALIZED (
    SELECT known, product_id FROM skus AS known
    WHERE project_id = $1 AND (id = ANY ($2) OR source_id = ANY ($2)) AND deleted_at IS NULL
)
SELECT
    coalesce((SELECT version FROM catalogues WHERE project_id = $1), 0) AS version,
    ARRAY(SELECT known FROM products AS known
        WHERE project_id = $1 AND (id = ANY ($2 || ARRAY(SELECT product_id FROM sku)) OR source_id = ANY ($2))
            AND deleted_at IS NULL) AS products,
    ARRAY(SELECT known FROM sku) AS skus
"""

Row = Mapping[str, Any]


@dataclass(slots=True)
class _Kept:
    """Of one project at `version`: the names that were looked up, and what goes by them."""

    version: int
    names: set[str] = field(default_factory=set)
    products: dict[str | None, Product] = field(default_factory=dict)
    skus: dict[str | None, KnownSku] = field(default_factory=dict)

    def learn(self, names: Collection[str], found: Catalogue) -> None:
        asked = found.under(names)
        self.names.update(names)
        self.products.update(asked.products)
        self.skus.update(asked.skus)


class Catalogues:
    """What this process keeps of the catalogues, by project."""

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}

    async def find(
        self, connection: Connection, project_id: int, version: int | None, names: Collection[str]
    ) -> Catalogue:
        """What the project sells under these ids and source ids, and the products of these SKUs; one statement when
        this process does not know some of it as it is at `version`.

        A transaction may see changes of its own that nobody else sees yet: what it reads is not kept.
        """
        if not names:
            return Catalogue({}, {})
        if connection.is_in_transaction():
            return _catalogue(await connection.fetchrow(FIND, project_id, names)).under(names)
        kept = self._kept.get(project_id)
        if kept is None or kept.version != (version or 0) or not kept.names.issuperset(names):
            row = await connection.fetchrow(FIND, project_id, names)
            kept = self._at(project_id, row["version"])
            kept.learn(names, _catalogue(row))
        return Catalogue(kept.products, kept.skus).under(names)

    def _at(self, project_id: int, version: int) -> _Kept:
        kept = self._kept.get(project_id)
        if sum(len(each.names) for each in self._kept.values()) > MOST_NAMES:
            self._kept.clear()
            kept = None
        if kept is None or kept.version != version:
            kept = self._kept[project_id] = _Kept(version)
        return kept


def _catalogue(row: Row) -> Catalogue:
    return Catalogue.of([_product(known) for known in row["products"]], [_sku(known) for known in row["skus"]])


def _product(known: Row) -> Product:
    return Product(known["id"], known["source_id"], known["name"], known["price"], known["metadata"])


def _sku(known: Row) -> KnownSku:
    sku = Sku(known["id"], known["source_id"], known["sku"], known["price"], known["metadata"])
    return KnownSku(sku, known["product_id"], known["currency"])
