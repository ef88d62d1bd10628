"""The steps of a referral, each inside somebody's transaction: attributed, qualified, rejected.

Whoever moves a referral locks its row, then the accounts that count it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import ProjectView
from app.commerce.customers.identities import subjects_of
from app.commerce.customers.repository import CustomerRepository
from app.commerce.segments.membership import engine_customer
from app.engine.identities import SHARED_POOL
from app.engine.postings import Posting
from app.engine.referrals import Person, Program, Rejection, qualified_accounts, qualifying_postings
from app.incentives.referrals import events
from app.incentives.referrals.errors import AlreadyReferred, NotPublished, ProgramClosed, SelfReferral
from app.incentives.referrals.repository import ReferralRepository
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.ledger.errors import RanOut
from app.models import Campaign, Customer, Redemption, Referral, Voucher

Source = Literal["holders", "redemption", "custom_event", "claim"]


class _Taken(Exception):
    """Another referral has one of the identities."""


async def attribute(
    session: AsyncSession,
    project: ProjectView,
    voucher: Voucher,
    campaign: Campaign,
    referee: Customer,
    source: Source,
    now: datetime,
    *,
    subjects: Collection[str] = (),
) -> Referral:
    """Note that the referee used the referrer's code; the same referral as before when they did so before.

    `subjects` are identities of the referee beside what their row says. Of any number of requests that claim one person
    in a program, one makes the referral: each identity is a key of a table.

    Raises NotPublished, ProgramClosed, SelfReferral, AlreadyReferred.
    """
    referrals = ReferralRepository(session, project.id)
    known = await referrals.of_code(voucher.id, referee.id)
    if known is not None and known.status != "INVITED":
        return known
    person = person_of(project, referee, subjects)
    await _require_fit(session, project, voucher, campaign, person, now)
    try:
        async with session.begin_nested():
            return await _attributed(session, referrals, voucher, known, person, source, now)
    except _Taken:
        for referral_id in await referrals.claimed(voucher.campaign_id or "", person.subjects):
            other = await referrals.find(referral_id)
            if other is not None and (other.voucher_id, other.referee_id) == (voucher.id, referee.id):
                return other
        raise AlreadyReferred(referee.id) from None


async def _attributed(
    session: AsyncSession,
    referrals: ReferralRepository,
    voucher: Voucher,
    invited: Referral | None,
    person: Person,
    source: Source,
    now: datetime,
) -> Referral:
    if invited is not None:
        referral = await referrals.move(invited.id, "ATTRIBUTED", attributed_at=now)
        if referral is None:  # another request has just done it, and has the identities
            raise _Taken
    else:
        referral = Referral(
            project_id=referrals.project_id,
            id=new_id("rf"),
            campaign_id=voucher.campaign_id,
            voucher_id=voucher.id,
            referrer_id=voucher.holder_id,
            referee_id=person.customer_id,
            status="ATTRIBUTED",
            source=source,
            attributed_at=now,
            rewards=[],
            referral_metadata={},
            created_at=now,
        )
        session.add(referral)
        await session.flush()
    if not await referrals.claim(referral.campaign_id, referral.id, person.subjects):
        raise _Taken
    events.referred(session, referral)
    return referral


async def _require_fit(
    session: AsyncSession, project: ProjectView, voucher: Voucher, campaign: Campaign, person: Person, now: datetime
) -> None:
    """Raises NotPublished, ProgramClosed, SelfReferral."""
    customers = CustomerRepository(session, project.id)
    referrer = await customers.find(voucher.holder_id) if voucher.holder_id is not None else None
    if referrer is None:
        raise NotPublished(voucher.code)
    if not (is_open(campaign, now) and is_open(voucher, now)):
        raise ProgramClosed(voucher.code)
    if person.is_same(person_of(project, referrer, ())) or await _has_used(session, project, referrer.id, person):
        raise SelfReferral(voucher.code)


def is_open(owner: Campaign | Voucher, now: datetime) -> bool:
    """Whether a program or a code is enabled and within its dates."""
    has_begun = owner.start_date is None or owner.start_date <= now
    has_ended = owner.expiration_date is not None and owner.expiration_date <= now
    return owner.active and owner.deleted_at is None and has_begun and not has_ended


def person_of(project: ProjectView, customer: Customer, subjects: Collection[str]) -> Person:
    """The customer as referrals tell people apart: by account and mail address, and by every other identity that the
    project's scopes ask for."""
    nobody = {subject for subject in subjects if subject.endswith(f":{SHARED_POOL}")}
    return Person.known_as(customer.id, {*subjects_of(project, engine_customer(customer)), *(set(subjects) - nobody)})


