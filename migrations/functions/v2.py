"""What the second release changes in the functions of the ledger: accounts that hold value write entries."""

from typing import Any

from migrations.functions import v1

# What the hash of an entry covers, in this sequence, as the text of a JSON array. Instants are microseconds since 1970,
# because their text depends on the session.
ENTRY_HASH = """
CREATE FUNCTION entry_hash(entry entries) RETURNS bytea LANGUAGE sql STABLE AS $$
SELECT sha256(convert_to(jsonb_build_array(
    encode(entry.previous_hash, 'hex'), entry.project_id, entry.id,
    entry.owner_id, entry.measure, entry.subject, entry.period, entry.position,
    entry.counterpart, entry.amount, entry.balance, entry.total, entry.cause_type, entry.cause_id,
    entry.actor, entry.campaign_id, entry.source_id, entry.reason,
    (extract(epoch FROM entry.effective_at) * 1000000)::bigint,
    (extract(epoch FROM entry.recorded_at) * 1000000)::bigint
)::text, 'UTF8'))
$$
"""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever added to', TG_TABLE_NAME USING ERRCODE = 'GU003';
END $$
"""

ENTRIES_ARE_ONLY_ADDED = """
CREATE TRIGGER entries_are_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
"""

# One account after the other, in key order, each locked before it is looked at: the chain of an account's entries can
# therefore not fork. An account without a row holds its opening amount: row and opening entry come with the first
# movement. Below the floor everything is undone, and DETAIL names the account.
APPLY_MOVEMENTS = """
CREATE FUNCTION apply_movements(project integer, movements jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    given record;
    account accounts;
    entry entries;
    moved jsonb := '[]';
BEGIN
    FOR given IN
        SELECT * FROM jsonb_to_recordset(movements) AS movement (
            owner_id text, measure text, subject text, period text, id text, amount bigint, floor bigint,
            counterpart text,
            cause_type text, cause_id text, actor text, campaign_id text, source_id text, reason text,
            effective_at timestamptz, opening_id text, opening_amount bigint, opened_at timestamptz
        )
        ORDER BY owner_id COLLATE "C", measure COLLATE "C", subject COLLATE "C", period COLLATE "C", id COLLATE "C"
    LOOP
        LOOP
            SELECT * INTO account FROM accounts AS known
            WHERE known.project_id = project AND known.owner_id = given.owner_id AND known.measure = given.measure
                AND known.subject = given.subject AND known.period = given.period
            FOR UPDATE;
            EXIT WHEN FOUND;
            INSERT INTO accounts (
                project_id, owner_id, measure, subject, period, holds_value, balance, floor, entries_count, last_hash,
                totals
            ) VALUES (
                project, given.owner_id, given.measure, given.subject, given.period, true, 0, 0, 0, '', '{}'
            ) ON CONFLICT DO NOTHING;
        END LOOP;
        entry.project_id := project;
        entry.owner_id := given.owner_id;
        entry.measure := given.measure;
        entry.subject := given.subject;
        entry.period := given.period;
        entry.actor := given.actor;
        entry.campaign_id := given.campaign_id;
        entry.recorded_at := clock_timestamp();
        IF account.entries_count = 0 AND given.opening_amount > 0 THEN
            entry.id := given.opening_id;
            entry.counterpart := 'issued';
            entry.amount := given.opening_amount;
            entry.cause_type := 'opening';
            entry.cause_id := given.owner_id;
            entry.source_id := NULL;
            entry.reason := NULL;
            entry.effective_at := given.opened_at;
            account := add_entry(account, entry);
        END IF;
        IF account.balance + given.amount < given.floor THEN
            RAISE EXCEPTION 'nothing left' USING ERRCODE = 'GU001',
                DETAIL = concat_ws('/', given.owner_id, given.measure, given.subject, given.period);
        END IF;
        entry.id := given.id;
        entry.counterpart := given.counterpart;
        entry.amount := given.amount;
        entry.cause_type := given.cause_type;
        entry.cause_id := given.cause_id;
        entry.source_id := given.source_id;
        entry.reason := given.reason;
        entry.effective_at := given.effective_at;
        account := add_entry(account, entry);
        UPDATE accounts AS known
        SET balance = account.balance, entries_count = account.entries_count, last_hash = account.last_hash,
            totals = account.totals
        WHERE known.project_id = project AND known.owner_id = given.owner_id AND known.measure = given.measure
            AND known.subject = given.subject AND known.period = given.period;
        moved := moved || jsonb_build_array(jsonb_build_array(
            given.owner_id, given.measure, given.subject, given.period, account.balance, account.totals
        ));
    END LOOP;
    RETURN moved;
END $$
"""

ADD_ENTRY = """
CREATE FUNCTION add_entry(account accounts, entry entries) RETURNS accounts LANGUAGE plpgsql AS $$
BEGIN
    account.balance := account.balance + entry.amount;
    account.entries_count := account.entries_count + 1;
    account.totals := account.totals || jsonb_build_object(
        entry.counterpart, coalesce((account.totals ->> entry.counterpart)::bigint, 0) + entry.amount
    );
    entry.position := account.entries_count;
    entry.balance := account.balance;
    entry.total := coalesce((account.totals ->> 'issued')::bigint, 0);
    entry.previous_hash := account.last_hash;
    entry.hash := entry_hash(entry);
    account.last_hash := entry.hash;
    INSERT INTO entries VALUES (entry.*);
    RETURN account;
END $$
"""

# The one place where balances move. Counting accounts as before, and after them, in key order too, the accounts that
# hold value: nothing posts to one of those without an entry.
APPLY_POSTINGS = """
CREATE FUNCTION apply_postings(
    project integer, owners text[], measures text[], subjects text[], periods text[], amounts bigint[], floors bigint[],
    movements jsonb, OUT balances bigint[], OUT moved jsonb
) LANGUAGE plpgsql AS $$
DECLARE
    missed text;
BEGIN
    IF 'balance' = ANY (measures) THEN
        RAISE EXCEPTION 'accounts that hold value are moved with an entry';
    END IF;
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
    IF movements IS NOT NULL THEN
        moved := apply_movements(project, movements);
    END IF;
END $$
"""


def create(op: Any) -> None:
    """Install the functions of this release."""
    op.execute("DROP FUNCTION apply_postings")
    for statement in (
        ENTRY_HASH,
        REFUSE_CHANGE,
        ENTRIES_ARE_ONLY_ADDED,
        ADD_ENTRY,
        APPLY_MOVEMENTS,
        APPLY_POSTINGS,
    ):
        op.execute(statement)


def drop(op: Any) -> None:
    """Bring back those of the release before."""
    op.execute("DROP FUNCTION apply_postings")
    op.execute("DROP FUNCTION apply_movements")
    op.execute("DROP FUNCTION add_entry")
    op.execute("DROP TRIGGER entries_are_only_added ON entries")
    op.execute("DROP FUNCTION refuse_change")
    op.execute("DROP FUNCTION entry_hash")
    op.execute(v1.APPLY_POSTINGS)
