"""What keeps clients of the client-side API within their limits."""

from typing import Any

# All subjects or none: each is brought to its window first, which locks its row, in the order of their names. What is
# asked for is taken only when every one of them has it. The clock is read once, so that no window ends half-way.
TAKE_ALLOWANCES = """
CREATE FUNCTION take_allowances(
    project integer, subjects text[], allowed bigint[], amount bigint, seconds double precision,
    OUT is_taken boolean, OUT used bigint[], OUT ends_at timestamptz[], OUT seconds_left double precision
) LANGUAGE plpgsql AS $$
DECLARE
    moment CONSTANT timestamptz := clock_timestamp();
BEGIN
    WITH brought AS (
        INSERT INTO client_allowances AS known (project_id, subject, used, ends_at)
        SELECT project, asked.subject, 0, moment + make_interval(secs => seconds)
        FROM unnest(subjects) AS asked (subject) ORDER BY asked.subject
        ON CONFLICT (project_id, subject) DO UPDATE SET
            used = CASE WHEN known.ends_at <= moment THEN 0 ELSE known.used END,
            ends_at = CASE WHEN known.ends_at <= moment THEN excluded.ends_at ELSE known.ends_at END
        RETURNING known.subject, known.used, known.ends_at
    )
    SELECT
        bool_and(brought.used + amount <= asked.allowed),
        array_agg(brought.used ORDER BY asked.place),
        array_agg(brought.ends_at ORDER BY asked.place),
        extract(epoch FROM max(brought.ends_at) FILTER (WHERE brought.used + amount > asked.allowed) - moment)
    INTO is_taken, used, ends_at, seconds_left
    FROM unnest(subjects, allowed) WITH ORDINALITY AS asked (subject, allowed, place)
        JOIN brought ON brought.subject = asked.subject;
    IF is_taken THEN
        UPDATE client_allowances AS known SET used = known.used + amount
        WHERE known.project_id = project AND known.subject = ANY (subjects);
    END IF;
END $$
"""


def create(op: Any) -> None:
    """Install the functions of this release."""
    op.execute(TAKE_ALLOWANCES)


def drop(op: Any) -> None:
    """Bring back those of the release before."""
    op.execute("DROP FUNCTION take_allowances")
