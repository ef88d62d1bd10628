"""The statement that reads everything a decision may depend on, for all requests that wait for it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

from app.decisions.automatic import AUTOMATIC
from app.kit.db import Connection, to_json

# One round trip, for any number of requests: starting a statement costs several times what it does for one of them.
# Every branch is a look-up by key, so the cost depends on the carts and not on how much is stored. Arrays rather than
# joins: a plan made while a table was small would join by reading all accounts of the project.
SNAPSHOTS: Final = f"""
SELECT found.* FROM ROWS FROM (jsonb_to_recordset($2) AS (
    codes text[], voucher_ids text[], customer_id text, customer_source_id text, order_id text, order_source_id text,
    subjects text[], periods text[], owner_ids text[], email text
)) WITH ORDINALITY AS asked (
    codes, voucher_ids, customer_id, customer_source_id, order_id, order_source_id, subjects, periods, owner_ids, email,
    number
)
CROSS JOIN LATERAL (
    WITH customer AS MATERIALIZED (
        SELECT known, id, normal_email FROM customers AS known
        WHERE project_id = $1 AND (id = asked.customer_id OR source_id = asked.customer_source_id)
    ), voucher AS MATERIALIZED (
        SELECT known, id, campaign_id, type FROM vouchers AS known
        WHERE project_id = $1 AND (normal_code = ANY (asked.codes) OR id = ANY (asked.voucher_ids))
            AND deleted_at IS NULL
        UNION ALL
        SELECT * FROM ({AUTOMATIC}) AS automatic
    )
    SELECT
        (SELECT configuration_version FROM projects WHERE id = $1) AS version,
        (SELECT version FROM catalogues WHERE project_id = $1) AS catalogue_version,
        ARRAY(SELECT known FROM voucher) AS vouchers,
        (SELECT known FROM customer) AS customer,
        (
            SELECT known FROM orders AS known
            WHERE project_id = $1 AND (id = asked.order_id OR source_id = asked.order_source_id)
        ) AS kept_order,
        ARRAY(SELECT known FROM validation_rule_assignments AS known
            WHERE project_id = $1 AND related_object_id = ANY (ARRAY(SELECT id FROM voucher))) AS assignments,
        ARRAY(SELECT known FROM accounts AS known
            WHERE project_id = $1
                AND owner_id = ANY (ARRAY(SELECT unnest(ARRAY[id, campaign_id]) FROM voucher) || asked.owner_ids)
                AND measure = ANY ('{{uses,ordered,discounted}}')
                AND subject = ANY (asked.subjects || ARRAY['customer:' || (SELECT id FROM customer)])
                AND period = ANY (asked.periods)) AS accounts,
        ARRAY(SELECT known FROM accounts AS known
            WHERE project_id = $1 AND owner_id = ANY (ARRAY(SELECT id FROM voucher WHERE type <> 'DISCOUNT_VOUCHER'))
                AND measure = ANY ('{{balance,points}}') AND subject = '' AND period = '') AS holdings
) AS found
ORDER BY asked.number
"""

Row = Mapping[str, Any]


class Asked(TypedDict):
    """What a request names: vouchers by normal code and id, its customer and order by our id or the shop's, the
    subjects and periods for which is counted, promotion tiers and their campaigns by id (`owner_ids`), and the mail
    address by which automatic codes are found (`automatic.email_to_match`)."""

    codes: Sequence[str]
    voucher_ids: Sequence[str]
    customer_id: str | None
    customer_source_id: str | None
    order_id: str | None
    order_source_id: str | None
    subjects: Sequence[str]
    periods: Sequence[str]
    owner_ids: Sequence[str]
    email: str | None


async def read_rows(connection: Connection, project_id: int, asked: Sequence[Asked]) -> Sequence[Row]:
    """What the project has of what is asked for, one row for each request, in their sequence."""
    rows: Sequence[Row] = await connection.fetch(SNAPSHOTS, project_id, to_json(asked))
    return rows
