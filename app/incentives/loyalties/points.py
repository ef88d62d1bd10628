"""The steps with which points move, each in the transaction of whoever takes it.

Posting locks the card's account until the transaction ends, so it comes last, and several movements that belong
together are posted at once (`move`), in the order in which everybody locks accounts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller, ProjectView
from app.commerce.customers.schemas import CustomerIn
from app.engine.points_expiration import PointsExpirationRules, points_expire_at
from app.engine.postings import Posting
from app.incentives.loyalties import events
from app.incentives.loyalties.errors import CardNotPublished, PointsExceeded, TooManyPoints
from app.incentives.loyalties.opening import expiration_rules_of
from app.incentives.publications.publishing import publish
from app.incentives.publications.repository import PoolRepository
from app.incentives.publications.schemas import CampaignSource, PublicationCreate
from app.kit import clock
from app.ledger.apply import apply
from app.ledger.errors import RanOut
from app.ledger.movements import Cause, CauseType, Counterpart, Holdings, Movement, points_account
from app.models import Campaign, Voucher

PROGRAM_RULES: Final = "PROGRAM_RULES"
"""Points expire as the program says."""
Expiry: TypeAlias = datetime | PointsExpirationRules | Literal["PROGRAM_RULES"] | None
"""When points expire: at an instant, by these rules, by those of the program, or (None) never."""

OUT_OF_RANGE = "22003"
"""What Postgres says of a sum that no bigint holds."""

_PUT_BY: Mapping[CauseType, Counterpart] = {
    "earning": "earned",
    "pending_points": "earned",
    "redemption": "redeemed",
    "rollback": "redeemed",
    "refund": "redeemed",
    "transfer": "transferred",
}
_TAKEN_BY: Mapping[CauseType, Counterpart] = {
    "earning_reversal": "earned",
    "redemption": "redeemed",
    "reward": "redeemed",
    "expiry": "expired",
    "transfer": "transferred",
}


async def card_of(session: AsyncSession, project_id: int, campaign_id: str, customer_id: str) -> Voucher | None:
    """The customer's card of the program."""
    return await PoolRepository(session, project_id).find_held(campaign_id, customer_id)


async def join(session: AsyncSession, caller: Caller, campaign: Campaign, customer_id: str) -> Voucher:
    """The customer's card of the program; without one, one is published to them.

    Members join one by one: this waits for whoever is giving the customer a card of the program at the moment.

    Raises NotFound (customer), Unpublishable.
    """
    request = PublicationCreate(
        campaign=CampaignSource(name=campaign.id), customer=CustomerIn(id=customer_id), channel="AUTO_JOIN"
    )
    now = clock.now()
    publication = await publish(session, caller, request, join_once=True, now=now)
    found = await PoolRepository(session, caller.project_id).with_campaigns(publication.voucher_ids)
    card, _ = found[publication.voucher_ids[0]]
    return card


async def add_points(
    session: AsyncSession,
    project: ProjectView,
    card: Voucher,
    campaign: Campaign,
    points: int,
    cause: Cause,
    *,
    expires_at: Expiry = PROGRAM_RULES,
    actor: str | None = None,
    details: Mapping[str, Any] | None = None,
    reason: str | None = None,
    returns_to: str | None = None,
) -> Holdings:
    """Put `points`, more than none, on a card that somebody holds; what it has then. `details` are ids for the wire
    (`order`, `earning_rule`, `event`, ...), `returns_to` the entry that took them: they go back to its lots.

    Raises CardNotPublished, TooManyPoints; IntegrityError when the cause has moved this card before.
    """
    require_holder(card)
    movement = addition(
        project,
        card,
        campaign,
        points,
        cause,
        expires_at=expires_at,
        actor=actor,
        details=details,
        reason=reason,
        returns_to=returns_to,
    )
    (holdings,) = await move(session, [(card, campaign, movement)])
    return holdings


async def take_points(
    session: AsyncSession,
    project: ProjectView,
    card: Voucher,
    campaign: Campaign,
    points: int,
    cause: Cause,
    *,
    actor: str | None = None,
    details: Mapping[str, Any] | None = None,
    reason: str | None = None,
    takes_back: str | None = None,
) -> Holdings:
    """Take `points`, more than none, from a card, those first that expire soonest; what it has then. `takes_back` is
    the entry that put them there: they come from the lot it filled as far as that has any.

    Raises CardNotPublished, PointsExceeded: the transaction cannot go on after it, unless it was in a savepoint;
    IntegrityError when the cause has moved this card before.
    """
    require_holder(card)
    movement = removal(
        card, campaign, points, cause, actor=actor, details=details, reason=reason, takes_back=takes_back
    )
    (holdings,) = await move(session, [(card, campaign, movement)])
    return holdings


def require_holder(card: Voucher) -> None:
    """Raises CardNotPublished: a card that nobody holds has no points to change."""
    if card.holder_id is None:
        raise CardNotPublished(card.code)


def addition(
    project: ProjectView,
    card: Voucher,
    campaign: Campaign,
    points: int,
    cause: Cause,
    *,
    expires_at: Expiry = PROGRAM_RULES,
    **members: Any,
) -> Movement:
    """The movement that puts points on a card, for `move`. `members` are those of a Movement."""
    now = clock.now()
    return Movement(
        Posting(points_account(card.id), points),
        _PUT_BY.get(cause.type, "issued"),
        cause,
        effective_at=now,
        campaign_id=campaign.id,
        expires_at=expiry_of(project, campaign, expires_at, now),
        **members,
    )


def removal(card: Voucher, campaign: Campaign, points: int, cause: Cause, **members: Any) -> Movement:
    """The movement that takes points from a card, for `move`. `members` are those of a Movement."""
    return Movement(
        Posting(points_account(card.id), -points, 0),
        _TAKEN_BY.get(cause.type, "removed"),
        cause,
        effective_at=clock.now(),
        campaign_id=campaign.id,
        **members,
    )


def expiry_of(project: ProjectView, campaign: Campaign, expires_at: Expiry, now: datetime) -> datetime | None:
    """The instant from which points that are put on a card now are gone."""
    if expires_at == PROGRAM_RULES:
        expires_at = expiration_rules_of(campaign)
    if isinstance(expires_at, PointsExpirationRules):
        return points_expire_at(expires_at, now, project.zone)
    return expires_at if isinstance(expires_at, datetime) else None


async def move(session: AsyncSession, moved: Sequence[tuple[Voucher, Campaign | None, Movement]]) -> list[Holdings]:
    """Post these movements of points, all or none, and announce them; what each card has after all of them.

    Raises PointsExceeded, TooManyPoints; IntegrityError when a cause has moved a card before.
    """
    project_id = moved[0][0].project_id
    await session.flush()
    try:
        held = await apply(session, project_id, (), [movement for _, _, movement in moved])
    except RanOut as short:
        wanted = {card.id: (card.code, -movement.posting.amount) for card, _, movement in moved}
        raise PointsExceeded(*next(wanted[card_id] for card_id in wanted if card_id in short.accounts)) from None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != OUT_OF_RANGE:
            raise
        raise TooManyPoints(next(card.code for card, _, movement in moved if movement.posting.amount > 0)) from None
    for card, campaign, movement in moved:
        events.points_moved(session, card, campaign, movement, held[movement.posting.account])
    return [held[movement.posting.account] for _, _, movement in moved]
