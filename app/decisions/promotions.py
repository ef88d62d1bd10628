"""Promotion tiers at the checkout: those a request names, by themselves or as a stack, and those nobody has to name."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.access.callers import Caller, ProjectView
from app.decisions.formula_facts import with_formula_facts
from app.decisions.given_units import with_units
from app.decisions.memberships import with_named
from app.decisions.schemas import RedeemableIn
from app.engine.cart import Cart
from app.engine.postings import AccountKey, Counted, Period, account_key, period_name
from app.engine.redeemables import DEFAULT_HIERARCHY, Redeemable, Unresolved
from app.incentives.configuration import CompiledTier, ConfigurationCache
from app.incentives.promotions.catalogue import load_live, load_tiers
from app.kit.db import Connection
from app.models import PromotionStack

ALL_PERIODS: tuple[Period, ...] = ("", "day", "week", "month")

COUNTS = """
SELECT owner_id, measure, subject, period, balance FROM accounts
WHERE project_id = $1 AND owner_id = ANY ($2) AND measure <> 'balance' AND subject = ANY ($3) AND period = ANY ($4)
"""


@dataclass(frozen=True, slots=True)
class Promotions:
    """The tiers and stacks that a request names, as far as the project has them, and the tiers of those stacks."""

    tiers: Mapping[str, CompiledTier]
    stacks: Mapping[str, PromotionStack]

    @property
    def owner_ids(self) -> list[str]:
        """Whose accounts the tiers may be counted by: their own and those of their campaigns."""
        return sorted({owner for tier in self.tiers.values() for owner in (tier.row.id, tier.row.campaign_id)})

    def meant_by(self, asked: RedeemableIn) -> Iterator[CompiledTier | Unresolved]:
        """The tier that is asked for, or those of the stack in their order."""
        if asked.object == "promotion_stack":
            stack = self.stacks.get(asked.id)
            if stack is not None:
                yield from (self.tiers[tier_id] for tier_id in stack.tier_ids)
                return
        elif asked.id in self.tiers:
            yield self.tiers[asked.id]
            return
        yield Unresolved(asked.object, asked.id)


NO_PROMOTIONS = Promotions({}, {})


async def named_promotions(
    connection: Connection, cache: ConfigurationCache, project: ProjectView, redeemables: Sequence[RedeemableIn]
) -> Promotions:
    """What the request names of promotions; up to two statements when this process lacks some.

    Raises Outdated.
    """
    if all(asked.object == "voucher" for asked in redeemables):
        return NO_PROMOTIONS
    tier_ids = [asked.id for asked in redeemables if asked.object == "promotion_tier"]
    stack_ids = [asked.id for asked in redeemables if asked.object == "promotion_stack"]
    known = await load_tiers(connection, cache, project.id, project.version, tier_ids=tier_ids, stack_ids=stack_ids)
    stacks = {stack_id: known.stacks[stack_id] for stack_id in stack_ids if stack_id in known.stacks}
    wanted = [*tier_ids, *(tier_id for stack in stacks.values() for tier_id in stack.tier_ids)]
    return Promotions({tier_id: known.tiers[tier_id] for tier_id in wanted if tier_id in known.tiers}, stacks)


def tier_redeemable(tier: CompiledTier, counts: Mapping[AccountKey, int], *, in_stack: bool = False) -> Redeemable:
    """A tier as the engine sees it. In a stack it has no category: its place is the one the stack gives it, and what
    was put together on purpose neither excludes nor limits itself."""
    if in_stack:
        return replace(tier.redeemable, counts=counts, category_id=None, hierarchy=DEFAULT_HIERARCHY)
    return replace(tier.redeemable, counts=counts)


def unopened_of(
    history: Iterable[Counted], object_id: str, campaign_id: str | None, cart: Cart, counts: Mapping[AccountKey, int]
) -> set[AccountKey]:
    """Accounts without a row whose count began when there was a history."""
    keys = (
        account_key(
            counted,
            object_id=object_id,
            campaign_id=campaign_id,
            customer_id=cart.customer.id if cart.customer else None,
            api_key_id=cart.api_key_id,
            user_login=cart.user_login,
            now=cart.now,
            zone=cart.zone,
        )
        for counted in history
    )
    return {key for key in keys if key is not None and key not in counts}


@dataclass(frozen=True, slots=True)
class PromotionCandidates:
    """Tiers that may apply to `cart`, which now says in which segments and collections it is, first in hierarchy first.

    `redeemables` are ready to be evaluated; `tiers` has them by id, for answers. `unopened` as in a snapshot.
    """

    cart: Cart
    redeemables: tuple[Redeemable, ...]
    tiers: Mapping[str, CompiledTier]
    unopened: frozenset[AccountKey]


async def promotion_candidates(
    connection: Connection, cache: ConfigurationCache, caller: Caller, cart: Cart
) -> PromotionCandidates:
    """The project's live tiers that could apply to `cart` on its own and take something off it; no others are looked
    at. One that is left out would have been refused, or would have had no effect.

    A fixed number of statements: two the first time at a version of the configuration, those of `with_named` for
    segments and collections, one for counts when a tier has limits, one each for units and publications.

    Raises Outdated.
    """
    project = caller.project
    live = await load_live(connection, cache, project.id, project.version, cart.now)
    cart = await with_named(connection, cache, project, cart, live.named)
    tiers = live.index.find(cart)
    counts = await _counts(connection, project, cart, tiers)
    unopened: set[AccountKey] = set()
    for tier in tiers:
        unopened |= unopened_of(tier.history, tier.row.id, tier.row.campaign_id, cart, counts)
    found = await with_units(connection, project.id, [tier_redeemable(tier, counts) for tier in tiers])
    found = await with_formula_facts(connection, project.id, found, ())
    return PromotionCandidates(
        cart,
        tuple(each for each in found if isinstance(each, Redeemable)),
        {tier.row.id: tier for tier in tiers},
        frozenset(unopened),
    )


async def _counts(
    connection: Connection, project: ProjectView, cart: Cart, tiers: Sequence[CompiledTier]
) -> dict[AccountKey, int]:
    """How much the accounts have counted that limits of the tiers look at, as positive numbers."""
    limited = [tier for tier in tiers if any(rule_set.counted for _, rule_set in tier.redeemable.rules)]
    if not limited:
        return {}
    subjects = ["", f"api_key:{cart.api_key_id}", f"user:{cart.user_login}"]
    if cart.customer is not None and cart.customer.id is not None:
        subjects.append(f"customer:{cart.customer.id}")
    rows = await connection.fetch(
        COUNTS,
        project.id,
        sorted({owner for tier in limited for owner in (tier.row.id, tier.row.campaign_id)}),
        subjects,
        [period_name(period, cart.now, project.zone) for period in ALL_PERIODS],
    )
    return {AccountKey(row["owner_id"], row["measure"], row["subject"], row["period"]): -row["balance"] for row in rows}
