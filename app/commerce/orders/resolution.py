"""Lines of an order against the catalogue: what the request says wins, what it leaves out the catalogue knows.

Pure, so that orders and the checkout resolve the same way. Contract: surface.md section 6.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.commerce.orders.schemas import OrderItemIn, OrderItemProductIn, OrderItemSkuIn
from app.engine.cart import Item, Product, Sku
from app.kit.errors import InvalidPayload

MAX_AMOUNT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class KnownSku:
    """A SKU of the catalogue, the id of its product, and the currency of its price, if it names one."""

    sku: Sku
    product_id: str
    currency: str | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the project knows of the things an order names, each under its id and under its source id.

    `priced_in` tells the currency of those, by id, whose prices were left out because it is not that of the order.
    """

    products: Mapping[str | None, Product]
    skus: Mapping[str | None, KnownSku]
    priced_in: Mapping[str | None, str] = field(default_factory=dict)

    @classmethod
    def of(cls, products: Iterable[Product], skus: Iterable[KnownSku]) -> "Catalogue":
        """An id beats a source id that reads the same."""
        by_product: dict[str | None, Product] = {}
        by_sku: dict[str | None, KnownSku] = {}
        products, skus = list(products), list(skus)
        by_product.update((product.source_id, product) for product in products if product.source_id)
        by_product.update((product.id, product) for product in products)
        by_sku.update((known.sku.source_id, known) for known in skus if known.sku.source_id)
        by_sku.update((known.sku.id, known) for known in skus)
        return cls(by_product, by_sku)

    def under(self, names: Iterable[str]) -> "Catalogue":
        """The part that these names ask for: what goes by them, and the products of the SKUs among it."""
        products: dict[str | None, Product] = {}
        skus: dict[str | None, KnownSku] = {}
        for name in names:
            if name in self.products:
                products[name] = self.products[name]
            if name in self.skus:
                known = skus[name] = self.skus[name]
                if known.product_id in self.products:
                    products[known.product_id] = self.products[known.product_id]
        return Catalogue(products, skus)

    def for_orders_in(self, currency: str | None, home_currency: str | None) -> "Catalogue":
        """The catalogue without prices in other currencies than `currency`. Prices that name no currency are in that of
        the project, `home_currency`; in a project without one all prices stay."""
        if home_currency is None:
            return self
        priced = (known for known in self.skus.values() if known.sku.price is not None)
        own_currencies = {known.sku.id: known.currency or home_currency for known in priced}
        priced_in: dict[str | None, str] = {id_: own for id_, own in own_currencies.items() if own != currency}
        products = self.products
        if currency != home_currency:
            priced_in.update((product.id, home_currency) for product in products.values() if product.price is not None)
            products = {name: replace(product, price=None) for name, product in products.items()}
        if not priced_in:
            return self
        skus = {
            name: replace(known, sku=replace(known.sku, price=None)) if known.sku.id in priced_in else known
            for name, known in self.skus.items()
        }
        return Catalogue(products, skus, priced_in)


def catalogue_names(items: Sequence[OrderItemIn]) -> list[str]:
    """Every id and source id under which the lines may be found in the catalogue."""
    names: set[str | None] = set()
    for item in items:
        names |= {item.product_id, item.sku_id, item.source_id}
        if item.product is not None:
            names |= {item.product.id, item.product.source_id}
        if item.sku is not None:
            names |= {item.sku.id, item.sku.source_id}
    return [name for name in names if name is not None]


def resolve_items(
    items: Sequence[OrderItemIn], catalogue: Catalogue, *, path: str = "items", keep_discounts: bool = False
) -> tuple[Item, ...]:
    """The lines as the engine sees them. Things the catalogue does not know are taken as given.

    A cart comes without discounts, whatever the request says was taken off before: that is the engine's to decide.
    `keep_discounts` keeps them, for orders that were made elsewhere.

    Raises InvalidPayload, its paths beginning with `path`, for amounts past 64 bits and discounts above the amount, and
    for lines without a price of things that the catalogue has no price for in the currency of the order.
    """
    resolved = []
    total_amount = 0
    for index, given in enumerate(items):
        item = _resolve(given, catalogue)
        if catalogue.priced_in and given.price is None and given.amount is None:
            _require_price(item, catalogue, f"{path}[{index}].price")
        total_amount += item.amount
        if item.amount > MAX_AMOUNT or total_amount > MAX_AMOUNT:
            raise InvalidPayload(f"{path}[{index}]", "The amount of the order does not fit in 64 bits.")
        if keep_discounts and (given.discount_amount or given.discount_quantity):
            item = _with_discounts(item, given, f"{path}[{index}]")
        resolved.append(item)
    return tuple(resolved)


def order_amount(given_amount: int | None, items: Sequence[Item]) -> int | None:
    """The sum of the lines; what was given where no line has a price; None where nothing is known."""
    amount = sum(item.amount for item in items)
    if amount or given_amount is None:
        return amount if items else None
    return given_amount


