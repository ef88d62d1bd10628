"""The one evaluation path: qualification, validation, redemption, dry runs and simulations all end up here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.engine.application import NOTHING, Application
from app.engine.bundles import Bundle, bundle_in
from app.engine.cart import Cart
from app.engine.decision import Decision, Outcome, decision_of
from app.engine.effects import EffectScope, GiftCredits, PayWithPoints
from app.engine.findings import Finding
from app.engine.money import Rounding
from app.engine.postings import AccountKey, Counted, Posting, merged_postings, strictest_floor
from app.engine.products_once import discounted_products, opened_for_the_rest, touches
from app.engine.redeemables import Redeemable, Unresolved, in_currency_of, keys_of, unit_owner
from app.engine.refusals import (
    Refusal,
    closed,
    disabled,
    hindered,
    incomplete_bundle,
    no_amounts,
    no_referee,
    not_found,
    of_another,
    rules_violated,
    used_up,
)
from app.engine.rules import RuleSubject
from app.engine.stacking import NONE_APPLIED, SkipReason, StackingRules, Tally

IGNORE_NOTHING: frozenset[Counted] = frozenset()


@dataclass(frozen=True, slots=True)
class Terms:
    """What is the same for every redeemable of a request.

    `explain` keeps findings that held, too. Rules that limit a count in `ignoring` are taken to hold.
    """

    stacking: StackingRules
    rounding: Rounding = "half_up"
    explain: bool = False
    ignoring: frozenset[Counted] = IGNORE_NOTHING


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a stack has come: the running order, what is taken from accounts, and how many redeemables apply."""

    cart: Cart
    taken: Mapping[AccountKey, int] = field(default_factory=dict)
    tally: Tally = NONE_APPLIED

    def after(self, outcome: Outcome, stacking: StackingRules) -> "Standing":
        """The next step, once a redeemable was looked at; the same when it does not apply."""
        if outcome.status != "APPLICABLE" or isinstance(outcome.redeemable, Unresolved):
            return self
        taken = dict(self.taken)
        for posting in outcome.postings:
            taken[posting.account] = taken.get(posting.account, 0) - posting.amount
        return Standing(outcome.cart, taken, stacking.tally_with(self.tally, outcome.redeemable))


def evaluate(
    cart: Cart,
    redeemables: Sequence[Redeemable | Unresolved],
    stacking: StackingRules,
    *,
    rounding: Rounding = "half_up",
    explain: bool = False,
    ignoring: frozenset[Counted] = IGNORE_NOTHING,
) -> Decision:
    """Decide what `redeemables` take off `cart`, one after the other, each on what the earlier ones left.

    They are applied as the stacking rules sort them. Uses and budgets taken by earlier redeemables of the request are
    gone for the later ones. `explain` and `ignoring` are those of `Terms`.
    """
    terms = Terms(stacking, rounding, explain, ignoring)
    arranged = stacking.arranged(in_currency_of(cart, redeemables))
    outcomes: Sequence[Outcome] | None = None
    if stacking.exclusive_categories and any(_is_exclusive(redeemable, stacking) for redeemable in arranged):
        outcomes = _stacked(cart, arranged, terms, is_exclusive=True)
        if not any(
            outcome.status == "APPLICABLE" and _is_exclusive(outcome.redeemable, stacking) for outcome in outcomes
        ):
            outcomes = None  # what is exclusive but does not apply excludes nobody
    if outcomes is None:
        outcomes = _stacked(cart, arranged, terms, is_exclusive=False)
    return decision_of(cart, outcomes, stops_at_failure=stacking.stops_at_failure, rounding=rounding)


def qualify(
    cart: Cart,
    candidates: Sequence[Redeemable],
    stacking: StackingRules,
    *,
    rounding: Rounding = "half_up",
    explain: bool = False,
    ignoring: frozenset[Counted] = IGNORE_NOTHING,
) -> tuple[Outcome, ...]:
    """What would become of each candidate if it were the only one."""
    alone, terms = Standing(cart), Terms(stacking, rounding, explain, ignoring)
    return tuple(consider(alone, candidate, terms) for candidate in in_currency_of(cart, candidates))


def _stacked(
    cart: Cart, arranged: Sequence[Redeemable | Unresolved], terms: Terms, *, is_exclusive: bool
) -> list[Outcome]:
    """The outcomes of a whole stack; with `is_exclusive`, common redeemables are left out of it."""
    stacking, standing, is_stopped = terms.stacking, Standing(cart), False
    outcomes: list[Outcome] = []
    for redeemable in arranged:
        if outcomes:
            standing = standing.after(outcomes[-1], stacking)
        if is_stopped:
            outcomes.append(_skipped(redeemable, standing.cart, "preceding_validation_failed"))
            continue
        outcome = consider(standing, redeemable, terms, is_exclusive=is_exclusive)
        outcomes.append(outcome)
        is_stopped = outcome.status == "INAPPLICABLE" and stacking.stops_at_failure
    return outcomes


