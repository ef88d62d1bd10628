"""Bundles: what must be in the order together, read when a rule is saved and counted at checkout."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from app.engine.cart import Cart, Item
from app.engine.rules.errors import InvalidRule
from app.engine.rules.line_operators import COLLECTION, LineName, collections_in, is_line, line_names
from app.engine.rules.logic import Every, Number, parse_logic
from app.engine.rules.values import BadValue

MOST_BUNDLES = 100
MOST_REQUIRED = 30
MOST_QUANTITY = 1_000_000
ItemKind = Literal["product", "sku", "products_collection"]


@dataclass(frozen=True, slots=True)
class Required:
    """One thing a bundle needs: so many units of any of the products, SKUs or collections named.

    `kind` and `id` are the first one's, for telling what is missing; `number` is the rule's in the definition.
    """

    number: str
    kind: ItemKind
    id: str
    names: tuple[LineName, ...]
    quantity: int
    message: str | None = None


@dataclass(frozen=True, slots=True)
class BundleRule:
    """Everything a bundle needs, and how many bundles of one order count."""

    required: tuple[Required, ...]
    limit: int = 1

    @property
    def collection_ids(self) -> frozenset[str]:
        return collections_in(name for required in self.required for name in required.names)


@dataclass(frozen=True, slots=True)
class Identified:
    """Units of the line at `index` that go into bundles, and what they are there."""

    kind: Literal["product", "sku"]
    id: str
    index: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """What an order has of a bundle: `quantity` complete ones of at most `limit`, or what one still lacks."""

    quantity: int
    limit: int
    identified: tuple[Identified, ...] = ()
    missing: tuple[Required, ...] = ()


def parse_bundle(definition: Mapping[str, Any] | None) -> BundleRule | None:
    """What the wire's `bundle_rules` mean; None when they name nothing.

    Raises InvalidRule with the path of what is wrong.
    """
    if not definition or not any(name not in ("logic", "limit") for name in definition):
        return None
    numbers = sorted((name for name in definition if name not in ("logic", "limit")), key=_place)
    if len(numbers) > MOST_REQUIRED:
        raise InvalidRule("bundle_rules", f"must not need more than {MOST_REQUIRED} things")
    required = [_required(number, definition[number], f"bundle_rules.{number}") for number in numbers]
    logic = definition.get("logic")
    if logic is not None and not isinstance(logic, str):
        raise InvalidRule("bundle_rules.logic", "must be text")
    tree = parse_logic(logic or "", numbers, "bundle_rules.logic")
    parts = tree.parts if isinstance(tree, Every) else (tree,)
    if {part.name for part in parts if isinstance(part, Number)} != set(numbers) or len(parts) != len(numbers):
        raise InvalidRule("bundle_rules.logic", "must join all rules with and: a bundle is complete or it is none")
    limit = definition.get("limit")
    limit = 1 if limit is None else _whole(limit, "bundle_rules.limit", MOST_BUNDLES)
    return BundleRule(tuple(required), limit)


def bundle_in(rule: BundleRule, cart: Cart) -> Bundle:
    """How many complete bundles the order has, each unit in one of them at most. Units given free of charge make no
    bundle."""
    stock = [max(0, item.quantity - item.discount_quantity) for item in cart.items]
    fits = [_lines_of(required, cart.items) for required in rule.required]
    wants = [required.quantity for required in rule.required]
    most = min(sum(stock[index] for index in lines) // want for lines, want in zip(fits, wants, strict=True))
    least, most = 0, min(most, rule.limit)
    held: list[dict[int, int]] = []
    while least < most:
        middle = most if not held else (least + most + 1) // 2  # things rarely compete, so the most is tried first
        held = _dealt([middle * want for want in wants], fits, stock)
        if _is_complete(held, wants, middle):
            least = middle
        else:
            most = middle - 1
    held = _dealt([max(1, least) * want for want in wants], fits, stock)
    missing = () if least else tuple(_missing(rule.required, held))
    return Bundle(least, rule.limit, tuple(_identified(rule.required, held, cart.items)), missing)


def _place(number: str) -> int:
    if not number.isdecimal() or len(number) > 6:
        raise InvalidRule(f"bundle_rules.{number[:50]}", 'must be numbered: rules are named "1", "2" and so on')
    return int(number)


def _required(number: str, raw: Any, path: str) -> Required:
    if not isinstance(raw, Mapping) or raw.get("name") != "order.items.any":
        raise InvalidRule(path, "must be a rule named order.items.any, with the items under conditions.$is")
    values = raw.get("conditions", {}).get("$is") if isinstance(raw.get("conditions"), Mapping) else None
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise InvalidRule(f"{path}.conditions.$is", "must list at least one product, SKU or product collection")
    names = tuple(_name(value, f"{path}.conditions.$is[{place}]") for place, value in enumerate(values))
    error = raw.get("error")
    message = error.get("message") if isinstance(error, Mapping) else None
    if message is not None and not isinstance(message, str):
        raise InvalidRule(f"{path}.error.message", "must be text")
    first = names[0]
    kind: ItemKind = "products_collection" if first.kind == COLLECTION else "sku" if first.kind == "sku" else "product"
    return Required(
        number, kind, first.id or first.source_id or "", names, _quantity(raw.get("rules"), f"{path}.rules"), message
    )


def _name(value: Any, path: str) -> LineName:
    try:
        named: LineName = line_names("product", "sku")["$is"].parse(value)
    except BadValue as problem:
        raise InvalidRule(path, str(problem)) from None
    return named


def _quantity(raw: Any, path: str) -> int:
    """The units that the only sub-rule, `order.items.aggregated_quantity`, asks for; one without sub-rules."""
    rules = [raw[number] for number in raw if number != "logic"] if isinstance(raw, Mapping) else []
    if not rules:
        return 1
    rule = rules[0]
    conditions = rule.get("conditions") if isinstance(rule, Mapping) else None
    values = conditions.get("$is") if isinstance(conditions, Mapping) else None
    if len(rules) > 1 or rule.get("name") != "order.items.aggregated_quantity" or not isinstance(values, Sequence):
        raise InvalidRule(path, "must be one rule named order.items.aggregated_quantity, with units under $is")
    if len(values) != 1:
        raise InvalidRule(path, "must name one number of units")
    return _whole(values[0], path, MOST_QUANTITY)


def _whole(value: Any, path: str, most: int) -> int:
    text = value if isinstance(value, str) else repr(value)
    if isinstance(value, bool) or not text.isdecimal() or not 1 <= int(text[:20]) <= most:
        raise InvalidRule(path, f"must be a whole number from 1 to {most}")
    return int(text)


def _lines_of(required: Required, items: Sequence[Item]) -> list[int]:
    is_one: Callable[[Item], bool] = is_line(required.names)
    return [index for index, item in enumerate(items) if is_one(item)]


def _dealt(wants: Sequence[int], fits: Sequence[Sequence[int]], stock: Sequence[int]) -> list[dict[int, int]]:
    """Units of each line for each want, as many as can be had for all together.

    Wants are met by augmenting paths (Ford and Fulkerson, 1956): a want that finds its lines taken may push another one
    to a line that only that one can use.
    """
    free = list(stock)
    held: list[dict[int, int]] = [{} for _ in wants]
    for place, want in enumerate(wants):
        while want > 0:
            units = _pushed(place, want, fits, free, held)
            if not units:
                break
            want -= units
    return held


def _pushed(start: int, want: int, fits: Sequence[Sequence[int]], free: list[int], held: list[dict[int, int]]) -> int:
    """Give `start` some more units along the shortest path of pushes; how many it got, 0 when there is no path."""
    came_from: dict[int, tuple[int, int]] = {}
    queue = deque([start])
    while queue:
        taker = queue.popleft()
        for line in fits[taker]:
            if free[line]:
                return _moved(start, want, taker, line, came_from, free, held)
            for other, lines in enumerate(held):
                if other != start and other not in came_from and lines.get(line):
                    came_from[other] = (taker, line)
                    queue.append(other)
    return 0


def _moved(
    start: int,
    want: int,
    taker: int,
    line: int,
    came_from: Mapping[int, tuple[int, int]],
    free: list[int],
    held: list[dict[int, int]],
) -> int:
    steps = []
    last = taker
    while last != start:
        before, shared = came_from[last]
        steps.append((before, last, shared))
        last = before
    units = min([want, free[line], *(held[giver][shared] for _, giver, shared in steps)])
    free[line] -= units
    held[taker][line] = held[taker].get(line, 0) + units
    for before, giver, shared in steps:
        held[giver][shared] -= units
        held[before][shared] = held[before].get(shared, 0) + units
    return units


def _is_complete(held: Sequence[Mapping[int, int]], wants: Sequence[int], count: int) -> bool:
    return all(sum(lines.values()) == count * want for lines, want in zip(held, wants, strict=True))


def _missing(required: Sequence[Required], held: Sequence[Mapping[int, int]]) -> list[Required]:
    lacking = [(each, each.quantity - sum(lines.values())) for each, lines in zip(required, held, strict=True)]
    return [replace(each, quantity=quantity) for each, quantity in lacking if quantity]


def _identified(
    required: Sequence[Required], held: Sequence[Mapping[int, int]], items: Sequence[Item]
) -> list[Identified]:
    found = []
    for each, lines in zip(required, held, strict=True):
        for index in sorted(lines):
            if lines[index]:
                found.append(_identity(each, items[index], index, lines[index]))
    return found


def _identity(required: Required, item: Item, index: int, quantity: int) -> Identified:
    """A line by its SKU where the bundle asks for SKUs or the line is all it knows, else by its product."""
    sku_id = item.sku_id or (item.source_id if item.related_object == "sku" else None)
    product_id = item.product_id or (item.source_id if item.related_object != "sku" else None)
    if sku_id is not None and (required.kind == "sku" or product_id is None):
        return Identified("sku", sku_id, index, quantity)
    return Identified("product", product_id or required.id, index, quantity)
