"""Use cases of balances, one transaction each."""

from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import hold_configuration
from app.engine.postings import Posting
from app.incentives.balances import events
from app.incentives.balances.errors import DuplicateSourceId, InvalidAdjustment, InvalidAmount
from app.incentives.balances.rendering import balance_read, transaction_read
from app.incentives.balances.repository import EntryRepository
from app.incentives.balances.schemas import BalanceChange, BalanceRead, TransactionQuery
from app.incentives.campaigns.service import get_campaign
from app.incentives.vouchers.errors import VoucherNotFound
from app.incentives.vouchers.repository import VoucherRepository
from app.incentives.vouchers.service import read_all
from app.incentives.vouchers.standing import gift_of
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.lists import Slice
from app.ledger.apply import apply
from app.ledger.errors import RanOut
from app.ledger.movements import Cause, CauseType, Movement, Opening, points_account, value_account
from app.models import Campaign, Entry, Voucher

OUT_OF_RANGE = "22003"
"""What Postgres says of a sum that no bigint holds."""


async def change(db: Database, caller: Caller, code: str, body: BalanceChange) -> BalanceRead:
    """Put money onto a gift card, or take some away. A change with a source id is made once: whoever repeats it is
    answered as the first time.

    Raises VoucherNotFound, InvalidAdjustment, InvalidAmount, DuplicateSourceId.
    """
    if body.amount == 0:
        raise InvalidAdjustment("amount must not be zero.")
    async with db.write() as session:
        # What the campaign's cards were made with must not change between here and the first entry of this one.
        await hold_configuration(session, caller.project_id)
        voucher, campaign = await _get(session, caller, code)
        repeated = await _repeated(session, caller, voucher, body)
        if repeated is not None:
            return repeated
        try:
            async with session.begin_nested():
                entry = await _enter(session, caller, voucher, campaign, body)
        except IntegrityError:  # the same change, made by another request since we looked
            repeated = await _repeated(session, caller, voucher, body)
            if repeated is None:
                raise
            return repeated
        voucher_as_read = (await read_all(session, caller, [(voucher, campaign)]))[0]
        balance, transaction = balance_read(entry), transaction_read(entry)
        events.changed(session, caller, voucher_as_read, campaign, balance.model_dump(mode="json"), transaction)
    return balance


async def list_of_voucher(
    db: Database,
    caller: Caller,
    code: str,
    query: TransactionQuery,
    *,
    of_type: str | None = None,
    campaign: str | None = None,
) -> dict[str, Any]:
    """The transactions of one voucher; `of_type` and `campaign` (name or id) say what it must be.

    Raises VoucherNotFound, CampaignNotFound, InvalidQuery.
    """
    async with db.read() as session:
        named = None if campaign is None else await get_campaign(session, caller, campaign)
        voucher, _ = await _get(session, caller, code)
        if of_type not in (None, voucher.type) or (named is not None and voucher.campaign_id != named.id):
            raise VoucherNotFound(code)
        entries = EntryRepository(session, caller.project_id)
        account = points_account(voucher.id) if voucher.type == "LOYALTY_CARD" else value_account(voucher.id)
        found = await entries.slice_of(account, query, When(clock.now(), caller.project.zone))
        return await listed(entries, found)


async def list_of_campaign(
    db: Database, caller: Caller, name_or_id: str, query: TransactionQuery, *, of_type: str | None = None
) -> dict[str, Any]:
    """The transactions of all vouchers of a campaign, which has the type `of_type` if that is given.

    Raises CampaignNotFound, InvalidQuery.
    """
    async with db.read() as session:
        campaign = await get_campaign(session, caller, name_or_id, of_type=of_type)
        entries = EntryRepository(session, caller.project_id)
        found = await entries.slice_of_campaign(campaign.id, query, When(clock.now(), caller.project.zone))
        return await listed(entries, found)


async def _get(session: AsyncSession, caller: Caller, code: str) -> tuple[Voucher, Campaign | None]:
    vouchers = VoucherRepository(session, caller.project_id, case_sensitive=caller.project.case_sensitive_codes)
    found = await vouchers.find_by_code(code)
    if found is None:
        raise VoucherNotFound(code)
    return found


async def _repeated(session: AsyncSession, caller: Caller, voucher: Voucher, body: BalanceChange) -> BalanceRead | None:
    """The answer to this change when it was made before. Raises DuplicateSourceId for another change of that name."""
    if body.source_id is None:
        return None
    entries = EntryRepository(session, caller.project_id)
    entry = await entries.adjustment(value_account(voucher.id), body.source_id)
    if entry is not None and entry.amount != body.amount:
        raise DuplicateSourceId(body.source_id, entry.amount)
    return None if entry is None else balance_read(entry)


async def _enter(
    session: AsyncSession, caller: Caller, voucher: Voucher, campaign: Campaign | None, body: BalanceChange
) -> Entry:
    """Move the money; gives the entry. Raises InvalidAdjustment, InvalidAmount."""
    gift = gift_of(voucher, campaign)
    if gift is None:
        raise InvalidAdjustment(f"{voucher.code} is a {voucher.type}, which has no balance.", resource_id=voucher.id)
    opening, entry_id = Opening(gift["amount"], voucher.created_at), new_id("vtx")
    movement = Movement(
        Posting(value_account(voucher.id), body.amount, 0),
        "issued" if body.amount > 0 else "removed",
        Cause("adjustment", body.source_id or entry_id),
        effective_at=clock.now(),
        opening=opening,
        actor=caller.actor,
        campaign_id=voucher.campaign_id,
        source_id=body.source_id,
        reason=body.reason,
        id=entry_id,
    )
    try:
        await apply(session, caller.project_id, (), [movement])
    except RanOut:
        raise InvalidAmount(
            f"{-body.amount} minor units cannot be taken from {voucher.code}, which holds less.", resource_id=voucher.id
        ) from None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != OUT_OF_RANGE:
            raise
        raise InvalidAmount(f"{voucher.code} cannot hold that much.", resource_id=voucher.id) from None
    entry = await EntryRepository(session, caller.project_id).find(entry_id)
    assert entry is not None  # it was just written
    return entry


def _causes(found: Slice[Entry], *types: CauseType) -> set[str]:
    return {entry.cause_id for entry in found.rows if entry.cause_type in types}


async def listed(entries: EntryRepository, found: Slice[Entry]) -> dict[str, Any]:
    """Entries as a list of transactions in JSON values."""
    purchases = {
        **await entries.purchases(_causes(found, "redemption", "rollback")),
        **await entries.refunded(_causes(found, "refund")),
    }
    body: dict[str, Any] = {
        "object": "list",
        "data_ref": "data",
        "data": [transaction_read(entry, purchases.get(entry.cause_id)) for entry in found.rows],
        "has_more": found.has_more,
    }
    return body | ({"more_starting_after": found.more_starting_after} if found.has_more else {})