def consider(
    standing: Standing, redeemable: Redeemable | Unresolved, terms: Terms, *, is_exclusive: bool = False
) -> Outcome:
    """One redeemable on the order as it stands: exists, enabled, open, uses left; then whether the stack has room for
    it, which common redeemables never find in an exclusive one; and only then effect and rules."""
    cart, stacking = standing.cart, terms.stacking
    if isinstance(redeemable, Unresolved):
        return _inapplicable(redeemable, cart, not_found(redeemable))
    counts = _counts(redeemable, standing.taken)
    refusal = closed_door(redeemable, cart, counts)
    if refusal is not None:
        return _inapplicable(redeemable, cart, refusal)
    if is_exclusive and stacking.type_of(redeemable.category_id) is None:
        return _skipped(redeemable, cart, "exclusion_rules_not_met")
    limit = stacking.limit_reached(redeemable, standing.tally)
    if limit is not None:
        return _skipped(redeemable, cart, limit)
    bundle, rule_id = bundle_of(redeemable, cart)
    if bundle is not None and not bundle.quantity:
        return _inapplicable(redeemable, cart, incomplete_bundle(redeemable, rule_id, bundle), bundle)
    # Rules may ask about the order after the discount, so the effect comes first.
    application = application_of(cart, redeemable, terms, counts, bundle)
    discounted = application.applied_to(cart)
    findings: tuple[Finding, ...] = ()
    floors: dict[AccountKey, int] = {}
    if redeemable.rules:
        subject = RuleSubject(
            cart=cart,
            initial_amount=cart.initial_amount if cart.initial_amount is not None else cart.amount,
            total_amount_after=discounted.total_amount if cart.amount is not None else None,
            discount_amount=application.total_discount_amount,
            object_id=redeemable.object_id,
            campaign_id=redeemable.campaign_id,
            holder_id=redeemable.holder_id,
            redeemable_metadata=redeemable.metadata,
            gift_credits=application.credits if isinstance(redeemable.effect, GiftCredits) else None,
            points_used=application.points if isinstance(redeemable.effect, PayWithPoints) else None,
            counts=counts,
            ignoring=terms.ignoring,
        )
        refusal, findings, floors = _ask_rules(redeemable, subject, terms.explain)
        if refusal is not None:
            return _inapplicable(redeemable, cart, refusal)
    # A discount without an order to take it from has no effect yet, which is not the same as having none.
    if cart.amount is not None and not application.has_effect and stacking.needs_effect(redeemable.category_id):
        return _skipped(redeemable, cart, "no_effect", findings)
    return Outcome(
        "APPLICABLE",
        redeemable,
        discounted,
        application=application,
        findings=findings,
        postings=_postings(redeemable, cart, application, floors),
        cart_before=cart,
        bundle=bundle,
    )


def bundle_of(redeemable: Redeemable, cart: Cart) -> tuple[Bundle | None, str]:
    """What the order has of the bundle that the redeemable's rules ask for, and which rule it is; of several bundles
    the one with the fewest complete ones. None when no rule asks for a bundle."""
    bundle, rule_id = None, ""
    for other_id, rule in redeemable.bundles:
        other = bundle_in(rule, cart)
        if bundle is None or other.quantity < bundle.quantity:
            bundle, rule_id = other, other_id
    return bundle, rule_id


def application_of(
    cart: Cart,
    redeemable: Redeemable,
    terms: Terms,
    counts: Mapping[AccountKey, int],
    bundle: Bundle | None = None,
) -> Application:
    """What the redeemable does to the order as it stands, whatever its rules say to that, bundles excepted.

    Where the project discounts products once, a discount keeps away from those that carry one.
    """
    stacking, applicability = terms.stacking, redeemable.applicability
    closed = discounted_products(cart) if stacking.discounts_products_once and not redeemable.is_tender else None
    if closed is not None:
        applicability = opened_for_the_rest(applicability, closed)
    if redeemable.bundles:
        bundle = bundle or bundle_of(redeemable, cart)[0]
        if bundle is not None and not bundle.quantity:
            return NOTHING
    scope = EffectScope(
        cart=cart,
        applicability=applicability,
        mode=stacking.mode_of(redeemable.category_id),
        rounding=terms.rounding,
        redeemable_metadata=redeemable.metadata,
        publication_metadata=redeemable.publication_metadata,
        counts=counts,
        units=redeemable.units,
        variables=redeemable.variables,
        bundles_count=1 if bundle is None else bundle.quantity,
        unit_owner=None if applicability is None or applicability.is_plain else unit_owner(redeemable, cart),
    )
    application = redeemable.effect.for_order(scope).application(scope)
    return NOTHING if closed is not None and touches(application, cart, closed) else application


