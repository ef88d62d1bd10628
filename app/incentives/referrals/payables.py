"""What the shop owes those who refer others for cash: listed, exported, and paid out."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller, ProjectView
from app.commerce.customers.repository import CustomerRepository
from app.engine.money import Currency
from app.engine.postings import AccountKey, Posting
from app.incentives.balances.errors import DuplicateSourceId, InvalidAmount
from app.incentives.balances.repository import EntryRepository
from app.kit import clock
from app.kit.db import Database
from app.kit.ids import new_id
from app.kit.lists import Listing
from app.kit.outbox import announce
from app.kit.wire import Metadata, WireIn, WireOut
from app.ledger.apply import apply
from app.ledger.errors import RanOut
from app.ledger.movements import Cause, Holdings, Movement
from app.models import Account, Customer

CURRENCY = "currency:"
EXPORT_ROUND = 1_000
COLUMNS = ("customer_id", "source_id", "currency", "payable_amount", "paid_amount")


class PayableQuery(Listing):
    """What the list of payables can be asked; one customer has a line for each currency."""

    orders: ClassVar = {"customer_id": Account.owner_id}

    order: str = "customer_id"
    customer: Annotated[str | None, Field(description="The customer's id or your `source_id`.")] = None
    starting_after: Annotated[str | None, Field(description="`more_starting_after` of the page before.")] = None

    @classmethod
    def order_names(cls) -> list[str]:
        return ["customer_id"]


class PayableRead(WireOut):
    """What is owed to one customer in one currency, in minor units."""

    nullable: ClassVar[frozenset[str]] = frozenset({"source_id", "currency"})

    customer_id: str
    source_id: str | None
    currency: str | None
    payable_amount: Annotated[int, Field(description="What is owed now.")]
    earned_amount: Annotated[int, Field(description="All that was ever earned by referrals.")]
    paid_amount: Annotated[int, Field(description="What was paid out of it.")]
    object: Literal["referral_payable"] = "referral_payable"


class PayableList(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[PayableRead]
    has_more: bool
    more_starting_after: str | None = None


class PayoutIn(WireIn):
    """Money that was paid to a customer outside of Guerdon."""

    customer: Annotated[str, Field(min_length=1, max_length=500, description="The customer's id or your `source_id`.")]
    amount: Annotated[int, Field(ge=1, le=2**63 - 1, description="Minor units.")]
    currency: Annotated[Currency | None, Field(description="The project's when left out.")] = None
    source_id: Annotated[
        str | None, Field(min_length=1, max_length=255, description="Your id of the payment: it is noted once.")
    ] = None
    reason: Annotated[str | None, Field(max_length=500)] = None
    metadata: Metadata = Field(default_factory=dict)


def payable_account(project: ProjectView, customer_id: str, currency: str | None) -> AccountKey:
    """The account of what the shop owes a customer in one currency; that of the project's has no name."""
    subject = "" if currency is None or currency == project.currency else f"{CURRENCY}{currency}"
    return AccountKey(customer_id, "payable", subject)


async def search(db: Database, caller: Caller, query: PayableQuery) -> PayableList:
    """Customers to whom something is owed. Raises NotFound for an unknown customer, InvalidQuery."""
    async with db.read() as session:
        rows = _payables(caller.project_id)
        if query.customer is not None:
            customer = await CustomerRepository(session, caller.project_id).get(query.customer)
            rows = rows.where(Account.owner_id == customer.id)
        found = await _after(session, rows, query.starting_after or "", query.limit + 1)
    page = [_read(caller.project, *row) for row in found[: query.limit]]
    has_more = len(found) > query.limit
    last = found[query.limit - 1][0] if has_more else None
    return PayableList(data=page, has_more=has_more, more_starting_after=_cursor(last) if last else None)


async def export(db: Database, caller: Caller) -> AsyncIterator[str]:
    """All that is owed, as lines of CSV (RFC 4180), read a thousand customers at a time."""
    yield _line(COLUMNS)
    after = ""
    while True:
        async with db.read() as session:
            found = await _after(session, _payables(caller.project_id), after, EXPORT_ROUND)
        for account, source_id in found:
            payable = _read(caller.project, account, source_id)
            yield _line([getattr(payable, column) for column in COLUMNS])
        if len(found) < EXPORT_ROUND:
            return
        after = _cursor(found[-1][0])


