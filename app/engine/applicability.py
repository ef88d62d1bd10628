"""Which lines of an order a discount on lines may touch, and how that is told on the wire."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Annotated, Any, Literal

from pydantic import Field

from app.engine.cart import Cart, Item
from app.engine.formulas import OrderFormula, PriceFormula
from app.engine.money import Amount, Count, Currency
from app.engine.postings import AccountKey
from app.engine.stored import Stored
from app.engine.targets import (
    Pick,
    Target,
    TargetAmounts,
    TargetEffect,
    TargetKind,
    picked,
    product_names,
    sku_names,
    whole_lines,
)
from app.engine.unit_limits import UnitLimit, UnitOwner, UnitRooms

MOST_SHOWN_UNITS = 1_000
"""Of an order with more units than this, the units that a discount touches are not listed one by one."""


class ApplicableTo(Stored):
    """A product, SKU or product collection that a validation rule includes or excludes, as written and as returned.

    Choosing a product chooses its SKUs too. Everything from `price` to `target` narrows how an included entry is used:
    prices, caps (the smallest wins), the cheapest only, every second unit. An excluded entry takes whole lines out.
    """

    object: TargetKind
    id: str
    source_id: str | None = None
    product_id: str | None = None
    product_source_id: str | None = None
    effect: TargetEffect = "APPLY_TO_EVERY"
    price: Amount | None = None
    price_formula: PriceFormula = None
    quantity_limit: Count | None = None
    aggregated_quantity_limit: Count | None = None
    amount_limit: Count | None = None
    aggregated_amount_limit: Count | None = None
    product_campaign_quantity_limit: Count | None = None
    product_campaign_quantity_limit_formula: OrderFormula = None
    product_customer_campaign_quantity_limit: Count | None = None
    product_customer_campaign_quantity_limit_formula: OrderFormula = None
    product_in_collection_campaign_quantity_limit: Count | None = None
    product_in_collection_campaign_quantity_limit_formula: OrderFormula = None
    product_in_collection_customer_campaign_quantity_limit: Count | None = None
    product_in_collection_customer_campaign_quantity_limit_formula: OrderFormula = None
    product_promotion_tier_quantity_limit: Count | None = None
    product_promotion_tier_quantity_limit_formula: OrderFormula = None
    product_customer_promotion_tier_quantity_limit: Count | None = None
    product_customer_promotion_tier_quantity_limit_formula: OrderFormula = None
    product_in_collection_promotion_tier_quantity_limit: Count | None = None
    product_in_collection_promotion_tier_quantity_limit_formula: OrderFormula = None
    product_in_collection_customer_promotion_tier_quantity_limit: Count | None = None
    product_in_collection_customer_promotion_tier_quantity_limit_formula: OrderFormula = None
    repeat: Count | None = None
    skip_initially: Count | None = None
    target: Literal["ITEM", "UNIT"] | None = None
    currencies: Annotated[
        Mapping[Currency, TargetAmounts] | None,
        Field(
            max_length=50,
            description="Price and caps for orders in currencies other than the project's, by code. An entry with a "
            "price or cap does not apply to orders in a currency that is not here.",
            examples=[{"USD": {"amount_limit": 1200}}],
        ),
    ] = None


class ApplicabilityDefinition(Stored):
    """The `applicable_to` of a validation rule."""

    included: tuple[ApplicableTo, ...] = ()
    excluded: tuple[ApplicableTo, ...] = ()
    included_all: bool = False


@dataclass(frozen=True, slots=True)
class Targets:
    """Entries with the names of all of them gathered, so that a line is looked up once, not entry by entry."""

    entries: tuple[Target, ...] = ()
    product_names: frozenset[str] = frozenset()
    sku_names: frozenset[str] = frozenset()
    collection_ids: frozenset[str] = frozenset()
    are_plain: bool = True

    def cover(self, item: Item) -> bool:
        return (
            bool(self.product_names and not self.product_names.isdisjoint(product_names(item)))
            or bool(self.sku_names and not self.sku_names.isdisjoint(sku_names(item)))
            or bool(self.collection_ids and not self.collection_ids.isdisjoint(item.collection_ids))
        )


@dataclass(frozen=True, slots=True)
class Applicability:
    """Which lines the discount may touch: all or the included ones, without the excluded ones.

    Naming only what is excluded includes everything else. `narrowed_by` is the applicability of a further rule of the
    same redeemable: rules add up, so a line must be covered by each.
    """

    included: Targets
    excluded: Targets = Targets()
    included_all: bool = False
    narrowed_by: "Applicability | None" = None

    def in_currency(self, currency: str) -> "Applicability | None":
        """What it is for orders in a currency that is not the project's; None where prices or caps lack one there."""
        entries = tuple(entry.in_currency(currency) for entry in self.included.entries)
        known = tuple(entry for entry in entries if entry is not None)
        narrowed_by = None if self.narrowed_by is None else self.narrowed_by.in_currency(currency)
        if len(known) < len(entries) or (narrowed_by is None and self.narrowed_by is not None):
            return None
        are_plain = all(entry.is_plain for entry in known)
        included = replace(self.included, entries=known, are_plain=are_plain)
        return replace(self, included=included, narrowed_by=narrowed_by)

    def covers(self, item: Item) -> bool:
        if not self.included_all and not self.included.cover(item):
            return False
        if self.excluded.cover(item):
            return False
        return self.narrowed_by is None or self.narrowed_by.covers(item)

    @property
    def collection_ids(self) -> frozenset[str]:
        """The product collections it names; lines must say which of them they are in (`Item.collection_ids`)."""
        own = self.included.collection_ids | self.excluded.collection_ids
        return own if self.narrowed_by is None else own | self.narrowed_by.collection_ids

    @property
    def is_plain(self) -> bool:
        """Whether lines are touched whole, so that nothing but `covers` has to be asked."""
        return self.included.are_plain and (self.narrowed_by is None or self.narrowed_by.is_plain)

    @property
    def asked(self) -> frozenset[str]:
        """What the price formulas of its entries ask for by name."""
        formulas = (target.price_formula for target in self.included.entries)
        own = frozenset[str]().union(*(formula.uses for formula in formulas if formula is not None))
        return own if self.narrowed_by is None else own | self.narrowed_by.asked

    def picks(self, items: Sequence[Item], rooms: UnitRooms | None = None) -> list[Pick]:
        """The units a discount may touch, in the order in which they are discounted; each line at most once.

        A line that several entries pick belongs to the first of them. A further rule picks among what the earlier ones
        picked. `rooms` tells how many units limited entries may still pick.
        """
        candidates = whole_lines(items) if self.narrowed_by is None else self.narrowed_by.picks(items, rooms)
        if self.excluded.entries:
            candidates = [pick for pick in candidates if not self.excluded.cover(items[pick.index])]
        taken: set[int] = set()
        picks: list[Pick] = []
        for target in self.included.entries:
            own = [pick for pick in candidates if pick.index not in taken and target.covers(items[pick.index])]
            chosen = picked(target, own, items, rooms)
            taken.update(pick.index for pick in chosen)
            picks += [replace(pick, targets=(*pick.targets, target)) for pick in chosen]
        if self.included_all:
            picks += [pick for pick in candidates if not self.included.cover(items[pick.index])]
        return picks

    def unit_accounts(self, items: Sequence[Item], owner: UnitOwner) -> set[AccountKey]:
        """The accounts that count units of its limited entries in an order of these lines."""
        own = {
            account
            for target in self.included.entries
            for limit in target.unit_limits
            if owner.applies(limit)
            for item in items
            if target.covers(item)
            for account in owner.accounts_of(limit, target.name, item)
        }
        return own if self.narrowed_by is None else own | self.narrowed_by.unit_accounts(items, owner)


