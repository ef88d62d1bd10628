"""Does what is stored add up? Every count is made again from the redemptions, every sum from its parts."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.identities import SCOPES
from app.engine.postings import MONEY, AccountKey
from app.kit.db import Database
from app.ledger.accounts import recount
from app.ledger.chains import value_faults
from app.ledger.earning_checks import EARNING_CHECKS
from app.ledger.refund_checks import REFUND_CHECKS
from app.models import Account, Project

# The rows that a count is made of, and what they counted. The parent of a stack stands for no redeemable of its own.
_COUNTED = """
SELECT {owner} AS owner_id, {subject} AS subject, {period} AS period, {amount} AS counted
FROM redemptions
WHERE project_id = :project_id AND object = 'redemption' AND status = 'SUCCEEDED'
    AND related_object_type <> 'redemption' {of_currency}
GROUP BY 1, 2, 3
"""
_OWNERS = {"campaign": "campaign_id", "redeemable": "related_object_id"}
_AMOUNTS = {
    "uses": "count(*)",
    "ordered": "coalesce(sum(ordered_amount), 0)",
    "discounted": "coalesce(sum(discounted_amount), 0)",
}
_SUBJECTS = {
    "": "''",
    "currency": "'currency:' || currency",
    "customer": "'customer:' || CASE WHEN subjects IS NULL THEN customer_id ELSE subjects ->> 'customer' END",
    "api_key": "'api_key:' || api_key_id",
    "user": "'user:' || user_login",
}
_SUBJECTS |= {kind: f"'{kind}:' || (subjects ->> '{kind}')" for kind in SCOPES if kind != "account"}
_PERIODS = {
    "": "''",
    "day": "to_char(created_at AT TIME ZONE :timezone, 'YYYY-MM-DD')",
    "week": "to_char(created_at AT TIME ZONE :timezone, 'IYYY\"-W\"IW')",
    "month": "to_char(created_at AT TIME ZONE :timezone, 'YYYY-MM')",
}

_KINDS = text("""
SELECT DISTINCT
    measure,
    CASE WHEN owner_id LIKE 'camp\\_%' THEN 'campaign' ELSE 'redeemable' END AS scope,
    split_part(subject, ':', 1) AS subject,
    CASE WHEN period = '' THEN '' WHEN period LIKE '%W%' THEN 'week' WHEN length(period) = 7 THEN 'month' ELSE 'day' END
        AS period
FROM accounts WHERE project_id = :project_id AND measure IN ('uses', 'ordered', 'discounted')
""")

_ACCOUNTS = """
WITH counted AS ({counted}), stored AS (
    SELECT owner_id, subject, period, -balance AS stored FROM accounts
    WHERE project_id = :project_id AND measure = :measure AND (owner_id LIKE 'camp\\_%') = :of_campaign
        AND split_part(subject, ':', 1) = :subject_kind AND {of_period}
)
SELECT owner_id, subject, period, coalesce(stored, 0) AS stored, coalesce(counted, 0) AS counted
FROM stored {join} JOIN counted USING (owner_id, subject, period)
WHERE coalesce(stored, 0) <> coalesce(counted, 0)
ORDER BY owner_id, subject, period
"""
_OF_PERIOD = {
    "": "period = ''",
    "day": "period LIKE '____-__-__'",
    "week": "period LIKE '%W%'",
    "month": "period LIKE '____-__'",
}

_GRANTED = text("""
WITH given AS (
    SELECT unnest(ARRAY[reason_id, api_key_id]) AS owner_id, amount, created_at AT TIME ZONE :timezone AS given_at
    FROM goodwill WHERE project_id = :project_id AND cancelled_at IS NULL
), counted AS (
    SELECT owner_id, period, sum(amount) AS counted
    FROM given, unnest(ARRAY[
        '', to_char(given_at, 'YYYY-MM-DD'), to_char(given_at, 'IYYY"-W"IW'), to_char(given_at, 'YYYY-MM')
    ]) AS period
    GROUP BY owner_id, period
), stored AS (
    SELECT owner_id, period, -balance AS stored FROM accounts WHERE project_id = :project_id AND measure = 'granted'
)
SELECT owner_id, period, coalesce(stored, 0) AS stored, coalesce(counted, 0) AS counted
FROM stored FULL JOIN counted USING (owner_id, period)
WHERE coalesce(stored, 0) <> coalesce(counted, 0)
ORDER BY owner_id, period
""")

# Referees by program, referrer and month of qualifying; and those who were rewarded.
_REFERRED = text("""
WITH counting AS (
    SELECT 'referees' AS measure, campaign_id, referrer_id, qualified_at AT TIME ZONE :timezone AS counted_at
    FROM referrals WHERE project_id = :project_id AND status IN ('QUALIFIED', 'COOLING', 'REWARDED')
    UNION ALL
    SELECT 'rewarded', campaign_id, referrer_id, NULL FROM referrals
    WHERE project_id = :project_id AND status = 'REWARDED'
), counted AS (
    SELECT campaign_id AS owner_id, measure, subject, period, count(*) AS counted
    FROM counting, LATERAL (
        SELECT '' AS subject, '' AS period WHERE measure = 'referees'
        UNION ALL SELECT 'customer:' || referrer_id, ''
        UNION ALL SELECT 'customer:' || referrer_id, to_char(counted_at, 'YYYY-MM') WHERE measure = 'referees'
    ) AS account
    GROUP BY 1, 2, 3, 4
), stored AS (
    SELECT owner_id, measure, subject, period, -balance AS stored FROM accounts
    WHERE project_id = :project_id AND measure IN ('referees', 'rewarded')
)
SELECT concat_ws('/', owner_id, measure, nullif(subject, ''), nullif(period, '')) AS id,
    coalesce(stored, 0) AS stored, coalesce(counted, 0) AS counted
