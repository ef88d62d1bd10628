"""Proving what value accounts hold: every balance from its entries, every entry from its hash."""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.postings import AccountKey

MOST_FAULTS = 1_000

# Each branch is one thing that must never be seen. Hashes are computed anew by the function that made them.
FAULTS = text(
    """
WITH entry AS MATERIALIZED (
    SELECT
        id, owner_id, measure, subject, period, position, counterpart, amount, balance, total, cause_type, hash,
        entry_hash(known) AS computed_hash, previous_hash,
        coalesce(lag(hash) OVER chain, '') AS hash_before,
        row_number() OVER chain AS place,
        sum(amount) OVER chain AS running_balance,
        sum(amount) FILTER (WHERE counterpart = 'issued') OVER chain AS running_total
    FROM entries AS known WHERE project_id = :project
    WINDOW chain AS (PARTITION BY owner_id, measure, subject, period ORDER BY position)
), summed AS (
    SELECT owner_id, measure, subject, period, sum(amount) AS balance, count(*) AS entries_count,
        (array_agg(hash ORDER BY position DESC))[1] AS last_hash
    FROM entry GROUP BY owner_id, measure, subject, period
), total AS (
    SELECT owner_id, measure, subject, period, jsonb_object_agg(counterpart, amount) AS totals
    FROM (
        SELECT owner_id, measure, subject, period, counterpart, sum(amount) AS amount FROM entry
        GROUP BY owner_id, measure, subject, period, counterpart
    ) AS by_counterpart
    GROUP BY owner_id, measure, subject, period
), account AS (
    SELECT * FROM accounts WHERE project_id = :project AND holds_value
), fault AS (
    SELECT owner_id, measure, subject, period, id, 'the entry is not as it was written' AS problem
    FROM entry WHERE hash <> computed_hash
    UNION ALL
    SELECT owner_id, measure, subject, period, id, 'an entry before it is missing or was changed'
    FROM entry WHERE previous_hash <> hash_before OR position <> place
    UNION ALL
    SELECT owner_id, measure, subject, period, id,
        format('it says that the account held %s, but the entries up to it add up to %s', balance, running_balance)
    FROM entry WHERE balance <> running_balance OR total <> coalesce(running_total, 0)
    UNION ALL
    SELECT owner_id, measure, subject, period, entry.id,
        format(
            'it opens the account with %s, but the voucher was made with %s',
            amount, coalesce(voucher.gift, campaign.gift) ->> 'amount'
        )
    FROM entry
    JOIN vouchers AS voucher ON voucher.project_id = :project AND voucher.id = entry.owner_id
    LEFT JOIN campaigns AS campaign ON campaign.project_id = :project AND campaign.id = voucher.campaign_id
    WHERE cause_type = 'opening' AND (coalesce(voucher.gift, campaign.gift) ->> 'amount')::numeric <> amount
    UNION ALL
    SELECT owner_id, measure, subject, period, NULL,
        format('the account holds %s, but its entries add up to %s', account.balance, coalesce(summed.balance, 0))
    FROM account LEFT JOIN summed USING (owner_id, measure, subject, period)
    WHERE account.balance <> coalesce(summed.balance, 0)
    UNION ALL
    SELECT owner_id, measure, subject, period, NULL, 'the account does not end in its last entry'
    FROM account LEFT JOIN summed USING (owner_id, measure, subject, period)
    WHERE account.entries_count IS DISTINCT FROM coalesce(summed.entries_count, 0)
        OR account.last_hash IS DISTINCT FROM coalesce(summed.last_hash, '')
    UNION ALL
    SELECT owner_id, measure, subject, period, NULL, 'the totals of the account are not those of its entries'
    FROM account LEFT JOIN total USING (owner_id, measure, subject, period)
    WHERE account.totals IS DISTINCT FROM coalesce(total.totals, '{}')
    UNION ALL
    SELECT owner_id, measure, subject, period, NULL, 'there are entries, but no account'
    FROM summed LEFT JOIN account USING (owner_id, measure, subject, period) WHERE account.balance IS NULL
)
SELECT * FROM fault ORDER BY owner_id, measure, subject, period, id NULLS LAST LIMIT :most
"""
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the ledger that cannot be: in which account, at which entry if it is one entry's, and what."""

    account: AccountKey
    entry_id: str | None
    problem: str


async def value_faults(session: AsyncSession, project_id: int) -> list[Fault]:
    """Everything wrong with the value accounts of a project, at most 1,000 findings; none is as it should be.

    Reads all entries of the project; what is changed meanwhile is seen whole or not at all.
    """
    rows = await session.execute(FAULTS, {"project": project_id, "most": MOST_FAULTS})
    return [Fault(AccountKey(*account), entry_id, problem) for *account, entry_id, problem in rows]
