"""Making a guest and an account one customer, with everything that was counted."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.commerce.customers.repository import CustomerRepository
from app.decisions.merges.cards import join_cards
from app.decisions.merges.errors import AlreadyMerged, SameCustomer
from app.decisions.merges.moving import move_rows
from app.decisions.merges.schemas import MergeRead, MovedCounts
from app.decisions.redemptions.counting import taken_by
from app.engine.identities import ACCOUNT_SUBJECT
from app.engine.postings import AccountKey, merged_postings
from app.incentives.referrals.merging import move_referrals
from app.kit.db import Database
from app.kit.errors import Busy, NotFound
from app.kit.outbox import announce
from app.ledger.accounts import counts_redemptions, open_accounts
from app.ledger.apply import apply
from app.ledger.holds import held_for, lock_accounts, move_holds
from app.models import Customer, Redemption

PROFILE = ("name", "description", "phone", "birthdate", "address")


async def merge(db: Database, caller: Caller, reference: str, guest_reference: str, now: datetime) -> MergeRead:
    """Move all that the guest has to the customer, and let the guest's names mean the customer.

    Customers are locked before the configuration, as redemptions do that keep their customer. The configuration changes
    because a redemption that was decided for the guest and is not yet written would count for nobody: it is decided
    again, for the customer. Merged again, what came to the guest in between is moved too.

    Raises NotFound, SameCustomer, AlreadyMerged; Busy when the customer itself is being merged.
    """
    async with db.write() as session:
        customer, guest = await _locked(session, caller, reference, guest_reference)
        await change_configuration(session, caller.project_id)
        await _carry_counts(session, caller, guest.id, customer.id)
        await join_cards(session, caller, guest.id, customer.id)
        await move_referrals(session, caller, guest.id, customer.id, now)
        moved = await move_rows(session, caller.project_id, guest.id, customer.id)
        if guest.merged_into is None:
            _become_one(customer, guest, now)
            await session.flush()
            record(session, caller, "customer.merged", "customer", customer.id, {"guest_id": guest.id, "moved": moved})
            for event, row in (("customer.updated", customer), ("customer.deleted", guest)):
                announce(session, caller.project_id, event, row.id, {"customer": {"id": row.id, "object": "customer"}})
        return MergeRead(customer_id=customer.id, guest_id=guest.id, moved=MovedCounts(**moved))


async def _locked(
    session: AsyncSession, caller: Caller, reference: str, guest_reference: str
) -> tuple[Customer, Customer]:
    """The customer and the guest as they stand now, kept from changing until the transaction ends.

    The guest is locked first: whoever names a guest that was just merged has locked it, and goes on to the customer.
    """
    rows = CustomerRepository(session, caller.project_id)
    found = await rows.get(reference)
    named = await rows.find_itself(guest_reference)
    if named is None:
        raise NotFound("customer", guest_reference)
    if found.id == named.id:
        raise SameCustomer(f"{named.id} is this customer.", resource_id=named.id)
    guest = await rows.lock_itself(named)
    customer = await rows.lock_itself(found)
    if customer is None or guest is None:
        raise NotFound("customer", reference if customer is None else guest_reference)
    if customer.merged_into is not None:
        raise Busy
    if guest.merged_into not in (None, customer.id):
        raise AlreadyMerged(f"{guest.id} was merged into {guest.merged_into}.", resource_id=guest.id)
    return customer, guest


async def _carry_counts(session: AsyncSession, caller: Caller, guest_id: str, customer_id: str) -> None:
    """Let what the guest's account has counted be counted by the customer's, and let sessions hold it there, before the
    redemptions are moved: accounts that are opened now count what there was before.

    There is no floor: who used something up under both names has used it twice.
    """
    project_id, zone = caller.project_id, caller.project.zone
    redeemed = select(Redemption).where(counts_redemptions(project_id), Redemption.customer_id == guest_id)
    taken = await taken_by(session, project_id, (await session.scalars(redeemed)).all(), zone)
    given_back = [posting for posting in taken.postings if _is_of(posting.account, guest_id)]
    taken_again = [
        replace(posting, account=_renamed(posting.account, guest_id, customer_id), amount=-posting.amount)
        for posting in given_back
    ]
    subject, other = (f"{ACCOUNT_SUBJECT}:{each}" for each in (guest_id, customer_id))
    held = await held_for(session, project_id, subject)
    late = {key for key in taken.late if _is_of(key, guest_id)}
    await open_accounts(session, project_id, _both({*late, *held}, guest_id, customer_id), zone)
    touched = {*held, *(posting.account for posting in given_back)}
    await lock_accounts(session, project_id, _both(touched, guest_id, customer_id))
    await apply(session, project_id, merged_postings((*given_back, *taken_again)))
    await move_holds(session, project_id, subject, other)


def _both(accounts: Iterable[AccountKey], guest_id: str, customer_id: str) -> list[AccountKey]:
    return sorted(account for own in accounts for account in (own, _renamed(own, guest_id, customer_id)))


def _is_of(account: AccountKey, customer_id: str) -> bool:
    """Whether the account counts for this customer; limited units say so behind the product."""
    return account.subject.rpartition("|")[2] == f"{ACCOUNT_SUBJECT}:{customer_id}"


def _renamed(account: AccountKey, guest_id: str, customer_id: str) -> AccountKey:
    return account._replace(subject=account.subject.removesuffix(guest_id) + customer_id)


def _become_one(customer: Customer, guest: Customer, now: datetime) -> None:
    """The customer with what only the guest has said, and the guest as a row without a person."""
    for name in PROFILE:
        if getattr(customer, name) is None:
            setattr(customer, name, getattr(guest, name))
        setattr(guest, name, None)
    if customer.email is None:
        customer.email, customer.normal_email = guest.email, guest.normal_email
    guest.email = guest.normal_email = None
    customer.customer_metadata = {**guest.customer_metadata, **customer.customer_metadata}
    guest.customer_metadata = {}
    guest.merged_into = customer.id
    customer.updated_at = guest.updated_at = now
