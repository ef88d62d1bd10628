"""Accounts as Postgres sees them: arrays for `apply_postings`, and what a count should be, from the redemptions.

For counting accounts the redemptions are the record: any count can be made again from them.
"""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.identities import ACCOUNT_SUBJECT, SHARED_POOL
from app.engine.postings import MONEY, AccountKey, Posting, period_bounds
from app.models import Account, Redemption

PostingArrays = tuple[list[str], list[str], list[str], list[str], list[int], list[int | None]]

SENDER_COLUMNS = {"api_key": Redemption.api_key_id, "user": Redemption.user_login}


def posting_arrays(postings: Sequence[Posting]) -> PostingArrays:
    """Owners, measures, subjects, periods, amounts and floors, as `apply_postings` takes them."""
    accounts = [posting.account for posting in postings]
    return (
        [account.owner_id for account in accounts],
        [account.measure for account in accounts],
        [account.subject for account in accounts],
        [account.period for account in accounts],
        [posting.amount for posting in postings],
        [posting.floor for posting in postings],
    )


def counts_redemptions(project_id: int) -> ColumnElement[bool]:
    """The rows that counts are made of: successful redemptions of one redeemable, not rolled back.

    The parent of a stack stands for no redeemable of its own and is not counted.
    """
    return (
        (Redemption.project_id == project_id)
        & (Redemption.object == "redemption")
        & (Redemption.status == "SUCCEEDED")
        & (Redemption.related_object_type != "redemption")
    )


def buyers_of(redemption: Redemption) -> tuple[str, ...]:
    """The subjects of whom limits per customer counted a redemption for: what it says, else its customer."""
    if redemption.subjects is not None:
        return tuple(f"{kind}:{who}" for kind, who in redemption.subjects.items())
    return () if redemption.customer_id is None else (f"{ACCOUNT_SUBJECT}:{redemption.customer_id}",)


def _counted_for(subject: str) -> ColumnElement[bool]:
    """The rows that are counted for this subject."""
    kind, _, who = subject.partition(":")
    if kind in SENDER_COLUMNS:
        return SENDER_COLUMNS[kind].expression == who
    said: ColumnElement[bool] = Redemption.subjects[kind].astext == who
    if kind != ACCOUNT_SUBJECT:
        return said
    if who == SHARED_POOL:
        return Redemption.customer_id.is_(None) & said
    return (Redemption.customer_id == who) & (Redemption.subjects.is_(None) | said)


def measured(account: AccountKey) -> ColumnElement[int]:
    """How much the counted rows have used up, as a positive number."""
    if account.measure == "uses":
        return func.count()
    if account.measure == "units":
        return func.coalesce(func.sum(Redemption.units[account.owner_id][account.subject].as_integer()), 0)
    column = Redemption.ordered_amount if account.measure == "ordered" else Redemption.discounted_amount
    return func.coalesce(func.sum(column), 0)


def owner_column(owner_id: str) -> ColumnElement[str | None]:
    """Where a redemption names this owner: its campaign, or the redeemable itself."""
    column = Redemption.campaign_id if owner_id.startswith("camp_") else Redemption.related_object_id
    return column.expression


def period_of(name: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Half-open bounds of the period with this name (`2026-11-21`, `2026-W47`, `2026-11`) in `zone`."""
    if "W" in name:
        year, week = name.split("-W")
        return period_bounds("week", _noon(date.fromisocalendar(int(year), int(week), 1), zone), zone)
    if len(name) == len("2026-11"):
        return period_bounds("month", _noon(date.fromisoformat(f"{name}-01"), zone), zone)
    return period_bounds("day", _noon(date.fromisoformat(name), zone), zone)


def _noon(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=zone)


def _currency_of(subject: str) -> tuple[str | None, str]:
    """The currency that a count of money names, None for the project's, and the rest of its subject."""
    if not subject.startswith("currency:"):
        return None, subject
    currency, _, rest = subject.removeprefix("currency:").partition("|")
    return currency, rest


async def recount(session: AsyncSession, project_id: int, account: AccountKey, zone: ZoneInfo) -> int:
    """What the account should have counted, from the stored redemptions; a positive number."""
    rows = counts_redemptions(project_id) & (owner_column(account.owner_id) == account.owner_id)
    subject = "" if account.measure == "units" else account.subject
    if account.measure in MONEY:
        currency, subject = _currency_of(subject)
        rows &= Redemption.currency.is_not_distinct_from(currency)
    if subject:
        rows &= _counted_for(subject)
    if account.period:
        begin, end = period_of(account.period, zone)
        rows &= (Redemption.created_at >= begin) & (Redemption.created_at < end)
    return await session.scalar(select(measured(account)).where(rows)) or 0


async def open_accounts(session: AsyncSession, project_id: int, accounts: Sequence[AccountKey], zone: ZoneInfo) -> None:
    """Make the rows of counts that began after there were redemptions, each with what was redeemed before.

    Whoever posts to such an account, or takes a redemption back, opens it first, in a transaction that ends before:
    the row is then there for everybody, and of two who open it at once the second finds the first one's row.
    """
    for account in sorted(accounts):
        counted = await recount(session, project_id, account, zone)
        row = insert(Account).values(
            project_id=project_id, **account._asdict(), balance=-counted, floor=None, holds_value=literal(False)
        )
        await session.execute(row.on_conflict_do_nothing())