def applicability_of(definition: ApplicabilityDefinition | None) -> Applicability | None:
    """What `definition` means at checkout. None when it names no target, which discounts no line."""
    if definition is None or not (definition.included or definition.excluded or definition.included_all):
        return None
    return Applicability(
        included=_targets(definition.included),
        excluded=_targets(definition.excluded),
        included_all=definition.included_all or not definition.included,
    )


def narrowed(applicabilities: Iterable[Applicability | None]) -> Applicability | None:
    """One applicability for the rules of a campaign and of a voucher; rules without targets do not narrow."""
    combined: Applicability | None = None
    for applicability in applicabilities:
        if applicability is not None:
            combined = applicability if combined is None else replace(applicability, narrowed_by=combined)
    return combined


def applicable_to(applicability: Applicability | None, cart: Cart, picks: Sequence[Pick] = ()) -> list[dict[str, Any]]:
    """The entries of the wire's `applicable_to` list, each with the lines of `cart` that it reaches.

    Where everything is included there are no entries to repeat, so the products and SKUs of the cart are named. `picks`
    are the units that were discounted, if the discount said so; else those that may be.
    """
    if applicability is None:
        return []
    if not applicability.is_plain:
        return _picked_entries(applicability, cart.items, picks)
    covered = [index for index, item in enumerate(cart.items) if applicability.covers(item)]
    listed: list[dict[str, Any]] = []
    step: Applicability | None = applicability
    while step is not None:
        listed += _entries(step.included, cart.items, covered)
        step = step.narrowed_by
    return listed or _named(cart.items, covered)


