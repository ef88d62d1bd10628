"""Giving the referrals of a guest, and what is owed to them, to the customer the guest became."""

from datetime import datetime

from sqlalchemy import delete, exists, literal, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.access.callers import Caller
from app.engine.postings import AccountKey, Posting, merged_postings
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.ledger.movements import Cause, Movement
from app.models import Account, Referral, ReferralClaim


async def move_referrals(session: AsyncSession, caller: Caller, guest_id: str, customer_id: str, now: datetime) -> None:
    """Rename the guest in identities that are taken and in what counts and holds value, before the rows of referrals
    are renamed.

    A referral whose referrer and referee are one now is rejected when it comes to its rewards.
    """
    project_id = caller.project_id
    await _forget_needless_invitations(session, project_id, guest_id, customer_id)
    await _move_claims(session, project_id, f"customer:{guest_id}", f"customer:{customer_id}")
    await session.flush()
    counted = await _counted(session, project_id, f"customer:{guest_id}", f"customer:{customer_id}")
    await apply(session, project_id, merged_postings(counted), await _owed(session, caller, guest_id, customer_id, now))


async def _forget_needless_invitations(session: AsyncSession, project_id: int, guest_id: str, customer_id: str) -> None:
    """Invitations of the guest by a code that knows the customer already, or is the customer's own."""
    other = aliased(Referral)
    known = exists().where(
        other.project_id == project_id,
        other.voucher_id == Referral.voucher_id,
        other.referee_id == customer_id,
        other.status != "REJECTED",
    )
    await session.execute(
        delete(Referral)
        .where(
            Referral.project_id == project_id,
            Referral.referee_id == guest_id,
            Referral.status == "INVITED",
            or_(Referral.referrer_id == customer_id, known),
        )
        .execution_options(synchronize_session=False)
    )


async def _move_claims(session: AsyncSession, project_id: int, guest: str, customer: str) -> None:
    claimed = select(
        ReferralClaim.project_id, ReferralClaim.campaign_id, literal(customer), ReferralClaim.referral_id
    ).where(ReferralClaim.project_id == project_id, ReferralClaim.subject == guest)
    columns = ["project_id", "campaign_id", "subject", "referral_id"]
    await session.execute(insert(ReferralClaim).from_select(columns, claimed).on_conflict_do_nothing())
    await session.execute(
        delete(ReferralClaim).where(ReferralClaim.project_id == project_id, ReferralClaim.subject == guest)
    )


async def _counted(session: AsyncSession, project_id: int, guest: str, customer: str) -> list[Posting]:
    """The referees of the guest, counted for the customer instead."""
    programs = select(Referral.campaign_id).where(
        Referral.project_id == project_id, Referral.referrer_id == guest.removeprefix("customer:")
    )
    accounts = await session.scalars(
        select(Account).where(
            Account.project_id == project_id,
            Account.owner_id.in_(programs),
            Account.measure.in_(("referees", "rewarded")),
            Account.subject == guest,
            Account.balance != 0,
        )
    )
    postings: list[Posting] = []
    for account in accounts:
        own = AccountKey(account.owner_id, account.measure, guest, account.period)  # type: ignore[arg-type]  # of ours
        postings += [Posting(own, -account.balance), Posting(own._replace(subject=customer), account.balance)]
    return postings


async def _owed(
    session: AsyncSession, caller: Caller, guest_id: str, customer_id: str, now: datetime
) -> list[Movement]:
    """What is owed to the guest, owed to the customer instead: two legs for each currency."""
    accounts = await session.scalars(
        select(Account).where(
            Account.project_id == caller.project_id,
            Account.owner_id == guest_id,
            Account.measure == "payable",
            Account.balance > 0,
        )
    )
    movements: list[Movement] = []
    for account in accounts:
        transaction_id = new_id("ltx")
        for owner_id, amount in ((guest_id, -account.balance), (customer_id, account.balance)):
            movements.append(
                Movement(
                    Posting(AccountKey(owner_id, "payable", account.subject), amount, 0),
                    "transferred",
                    Cause("transfer", transaction_id),
                    effective_at=now,
                    actor=caller.actor,
                    transaction_id=transaction_id,
                )
            )
    return movements
