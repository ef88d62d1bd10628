"""Promotion tiers at the checkout: those a request names, by themselves or as a stack, and those nobody has to name."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.access.callers import ProjectView
from app.decisions.memberships import with_named
from app.decisions.schemas import RedeemableIn
from app.engine.cart import Cart
from app.engine.postings import AccountKey, Counted, Period
from app.engine.redeemables import DEFAULT_HIERARCHY, Redeemable, Unresolved, keys_of
from app.incentives.configuration import CompiledTier, ConfigurationCache
from app.incentives.promotions.catalogue import index_of, load_live, load_tiers
from app.kit.db import Connection
from app.models import PromotionStack

ALL_PERIODS: tuple[Period, ...] = ("", "day", "week", "month")


@dataclass(frozen=True, slots=True)
class Promotions:
    """The tiers and stacks that a request names, as far as the project has them, and the tiers of those stacks."""

    tiers: Mapping[str, CompiledTier]
    stacks: Mapping[str, PromotionStack]

    @property
    def owner_ids(self) -> list[str]:
        """Whose accounts the tiers may be counted by: their own and those of their campaigns."""
        return sorted({owner for tier in self.tiers.values() for owner in (tier.id, tier.campaign.row.id)})

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


def names_promotions(redeemables: Sequence[RedeemableIn]) -> bool:
    """Whether any of them is not a voucher."""
    return any(asked.object != "voucher" for asked in redeemables)


async def named_promotions(
    connection: Connection, cache: ConfigurationCache, project: ProjectView, redeemables: Sequence[RedeemableIn]
) -> Promotions:
    """What the request names of promotions; up to two statements when this process lacks some.

    Raises Outdated.
    """
    if not names_promotions(redeemables):
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
    history: Collection[Counted], object_id: str, campaign_id: str | None, cart: Cart, counts: Mapping[AccountKey, int]
) -> set[AccountKey]:
    """Accounts without a row whose count began when there was a history."""
    return {key for key in keys_of(history, object_id, campaign_id, cart) if key not in counts} if history else set()


async def promotion_candidates(
    connection: Connection,
    cache: ConfigurationCache,
    project: ProjectView,
    cart: Cart,
    *,
    scenario: str = "",
    asked: Callable[[Redeemable], Redeemable] = lambda redeemable: redeemable,
    with_effect: bool = True,
) -> list[CompiledTier]:
    """The live tiers that may apply to `cart` by themselves, first in hierarchy first; no others are looked at, however
    many there are. What is left out would have been refused or, with `with_effect`, have taken nothing off.

    `asked` gives a tier as it will be asked about, and `scenario` names that, so that it is indexed once.
    Two statements the first time at a version of the configuration, and those of `with_named`.

    Raises Outdated.
    """
    live = await load_live(connection, cache, project.id, project.version, cart.now)
    if not live.tiers:
        return []
    cart = await with_named(connection, cache, project, cart, live.named)
    return index_of(live, scenario, asked, with_effect=with_effect).find(cart)
