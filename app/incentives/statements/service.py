"""Use cases of statements, one transaction each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.engine.postings import AccountKey, Measure
from app.incentives.statements.errors import AccountNotFound
from app.incentives.statements.repository import StatementRepository
from app.incentives.statements.schemas import (
    AccountBalanceRead,
    AccountQuery,
    AccountRead,
    BalanceQuery,
    CauseRead,
    EntryRead,
    StatementQuery,
    StatementRead,
)
from app.incentives.vouchers.repository import VoucherRepository
from app.incentives.vouchers.standing import gift_of
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import InvalidQuery
from app.kit.filters import When
from app.ledger.movements import Opening
from app.models import Campaign, Voucher

SECONDARY: frozenset[Measure] = frozenset({"owed"})
"""What is meant only by those who name it."""


@dataclass(frozen=True, slots=True)
class Found:
    """An account and how many entries it has. Without any it holds its `opening`, if it has one."""

    key: AccountKey
    balance: int
    entries_count: int
    opening: Opening | None


async def balance(db: Database, caller: Caller, owner: str, query: BalanceQuery) -> AccountBalanceRead:
    """What an account holds, or held. Raises AccountNotFound, InvalidQuery."""
    now = clock.now()
    at = now if query.at is None else When(now, caller.project.zone).localise(query.at)
    async with db.read() as session:
        found = await _find(session, caller, owner, query)
        rows = StatementRepository(session, caller.project_id)
        if not found.entries_count:
            held = found.opening.amount if found.opening is not None and found.opening.opened_at <= at else 0
        elif query.at is None:
            held = found.balance - await rows.expired(found.key, now)
        else:
            last = await rows.entries_before(found.key, found.entries_count, at + timedelta.resolution)
            held = await rows.balance_after(found.key, last)
    return AccountBalanceRead(account=AccountRead.of(found.key), balance=held, at=at)


async def statement(db: Database, caller: Caller, owner: str, query: StatementQuery) -> StatementRead:
    """The entries of an account in a period. Raises AccountNotFound, InvalidQuery."""
    now = clock.now()
    when = When(now, caller.project.zone)
    begin = None if query.from_ is None else when.localise(query.from_)
    end = now if query.to is None else when.localise(query.to)
    if begin is not None and begin > end:
        raise InvalidQuery("to", "The period ends before it begins.")
    async with db.read() as session:
        found = await _find(session, caller, owner, query)
        rows = StatementRepository(session, caller.project_id)
        first = 0 if begin is None else await rows.entries_before(found.key, found.entries_count, begin)
        # Until now is all there is, whether or not this machine's clock is behind the database's.
        is_until_now = query.to is None
        last = found.entries_count if is_until_now else await rows.entries_before(found.key, found.entries_count, end)
        read = StatementRead.model_validate(
            {
                "account": AccountRead.of(found.key),
                "from": begin,
                "to": end,
                "opening_balance": await rows.balance_after(found.key, first),
                "closing_balance": await rows.balance_after(found.key, last),
                "data": [],
                "has_more": False,
            }
        )
        if not found.entries_count:
            return _unopened(read, found.opening)
        if query.starting_after is not None:
            position = await rows.position_of(found.key, query.starting_after)
            if position is None:
                raise InvalidQuery("starting_after", "The account has no such entry.")
            first = max(first, position)
        entries = await rows.between(found.key, first, last, query.limit + 1)
    read.data = [EntryRead.of(entry) for entry in entries[: query.limit]]
    read.has_more = len(entries) > query.limit
    read.more_starting_after = read.data[-1].id if read.has_more else None
    return read


def _unopened(read: StatementRead, opening: Opening | None) -> StatementRead:
    """The statement of an account whose only movement, what it was made with, is entered with the next one."""
    if opening is None or not opening.amount or opening.opened_at >= read.to:
        return read
    read.closing_balance = opening.amount
    if read.from_ is not None and opening.opened_at < read.from_:
        read.opening_balance = opening.amount
        return read
    read.data = [
        EntryRead(
            id=None,
            amount=opening.amount,
            balance=opening.amount,
            counterpart="issued",
            cause=CauseRead(type="opening", id=read.account.owner_id),
            effective_at=opening.opened_at,
            recorded_at=opening.opened_at,
        )
    ]
    return read


async def _find(session: AsyncSession, caller: Caller, owner: str, query: AccountQuery) -> Found:
    """The account that is meant, of those that the owner has. Raises AccountNotFound, InvalidQuery."""
    vouchers = VoucherRepository(session, caller.project_id, case_sensitive=caller.project.case_sensitive_codes)
    voucher = await vouchers.find_by_code(owner)
    owner_id = owner if voucher is None else voucher[0].id
    openings = {} if voucher is None else _openings(owner_id, *voucher)
    accounts = {key: Found(key, opening.amount, 0, opening) for key, opening in openings.items()}
    for row in await StatementRepository(session, caller.project_id).accounts_of(owner_id):
        key = AccountKey(row.owner_id, row.measure, row.subject, row.period)  # type: ignore[arg-type]  # as stored
        accounts[key] = Found(key, row.balance, row.entries_count or 0, openings.get(key))
    meant = [found for key, found in accounts.items() if _is_meant(key, query, caller.project.currency)]
    if not meant:
        raise AccountNotFound(owner)
    if len(meant) > 1:
        raise _ambiguous(meant, query)
    return meant[0]


def _is_meant(key: AccountKey, query: AccountQuery, own_currency: str | None) -> bool:
    if query.measure is None and key.measure in SECONDARY:
        return False
    if query.measure is not None and key.measure != query.measure:
        return False
    subject = "" if query.currency == own_currency else f"currency:{query.currency}"
    return query.currency is None or key.subject == subject


def _ambiguous(meant: list[Found], query: AccountQuery) -> InvalidQuery:
    measures = sorted({found.key.measure for found in meant})
    if len(measures) > 1:
        return InvalidQuery("measure", f"The owner has accounts of {' and '.join(measures)}; say which one.")
    currencies = sorted(found.key.subject.removeprefix("currency:") or "the project's currency" for found in meant)
    return InvalidQuery("currency", f"The owner has accounts in {', '.join(currencies)}; say which one.")


def _openings(owner_id: str, voucher: Voucher, campaign: Campaign | None) -> Mapping[AccountKey, Opening]:
    """What the voucher was made with, by account."""
    gift = gift_of(voucher, campaign)
    return {} if gift is None else {AccountKey(owner_id, "balance"): Opening(gift["amount"], voucher.created_at)}
