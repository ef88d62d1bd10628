"""The ledger's only writer, the guard of the configuration, and the job queue's tables."""

from typing import Any

from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from sqlalchemy.util import await_only

# The shared lock is held to the end of the statement that records a redemption; a change of configuration takes it
# exclusively. A function's own queries see what was committed while it waited, a plain statement would not.
REQUIRE_CONFIGURATION = """
CREATE FUNCTION require_configuration(project integer, version bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1, project);
    IF (SELECT configuration_version FROM projects WHERE id = project) IS DISTINCT FROM version THEN
        RAISE EXCEPTION 'the configuration has changed' USING ERRCODE = 'GU002';
    END IF;
END $$
"""

# Rows are locked in key order, so two requests wait for each other but never deadlock. A first posting makes the row.
# Fewer rows touched than postings sent means that something ran out: everything is undone, and DETAIL names it.
# The new balances come back in the order of the postings.
APPLY_POSTINGS = """
CREATE FUNCTION apply_postings(
    project integer, owners text[], measures text[], subjects text[], periods text[], amounts bigint[], floors bigint[]
) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    balances bigint[];
    missed text;
BEGIN
    WITH posting AS (
        SELECT * FROM unnest(owners, measures, subjects, periods, amounts, floors) WITH ORDINALITY
            AS posting (owner_id, measure, subject, period, amount, floor, position)
    ), applied AS (
        INSERT INTO accounts AS account (project_id, owner_id, measure, subject, period, balance, floor)
        SELECT project, owner_id, measure, subject, period, amount, floor FROM posting
        WHERE floor IS NULL OR amount >= floor
        ORDER BY owner_id COLLATE "C", measure COLLATE "C", subject COLLATE "C", period COLLATE "C"
        ON CONFLICT (project_id, owner_id, measure, subject, period) DO UPDATE
            SET balance = account.balance + excluded.balance, floor = excluded.floor
            WHERE excluded.floor IS NULL OR account.balance + excluded.balance >= excluded.floor
        RETURNING owner_id, measure, subject, period, balance
    )
    SELECT
        array_agg(balance ORDER BY position),
        string_agg(concat_ws('/', owner_id, measure, subject, period), ' ') FILTER (WHERE balance IS NULL)
    INTO balances, missed
    FROM posting LEFT JOIN applied USING (owner_id, measure, subject, period);
    IF missed IS NOT NULL THEN
        RAISE EXCEPTION 'nothing left' USING ERRCODE = 'GU001', DETAIL = missed;
    END IF;
    RETURN balances;
END $$
"""

# For a statement that finds in its middle that the world is not as it was read.
REFUSE_OUTDATED = """
CREATE FUNCTION refuse_outdated() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'changed since it was read' USING ERRCODE = 'GU002';
END $$
"""


def _execute_script(op: Any, script: str) -> None:
    """Run several statements at once, which a prepared statement cannot."""
    await_only(op.get_bind().connection.driver_connection.execute(script))


def create(op: Any) -> None:
    op.execute(REQUIRE_CONFIGURATION)
    op.execute(APPLY_POSTINGS)
    op.execute(REFUSE_OUTDATED)
    _execute_script(op, QueryBuilderEnvironment().build_install_query())


def drop(op: Any) -> None:
    _execute_script(op, QueryBuilderEnvironment().build_uninstall_query())
    op.execute("DROP FUNCTION refuse_outdated")
    op.execute("DROP FUNCTION apply_postings")
    op.execute("DROP FUNCTION require_configuration")