async def _has_used(session: AsyncSession, project: ProjectView, referrer_id: str, person: Person) -> bool:
    """Whether the referrer once redeemed something from the referee's device, card, phone or mail address."""
    kinds = {subject.partition(":")[0]: subject.partition(":")[2] for subject in sorted(person.subjects)}
    for kind, who in kinds.items():
        if kind in ("email", "phone", "device", "payment"):
            redeemed = exists().where(
                Redemption.project_id == project.id,
                Redemption.subjects[kind].astext == who,
                Redemption.customer_id == referrer_id,
            )
            if await session.scalar(select(redeemed)):
                return True
    return False


async def qualify(
    session: AsyncSession,
    project: ProjectView,
    referral: Referral,
    program: Program,
    now: datetime,
    **cause: str | None,
) -> Referral | None:
    """The referee did what the program asks for: count them, and have the rewards given when the time to return the
    order is over. `cause` are the columns `redemption_id`, `order_id` and `event_id`.

    Gives the referral, rejected where a limit is reached or it is too late; None when it was qualified before.
    """
    referrals = ReferralRepository(session, project.id)
    if referral.attributed_at is not None and program.is_too_late(referral.attributed_at, now, project.zone):
        return await reject(session, project, referral, "too_late", now)
    qualified = await referrals.move(referral.id, "QUALIFIED", qualified_at=now, due_at=now, **cause)
    if qualified is None:
        return None
    accounts = qualified_accounts(referral.campaign_id, referral.referrer_id, now, project.zone)
    try:
        async with session.begin_nested():
            await apply(session, project.id, sorted(qualifying_postings(accounts, program.limits), key=_account))
    except RanOut:
        return await _rejected(session, referrals, referral.id, "limit_reached", now, qualified_at=None)
    events.moved(session, "qualified", qualified)
    cools_until = program.cools_until(now, project.zone)
    if cools_until is None:
        return qualified
    return await referrals.move(referral.id, "COOLING", due_at=cools_until)


async def reject(
    session: AsyncSession, project: ProjectView, referral: Referral, reason: Rejection, now: datetime
) -> Referral | None:
    """End a referral that was not rewarded: it counts against no limit any more, and the referee can be referred again.
    None when it has ended before."""
    referrals = ReferralRepository(session, project.id)
    rejected = await _rejected(session, referrals, referral.id, reason, now)
    if rejected is not None and rejected.qualified_at is not None:
        accounts = qualified_accounts(rejected.campaign_id, rejected.referrer_id, rejected.qualified_at, project.zone)
        await apply(session, project.id, sorted((Posting(account, 1) for account in accounts), key=_account))
    return rejected


async def _rejected(
    session: AsyncSession,
    referrals: ReferralRepository,
    referral_id: str,
    reason: Rejection,
    now: datetime,
    **values: Any,
) -> Referral | None:
    rejected = await referrals.move(
        referral_id, "REJECTED", rejection=reason, settled_at=now, due_at=None, problem=None, **values
    )
    if rejected is not None:
        await referrals.release(referral_id)
        events.moved(session, "rejected", rejected)
    return rejected


def _account(posting: Posting) -> Any:
    return posting.account