FROM stored FULL JOIN counted USING (owner_id, measure, subject, period)
WHERE coalesce(stored, 0) <> coalesce(counted, 0)
ORDER BY 1
""")

_CAMPAIGNS = text("""
SELECT campaign.id, campaign.vouchers_count AS stored, count(voucher.id) AS counted
FROM campaigns AS campaign
LEFT JOIN vouchers AS voucher ON voucher.project_id = campaign.project_id AND voucher.campaign_id = campaign.id
    AND voucher.deleted_at IS NULL
WHERE campaign.project_id = :project_id AND campaign.deleted_at IS NULL AND campaign.generation_status = 'DONE'
GROUP BY campaign.id, campaign.vouchers_count
HAVING campaign.vouchers_count <> count(voucher.id)
ORDER BY campaign.id
""")

_ORDERS = text("""
SELECT id, items_discount_amount AS stored, counted FROM (
    SELECT id, items_discount_amount, (
        SELECT coalesce(sum((item ->> 'discount_amount')::bigint), 0) FROM jsonb_array_elements(items) AS item
    ) AS counted
    FROM orders WHERE project_id = :project_id
) AS kept
WHERE items_discount_amount <> counted
ORDER BY id
""")


# What accounts say is held, beside what the holds on them add up to, expired ones included.
_HOLDS = text("""
WITH stored AS (
    SELECT owner_id, measure, subject, period, held FROM accounts WHERE project_id = :project_id AND held <> 0
), counted AS (
    SELECT owner_id, measure, subject, period, sum(amount) AS held FROM holds WHERE project_id = :project_id
    GROUP BY owner_id, measure, subject, period
)
SELECT owner_id, measure, subject, period, coalesce(stored.held, 0) AS stored, coalesce(counted.held, 0) AS counted
FROM stored FULL JOIN counted USING (owner_id, measure, subject, period)
WHERE coalesce(stored.held, 0) <> coalesce(counted.held, 0)
ORDER BY owner_id, measure, subject, period
""")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not add up: its name, what is stored, and what its parts make."""

    project: str
    what: str
    stored: int
    counted: int

    @property
    def problem(self) -> str:
        return f"{self.stored} stored, {self.counted} counted"


@dataclass(frozen=True, slots=True)
class Tampering:
    """An account that holds value and is not what its entries make it, or the entry that is not as it was written."""

    project: str
    account: AccountKey
    entry_id: str | None
    problem: str

    @property
    def what(self) -> str:
        account = f"account {'/'.join(part for part in self.account if part)}"
        return account if self.entry_id is None else f"{account} entry {self.entry_id}"


_PROJECTS = text("SELECT id FROM projects WHERE CAST(:public_id AS text) IS NULL OR public_id = :public_id ORDER BY id")


async def examine(db: Database, project_id: str | None = None) -> list[Difference | Tampering]:
    """Everything in the database that does not add up, project by project; each in one stable view.

    With the public id of a project only what is in there. Reads whole tables: minutes for millions of redemptions.
    """
    async with db.read() as session:
        projects = (await session.execute(_PROJECTS, {"public_id": project_id})).all()
    found: list[Difference | Tampering] = []
    for project in projects:
        async with db.read() as session:
            await session.execute(text("SET LOCAL statement_timeout = 0"))
            found += await examine_project(session, project.id)
    return found