async def pay_out(db: Database, caller: Caller, body: PayoutIn) -> PayableRead:
    """Note that money was paid: it is owed no more. With a `source_id` it is noted once, however often it is sent.

    Raises NotFound for an unknown customer, InvalidAmount when less is owed, DuplicateSourceId.
    """
    async with db.write() as session:
        customer = await CustomerRepository(session, caller.project_id).get(body.customer)
        account = payable_account(caller.project, customer.id, body.currency)
        if not await _repeats(session, caller, account, body):
            try:
                async with session.begin_nested():
                    await _enter(session, caller, account, body)
            except IntegrityError:  # the same payment, sent twice at once
                if not await _repeats(session, caller, account, body):
                    raise
        row = await session.get_one(Account, (caller.project_id, *account), populate_existing=True)
        return _read(caller.project, row, customer.source_id)


async def _repeats(session: AsyncSession, caller: Caller, account: AccountKey, body: PayoutIn) -> bool:
    """Whether this payment was noted before. Raises DuplicateSourceId for another one of that name."""
    if body.source_id is None:
        return False
    entry = await EntryRepository(session, caller.project_id).adjustment(account, body.source_id)
    if entry is not None and entry.amount != -body.amount:
        raise DuplicateSourceId(body.source_id, entry.amount)
    return entry is not None


async def _enter(session: AsyncSession, caller: Caller, account: AccountKey, body: PayoutIn) -> None:
    entry_id = new_id("vtx")
    movement = Movement(
        Posting(account, -body.amount, 0),
        "removed",
        Cause("adjustment", body.source_id or entry_id),
        effective_at=clock.now(),
        actor=caller.actor,
        source_id=body.source_id,
        reason=body.reason,
        id=entry_id,
        details={"metadata": body.metadata} if body.metadata else None,
    )
    try:
        await apply(session, caller.project_id, (), [movement])
    except RanOut:
        raise InvalidAmount(
            f"{account.owner_id} is owed less than {body.amount} minor units in this currency.",
            resource_id=account.owner_id,
        ) from None
    changes = {"amount": body.amount, "transaction_id": movement.transaction_id, "source_id": body.source_id}
    record(session, caller, "referral.payout.created", "customer", account.owner_id, changes)
    data = {"customer": {"id": account.owner_id, "object": "customer"}, "amount": body.amount, "entry_id": entry_id}
    announce(session, caller.project_id, "referral.payout.created", account.owner_id, data)


def _payables(project_id: int) -> Select[Account, str | None]:
    """Accounts on which something is owed, and the shop's ids of their customers."""
    return (
        select(Account, Customer.source_id)
        .outerjoin(Customer, (Customer.project_id == Account.project_id) & (Customer.id == Account.owner_id))
        .where(Account.project_id == project_id, Account.measure == "payable", Account.balance > 0)
    )


async def _after(session: AsyncSession, rows: Select[Any, Any], cursor: str, limit: int) -> list[Any]:
    """The rows that follow the one with this cursor."""
    owner_id, _, subject = cursor.partition(" ")
    if cursor:
        rows = rows.where(
            (Account.owner_id > owner_id) | ((Account.owner_id == owner_id) & (Account.subject > subject))
        )
    found = await session.execute(rows.order_by(Account.owner_id, Account.subject).limit(limit))
    return list(found.all())


def _cursor(account: Account) -> str:
    return f"{account.owner_id} {account.subject}"


def _read(project: ProjectView, account: Account, source_id: str | None) -> PayableRead:
    holdings = Holdings(account.balance, account.totals or {})
    return PayableRead(
        customer_id=account.owner_id,
        source_id=source_id,
        currency=account.subject.removeprefix(CURRENCY) or project.currency,
        payable_amount=account.balance,
        earned_amount=holdings.issued_amount,
        paid_amount=holdings.subtracted_amount,
    )


def _line(values: Any) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue()
