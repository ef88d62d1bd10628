"""Proving refunds: no unit came back twice, nothing was given back that was not paid, and cards have what refunds say.

Each statement gives rows `id, stored, counted` of what does not add up in one project.
"""

from typing import Final

from sqlalchemy import text

_SPANS = """
SELECT refund.order_id, (line ->> 'index')::integer AS index, (line ->> 'quantity')::bigint AS quantity,
    (span ->> 'first')::bigint AS first, (span ->> 'last')::bigint AS last
FROM refunds AS refund, jsonb_array_elements(refund.lines) AS line, jsonb_array_elements(line -> 'units') AS span
WHERE refund.project_id = :project_id
"""

_HEADS = """
SELECT order_id, unit_amounts, (order_snapshot ->> 'total_amount')::bigint AS total_amount FROM redemptions
WHERE project_id = :project_id AND unit_amounts IS NOT NULL
    AND order_id IN (SELECT order_id FROM refunds WHERE project_id = :project_id)
"""

UNITS_ONCE: Final = text(f"""
WITH span AS ({_SPANS})
SELECT order_id || ' line ' || index AS id, stored, counted FROM (
    SELECT order_id, index, sum(last - first + 1)::bigint AS stored,
        (SELECT sum(upper(part) - lower(part))::bigint FROM unnest(range_agg(int8range(first, last, '[]'))) AS part)
            AS counted
    FROM span GROUP BY order_id, index
) AS line
WHERE stored <> counted ORDER BY id
""")

UNITS_THERE: Final = text(f"""
WITH span AS ({_SPANS}), head AS ({_HEADS}), line AS (
    SELECT order_id, index, max(last) AS stored FROM span GROUP BY order_id, index
)
SELECT order_id || ' line ' || index AS id, stored, counted FROM (
    SELECT line.*, (
        SELECT coalesce(max((
            SELECT sum(split_part(run, 'x', 1)::bigint)
            FROM regexp_split_to_table(split_part(unit_amounts, '/', index + 1), '[+]') AS run WHERE run <> ''
        )), 0)::bigint FROM head WHERE head.order_id = line.order_id
    ) AS counted
    FROM line
) AS known
WHERE stored > counted ORDER BY id
""")

NOT_MORE_THAN_PAID: Final = text(f"""
WITH head AS ({_HEADS}), given AS (
    SELECT order_id, sum(amount + credits)::bigint AS stored FROM refunds
    WHERE project_id = :project_id GROUP BY order_id
)
SELECT order_id AS id, stored, counted FROM (
    SELECT given.*, (
        SELECT coalesce(max(total_amount), 0) FROM head WHERE head.order_id = given.order_id
    ) + (
        SELECT coalesce(sum(CASE WHEN reward IS NULL THEN amount ELSE discounted_amount END), 0)::bigint
        FROM redemptions
        WHERE project_id = :project_id AND amount IS NOT NULL AND object = 'redemption' AND result = 'SUCCESS'
            AND redemptions.order_id = given.order_id
    ) AS counted
    FROM given
) AS known
WHERE stored > counted ORDER BY id
""")

CREDITS_NOT_MORE_THAN_PAID: Final = text("""
SELECT id, stored, counted FROM (
    SELECT given_back.id, stored,
        coalesce(CASE WHEN redemption.reward IS NULL THEN redemption.amount ELSE discounted_amount END, 0) AS counted
    FROM (
        SELECT given ->> 'redemption_id' AS id, sum((given ->> 'credits')::bigint)::bigint AS stored
        FROM refunds, jsonb_array_elements(redeemables) AS given WHERE project_id = :project_id GROUP BY 1
    ) AS given_back
    LEFT JOIN redemptions AS redemption ON redemption.project_id = :project_id AND redemption.id = given_back.id
) AS known
WHERE stored > counted ORDER BY id
""")

# What paid with points has them back instead of credits.
CREDITS_MOVED: Final = text("""
WITH entry AS (
    SELECT split_part(cause_id, ':', 1) AS id, sum(amount)::bigint AS counted FROM entries
    WHERE project_id = :project_id AND cause_type = 'refund' GROUP BY 1
), refund AS (
    SELECT id, credits + (
        SELECT coalesce(sum((given ->> 'points')::bigint - (given ->> 'credits')::bigint), 0)
        FROM jsonb_array_elements(redeemables) AS given WHERE given ? 'points'
    ) AS credits
    FROM refunds WHERE project_id = :project_id
)
SELECT id, coalesce(credits, 0) AS stored, coalesce(counted, 0) AS counted FROM refund FULL JOIN entry USING (id)
WHERE coalesce(credits, 0) <> coalesce(counted, 0) ORDER BY id
""")

NONE_MISSING: Final = text("""
SELECT order_id AS id, max(position) AS stored, count(*) AS counted FROM refunds WHERE project_id = :project_id
GROUP BY order_id HAVING max(position) <> count(*) ORDER BY order_id
""")

REFUND_CHECKS: Final = (
    ("units returned of order", UNITS_ONCE),
    ("last unit returned of order", UNITS_THERE),
    ("given back for order", NOT_MORE_THAN_PAID),
    ("credits given back for redemption", CREDITS_NOT_MORE_THAN_PAID),
    ("credits of refund", CREDITS_MOVED),
    ("refunds of order", NONE_MISSING),
)
"""What each finding is about, and the statement that finds it."""
