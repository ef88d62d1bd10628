"""What can be redeemed, as the engine sees it: everything a decision needs to know, read beforehand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from app.engine.applicability import Applicability
from app.engine.bundles import BundleRule
from app.engine.cart import Cart, Metadata
from app.engine.currencies import Mismatch
from app.engine.effects import Effect
from app.engine.postings import AccountKey, Counted, account_keys
from app.engine.rules import Named, RuleSet
from app.engine.unit_limits import UnitOwner
from app.engine.units import UnitSource
from app.engine.validity import Validity

RedeemableKind = Literal["voucher", "promotion_tier", "promotion_stack"]

Referee = Literal["fit", "missing", "referrer"]
"""Whether whoever redeems a referral code may be its referee: there has to be a customer, and not the referrer."""

DEFAULT_HIERARCHY = 1
"""Where what has no category stands among categories."""


@dataclass(frozen=True, slots=True)
class Redeemable:
    """Something the caller wants to redeem, found in the project.

    `id` is how the caller named it, `object_id` what it is. `validities` and `rules` hold the campaign's first, then
    its own; all must hold. `uses_limit` None is unlimited. `counts` says how much each account of it has counted so
    far, as positive numbers; a missing account has counted nothing. `held` is the part of it that sessions of others
    have reserved and may still give back. `counted` names the accounts to post to: those of its rules, and those of
    rules it had earlier, so that no count is ever stale. `units` and `variables` are handed to
    the effect (`EffectScope`). Of categories with a lower `hierarchy` the redeemables are applied first. A tender pays
    with money that the customer has (a gift card, points) and is no discount. `bundles` are those that its rules ask
    for, with the rule's id. What `belongs_to_another` is for one customer alone, who is not that of the cart.
    `referee` is said of referral codes only.
    `mismatch` says what has no amount in the currency of the order (`in_currency_of`).
    """

    kind: RedeemableKind
    id: str
    object_id: str
    effect: Effect
    campaign_id: str | None = None
    campaign_name: str | None = None
    applicability: Applicability | None = None
    is_active: bool = True
    campaign_is_active: bool = True
    validities: tuple[Validity, ...] = ()
    rules: tuple[tuple[str, RuleSet], ...] = ()
    uses_limit: int | None = None
    counts: Mapping[AccountKey, int] = field(default_factory=dict)
    held: Mapping[AccountKey, int] = field(default_factory=dict)
    counted: frozenset[Counted] = frozenset()
    holder_id: str | None = None
    metadata: Metadata = field(default_factory=dict)
    publication_metadata: Metadata = field(default_factory=dict)
    units: Mapping[str, UnitSource] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    category_id: str | None = None
    hierarchy: int = DEFAULT_HIERARCHY
    is_tender: bool = False
    bundles: tuple[tuple[str, BundleRule], ...] = ()
    belongs_to_another: bool = False
    referee: Referee | None = None
    mismatch: Mismatch | None = None

    @property
    def asked(self) -> frozenset[str]:
        """What its formulas ask for by name: variables and metadata."""
        if self.applicability is None or self.applicability.is_plain:
            return self.effect.asked
        return self.effect.asked | self.applicability.asked


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Something the caller named that the project does not have."""

    kind: RedeemableKind
    id: str


def named_by(redeemables: Iterable[Redeemable | Unresolved]) -> Named | None:
    """The segments and collections that rules, targets, bundles and effects of the redeemables name, and whether rules
    ask for loyalty tiers; None where they do nothing of that."""
    segment_ids: set[str] = set()
    collection_ids: set[str] = set()
    asks_all_segments = asks_tiers = False
    for redeemable in redeemables:
        if not isinstance(redeemable, Redeemable):
            continue
        for _, rule_set in redeemable.rules:
            segment_ids |= rule_set.named.segment_ids
            collection_ids |= rule_set.named.collection_ids
            asks_all_segments = asks_all_segments or rule_set.named.asks_all_segments
            asks_tiers = asks_tiers or rule_set.named.asks_tiers
        if redeemable.applicability is not None:
            collection_ids |= redeemable.applicability.collection_ids
        for _, bundle in redeemable.bundles:
            collection_ids |= bundle.collection_ids
        collection_ids |= {unit.name for unit in redeemable.effect.named_units() if unit.kind == "products_collection"}
    if not segment_ids and not collection_ids and not asks_all_segments and not asks_tiers:
        return None
    return Named(frozenset(segment_ids), asks_all_segments, frozenset(collection_ids), asks_tiers)


def keys_of(counted: Iterable[Counted], object_id: str, campaign_id: str | None, cart: Cart) -> Iterator[AccountKey]:
    """The accounts these kinds of count mean for a redeemable of a campaign and for this cart."""
    buyers, foreign_currency = cart.buyer.subjects, cart.foreign_currency
    for kind in counted:
        yield from account_keys(
            kind,
            object_id=object_id,
            campaign_id=campaign_id,
            buyers=buyers,
            api_key_id=cart.api_key_id,
            user_login=cart.user_login,
            now=cart.now,
            zone=cart.zone,
            foreign_currency=foreign_currency,
        )


def unit_owner(redeemable: Redeemable, cart: Cart) -> UnitOwner:
    """Whose units a discount counts where its targets limit them."""
    return UnitOwner(
        redeemable.object_id,
        redeemable.campaign_id,
        redeemable.kind == "promotion_tier",
        cart.buyer,
    )


def first_duplicate(redeemables: Iterable[Redeemable | Unresolved]) -> Redeemable | Unresolved | None:
    """The first redeemable that an earlier one already names, be it by code or by id; None when each is named once."""
    seen: set[tuple[str, str]] = set()
    for redeemable in redeemables:
        name = (redeemable.kind, redeemable.object_id if isinstance(redeemable, Redeemable) else redeemable.id)
        if name in seen:
            return redeemable
        seen.add(name)
    return None


def in_currency_of(cart: Cart, redeemables: Sequence[Redeemable | Unresolved]) -> Sequence[Redeemable | Unresolved]:
    """The redeemables with the amounts that discounts, targets and rules have in the currency of `cart`; as they are
    where that is the project's."""
    currency = cart.foreign_currency
    if currency is None:
        return redeemables
    return [
        redeemable if isinstance(redeemable, Unresolved) else _in_currency(redeemable, currency, cart.home_currency)
        for redeemable in redeemables
    ]


def _in_currency(redeemable: Redeemable, currency: str, home_currency: str | None) -> Redeemable:
    """Rules that lack amounts do not hold, which they say themselves; a discount without any is a mismatch."""
    home = home_currency or ""
    effect = redeemable.effect.in_currency(currency)
    if effect is None:
        known = (home, *redeemable.effect.foreign_currencies)
        return replace(redeemable, mismatch=Mismatch("the discount", currency, known))
    applicability = redeemable.applicability
    if applicability is not None:
        applicability = applicability.in_currency(currency)
        if applicability is None:
            return replace(redeemable, mismatch=Mismatch("the targets of its rules", currency, (home,)))
    return replace(
        redeemable,
        effect=effect,
        applicability=applicability,
        rules=tuple((rule_id, rule_set.in_currency(currency)) for rule_id, rule_set in redeemable.rules),
    )
