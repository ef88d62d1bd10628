"""Taking back what an order earned: all of it when the order is canceled or wholly refunded, of a part what the units
that came back had earned. What is taken back depends on how the order stands, not on how often it is told."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import WORKER, ProjectView
from app.commerce.orders.resolution import stored_items
from app.decisions.earning.giving import cause_of
from app.decisions.earning.limits import given_back
from app.decisions.earning.occasions import Bought, wait_for_member, worth_of
from app.engine.cart import Cart
from app.engine.earning import points_of_units
from app.engine.stored_allocation import parsed
from app.incentives.loyalties import events, pending
from app.incentives.loyalties.debts import lending
from app.incentives.loyalties.points import card_of, removal
from app.kit import clock
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.ledger.movements import Cause, Movement, points_account
from app.models import Account, Campaign, Entry, Hold, Lot, PendingPoints, PointsEarning, Voucher


async def settle(session: AsyncSession, project: ProjectView, bought: Bought) -> None:
    """Take back what the order must give back as it stands, for each rule that it has earned by.

    From the card go what it has and no session holds; first what is left of these very points. Points that have expired
    are gone already and are not taken from others. The rest the card owes, or is let off (`points_debt`).
    """
    order = bought.order
    earnings = await _earnings_of(session, project.id, order.id)
    due = [(each, points) for each in earnings if (points := _due(project, bought, each))]
    for customer_id in sorted({earning.customer_id for earning, _ in due}):
        await wait_for_member(session, project.id, customer_id)
    for earning, points in due:
        await _take_back(session, project, earning, points)


async def _earnings_of(session: AsyncSession, project_id: int, order_id: str) -> Sequence[PointsEarning]:
    rows = (
        select(PointsEarning)
        .where(PointsEarning.project_id == project_id, PointsEarning.order_id == order_id)
        .order_by(PointsEarning.id)
    )
    return (await session.scalars(rows)).all()


def _due(project: ProjectView, bought: Bought, earning: PointsEarning) -> int:
    """How many points more are to be taken back."""
    order, spans = bought.order, bought.returned.spans
    if not bought.is_canceled and not bought.returned.value and not spans:
        return 0
    cart = Cart(
        now=order.created_at,
        zone=project.zone,
        items=stored_items(order.items),
        amount=order.amount,
        discount_amount=order.discount_amount,
    )
    if bought.is_canceled or worth_of(cart, bought.redeemed).is_all_back(spans):
        return earning.points - earning.taken_back_points
    if earning.allocation is None:
        return 0
    return max(0, points_of_units(parsed(earning.allocation), spans) - earning.taken_back_points)


async def _take_back(session: AsyncSession, project: ProjectView, earning: PointsEarning, points: int) -> None:
    released = given_back(earning, points)
    earning.taken_back_points += points
    waiting = await _pending(session, earning)
    card, campaign = await _card(session, project.id, earning)
    if waiting is not None and waiting.status == "PENDING":
        if waiting.points > points:
            await pending.adjust(session, card, campaign, waiting.id, -points)
        else:
            await pending.cancel(session, card, campaign, waiting.id)
        await session.flush()
        await apply(session, project.id, released)
        return
    if waiting is not None and waiting.status == "CANCELED":
        points = 0  # somebody gave them up before they were any
    cause = Cause("pending_points", waiting.id) if waiting is not None else cause_of(earning)
    entry = await _entry(session, earning, cause)
    movements: list[Movement] = []
    taken = 0
    if points and entry is not None and not await _has_expired(session, entry):
        usable = await _usable(session, project.id, card.id)
        taken = min(points, usable)
        movements = _movements(project, earning, card, campaign, entry, taken, points - taken)
    await session.flush()
    held = await apply(session, project.id, released, movements)
    for movement in movements:
        if movement.posting.account.measure == "points":
            events.points_moved(session, card, campaign, movement, held[movement.posting.account])


def _movements(
    project: ProjectView,
    earning: PointsEarning,
    card: Voucher,
    campaign: Campaign,
    entry: Entry,
    taken: int,
    missing: int,
) -> list[Movement]:
    """So many points off the card, and those that it does not have on its debt."""
    cause = Cause("earning_reversal", f"{earning.id}:{earning.round}:{earning.taken_back_points}")
    details = {
        **(entry.details or {}),
        "earning_rule": {"id": earning.rule_id, "object": "earning_rule"},
        "order": {"id": earning.order_id, "object": "order"},
    }
    movements = []
    if taken:
        own = entry.id if entry.owner_id == card.id else None
        movements.append(removal(card, campaign, taken, cause, actor=WORKER, details=details, takes_back=own))
    if missing and project.settings.points_debt == "OWE":
        transaction_id = movements[0].transaction_id if movements else new_id("ltx")
        movements.append(lending(card, missing, cause, transaction_id))
    return movements


async def _pending(session: AsyncSession, earning: PointsEarning) -> PendingPoints | None:
    """The points while they were held back, whatever became of them; kept from changing."""
    cause = cause_of(earning)
    row: PendingPoints | None = await session.scalar(
        select(PendingPoints)
        .where(
            PendingPoints.project_id == earning.project_id,
            PendingPoints.cause_type == cause.type,
            PendingPoints.cause_id == cause.id,
            PendingPoints.customer_id == earning.customer_id,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return row


async def _card(session: AsyncSession, project_id: int, earning: PointsEarning) -> tuple[Voucher, Campaign]:
    """The card that got the points, or after a merge of customers the one to which they went, and its program."""
    card = await session.get_one(Voucher, (project_id, earning.voucher_id))
    campaign = await session.get_one(Campaign, (project_id, earning.campaign_id))
    if not card.active:
        card = await card_of(session, project_id, campaign.id, earning.customer_id) or card
    return card, campaign


async def _entry(session: AsyncSession, earning: PointsEarning, cause: Cause) -> Entry | None:
    """The entry that put the points on the card."""
    row: Entry | None = await session.scalar(
        select(Entry).where(
            Entry.project_id == earning.project_id,
            Entry.owner_id.in_([earning.voucher_id]),
            Entry.measure == "points",
            Entry.subject == "",
            Entry.period == "",
            Entry.cause_type == cause.type,
            Entry.cause_id == cause.id,
        )
    )
    return row


async def _has_expired(session: AsyncSession, entry: Entry) -> bool:
    """Whether the points of the entry have expired."""
    lot_ids = [lot_id for lot_id, _ in entry.lots or ()]
    expired = select(Lot.id).where(
        Lot.project_id == entry.project_id, Lot.id.in_(lot_ids), Lot.expires_at <= clock.now()
    )
    return await session.scalar(expired.limit(1)) is not None


async def _usable(session: AsyncSession, project_id: int, card_id: str) -> int:
    """The points of the card that have not expired and no session holds; they stay as they are until the transaction
    ends."""
    key = points_account(card_id)
    same = {"owner_id": key.owner_id, "measure": key.measure, "subject": key.subject, "period": key.period}
    await session.execute(select(Account.balance).filter_by(project_id=project_id, **same).with_for_update())
    held = select(func.coalesce(func.sum(Hold.amount), 0)).filter_by(project_id=project_id, **same)
    free = select(
        Account.balance
        - func.expired_points(project_id, *key, clock.now())
        - held.where(Hold.expires_at > func.now()).scalar_subquery()
    ).filter_by(project_id=project_id, **same)
    # A sum of bigints is a numeric.
    return max(0, int(await session.scalar(free) or 0))
