"""What a customer could use on an order, before anyone types a code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.access.callers import Caller
from app.decisions.given_units import with_units
from app.decisions.memberships import with_memberships
from app.decisions.promotions import promotion_candidates
from app.decisions.qualifications.candidates import Candidate, Window, find_candidates, looks_at_tiers
from app.decisions.qualifications.rendering import Assignments, assignments_of, format_position, qualified_read
from app.decisions.qualifications.scenarios import Scenario, as_asked, belongs
from app.decisions.qualifications.schemas import QualificationIn
from app.decisions.rendering import Wire, request_order, tracking_id_of, wire_list
from app.decisions.schemas import CheckoutIn, RedeemableIn
from app.decisions.snapshot import Snapshot, load, read
from app.engine.applicability import narrowed
from app.engine.cart import Cart
from app.engine.decision import Decision, Outcome
from app.engine.effects import Effect, GiftCredits
from app.engine.evaluate import evaluate, qualify
from app.engine.postings import Counted
from app.engine.redeemables import DEFAULT_HIERARCHY, Redeemable, Unresolved
from app.engine.stacking import StackingRules
from app.incentives.configuration import CompiledCampaign, ConfigurationCache
from app.incentives.promotions.catalogue import load_live
from app.kit.db import Connection, Database

# Contract, surface.md section 10: a qualification does not look at these.
IGNORED_LIMITS = frozenset(
    {
        Counted("discounted", "campaign"),
        Counted("ordered", "campaign"),
        Counted("uses", "campaign"),
        Counted("uses", "campaign", "customer"),
        Counted("uses", "redeemable", "customer"),
    }
)


@dataclass(frozen=True, slots=True)
class Qualified:
    """A candidate that applies; a stack has an outcome for each of its tiers, anything else has one."""

    candidate: Candidate
    outcomes: tuple[Outcome, ...]

    @property
    def object_ids(self) -> list[str]:
        return [each.redeemable.object_id for each in self.outcomes if isinstance(each.redeemable, Redeemable)]

    @property
    def discount_amount(self) -> int:
        """What it takes off the order, in minor units."""
        return sum(outcome.application.total_discount_amount for outcome in self.outcomes)


async def find_qualified(
    db: Database, cache: ConfigurationCache, caller: Caller, request: QualificationIn, now: datetime
) -> dict[str, Any]:
    """The wire answer: redeemables that would apply if each were the only one, at most `options.limit` and those that
    share the position of the last one.

    Looks at the 200 newest candidates that come after `starting_after`, whatever the project holds; of promotion tiers
    at those that may apply and have an effect on the order, if there is one.
    Raises NotFound for an unknown customer or order id, Outdated.
    """
    async with db.connection() as connection:
        tier_ids = await _tier_ids(connection, cache, caller, request, now)
        window = await find_candidates(connection, caller, request, tier_ids)
    checkout = _checkout(request, _asked(window.candidates))
    snapshot = await read(db, cache, caller, checkout, now)
    found: dict[tuple[str, str], Redeemable] = {
        (each.kind, each.object_id): each for each in snapshot.redeemables if isinstance(each, Redeemable)
    }
    async with db.connection() as connection:
        snapshot, campaigns = await _with_campaigns(connection, cache, caller, snapshot, window.candidates)
        qualified = _qualified(window.candidates, found | campaigns, snapshot, caller, request)
        shown, end = _page(qualified, window, request)
        assignments: Assignments = {}
        if "validation_rules" in request.options.expand:
            assignments = await assignments_of(
                connection, caller.project_id, [id_ for each in shown for id_ in each.object_ids]
            )
    answer: Wire = {
        "redeemables": {
            **wire_list(
                [qualified_read(each.candidate, each.outcomes, snapshot, request, assignments) for each in shown]
            ),
            "has_more": end is not None or len(qualified) > len(shown),
        },
        "stacking_rules": snapshot.stacking.wire,
    }
    if end is not None:
        answer["redeemables"]["more_starting_after"] = format_position(end)
    if request.order is not None:
        answer["order"] = request_order(Decision((), snapshot.cart, is_valid=True), snapshot)
    tracking_id = tracking_id_of(caller, checkout, snapshot)
    if tracking_id is not None:
        answer["tracking_id"] = tracking_id
    return answer


async def _tier_ids(
    connection: Connection, cache: ConfigurationCache, caller: Caller, request: QualificationIn, now: datetime
) -> list[str]:
    """The promotion tiers to look at: those that the index finds for the order. Two statements, none where the project
    has no live tiers."""
    project, scenario = caller.project, request.scenario
    if not looks_at_tiers(scenario):
        return []
    live = await load_live(connection, cache, project.id, project.version, now)
    if not live.tiers:
        return []
    cart = (await load(connection, cache, caller, _checkout(request, []), now)).cart
    tiers = await promotion_candidates(
        connection,
        cache,
        project,
        cart,
        scenario=scenario,
        asked=lambda redeemable: as_asked(redeemable, scenario),
        with_effect=_needs_effect(cart, scenario),
    )
    return [tier.id for tier in tiers]


def _needs_effect(cart: Cart, scenario: Scenario) -> bool:
    """Whether promotion tiers that take nothing off are left out: where there is an amount to take something off, and
    the question is about more than the customer."""
    return bool(cart.amount) and scenario != "AUDIENCE_ONLY"


def _checkout(request: QualificationIn, redeemables: list[RedeemableIn]) -> CheckoutIn:
    return CheckoutIn.model_construct(
        redeemables=redeemables,
        order=request.order,
        customer=request.customer,
        identity=request.identity,
        tracking_id=request.tracking_id,
        metadata=request.metadata,
        session=request.session,
    )


def _asked(candidates: Sequence[Candidate]) -> list[RedeemableIn]:
    """What the snapshot has to read: codes and tiers, each once, those of stacks too."""
    vouchers = [each.id for each in candidates if each.kind == "voucher"]
    tiers = [each.id for each in candidates if each.kind == "promotion_tier"]
    stacked = [tier_id for each in candidates for tier_id in each.tier_ids]
    return [
        *(RedeemableIn.model_construct(object="voucher", id=voucher_id) for voucher_id in vouchers),
        *(RedeemableIn.model_construct(object="promotion_tier", id=id_) for id_ in dict.fromkeys(tiers + stacked)),
    ]


async def _with_campaigns(
    connection: Connection,
    cache: ConfigurationCache,
    caller: Caller,
    snapshot: Snapshot,
    candidates: Sequence[Candidate],
) -> tuple[Snapshot, dict[tuple[str, str], Redeemable]]:
    """The campaigns among the candidates as redeemables, and the snapshot with what their rules ask of the cart."""
    ids = [each.id for each in candidates if each.kind == "campaign"]
    if not ids:
        return snapshot, {}
    project = caller.project
    configuration = await cache.load(connection, project.id, project.version, ids, ())
    campaigns: list[Redeemable | Unresolved] = []
    for id_ in ids:
        redeemable = _campaign_redeemable(configuration.campaigns[id_], snapshot)
        if redeemable is not None:
            campaigns.append(redeemable)
    campaigns = await with_units(connection, project.id, snapshot.cart, campaigns)
    cart = await with_memberships(connection, cache, project, snapshot.cart, campaigns)
    found = {("campaign", each.object_id): each for each in campaigns if isinstance(each, Redeemable)}
    return replace(snapshot, cart=cart), found


def _campaign_redeemable(campaign: CompiledCampaign, snapshot: Snapshot) -> Redeemable | None:
    """A code of the campaign as a customer would get it; None when each code says itself what it is worth."""
    row = campaign.row
    effect: Effect | None = campaign.effect
    if row.gift is not None:
        effect = GiftCredits(effect=row.gift["effect"], balance=row.gift["amount"], currency=row.gift.get("currency"))
    if effect is None:
        return None
    category = snapshot.categories.get(row.category_id or "")
    return Redeemable(
        kind="voucher",
        id=row.id,
        object_id=row.id,
        effect=effect,
        campaign_id=row.id,
        campaign_name=row.name,
        applicability=narrowed(rule.applicability for rule in campaign.rules),
        campaign_is_active=campaign.is_active,
        validities=(campaign.validity,),
        rules=tuple((rule.id, rule.rule_set) for rule in campaign.rules),
        metadata=row.campaign_metadata,
        category_id=category.id if category else None,
        hierarchy=category.hierarchy if category else DEFAULT_HIERARCHY,
        is_tender=row.gift is not None,
    )


def _qualified(
    candidates: Sequence[Candidate],
    found: Mapping[tuple[str, str], Redeemable],
    snapshot: Snapshot,
    caller: Caller,
    request: QualificationIn,
) -> list[Qualified]:
    """The candidates that apply, each on the order as it was sent."""
    stacking, rounding, scenario = snapshot.stacking, caller.project.settings.rounding, request.scenario
    if scenario == "AUDIENCE_ONLY":
        stacking = _with_effect_or_without(stacking)
    qualified = []
    for candidate in candidates:
        if candidate.kind == "promotion_stack":
            outcomes = _stack_outcomes(candidate, found, snapshot, caller)
        else:
            redeemable = found.get((candidate.kind, candidate.id))
            if redeemable is None or not belongs(redeemable, snapshot.cart, scenario):
                continue
            asked = as_asked(redeemable, scenario)
            outcomes = qualify(snapshot.cart, [asked], stacking, rounding=rounding, ignoring=IGNORED_LIMITS)
        applicable = tuple(outcome for outcome in outcomes if outcome.status == "APPLICABLE")
        if candidate.kind == "promotion_tier" and _needs_effect(snapshot.cart, scenario):
            applicable = tuple(outcome for outcome in applicable if outcome.application.has_effect)
        if applicable:
            qualified.append(Qualified(candidate, applicable))
    return qualified


def _stack_outcomes(
    stack: Candidate, found: Mapping[tuple[str, str], Redeemable], snapshot: Snapshot, caller: Caller
) -> tuple[Outcome, ...]:
    """What becomes of each tier of the stack, one after the other; nothing when the stack could not be redeemed.

    In a stack a tier has no category, as at the checkout.
    """
    tiers = [found.get(("promotion_tier", tier_id)) for tier_id in stack.tier_ids]
    if not all(tiers):
        return ()
    together = [replace(tier, category_id=None, hierarchy=DEFAULT_HIERARCHY) for tier in tiers if tier is not None]
    decision = evaluate(
        snapshot.cart,
        together,
        snapshot.stacking,
        rounding=caller.project.settings.rounding,
        ignoring=IGNORED_LIMITS,
    )
    return decision.outcomes if decision.is_valid else ()


def _with_effect_or_without(stacking: StackingRules) -> StackingRules:
    """Rules that leave nothing out for having no effect on the order: it is the customer who is asked about."""
    return stacking.model_copy(update={"redeemables_no_effect_rule": "REDEEM_ANYWAY", "no_effect_skip_categories": ()})


def _page(
    qualified: Sequence[Qualified], window: Window, request: QualificationIn
) -> tuple[Sequence[Qualified], datetime | None]:
    """What is shown, and the position after which the next page begins; None without a next page.

    A page goes on to the end of a position, so that none of those who share it is lost. Best and least deals are those
    of the window and have no pages.
    """
    options = request.options
    if options.sorting_rule != "DEFAULT":
        best_first = options.sorting_rule == "BEST_DEAL"
        deals = sorted(qualified, key=lambda each: each.discount_amount, reverse=best_first)
        return deals[: options.limit], None
    size = options.limit
    while 0 < size < len(qualified) and qualified[size].candidate.position == qualified[size - 1].candidate.position:
        size += 1
    shown = qualified[:size]
    return shown, shown[-1].candidate.position if size < len(qualified) else window.end
