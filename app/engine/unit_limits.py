"""How many units of a product a campaign may discount, for everybody or for each customer.

Each limit is an account that sinks by the units discounted, so that it holds in any race. What is counted is counted
while the limit is there: units discounted before it was set are not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from app.engine.cart import NOBODY, Item
from app.engine.formulas import Formula, FormulaScope, whole_of
from app.engine.identities import Identities
from app.engine.postings import AccountKey, Posting


@dataclass(frozen=True, slots=True)
class UnitLimit:
    """At most `limit` units, or as many as `formula` says, of what an entry names: in the whole campaign or in one
    promotion tier, of each product of a collection by itself if asked, for each customer by himself if asked."""

    scope: Literal["campaign", "promotion_tier"]
    limit: int | None
    formula: Formula | None = None
    per_product: bool = False
    per_customer: bool = False

    def units(self, about: FormulaScope | None) -> int:
        """The limit for this order; a formula without a fallback that cannot be computed lets nothing through."""
        computed = None if self.formula is None or about is None else whole_of(self.formula, about)
        return (self.limit or 0) if computed is None else computed


@dataclass(frozen=True, slots=True)
class UnitOwner:
    """Whose units are counted: the redeemable's and its campaign's (a code without one is its own), for the
    `buyer`."""

    object_id: str
    campaign_id: str | None = None
    is_tier: bool = False
    buyer: Identities = NOBODY

    def accounts_of(self, limit: UnitLimit, name: str, item: Item) -> tuple[AccountKey, ...]:
        """The accounts that count what the entry called `name` discounts on this line: for a limit per customer one for
        each identity of the buyer, none when nobody can be counted for."""
        owner_id = self.object_id if limit.scope == "promotion_tier" else self.campaign_id or self.object_id
        subject = f"item:{name}"
        if limit.per_product:
            subject += f"|product:{_product_of(item)}"
        if limit.per_customer:
            return tuple(AccountKey(owner_id, "units", f"{subject}|{buyer}") for buyer in self.buyer.subjects)
        return (AccountKey(owner_id, "units", subject),)

    def applies(self, limit: UnitLimit) -> bool:
        """A limit of a promotion tier means nothing for a code."""
        return self.is_tier or limit.scope == "campaign"


class UnitRooms:
    """How many units the entries may still discount, line by line in the order of the discount."""

    def __init__(self, owner: UnitOwner, counts: Mapping[AccountKey, int], about: FormulaScope) -> None:
        self.owner = owner
        self.about = about
        self._counts = counts
        self._taken: dict[AccountKey, int] = {}

    def allowed(self, limits: Sequence[UnitLimit], name: str, item: Item, wanted: int) -> int:
        """How many of the `wanted` units of the line have room, which is then taken."""
        taking: list[AccountKey] = []
        for limit in limits:
            if not self.owner.applies(limit):
                continue
            if limit.per_customer and self.owner.buyer.lacking is not None:
                return 0
            accounts = self.owner.accounts_of(limit, name, item)
            counted = max((self._counts.get(key, 0) + self._taken.get(key, 0) for key in accounts), default=0)
            wanted = min(wanted, max(0, limit.units(self.about) - counted))
            taking += accounts
        for account in taking:
            self._taken[account] = self._taken.get(account, 0) + wanted
        return wanted

    def postings(self, limits: Sequence[UnitLimit], name: str, item: Item, units: int) -> list[Posting]:
        """What discounting so many units of the line takes."""
        return [
            Posting(account, -units, -limit.units(self.about))
            for limit in limits
            if self.owner.applies(limit)
            for account in self.owner.accounts_of(limit, name, item)
        ]


def _product_of(item: Item) -> str:
    product = item.product
    return item.product_id or (product and (product.id or product.source_id)) or item.source_id or ""
