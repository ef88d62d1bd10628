"""Giving the rewards of referrals once the time to take back what made them is over."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import ProjectView
from app.access.configuration import hold_configuration
from app.access.project_views import load_project
from app.commerce.customers.repository import CustomerRepository
from app.decisions.referrals.giving import give
from app.engine.postings import Posting
from app.engine.referrals import Program, rewarded_account
from app.incentives.referrals import events
from app.incentives.referrals.errors import RewardNotGiven
from app.incentives.referrals.programs import program_of
from app.incentives.referrals.repository import ReferralRepository
from app.incentives.referrals.steps import reject
from app.kit import clock
from app.kit.errors import AppError
from app.kit.jobs import Work
from app.ledger.apply import apply
from app.models import Account, Campaign, Referral

ROUND, MOST_ROUNDS = 100, 100
RETRY_AFTER = timedelta(hours=1)

log = structlog.get_logger(__name__)


async def settle_due(work: Work, project_id: int) -> None:
    """Give the rewards that are due in a project, each referral in a transaction of its own; a bounded number."""
    for _ in range(MOST_ROUNDS):
        work.leave_if_stopping()
        now = clock.now()
        async with work.db.read() as session:
            due = await ReferralRepository(session, project_id).due(now, ROUND)
        for referral_id in due:
            try:
                async with work.db.write() as session:
                    await settle(session, await load_project(session, project_id), referral_id, now)
            except DBAPIError as error:  # such as a deadlock; the others need not wait for it
                log.warning("rewards of a referral failed", referral=referral_id, exc_info=error)
                async with work.db.write() as session:
                    referrals = ReferralRepository(session, project_id)
                    await referrals.postpone(referral_id, now + RETRY_AFTER, "The database refused.")
        if len(due) < ROUND:
            return


async def settle(session: AsyncSession, project: ProjectView, referral_id: str, now: datetime) -> Referral | None:
    """Give both sides what the program says, all of it and once, if it is due.

    What cannot be given now (no code left, the program is switched off) is noted with the referral and tried again
    later; the limits go on counting it. Gives the referral when it is settled.
    """
    referral = await ReferralRepository(session, project.id).lock_due(referral_id)
    if referral is None or referral.due_at is None or referral.due_at > now:
        return None
    if referral.referrer_id == referral.referee_id:  # two customers became one
        return await reject(session, project, referral, "self_referral", now)
    # Held before anything else is locked, as everybody does: what gift cards are made with must not change here.
    await hold_configuration(session, project.id)
    campaign = await session.get(Campaign, (project.id, referral.campaign_id))
    customers = CustomerRepository(session, project.id)
    people = [await customers.find(customer_id) for customer_id in (referral.referrer_id, referral.referee_id)]
    if campaign is None or campaign.deleted_at is not None or None in people:
        return await reject(session, project, referral, "withdrawn", now)
    try:
        async with session.begin_nested():
            if not campaign.active:
                raise RewardNotGiven("The program is disabled.")
            return await _rewarded(session, project, referral, program_of(campaign), now)
    except AppError as problem:
        told = problem.details or problem.message
        log.warning("rewards of a referral wait", referral=referral_id, problem=told)
        await ReferralRepository(session, project.id).postpone(referral_id, now + RETRY_AFTER, told)
        return None


async def _rewarded(
    session: AsyncSession, project: ProjectView, referral: Referral, program: Program, now: datetime
) -> Referral:
    position = await _next_position(session, project, referral)
    given: list[dict[str, Any]] = [
        await give(session, project, referral, party, reward, place, now)
        for place, (party, reward) in enumerate(program.rewards_for(position))
    ]
    rewarded = await ReferralRepository(session, project.id).move(
        referral.id, "REWARDED", position=position, rewards=given, settled_at=now, due_at=None, problem=None
    )
    assert rewarded is not None  # its row is locked, in a state from which it can be rewarded
    events.moved(session, "rewarded", rewarded)
    for reward in given:
        events.rewarded(session, rewarded, reward["customer_id"], reward)
    return rewarded


async def _next_position(session: AsyncSession, project: ProjectView, referral: Referral) -> int:
    """The number of this referee among the referrer's rewarded ones. The account is locked by counting, so that of two
    settled at once the second sees the first."""
    account = rewarded_account(referral.campaign_id, referral.referrer_id)
    await apply(session, project.id, [Posting(account, -1)])
    balance = await session.scalar(
        select(Account.balance).where(
            Account.project_id == project.id,
            Account.owner_id == account.owner_id,
            Account.measure == account.measure,
            Account.subject == account.subject,
            Account.period == account.period,
        )
    )
    assert balance is not None  # it was just posted to
    return -balance
