"""Giving what was earned: each rule once for one cause, on the card of the member, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import WORKER, ProjectView, worker_of
from app.decisions.earning.limits import counted_in, counting, limits_of, points_within
from app.decisions.earning.occasions import Bought, occasion_of, wait_for_member
from app.decisions.earning.rules import Waiting, all_named
from app.engine.earning import Earned, Occasion
from app.engine.postings import Posting, day_start
from app.engine.stored_allocation import written
from app.incentives.configuration import ConfigurationCache
from app.incentives.loyalties import events
from app.incentives.loyalties.debts import owed_by, repayment
from app.incentives.loyalties.events import balance_of
from app.incentives.loyalties.pending import hold_back
from app.incentives.loyalties.points import addition, card_of, join
from app.incentives.loyalty_tiers.mappings import TierMapping, mapping_for
from app.incentives.publications.errors import Unpublishable
from app.incentives.vouchers.repository import VoucherRepository
from app.kit.ids import new_id
from app.kit.outbox import announce
from app.ledger.apply import apply
from app.ledger.movements import Cause, Holdings, Movement
from app.models import Campaign, Customer, PointsEarning, Voucher

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: when, by what name it earns once (`cause_id`), and what is said of it. `details` are ids to show;
    `code` and `card_id` name the card where the event does."""

    cause_id: str
    at: datetime
    details: Mapping[str, Any]
    bought: Bought | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    code: str | None = None
    card_id: str | None = None


@dataclass(frozen=True, slots=True)
class Gift:
    """What one rule gives for the event."""

    waiting: Waiting
    card: Voucher
    tier_id: str | None
    earning: PointsEarning
    postings: Sequence[Posting]

    @property
    def cause(self) -> Cause:
        return cause_of(self.earning)


def cause_of(earning: PointsEarning) -> Cause:
    """Why the points of an earning were given, as the ledger names it; each round of an order anew."""
    name = f"{earning.rule_id}:{earning.cause_id}"
    return Cause("earning", name if earning.round == 1 else f"{name}:{earning.round}")


async def earn(
    session: AsyncSession,
    cache: ConfigurationCache,
    project: ProjectView,
    customer: Customer,
    waiting: Sequence[Waiting],
    event: Event,
) -> None:
    """Give the customer what these rules earn for the event.

    A rule that gave something for it before gives nothing again, unless all of that was taken back and the order is
    paid anew. Raises Outdated.
    """
    await wait_for_member(session, project.id, customer.id)
    earlier = await _earlier(session, project.id, waiting, event.cause_id)
    due = [each for each in waiting if _is_due(earlier.get(each.rule.id), event)]
    if not due:
        return
    occasion = await occasion_of(
        session, cache, project, customer, event.at, all_named(due), bought=event.bought, event_metadata=event.metadata
    )
    if event.bought is not None and _is_all_back(occasion, event.bought):
        return
    gifts = []
    for each in due:
        if each.is_open(occasion) and each.holds(occasion, project):
            gift = await _gift(session, project, customer, each, occasion, event, earlier.get(each.rule.id))
            if gift is not None:
                gifts.append(gift)
    await _give(session, project, gifts, event)


async def _earlier(
    session: AsyncSession, project_id: int, waiting: Sequence[Waiting], cause_id: str
) -> dict[str, PointsEarning]:
    rows = await session.scalars(
        select(PointsEarning).where(
            PointsEarning.project_id == project_id,
            PointsEarning.rule_id.in_([each.rule.id for each in waiting]),
            PointsEarning.cause_id == cause_id,
        )
    )
    return {row.rule_id: row for row in rows}


def _is_due(earlier: PointsEarning | None, event: Event) -> bool:
    return earlier is None or (event.bought is not None and earlier.taken_back_points == earlier.points)


def _is_all_back(occasion: Occasion, bought: Bought) -> bool:
    """Whether everything that was bought came back before it could earn."""
    if occasion.worth is None or (not bought.returned.value and not bought.returned.spans):
        return False
    return occasion.worth.is_all_back(bought.returned.spans)


async def _gift(
    session: AsyncSession,
    project: ProjectView,
    customer: Customer,
    waiting: Waiting,
    occasion: Occasion,
    event: Event,
    earlier: PointsEarning | None,
) -> Gift | None:
    """What the rule gives, noted as earned; None where it gives nothing."""
    rule = waiting.rule
    card = await _card(session, project, customer, waiting.campaign, event)
    # A member who is yet to join has no tier, and whoever would earn nothing does not join.
    tier = TierMapping() if card is None else await mapping_for(session, project.id, card.id, "earning_rules", rule.id)
    earned = waiting.loyalty.earned(occasion, tier.mapping)
    if earned.points and card is None:
        card = await _joined(session, project, customer, waiting.campaign)
    if not earned.points or card is None:
        return None
    limits = limits_of(rule, card.id, event.at, project.zone)
    earned = earned.limited_to(await points_within(session, project.id, limits, earned.points))
    if not earned.points:
        return None
    earning = _noted(project, customer, waiting, card, earned, event, earlier)
    earning.counted = counted_in(limits)
    session.add(earning)
    return Gift(waiting, card, tier.tier_id, earning, counting(limits, earned.points))