def _is_exclusive(redeemable: Redeemable | Unresolved, stacking: StackingRules) -> bool:
    return isinstance(redeemable, Redeemable) and redeemable.category_id in stacking.exclusive_categories


def _skipped(
    redeemable: Redeemable | Unresolved, cart: Cart, reason: SkipReason, findings: tuple[Finding, ...] = ()
) -> Outcome:
    return Outcome("SKIPPED", redeemable, cart, skip_reason=reason, findings=findings)


def _inapplicable(
    redeemable: Redeemable | Unresolved, cart: Cart, refusal: Refusal, bundle: Bundle | None = None
) -> Outcome:
    return Outcome("INAPPLICABLE", redeemable, cart, failure=refusal.failure, findings=refusal.findings, bundle=bundle)


def _counts(redeemable: Redeemable, taken: Mapping[AccountKey, int]) -> Mapping[AccountKey, int]:
    """What was counted so far, with what earlier redeemables of this request take."""
    if not taken:
        return redeemable.counts
    return {**redeemable.counts, **{key: redeemable.counts.get(key, 0) + amount for key, amount in taken.items()}}


def closed_door(redeemable: Redeemable, cart: Cart, counts: Mapping[AccountKey, int]) -> Refusal | None:
    """What keeps the redeemable from applying to any order at all, None when nothing does."""
    if not (redeemable.is_active and redeemable.campaign_is_active):
        return disabled(redeemable)
    if redeemable.belongs_to_another:
        return of_another(redeemable, cart)
    if redeemable.referee is not None and redeemable.referee != "fit":
        return no_referee(redeemable)
    if redeemable.mismatch is not None:
        return no_amounts(redeemable, redeemable.mismatch)
    for validity in redeemable.validities:
        because = validity.closed_because(cart.now, cart.zone)
        if because is not None:
            return closed(redeemable, because, cart)
    if redeemable.uses_limit is not None:
        uses_count = counts.get(AccountKey(redeemable.object_id, "uses"), 0)
        if uses_count >= redeemable.uses_limit:
            return used_up(redeemable, uses_count)
    hindrance = redeemable.effect.hindrance(cart, redeemable.applicability)
    return None if hindrance is None else hindered(redeemable, hindrance)


def _ask_rules(
    redeemable: Redeemable, subject: RuleSubject, explain: bool
) -> tuple[Refusal | None, tuple[Finding, ...], dict[AccountKey, int]]:
    """The refusal if a rule does not hold, what was found, and the floors on which the rules rely.

    The first rule that fails names the failure; the others are looked at only for the trace.
    """
    failed_rule_ids: list[str] = []
    findings: list[Finding] = []
    floors: dict[AccountKey, int] = {}
    key = message = None
    for rule_id, rule_set in redeemable.rules:
        outcome = rule_set.evaluate(subject, explain=explain)
        findings += outcome.findings
        for account, floor in outcome.floors.items():
            floors[account] = max(floor, floors.get(account, floor))
        if not outcome.holds:
            failed_rule_ids.append(rule_id)
            if len(failed_rule_ids) == 1:
                key, message = outcome.error_key, outcome.error_message
            if not explain:
                break
    if failed_rule_ids:
        return rules_violated(redeemable, failed_rule_ids, findings, key, message, subject.cart), (), {}
    return None, tuple(findings), floors


def _postings(
    redeemable: Redeemable, cart: Cart, application: Application, floors: Mapping[AccountKey, int]
) -> tuple[Posting, ...]:
    """What a redemption takes: one use of the redeemable, and its share of everything that rules count or counted.

    Two kinds of count may name one account, which is then taken from once. `ordered` counts the order as it was before
    any discount, once per redemption; `discounted` what this redeemable takes off. A tender sinks its `balance` or its
    `points`.
    """
    accounts: dict[AccountKey, int | None] = {
        AccountKey(redeemable.object_id, "uses"): None if redeemable.uses_limit is None else -redeemable.uses_limit
    }
    if redeemable.counted:
        for account in keys_of(redeemable.counted, redeemable.object_id, redeemable.campaign_id, cart):
            accounts.setdefault(account, None)
    for account, floor in floors.items():
        accounts[account] = strictest_floor(accounts.get(account), floor)
    if application.credits:
        accounts[AccountKey(redeemable.object_id, "points" if application.points else "balance")] = 0
    amounts = {
        "uses": 1,
        "ordered": cart.amount or 0,
        "discounted": application.total_discount_amount,
        "balance": application.credits,
        "points": application.points,
    }
    taken = tuple(
        Posting(account, -amounts[account.measure], accounts[account])
        for account in sorted(accounts)
        if amounts[account.measure]
    )
    return merged_postings((*taken, *application.unit_postings)) if application.unit_postings else taken