async def examine_project(session: AsyncSession, project_id: int) -> list[Difference | Tampering]:
    """Everything in this project that does not add up."""
    project = (
        await session.execute(select(Project.id, Project.public_id, Project.timezone).where(Project.id == project_id))
    ).one()
    found: list[Difference | Tampering] = [
        *await _accounts_of(session, project),
        *await _units_of(session, project),
        *await _granted_of(session, project),
        *await _referred_of(session, project),
        *await _holds_of(session, project),
        *await _values_of(session, project),
    ]
    checks = (
        ("vouchers of campaign", _CAMPAIGNS),
        ("discounts on lines of order", _ORDERS),
        *REFUND_CHECKS,
        *EARNING_CHECKS,
    )
    for what, statement in checks:
        rows = await session.execute(statement, {"project_id": project.id})
        found += [Difference(project.public_id, f"{what} {row.id}", row.stored, row.counted) for row in rows]
    return found


async def _units_of(session: AsyncSession, project: Any) -> list[Difference]:
    """Limits on units of products; there are few, so each is recounted by itself."""
    accounts = select(Account).where(Account.project_id == project.id, Account.measure == "units")
    found = []
    for account in await session.scalars(accounts):
        key = AccountKey(account.owner_id, "units", account.subject, account.period)
        counted = await recount(session, project.id, key, ZoneInfo(project.timezone))
        if counted != -account.balance:
            name = "/".join(part for part in key if part)
            found.append(Difference(project.public_id, f"account {name}", -account.balance, counted))
    return found


async def _granted_of(session: AsyncSession, project: Any) -> list[Difference]:
    """What support gave away, by reason and by key, in each kind of period."""
    rows = await session.execute(_GRANTED, {"project_id": project.id, "timezone": project.timezone})
    return [
        Difference(
            project.public_id,
            f"account {'/'.join(part for part in (row.owner_id, 'granted', row.period) if part)}",
            row.stored,
            int(row.counted),
        )
        for row in rows
    ]


async def _referred_of(session: AsyncSession, project: Any) -> list[Difference]:
    """Referees that count against limits, and those who were rewarded."""
    values = {"project_id": project.id, "timezone": project.timezone}
    rows = await session.execute(_REFERRED, values)
    return [Difference(project.public_id, f"account {row.id}", row.stored, row.counted) for row in rows]


async def _holds_of(session: AsyncSession, project: Any) -> list[Difference]:
    """Accounts that do not know what sessions hold of them."""
    return [
        Difference(
            project.public_id,
            f"account {'/'.join(part for part in account if part)} is held",
            int(stored),
            int(counted),
        )
        for *account, stored, counted in await session.execute(_HOLDS, {"project_id": project.id})
    ]


async def _values_of(session: AsyncSession, project: Any) -> list[Tampering]:
    """Accounts whose entries, lots, balances or hashes do not agree, with the entry."""
    return [
        Tampering(project.public_id, fault.account, fault.entry_id, fault.problem)
        for fault in await value_faults(session, project.id)
    ]


def _of_currency(measure: str, subject: str) -> str:
    """Money in the project's currency, which redemptions do not name, is counted apart from that in others."""
    if measure not in MONEY:
        return ""
    return "AND currency IS NOT NULL" if subject == "currency" else "AND currency IS NULL"


async def _accounts_of(session: AsyncSession, project: Any) -> list[Difference]:
    """Accounts whose balance is not what the redemptions make it."""
    kinds = {tuple(kind) for kind in await session.execute(_KINDS, {"project_id": project.id})}
    # Uses of a redeemable are counted from its first redemption on, so that an account that is missing shows too.
    kinds.add(("uses", "redeemable", "", ""))
    found: list[Difference] = []
    for measure, scope, subject, period in sorted(kinds):
        counted = _COUNTED.format(
            owner=_OWNERS[scope],
            subject=_SUBJECTS[subject],
            period=_PERIODS[period],
            amount=_AMOUNTS[measure],
            of_currency=_of_currency(measure, subject),
        )
        is_always_counted = (measure, scope, subject, period) == ("uses", "redeemable", "", "")
        statement = _ACCOUNTS.format(
            counted=counted, of_period=_OF_PERIOD[period], join="FULL" if is_always_counted else "LEFT"
        )
        values = {
            "project_id": project.id,
            "measure": measure,
            "of_campaign": scope == "campaign",
            "subject_kind": subject,
        }
        if period:
            values["timezone"] = project.timezone
        for row in await session.execute(text(statement), values):
            name = "/".join(part for part in (row.owner_id, measure, row.subject, row.period) if part)
            found.append(Difference(project.public_id, f"account {name}", row.stored, row.counted))
    return found
