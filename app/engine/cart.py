"""What the engine looks at: frozen values, built by the snapshot from the request, the catalogue and stored state.

Amounts are integers in the minor unit of the order's currency; quantities are units.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from app.engine.identities import ACCOUNT_SUBJECT, Identities

Metadata = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Product:
    """A product as this cart sees it: what the request said, else what the catalogue knows."""

    id: str | None = None
    source_id: str | None = None
    name: str | None = None
    price: int | None = None
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sku:
    """A variant of a product, seen the same way."""

    id: str | None = None
    source_id: str | None = None
    sku: str | None = None
    price: int | None = None
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the order.

    `amount` is price x quantity before any discount; `discount_amount` and `discount_quantity` are cumulative over
    everything applied so far, so `subtotal_amount` is what is left to pay for the line. `initial_quantity` and
    `initial_amount` are the line before any redeemable added or replaced units. `collection_ids` are the product
    collections that the line's product or SKU belongs to.
    """

    quantity: int
    amount: int
    price: int = 0
    id: str | None = None
    product_id: str | None = None
    sku_id: str | None = None
    source_id: str | None = None
    related_object: Literal["product", "sku"] | None = None
    initial_quantity: int | None = None
    initial_amount: int | None = None
    discount_amount: int = 0
    discount_quantity: int = 0
    product: Product | None = None
    sku: Sku | None = None
    metadata: Metadata = field(default_factory=dict)
    collection_ids: frozenset[str] = frozenset()

    @property
    def subtotal_amount(self) -> int:
        """What is left to pay for the line; zero where a stored line was lowered after it had been discounted."""
        return max(0, self.amount - self.discount_amount)

    @property
    def unit_price(self) -> int:
        """Price of one unit before discounts; a line that only says its amount is divided, rounded down."""
        return self.price or (self.amount // self.quantity if self.quantity else 0)

    def changed(self, discount_amount: int, discount_quantity: int, quantity: int = 0, amount: int = 0) -> "Item":
        """The line with this much more taken off, this many more units free of charge, and with `quantity` units more
        (fewer, when negative) that cost `amount`."""
        # dataclasses.replace() costs three times as much, and a cart may have 500 lines.
        line = object.__new__(Item)
        for read, write in _ITEM_FIELDS:
            write(line, read(self))
        object.__setattr__(line, "discount_amount", self.discount_amount + discount_amount)
        object.__setattr__(line, "discount_quantity", self.discount_quantity + discount_quantity)
        if quantity or amount:
            object.__setattr__(line, "quantity", self.quantity + quantity)
            object.__setattr__(line, "amount", self.amount + amount)
        return line


_ITEM_FIELDS = tuple((member.__get__, member.__set__) for member in (getattr(Item, name) for name in Item.__slots__))


@dataclass(frozen=True, slots=True)
class Address:
    city: str | None = None
    state: str | None = None
    line_1: str | None = None
    line_2: str | None = None
    country: str | None = None
    postal_code: str | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """The buyer. `id` is None for a customer the project does not know (yet). `tier_ids` are those of the loyalty tiers
    that their cards are in."""

    id: str | None = None
    source_id: str | None = None
    name: str | None = None
    description: str | None = None
    email: str | None = None
    phone: str | None = None
    birthdate: date | None = None
    address: Address | None = None
    metadata: Metadata = field(default_factory=dict)
    segment_ids: frozenset[str] = frozenset()
    tier_ids: frozenset[str] = frozenset()
    created_at: datetime | None = None


NOBODY = Identities(lacking="account")
NEWCOMER = Identities()


@dataclass(frozen=True, slots=True)
class Cart:
    """Everything a decision may depend on, and nothing else.

    `amount` is the order before discounts, None when the request named no order (and no items to sum).
    `discount_amount` is the order-level discount applied so far; item-level discounts are on the items.
    `now` is an aware instant; `zone` is the project's time zone, in which days and hours are meant. `currency` is that
    of all amounts here, `home_currency` the project's, in which amounts that name none are; a project without one
    compares no currencies.
    `api_key_id` and `user_login` say through what and for whom the request came. `identities` are given where a project
    counts a customer under more than the account.
    """

    now: datetime
    zone: ZoneInfo
    items: tuple[Item, ...] = ()
    amount: int | None = None
    initial_amount: int | None = None
    discount_amount: int = 0
    metadata: Metadata = field(default_factory=dict)
    customer: Customer | None = None
    redemption_metadata: Metadata = field(default_factory=dict)
    api_key_id: str | None = None
    user_login: str | None = None
    currency: str | None = None
    home_currency: str | None = None
    identities: Identities | None = None

    @property
    def buyer(self) -> Identities:
        """For whom limits per customer count; unless the project says otherwise, for the account."""
        if self.identities is not None:
            return self.identities
        if self.customer is None:
            return NOBODY
        return NEWCOMER if self.customer.id is None else Identities((f"{ACCOUNT_SUBJECT}:{self.customer.id}",))

    @property
    def foreign_currency(self) -> str | None:
        """The currency of the order where it is not the project's."""
        return None if self.home_currency is None or self.currency == self.home_currency else self.currency

    def takes(self, currency: str | None) -> bool:
        """Whether amounts in `currency`, None for the project's, are in the currency of the order."""
        return self.home_currency is None or (currency or self.home_currency) == self.currency

    @property
    def items_discount_amount(self) -> int:
        return sum(item.discount_amount for item in self.items)

    @property
    def total_discount_amount(self) -> int:
        return self.discount_amount + self.items_discount_amount

    @property
    def total_amount(self) -> int:
        """What is left to pay; never below zero."""
        return max(0, (self.amount or 0) - self.total_discount_amount)