async def _card(
    session: AsyncSession, project: ProjectView, customer: Customer, campaign: Campaign, event: Event
) -> Voucher | None:
    """The card that the event names, if it is one of the program that somebody holds; else the customer's."""
    rows = VoucherRepository(session, project.id, case_sensitive=project.case_sensitive_codes)
    named = None
    if event.card_id is not None:
        named = await rows.find(event.card_id)
    elif event.code is not None:
        found = await rows.find_by_code(event.code)
        named = found[0] if found else None
    if named is None or named.campaign_id != campaign.id or named.holder_id is None or not named.active:
        named = await card_of(session, project.id, campaign.id, customer.id)
    return named if named is not None and named.active else None


async def _joined(
    session: AsyncSession, project: ProjectView, customer: Customer, campaign: Campaign
) -> Voucher | None:
    """A card for somebody who has none, where the program issues one by itself."""
    if not campaign.auto_join:
        return None
    try:
        async with session.begin_nested():
            card = await join(session, worker_of(project), campaign, customer.id)
    except Unpublishable as refusal:
        log.warning("nobody can join the program by earning", campaign_id=campaign.id, because=refusal.key)
        return None
    return card if card.active else None


def _noted(
    project: ProjectView,
    customer: Customer,
    waiting: Waiting,
    card: Voucher,
    earned: Earned,
    event: Event,
    earlier: PointsEarning | None,
) -> PointsEarning:
    earning = earlier or PointsEarning(
        project_id=project.id,
        id=new_id("earn"),
        rule_id=waiting.rule.id,
        cause_id=event.cause_id,
        campaign_id=waiting.campaign.id,
        order_id=event.bought.order.id if event.bought else None,
        round=0,
    )
    earning.round += 1
    earning.voucher_id = card.id
    earning.customer_id = customer.id
    earning.points = earned.points
    earning.taken_back_points = 0
    earning.allocation = None if earned.allocation is None else written(earned.allocation)
    earning.earned_at = event.at
    return earning


async def _give(session: AsyncSession, project: ProjectView, gifts: Sequence[Gift], event: Event) -> None:
    """Put the points on the cards, or hold them back, and let cards pay for what they owe with them."""
    at_once: list[tuple[Gift, Movement]] = []
    movements: list[Movement] = []
    owed: dict[str, int] = {}
    for gift in gifts:
        if gift.waiting.rule.pending_points is not None:
            await _hold_back(session, project, gift, event)
            continue
        card, campaign, points = gift.card, gift.waiting.campaign, gift.earning.points
        movement = addition(
            project,
            card,
            campaign,
            points,
            gift.cause,
            expires_at=gift.waiting.expiry,
            actor=WORKER,
            details=_details(gift, event),
        )
        at_once.append((gift, movement))
        movements.append(movement)
        if card.id not in owed:
            owed[card.id] = await owed_by(session, project.id, card.id)
        repaid = min(points, owed[card.id])
        if repaid:
            owed[card.id] -= repaid
            movements += repayment(card, campaign, repaid, f"{gift.earning.id}:{gift.earning.round}")
    await session.flush()
    postings = [posting for gift in gifts for posting in gift.postings]
    if postings or movements:
        held = await apply(session, project.id, postings, movements)
        by_card = {gift.card.id: gift for gift, _ in at_once}
        for movement in movements:
            if movement.posting.account.measure == "points":
                gift = by_card[movement.posting.account.owner_id]
                events.points_moved(session, gift.card, gift.waiting.campaign, movement, held[movement.posting.account])
        for gift, movement in at_once:
            _announce(session, project, gift, movement, held[movement.posting.account], event)


async def _hold_back(session: AsyncSession, project: ProjectView, gift: Gift, event: Event) -> None:
    waiting = gift.waiting
    assert waiting.rule.pending_points is not None, "only rules that hold points back come here"
    today = event.at.astimezone(project.zone).date()
    rules = waiting.expiry
    await hold_back(
        session,
        gift.card,
        waiting.campaign,
        gift.earning.points,
        gift.cause,
        activates_at=day_start(today + timedelta(days=waiting.rule.pending_points["period_value"]), project.zone),
        expiration_rules=None if isinstance(rules, str | datetime) else rules,
        order_id=gift.earning.order_id,
        details=_details(gift, event),
    )


def _details(gift: Gift, event: Event) -> dict[str, Any]:
    """What the entry shows of why."""
    tier = {} if gift.tier_id is None else {"loyalty_tier": {"id": gift.tier_id}}
    return {**event.details, "earning_rule": {"id": gift.waiting.rule.id, "object": "earning_rule"}, **tier}


def _announce(
    session: AsyncSession, project: ProjectView, gift: Gift, movement: Movement, holdings: Holdings, event: Event
) -> None:
    card, campaign = gift.card, gift.waiting.campaign
    data = {
        "customer": {"id": gift.earning.customer_id, "object": "customer"},
        "holder": {"id": card.holder_id, "object": "customer"},
        "voucher": {"id": card.id, "code": card.code, "object": "voucher"},
        "campaign": {"id": campaign.id, "name": campaign.name, "object": "campaign"},
        "balance": balance_of(card.id, movement.posting.amount, holdings, movement.cause.type),
        **_details(gift, event),
    }
    announce(session, project.id, "customer.rewarded.loyalty_points", gift.earning.customer_id, data)
