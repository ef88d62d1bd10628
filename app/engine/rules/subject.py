"""What a rule is asked about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from app.engine.cart import Cart, Item, Metadata
from app.engine.currencies import MISMATCH_KEY
from app.engine.postings import AccountKey, Counted


@dataclass(frozen=True, slots=True)
class RuleSubject:
    """One redeemable at one moment of the stack.

    `cart` is the order as it stands before this redeemable, `initial_amount` the order before any redeemable added
    units, `total_amount_after` what is left to pay once this redeemable's `discount_amount` is off. `object_id` is the
    voucher or promotion tier, `holder_id` the customer it was published to, `gift_credits` what a gift card would pay
    and `points_used` what a loyalty card would pay with (None for anything else). `counts` says how much of each
    account is used, in positive numbers; what is absent is 0. Limits on a count in `ignoring` are taken to hold, as a
    qualification takes those on budgets. `event_metadata` is that of the custom event that an earning rule is asked
    about.
    """

    cart: Cart
    initial_amount: int | None = None
    total_amount_after: int | None = None
    discount_amount: int = 0
    object_id: str = ""
    campaign_id: str | None = None
    holder_id: str | None = None
    redeemable_metadata: Metadata = field(default_factory=dict)
    gift_credits: int | None = None
    points_used: int | None = None
    counts: Mapping[AccountKey, int] = field(default_factory=dict)
    ignoring: frozenset[Counted] = frozenset()
    event_metadata: Metadata = field(default_factory=dict)


class Missing(Enum):
    """The answer to a question that the request leaves open; the value is the error key: the contract's, and ours for
    identities other than the account."""

    CUSTOMER = "missing_customer"
    EMAIL = "missing_customer_email"
    PHONE = "missing_customer_phone"
    DEVICE = "missing_device"
    PAYMENT = "missing_payment"
    ORDER = "missing_order"
    ITEMS = "missing_order_items"
    AMOUNT = "missing_amount"
    CURRENCY = MISMATCH_KEY


class Scope:
    """Where a rule stands while it is asked: the subject, the lines an enclosing rule has picked and the line at hand.

    `line` moves over `lines`; sums over them are kept, so that asking every line costs no more than one walk.
    """

    __slots__ = ("_amount", "_quantity", "_units", "line", "lines", "of", "subject")

    def __init__(self, subject: RuleSubject, lines: tuple[Item, ...], of: str = "") -> None:
        self.subject = subject
        self.lines = lines
        self.line: Item | None = None
        self.of = of
        self._quantity: int | None = None
        self._amount: int | None = None
        self._units: dict[tuple[str, str], int] | None = None

    @property
    def quantity(self) -> int:
        """Units on all lines."""
        if self._quantity is None:
            self._quantity = sum(line.quantity for line in self.lines)
        return self._quantity

    @property
    def amount(self) -> int:
        """Amount of all lines before discounts."""
        if self._amount is None:
            self._amount = sum(line.amount for line in self.lines)
        return self._amount

    def units_of(self, kind: str, line: Item) -> int:
        """Units of the line's product or SKU in the whole order, however many lines they are spread over."""
        if self._units is None:
            self._units = {}
            for each in self.subject.cart.items:
                for name in ("product", "sku"):
                    identity = _identity(name, each)
                    if identity is not None:
                        self._units[name, identity] = self._units.get((name, identity), 0) + each.quantity
        identity = _identity(kind, line)
        return line.quantity if identity is None else self._units[kind, identity]


def _identity(kind: str, line: Item) -> str | None:
    """What tells one product (or SKU) from another; None for a line that does not say."""
    entry = line.product if kind == "product" else line.sku
    found = (line.product_id if kind == "product" else line.sku_id) or (entry and (entry.id or entry.source_id))
    if found is None and line.related_object == kind:
        found = line.source_id
    return found or None
