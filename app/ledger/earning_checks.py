"""Proving earnings: each put its points somewhere, and limits of earning rules have counted what they say.

Each statement gives rows `id, stored, counted` of what does not add up in one project.
"""

from typing import Final

from sqlalchemy import text

_CAUSE = """
earning.rule_id || ':' || earning.cause_id || CASE WHEN earning.round > 1 THEN ':' || earning.round ELSE '' END
"""

POINTS_GIVEN: Final = text(f"""
SELECT earning.id, earning.points AS stored, 0 AS counted
FROM points_earnings AS earning
WHERE earning.project_id = :project_id
    AND NOT EXISTS (
        SELECT FROM entries AS entry
        WHERE entry.project_id = earning.project_id AND entry.owner_id = earning.voucher_id
            AND entry.measure = 'points' AND entry.subject = '' AND entry.period = ''
            AND entry.cause_type = 'earning' AND entry.cause_id = {_CAUSE} AND entry.amount = earning.points
    )
    AND NOT EXISTS (
        SELECT FROM pending_points AS pending
        WHERE pending.project_id = earning.project_id AND pending.cause_type = 'earning' AND pending.cause_id = {_CAUSE}
    )
ORDER BY earning.id
""")

LIMITS_COUNTED: Final = text("""
WITH counted AS (
    SELECT rule_id AS owner_id, measure, 'card:' || voucher_id AS subject, period,
        CASE measure WHEN 'earned' THEN sum(points - taken_back_points)
            ELSE count(*) FILTER (WHERE taken_back_points < points) END AS counted
    FROM points_earnings, jsonb_each(counted) AS kind (measure, periods),
        jsonb_array_elements_text(periods) AS period
    WHERE project_id = :project_id GROUP BY 1, 2, 3, 4
), stored AS (
    SELECT owner_id, measure, subject, period, -balance AS stored FROM accounts
    WHERE project_id = :project_id AND measure IN ('earned', 'earnings')
)
SELECT concat_ws('/', owner_id, measure, subject, nullif(period, '')) AS id, coalesce(stored, 0) AS stored,
    coalesce(counted, 0)::bigint AS counted
FROM stored FULL JOIN counted USING (owner_id, measure, subject, period)
WHERE coalesce(stored, 0) <> coalesce(counted, 0)
ORDER BY id
""")

EARNING_CHECKS: Final = (("points of earning", POINTS_GIVEN), ("account", LIMITS_COUNTED))
