"""What happens elsewhere and makes a referral: followers of the outbox.

Each handler finds the referrals an event may be about by index, and takes the steps of `incentives.referrals.steps`; a
referral without cooling-off is settled in the same transaction.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias

from sqlalchemy import exists, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import ProjectView
from app.access.project_views import load_project
from app.commerce.customers.repository import CustomerRepository
from app.decisions.referrals.settling import settle
from app.engine.referrals import (
    Conversion,
    OnCustomEvent,
    OnMetadata,
    OnOrderPaid,
    OnRedemption,
    OnSegment,
    Rejection,
)
from app.incentives.referrals.codes import find_code
from app.incentives.referrals.errors import AlreadyReferred, NotPublished, ProgramClosed, SelfReferral
from app.incentives.referrals.events import CODE_REDEEMED, REFERRED
from app.incentives.referrals.programs import program_of
from app.incentives.referrals.repository import ReferralRepository
from app.incentives.referrals.steps import Source, attribute, qualify, reject
from app.kit.following import Follower, Happening
from app.models import Campaign, Customer, Order, Redemption, Referral, Refund, Voucher

Handle: TypeAlias = Callable[[AsyncSession, Happening], Awaitable[None]]

NOT_A_REFERRAL = (AlreadyReferred, NotPublished, ProgramClosed, SelfReferral)
"""Why the use of a code makes no referral: for the shop that is no failure."""


async def follow_redemption(session: AsyncSession, happening: Happening) -> None:
    """A referral code was redeemed."""
    # Locked, as by whoever takes it back: who comes later finds the referral.
    redemption = await session.get_one(
        Redemption, (happening.project_id, happening.data["redemption_id"]), with_for_update={"read": True}
    )
    if redemption.status != "SUCCEEDED" or redemption.customer_id is None:  # rolled back since, or by a guest
        return
    if redemption.order_id is not None and await _standing_order(session, happening, redemption.order_id) is None:
        return
    project = await load_project(session, happening.project_id)
    subjects = {f"{kind}:{who}" for kind, who in (redemption.subjects or {}).items() if kind != "customer"}
    referral = await _attributed(
        session, project, redemption.related_object_id, redemption.customer_id, "redemption", happening, subjects
    )
    if referral is None:
        return
    if referral.source == "redemption" and referral.status == "ATTRIBUTED":
        referral.redemption_id = redemption.id
    if redemption.order_id is not None:
        await session.execute(
            update(Order)
            .where(Order.project_id == project.id, Order.id == redemption.order_id, Order.referrer_id.is_(None))
            .values(referrer_id=referral.referrer_id)
            .execution_options(synchronize_session=False)
        )
    await session.flush()
    await _convert(
        session,
        project,
        [referral],
        lambda conversion: isinstance(conversion, OnRedemption),
        happening,
        redemption_id=redemption.id,
        order_id=redemption.order_id,
    )


async def follow_custom_event(session: AsyncSession, happening: Happening) -> None:
    """A customer did something, perhaps with a referral code."""
    event = happening.data["event"]
    code = (happening.data.get("referral") or {}).get("code")
    customer = await _meant(session, happening.project_id, happening.customer_id or "")
    referrals = ReferralRepository(session, happening.project_id)
    if customer is None or (code is None and not await referrals.open_of(customer.id)):
        return
    project = await load_project(session, happening.project_id)
    if code is not None:
        await _attributed(session, project, code, customer.id, "custom_event", happening)
    await _convert(
        session,
        project,
        await referrals.open_of(customer.id),
        lambda conversion: isinstance(conversion, OnCustomEvent) and conversion.event == event["type"],
        happening,
        event_id=event["id"],
    )


async def follow_order(session: AsyncSession, happening: Happening) -> None:
    """An order was paid for."""
    customer_id = happening.customer_id
    if customer_id is None or not await ReferralRepository(session, happening.project_id).open_of(customer_id):
        return
    order = await _standing_order(session, happening, happening.entity_id)
    if order is None or order.customer_id is None or order.status not in ("PAID", "FULFILLED"):
        return
    referrals = await ReferralRepository(session, happening.project_id).open_of(order.customer_id)
    project = await load_project(session, happening.project_id)
    amount = (order.amount or 0) - order.discount_amount - order.items_discount_amount
    is_home = order.currency is None or order.currency == project.currency

    def holds(conversion: Conversion) -> bool:
        if not isinstance(conversion, OnOrderPaid):
            return False
        return conversion.minimum_amount == 0 or (is_home and amount >= conversion.minimum_amount)

    await _convert(session, project, referrals, holds, happening, order_id=order.id)


async def follow_customer(session: AsyncSession, happening: Happening) -> None:
    """What is known of a customer has changed, or they used a code when it was known already."""
    referrals = await ReferralRepository(session, happening.project_id).open_of(happening.entity_id)
    if not referrals:
        return
    customer = await CustomerRepository(session, happening.project_id).find(happening.entity_id)
    if customer is None:
        return
    metadata = customer.customer_metadata
    await _convert(
        session,
        await load_project(session, happening.project_id),
        referrals,
        lambda conversion: isinstance(conversion, OnMetadata) and conversion.holds(metadata),
        happening,
    )


async def follow_segment(session: AsyncSession, happening: Happening) -> None:
    """A customer entered a segment."""
    referrals = await ReferralRepository(session, happening.project_id).open_of(happening.entity_id)
    if not referrals:
        return
    segment_id = happening.data["segment"]["id"]
    await _convert(
        session,
        await load_project(session, happening.project_id),
        referrals,
        lambda conversion: isinstance(conversion, OnSegment) and conversion.segment_id == segment_id,
        happening,
    )


REVOKED_BY: dict[str, Rejection] = {
    "order.canceled": "canceled",
    "redemption.refund.succeeded": "refunded",
    "redemption.rollback.succeeded": "rolled_back",
}


async def follow_return(session: AsyncSession, happening: Happening) -> None:
    """What made a referral was canceled, returned or rolled back: until it is rewarded, it counts no more."""
    referrals = ReferralRepository(session, happening.project_id)
    found: dict[str, Referral] = {}
    if happening.order_id is not None:
        found |= {row.id: row for row in await referrals.unsettled_by(order_id=happening.order_id)}
    redemption_id = happening.data.get("redemption_id")
    if happening.type != "order.canceled" and redemption_id is not None:
        found |= {row.id: row for row in await referrals.unsettled_by(redemption_id=redemption_id)}
    if found:
        project = await load_project(session, happening.project_id)
        for referral_id in sorted(found):
            await reject(session, project, found[referral_id], REVOKED_BY[happening.type], happening.created_at)


async def _standing_order(session: AsyncSession, happening: Happening, order_id: str) -> Order | None:
    """The order, if it was neither canceled nor returned in part; locked, as by whoever does that: who comes later
    finds the referral."""
    order = await session.get(Order, (happening.project_id, order_id), with_for_update={"key_share": True})
    if order is None or order.status == "CANCELED":
        return None
    returned = exists().where(Refund.project_id == happening.project_id, Refund.order_id == order_id)
    return None if await session.scalar(select(returned)) else order


async def _attributed(
    session: AsyncSession,
    project: ProjectView,
    code: str,
    customer_id: str,
    source: Source,
    happening: Happening,
    subjects: Collection[str] = (),
) -> Referral | None:
    """The referral that the use of a code makes, or made before; None when it makes none."""
    found = await find_code(session, project, code)
    referee = await _meant(session, project.id, customer_id)
    if found is None or referee is None:
        return None
    try:
        return await attribute(session, project, *found, referee, source, happening.created_at, subjects=subjects)
    except NOT_A_REFERRAL:
        return None


async def _meant(session: AsyncSession, project_id: int, customer_id: str) -> Customer | None:
    """The customer, or the one into whom they were merged."""
    row: Customer | None = await CustomerRepository(session, project_id).find_by_reference(customer_id)
    return row


async def _convert(
    session: AsyncSession,
    project: ProjectView,
    referrals: Collection[Referral],
    holds: Callable[[Conversion], bool],
    happening: Happening,
    **cause: str | None,
) -> None:
    """Qualify those of the referrals whose program asks for this, one in each program: a used code goes before an
    invitation, and of several invitations the first."""
    done: set[str] = set()
    for referral in referrals:
        campaign = await session.get(Campaign, (project.id, referral.campaign_id))
        voucher = await session.get(Voucher, (project.id, referral.voucher_id))
        if campaign is None or not campaign.active or campaign.deleted_at is not None:
            continue
        program = program_of(campaign)
        if voucher is None or not voucher.active or referral.campaign_id in done or not holds(program.conversion):
            continue
        if referral.status == "INVITED":
            referee = await _meant(session, project.id, referral.referee_id)
            if referee is None:
                continue
            try:
                referral = await attribute(
                    session, project, voucher, campaign, referee, "holders", happening.created_at
                )
            except NOT_A_REFERRAL:
                continue
        done.add(referral.campaign_id)
        qualified = await qualify(session, project, referral, program, happening.created_at, **cause)
        if qualified is not None and qualified.status == "QUALIFIED":
            await settle(session, project, qualified.id, happening.created_at)


def _where_programs(conversion: str | None = None) -> Callable[[AsyncSession, int], Awaitable[bool]]:
    """Whether a project has a referral program; with `conversion`, one that asks for that."""

    async def has_program(session: AsyncSession, project_id: int) -> bool:
        programs = select(Campaign.id).where(
            Campaign.project_id == project_id,
            Campaign.campaign_type == literal_column("'REFERRAL_PROGRAM'"),
            Campaign.deleted_at.is_(None),
        )
        if conversion is not None:
            programs = programs.where(Campaign.referral_program["conversion"]["type"].astext == conversion)
        return await session.scalar(programs.limit(1)) is not None

    return has_program


def _follower(name: str, handle: Handle, *event_types: str, conversion: str | None = None) -> Follower:
    return Follower(f"referrals.{name}", frozenset(event_types), handle, _where_programs(conversion))


REFERRAL_FOLLOWERS: tuple[Follower, ...] = (
    _follower("redemptions", follow_redemption, CODE_REDEEMED),
    _follower("custom_events", follow_custom_event, "customer.custom_event"),
    _follower("orders", follow_order, "order.paid", conversion="order_paid"),
    _follower(
        "customers",
        follow_customer,
        "customer.created",
        "customer.updated",
        REFERRED,
        conversion="customer_metadata",
    ),
    _follower("segments", follow_segment, "customer.segment.entered", conversion="segment"),
    _follower("returns", follow_return, *REVOKED_BY),
)