def stored_items(lines: Iterable[Mapping[str, Any]]) -> tuple[Item, ...]:
    """The lines of a kept order as the engine sees them, with the discounts they carry."""
    return tuple(_stored(line) for line in lines)


def _resolve(given: OrderItemIn, catalogue: Catalogue) -> Item:
    known_sku = _known_sku(given, catalogue)
    known_product = catalogue.products.get(known_sku.product_id) if known_sku else _known_product(given, catalogue)
    product = _merged_product(known_product, given.product)
    sku = _merged_sku(known_sku.sku if known_sku else None, given.sku)

    quantity = 1 if given.quantity is None else given.quantity
    price = given.price
    if price is None and sku is not None:
        price = sku.price
    if price is None and product is not None:
        price = product.price
    amount = given.amount
    if amount is None:
        amount = (price or 0) * quantity
    elif price is None and quantity and amount % quantity == 0:
        price = amount // quantity
    return Item(
        quantity=quantity,
        amount=amount,
        price=price or 0,
        product_id=known_sku.product_id if known_sku else (product and product.id) or given.product_id,
        sku_id=(sku and sku.id) or given.sku_id,
        source_id=given.source_id,
        related_object=given.related_object,
        initial_quantity=quantity if given.initial_quantity is None else given.initial_quantity,
        initial_amount=amount if given.initial_amount is None else given.initial_amount,
        product=product,
        sku=sku,
        metadata=given.metadata or {},
    )


def _require_price(item: Item, catalogue: Catalogue, path: str) -> None:
    """A line costs what its SKU costs, else its product. Raises InvalidPayload where that is in another currency."""
    for known in (item.sku, item.product):
        if known is None:
            continue
        if known.price is not None:
            return
        if known.id in catalogue.priced_in:
            name, currency = known.source_id or known.id, catalogue.priced_in[known.id]
            message = (
                f"The catalogue has the price of {name} in {currency}, not in the currency of the order; send one."
            )
            raise InvalidPayload(path, message)


def _known_product(given: OrderItemIn, catalogue: Catalogue) -> Product | None:
    products, said = catalogue.products, given.product
    found = products.get(given.product_id)
    if found is None and said is not None:
        found = products.get(said.id) or products.get(said.source_id)
    if found is None and given.related_object != "sku":
        found = products.get(given.source_id)
    return found


def _known_sku(given: OrderItemIn, catalogue: Catalogue) -> KnownSku | None:
    skus, said = catalogue.skus, given.sku
    found = skus.get(given.sku_id)
    if found is None and said is not None:
        found = skus.get(said.id) or skus.get(said.source_id)
    if found is None and given.related_object == "sku":
        found = skus.get(given.source_id)
    return found


def _merged_product(known: Product | None, said: OrderItemProductIn | None) -> Product | None:
    if said is None:
        return known
    if known is None:
        return Product(said.id, said.source_id, said.name, said.price, said.metadata or {})
    return Product(
        known.id,
        known.source_id,
        known.name if said.name is None else said.name,
        known.price if said.price is None else said.price,
        {**known.metadata, **said.metadata} if said.metadata else known.metadata,
    )


def _merged_sku(known: Sku | None, said: OrderItemSkuIn | None) -> Sku | None:
    if said is None:
        return known
    if known is None:
        return Sku(said.id, said.source_id, said.sku, said.price, said.metadata or {})
    return Sku(
        known.id,
        known.source_id,
        known.sku if said.sku is None else said.sku,
        known.price if said.price is None else said.price,
        {**known.metadata, **said.metadata} if said.metadata else known.metadata,
    )


def _with_discounts(item: Item, given: OrderItemIn, path: str) -> Item:
    discount_amount, discount_quantity = given.discount_amount or 0, given.discount_quantity or 0
    if discount_amount > item.amount:
        raise InvalidPayload(f"{path}.discount_amount", "A line cannot carry a discount above its amount.")
    if discount_quantity > item.quantity:
        raise InvalidPayload(f"{path}.discount_quantity", "A line cannot carry more free units than it has.")
    return replace(item, discount_amount=discount_amount, discount_quantity=discount_quantity)


def _stored(line: Mapping[str, Any]) -> Item:
    product, sku = line.get("product"), line.get("sku")
    return Item(
        quantity=line["quantity"],
        amount=line["amount"],
        price=line.get("price", 0),
        id=line.get("id"),
        product_id=line.get("product_id"),
        sku_id=line.get("sku_id"),
        source_id=line.get("source_id"),
        related_object=line.get("related_object"),
        initial_quantity=line.get("initial_quantity"),
        initial_amount=line.get("initial_amount"),
        discount_amount=line.get("discount_amount", 0),
        discount_quantity=line.get("discount_quantity", 0),
        product=Product(**product) if product else None,
        sku=Sku(**sku) if sku else None,
        metadata=line.get("metadata", {}),
    )
