"""Operators of a line of the order: is it this product or SKU, or one of this collection?"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.engine.cart import Item
from app.engine.rules import values
from app.engine.rules.predicates import Operator, Predicate
from app.engine.rules.values import BadValue

COLLECTION = "products_collection"


@dataclass(frozen=True, slots=True)
class LineName:
    """One product, SKU or product collection that a rule names. `kind` is empty when the rule gave only a text: then it
    may be a product or a SKU."""

    kind: str
    id: str | None
    source_id: str | None


def _parse_line(kinds: tuple[str, ...]) -> Callable[[Any], LineName]:
    def parse(value: Any) -> LineName:
        if isinstance(value, str):
            name = values.parse_text(value)
            return LineName(kinds[0] if len(kinds) == 1 else "", name, name)
        if not isinstance(value, Mapping):
            raise BadValue("must be an id or an object with id or source_id, and object")
        kind = value.get("object", kinds[0] if len(kinds) == 1 else "product_or_sku")
        if kind == COLLECTION:
            return _parse_collection(value)
        if kind != "product_or_sku" and kind not in kinds:
            raise BadValue(f"must have as its object {' or '.join(kinds)} or {COLLECTION}")
        ids = [value.get("id"), value.get("source_id")]
        if not any(ids) or any(name is not None and not isinstance(name, str) for name in ids):
            raise BadValue("must have an id or a source_id, as text")
        if kind == "product_or_sku":
            kind = kinds[0] if len(kinds) == 1 else ""
        return LineName(kind, ids[0], ids[1])

    return parse


def _parse_collection(value: Any) -> LineName:
    name = value.get("id") if isinstance(value, Mapping) else value
    if isinstance(value, Mapping) and value.get("object", COLLECTION) != COLLECTION:
        raise BadValue(f"must have as its object {COLLECTION}")
    if not isinstance(name, str) or not name:
        raise BadValue("must name a product collection by its id")
    return LineName(COLLECTION, values.parse_text(name), None)


def collections_in(operands: Iterable[Any]) -> frozenset[str]:
    """Ids of the product collections among the names of a condition."""
    return frozenset(name.id for name in operands if isinstance(name, LineName) and name.kind == COLLECTION and name.id)


def is_line(names: Sequence[LineName]) -> Callable[[Item], bool]:
    """Whether a line is one of the products or SKUs named, by our id or by the shop's, or in a collection named."""
    product_ids = {name.id for name in names if name.kind in ("product", "")} - {None}
    product_sources = {name.source_id for name in names if name.kind in ("product", "")} - {None}
    sku_ids = {name.id for name in names if name.kind in ("sku", "")} - {None}
    sku_sources = {name.source_id for name in names if name.kind in ("sku", "")} - {None}
    collection_ids = collections_in(names)

    def holds(line: Item) -> bool:
        if collection_ids and not collection_ids.isdisjoint(line.collection_ids):
            return True
        if line.product_id in product_ids or line.sku_id in sku_ids:
            return True
        product, sku, source_id = line.product, line.sku, line.source_id
        if product is not None and (product.id in product_ids or product.source_id in product_sources):
            return True
        if sku is not None and (sku.id in sku_ids or sku.source_id in sku_sources):
            return True
        if source_id is None:
            return False
        return source_id in (sku_sources if line.related_object == "sku" else product_sources)

    return holds


def line_names(*kinds: str) -> dict[str, Operator]:
    """Operators of a line of the order, asked what it is."""

    def among(operands: Sequence[LineName]) -> Predicate:
        holds = is_line(operands)
        return lambda value, cart: holds(value)

    def not_among(operands: Sequence[LineName]) -> Predicate:
        holds = is_line(operands)
        return lambda value, cart: not holds(value)

    parse = _parse_line(kinds)
    return {
        "$is": Operator(parse, among),
        "$in": Operator(parse, among),
        "$is_not": Operator(parse, not_among, negated=True),
        "$not_in": Operator(parse, not_among, negated=True),
        "$from": Operator(_parse_collection, among),
    }