def inapplicable_to(applicability: Applicability | None, cart: Cart) -> list[dict[str, Any]]:
    """The entries of the wire's `inapplicable_to` list: what is excluded, each with the lines it takes out."""
    lines = range(len(cart.items))
    listed: list[dict[str, Any]] = []
    while applicability is not None:
        listed += _entries(applicability.excluded, cart.items, lines)
        applicability = applicability.narrowed_by
    return listed


def _targets(entries: Sequence[ApplicableTo]) -> Targets:
    targets = tuple(map(_target, entries))
    return Targets(
        entries=targets,
        product_names=frozenset().union(*(target.names for target in targets if target.kind == "product")),
        sku_names=frozenset().union(*(target.names for target in targets if target.kind == "sku")),
        collection_ids=frozenset().union(*(target.names for target in targets if target.kind == "products_collection")),
        are_plain=all(target.is_plain for target in targets),
    )


def _target(entry: ApplicableTo) -> Target:
    return Target(
        kind=entry.object,
        names=frozenset(name for name in (entry.id, entry.source_id) if name),
        wire=entry.model_dump(mode="json", exclude_none=True),
        effect=entry.effect,
        counts_units=entry.target == "UNIT",
        skip_initially=entry.skip_initially or 0,
        repeat=entry.repeat or 1,
        quantity_limit=entry.quantity_limit,
        aggregated_quantity_limit=entry.aggregated_quantity_limit,
        amount_limit=entry.amount_limit,
        aggregated_amount_limit=entry.aggregated_amount_limit,
        price=entry.price,
        unit_limits=tuple(_unit_limits(entry)),
        price_formula=entry.price_formula,
        currencies=entry.currencies or {},
    )


def _unit_limits(entry: ApplicableTo) -> Iterator[UnitLimit]:
    """The limits of units an entry sets; one is a formula, a number, or a formula with the number to fall back on."""
    scopes: tuple[Literal["campaign", "promotion_tier"], ...] = ("campaign", "promotion_tier")
    for scope, per_product, per_customer in product(scopes, (False, True), (False, True)):
        name = f"product{'_in_collection' * per_product}{'_customer' * per_customer}_{scope}_quantity_limit"
        limit, formula = getattr(entry, name), getattr(entry, f"{name}_formula")
        if limit is not None or formula is not None:
            yield UnitLimit(scope, limit, formula, per_product, per_customer)


def _picked_entries(applicability: Applicability, items: Sequence[Item], picks: Sequence[Pick]) -> list[dict[str, Any]]:
    """Entries with the lines and units that they pick, in the order in which these are discounted."""
    picks = picks or applicability.picks(items)
    are_too_many = sum(item.quantity for item in items) > MOST_SHOWN_UNITS
    listed = []
    step: Applicability | None = applicability
    while step is not None:
        for target in step.included.entries:
            own = [pick for pick in picks if any(each is target for each in pick.targets)]
            shown = dict(target.wire)
            if own:
                shown["order_item_indices"] = [pick.index for pick in own]
            if own and not target.is_plain:
                shown["order_item_units"] = [
                    {"index": pick.index, "units_limit_exceeded": True}
                    if are_too_many
                    else {"index": pick.index, "units": list(pick.units)}
                    for pick in own
                ]
            listed.append(shown)
        step = step.narrowed_by
    return listed


def _entries(targets: Targets, items: Sequence[Item], lines: Iterable[int]) -> list[dict[str, Any]]:
    lines = tuple(lines)
    listed = []
    for target in targets.entries:
        indices = [index for index in lines if target.covers(items[index])]
        listed.append({**target.wire, "order_item_indices": indices} if indices else dict(target.wire))
    return listed


def _named(items: Sequence[Item], lines: Iterable[int]) -> list[dict[str, Any]]:
    """The products and SKUs on these lines, each once, in the order of their first line."""
    named: dict[tuple[str, str], dict[str, Any]] = {}
    for index in lines:
        item = items[index]
        kind = "sku" if item.sku_id or item.related_object == "sku" else "product"
        name = (item.sku_id if kind == "sku" else item.product_id) or item.source_id
        if name is None:
            continue
        entry = named.setdefault(
            (kind, name), {"object": kind, "id": name, "effect": "APPLY_TO_EVERY", "order_item_indices": []}
        )
        if item.source_id:
            entry["source_id"] = item.source_id
        entry["order_item_indices"].append(index)
    return list(named.values())
