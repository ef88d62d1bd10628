"""Proving what value accounts hold: every balance from its entries and lots, every entry from its hash."""

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
        transaction_id, reverses_id, lots,
        entry_hash(known) AS computed_hash, previous_hash,
        coalesce(lag(hash) OVER chain, '') AS hash_before,
        row_number() OVER chain AS place,
        sum(amount) OVER chain AS running_balance,
        sum(amount) FILTER (WHERE counterpart IN ('issued', 'earned')) OVER chain AS running_total
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
), part AS (
    SELECT entry.id, entry.reverses_id, moved ->> 0 AS lot_id, (moved ->> 1)::bigint AS amount
    FROM entry, jsonb_array_elements(entry.lots) AS moved
), moved_lot AS (
    SELECT lot_id, sum(amount) AS left_points, sum(amount) FILTER (WHERE amount > 0 AND reverses_id IS NULL) AS issued
    FROM part GROUP BY lot_id
), lot AS (
    SELECT * FROM lots WHERE project_id = :project
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
    WHERE cause_type = 'opening' AND measure = 'balance'
        AND (coalesce(voucher.gift, campaign.gift) ->> 'amount')::numeric <> amount
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
    UNION ALL
    SELECT owner_id, measure, subject, period, id, format('it moved %s, but %s of it in lots', amount, in_lots)
    FROM (
        SELECT *, (SELECT coalesce(sum((moved ->> 1)::bigint), 0) FROM jsonb_array_elements(lots) AS moved) AS in_lots
        FROM entry WHERE kept_in_lots(measure)
    ) AS known
    WHERE amount <> in_lots
    UNION ALL
    SELECT owner_id, measure, subject, period, NULL,
        format('the account holds %s, but its lots have %s left', account.balance, left_points)
    FROM account LEFT JOIN (
        SELECT owner_id, measure, subject, period, sum(lot.left_points) AS left_points FROM lot
        GROUP BY owner_id, measure, subject, period
    ) AS kept USING (owner_id, measure, subject, period)
    WHERE kept_in_lots(measure) AND account.balance <> coalesce(left_points, 0)
    UNION ALL
    SELECT owner_id, measure, subject, period, NULL,
        format(
            'lot %s has %s left of %s, but its entries make it %s of %s',
            id, lot.left_points, issued_points, coalesce(moved_lot.left_points, 0), coalesce(issued, 0)
        )
    FROM lot LEFT JOIN moved_lot ON lot_id = id
    WHERE lot.left_points <> coalesce(moved_lot.left_points, 0) OR issued_points <> coalesce(issued, 0)
    UNION ALL
    SELECT owner_id, measure, subject, period, id, format('lot %s, which it moved, is missing', lot_id)
    FROM entry JOIN part USING (id) WHERE NOT EXISTS (SELECT FROM lot WHERE lot.id = lot_id)
    UNION ALL
    SELECT reversed.owner_id, reversed.measure, reversed.subject, reversed.period, reversed.id,
        format('it moved %s, but %s of it was reversed', reversed.amount, -sum(entry.amount))
    FROM entry JOIN entry AS reversed ON reversed.id = entry.reverses_id
    GROUP BY reversed.owner_id, reversed.measure, reversed.subject, reversed.period, reversed.id, reversed.amount
    HAVING sign(sum(entry.amount)) = sign(reversed.amount) OR abs(sum(entry.amount)) > abs(reversed.amount)
    UNION ALL
    SELECT owner_id, measure, subject, period, id,
        format('what transaction %s moves between accounts adds up to %s', transaction_id, sum)
    FROM (
        SELECT *, sum(amount) OVER transaction AS sum, row_number() OVER transaction AS leg FROM entry
        WHERE counterpart = 'transferred' WINDOW transaction AS (PARTITION BY transaction_id)
    ) AS transferred
    WHERE sum <> 0 AND leg = 1
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
