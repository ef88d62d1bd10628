"""What holds change in the functions of the ledger: what a session has reserved is free for that session only.

Holds of an account are made and ended under the lock of its row, and `accounts.held` is their sum. It counts expired
holds too until they are forgotten, which happens at the latest when something does not fit: an account that nobody
holds anything of pays for none of this.
"""

from typing import Any

from migrations.functions import v2

# Locks the account that the entry names, makes it if it is missing, and enters what it was made with, if that is given
# and was not entered yet.
OPEN_ACCOUNT = """
CREATE FUNCTION open_account(opening entries) RETURNS accounts LANGUAGE plpgsql AS $$
DECLARE
    account accounts;
BEGIN
    LOOP
        SELECT * INTO account FROM accounts AS known
        WHERE known.project_id = opening.project_id AND known.owner_id = opening.owner_id
            AND known.measure = opening.measure AND known.subject = opening.subject AND known.period = opening.period
        FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO accounts (
            project_id, owner_id, measure, subject, period, holds_value, balance, floor, entries_count, last_hash,
            totals
        ) VALUES (
            opening.project_id, opening.owner_id, opening.measure, opening.subject, opening.period, true, 0, 0, 0, '',
            '{}'
        ) ON CONFLICT DO NOTHING;
    END LOOP;
    IF account.entries_count = 0 AND opening.amount > 0 THEN
        opening.counterpart := 'issued';
        opening.cause_type := 'opening';
        opening.cause_id := opening.owner_id;
        opening.recorded_at := clock_timestamp();
        account := add_entry(account, opening);
        UPDATE accounts AS known
        SET balance = account.balance, entries_count = account.entries_count, last_hash = account.last_hash,
            totals = account.totals
        WHERE known.project_id = opening.project_id AND known.owner_id = opening.owner_id
            AND known.measure = opening.measure AND known.subject = opening.subject AND known.period = opening.period;
    END IF;
    RETURN account;
END $$
"""

# One account after the other, in key order, each locked before it is looked at: the chain of an account's entries can
# therefore not fork. An account without a row holds its opening amount: row and opening entry come with the first
# movement or hold. Below the floor, or into what is held, everything is undone, and DETAIL names the account.
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
        entry := NULL;
        entry.project_id := project;
        entry.owner_id := given.owner_id;
        entry.measure := given.measure;
        entry.subject := given.subject;
        entry.period := given.period;
        entry.actor := given.actor;
        entry.campaign_id := given.campaign_id;
        entry.id := given.opening_id;
        entry.amount := given.opening_amount;
        entry.effective_at := given.opened_at;
        account := open_account(entry);
        IF given.amount < 0 AND account.balance + given.amount < given.floor + account.held THEN
            PERFORM forget_expired_holds(
                project, ARRAY[given.owner_id], ARRAY[given.measure], ARRAY[given.subject], ARRAY[given.period]
            );
            account := open_account(entry);
        END IF;
        IF given.amount < 0 AND account.balance + given.amount < given.floor + account.held THEN
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
        entry.recorded_at := clock_timestamp();
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

# For accounts that are locked. Whether any hold was forgotten.
FORGET_EXPIRED_HOLDS = """
CREATE FUNCTION forget_expired_holds(
    project integer, owners text[], measures text[], subjects text[], periods text[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := clock_timestamp();
BEGIN
    WITH ended AS (
        DELETE FROM holds USING unnest(owners, measures, subjects, periods) AS given (owner, kind, about, span)
        WHERE project_id = project AND owner_id = owner AND measure = kind AND subject = about AND period = span
            AND expires_at <= moment
        RETURNING owner_id, measure, subject, period, amount
    ), freed AS (
        SELECT owner_id, measure, subject, period, sum(amount) AS amount FROM ended
        GROUP BY owner_id, measure, subject, period
    )
    UPDATE accounts AS account SET held = account.held - freed.amount FROM freed
    WHERE account.project_id = project AND account.owner_id = freed.owner_id AND account.measure = freed.measure
        AND account.subject = freed.subject AND account.period = freed.period;
    RETURN FOUND;
END $$
"""

# Locks accounts in the order in which everybody does: those that count, then those that hold value, which are opened
# with what `movements` say of their opening.
LOCK_ACCOUNTS = """
CREATE FUNCTION lock_accounts(
    project integer, owners text[], measures text[], subjects text[], periods text[], movements jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    given record;
    opening entries;
BEGIN
    INSERT INTO accounts AS account (project_id, owner_id, measure, subject, period, balance)
    SELECT project, owner_id, measure, subject, period, 0
    FROM unnest(owners, measures, subjects, periods) AS posting (owner_id, measure, subject, period)
    WHERE measure <> 'balance'
    GROUP BY owner_id, measure, subject, period
    ORDER BY owner_id COLLATE "C", measure COLLATE "C", subject COLLATE "C", period COLLATE "C"
    ON CONFLICT (project_id, owner_id, measure, subject, period) DO UPDATE SET held = account.held WHERE false;
    FOR given IN
        SELECT owner_id, measure, subject, period, max(actor) AS actor, max(campaign_id) AS campaign_id,
            max(opening_id) AS opening_id, max(opening_amount) AS opening_amount, max(opened_at) AS opened_at
        FROM (
            SELECT owner_id, measure, subject, period, NULL AS actor, NULL AS campaign_id, NULL AS opening_id,
                NULL::bigint AS opening_amount, NULL::timestamptz AS opened_at
            FROM unnest(owners, measures, subjects, periods) AS posting (owner_id, measure, subject, period)
            WHERE measure = 'balance'
            UNION ALL
            SELECT * FROM jsonb_to_recordset(movements) AS movement (
                owner_id text, measure text, subject text, period text, actor text, campaign_id text, opening_id text,
                opening_amount bigint, opened_at timestamptz
            )
        ) AS valued
        GROUP BY owner_id, measure, subject, period
        ORDER BY owner_id COLLATE "C", measure COLLATE "C", subject COLLATE "C", period COLLATE "C"
    LOOP
        opening := NULL;
        opening.project_id := project;
        opening.owner_id := given.owner_id;
        opening.measure := given.measure;
        opening.subject := given.subject;
        opening.period := given.period;
        opening.actor := given.actor;
        opening.campaign_id := given.campaign_id;
        opening.id := given.opening_id;
        opening.amount := given.opening_amount;
        opening.effective_at := given.opened_at;
        PERFORM open_account(opening);
    END LOOP;
END $$
"""

# Ends what a session holds, of one redeemable or of all, and leaves those accounts locked, together with the ones that
# are given. Of two who do something with one session at once the second waits.
END_SESSION = """
CREATE FUNCTION end_session(
    project integer, key text, object text, owners text[], measures text[], subjects text[], periods text[],
    movements jsonb
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(3, hashtext(project || '/' || key));
    SELECT owners || array_agg(owner_id), measures || array_agg(measure), subjects || array_agg(subject),
        periods || array_agg(period)
    INTO owners, measures, subjects, periods
    FROM holds WHERE project_id = project AND session_key = key AND (object IS NULL OR object_id = object);
    PERFORM lock_accounts(project, owners, measures, subjects, periods, movements);
    WITH ended AS (
        DELETE FROM holds
        WHERE project_id = project AND session_key = key AND (object IS NULL OR object_id = object)
        RETURNING owner_id, measure, subject, period, amount
    ), freed AS (
        SELECT owner_id, measure, subject, period, sum(amount) AS amount FROM ended
        GROUP BY owner_id, measure, subject, period
    )
    UPDATE accounts AS account SET held = account.held - freed.amount FROM freed
    WHERE account.project_id = project AND account.owner_id = freed.owner_id AND account.measure = freed.measure
        AND account.subject = freed.subject AND account.period = freed.period;
END $$
"""

# Everything that a session holds, anew: what it held before is replaced. All or none; DETAIL names what does not fit.
HOLD = """
CREATE FUNCTION hold(
    project integer, key text, lasting interval, objects text[], owners text[], measures text[], subjects text[],
    periods text[], amounts bigint[], floors bigint[], movements jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    missed text;
    until timestamptz;
BEGIN
    PERFORM end_session(project, key, NULL, owners, measures, subjects, periods, movements);
    PERFORM forget_expired_holds(project, owners, measures, subjects, periods);
    until := clock_timestamp() + lasting;
    INSERT INTO holds (project_id, session_key, object_id, owner_id, measure, subject, period, amount, expires_at)
    SELECT project, key, object_id, owner_id, measure, subject, period, amount, until
    FROM unnest(objects, owners, measures, subjects, periods, amounts)
        AS given (object_id, owner_id, measure, subject, period, amount);
    WITH wanted AS (
        SELECT owner_id, measure, subject, period, sum(amount) AS amount, max(floor) AS floor
        FROM unnest(owners, measures, subjects, periods, amounts, floors)
            AS given (owner_id, measure, subject, period, amount, floor)
        GROUP BY owner_id, measure, subject, period
    ), held AS (
        UPDATE accounts AS account SET held = account.held + wanted.amount FROM wanted
        WHERE account.project_id = project AND account.owner_id = wanted.owner_id
            AND account.measure = wanted.measure AND account.subject = wanted.subject
            AND account.period = wanted.period AND account.balance - account.held - wanted.amount >= wanted.floor
        RETURNING account.owner_id, account.measure, account.subject, account.period
    )
    SELECT string_agg(concat_ws('/', wanted.owner_id, wanted.measure, wanted.subject, wanted.period), ' ')
    INTO missed
    FROM wanted LEFT JOIN held USING (owner_id, measure, subject, period) WHERE held.owner_id IS NULL;
    IF missed IS NOT NULL THEN
        RAISE EXCEPTION 'nothing left' USING ERRCODE = 'GU001', DETAIL = missed;
    END IF;
END $$
"""

# At most so many accounts at a time, locked as everybody locks them. How many accounts there were.
CLEAR_EXPIRED_HOLDS = """
CREATE FUNCTION clear_expired_holds(project integer, at_most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    owners text[];
    measures text[];
    subjects text[];
    periods text[];
BEGIN
    SELECT array_agg(owner_id), array_agg(measure), array_agg(subject), array_agg(period)
    INTO owners, measures, subjects, periods
    FROM (
        SELECT DISTINCT owner_id, measure, subject, period FROM (
            SELECT * FROM holds WHERE project_id = project AND expires_at <= moment ORDER BY expires_at LIMIT at_most
        ) AS expired
    ) AS account;
    IF owners IS NULL THEN
        RETURN 0;
    END IF;
    PERFORM lock_accounts(project, owners, measures, subjects, periods, '[]');
    PERFORM forget_expired_holds(project, owners, measures, subjects, periods);
    RETURN cardinality(owners);
END $$
"""

# The one place where balances move. Counting accounts first, and after them, in key order too, the accounts that hold
# value: nothing posts to one of those without an entry. What did not fit is tried again once expired holds on it are
# forgotten; all rows it is about are locked by then.
APPLY_POSTINGS = """
CREATE FUNCTION apply_postings(
    project integer, owners text[], measures text[], subjects text[], periods text[], amounts bigint[], floors bigint[],
    movements jsonb, OUT balances bigint[], OUT moved jsonb
) LANGUAGE plpgsql AS $$
DECLARE
    missed integer[];
    again bigint[];
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
            WHERE excluded.floor IS NULL OR account.balance + excluded.balance >= excluded.floor + account.held
        RETURNING owner_id, measure, subject, period, balance
    )
    SELECT array_agg(balance ORDER BY position), array_agg(position::integer) FILTER (WHERE balance IS NULL)
    INTO balances, missed
    FROM posting LEFT JOIN applied USING (owner_id, measure, subject, period);
    IF missed IS NOT NULL THEN
        owners := ARRAY(SELECT owners[place] FROM unnest(missed) AS place);
        measures := ARRAY(SELECT measures[place] FROM unnest(missed) AS place);
        subjects := ARRAY(SELECT subjects[place] FROM unnest(missed) AS place);
        periods := ARRAY(SELECT periods[place] FROM unnest(missed) AS place);
        IF NOT forget_expired_holds(project, owners, measures, subjects, periods) THEN
            RAISE EXCEPTION 'nothing left' USING ERRCODE = 'GU001', DETAIL = (
                SELECT string_agg(concat_ws('/', owner_id, measure, subject, period), ' ')
                FROM unnest(owners, measures, subjects, periods) AS posting (owner_id, measure, subject, period)
            );
        END IF;
        SELECT applied.balances INTO again FROM apply_postings(
            project, owners, measures, subjects, periods,
            ARRAY(SELECT amounts[place] FROM unnest(missed) AS place),
            ARRAY(SELECT floors[place] FROM unnest(missed) AS place),
            NULL
        ) AS applied;
        FOR number IN 1 .. cardinality(missed) LOOP
            balances[missed[number]] := again[number];
        END LOOP;
    END IF;
    IF movements IS NOT NULL THEN
        moved := apply_movements(project, movements);
    END IF;
END $$
"""


def create(op: Any) -> None:
    """Install the functions of this release."""
    op.execute("DROP FUNCTION apply_postings")
    op.execute("DROP FUNCTION apply_movements")
    for statement in (
        OPEN_ACCOUNT,
        FORGET_EXPIRED_HOLDS,
        LOCK_ACCOUNTS,
        END_SESSION,
        HOLD,
        CLEAR_EXPIRED_HOLDS,
        APPLY_MOVEMENTS,
        APPLY_POSTINGS,
    ):
        op.execute(statement)


def drop(op: Any) -> None:
    """Bring back those of the release before."""
    for name in (
        "apply_postings",
        "apply_movements",
        "clear_expired_holds",
        "hold",
        "end_session",
        "lock_accounts",
        "forget_expired_holds",
        "open_account",
    ):
        op.execute(f"DROP FUNCTION {name}")
    op.execute(v2.APPLY_MOVEMENTS)
    op.execute(v2.APPLY_POSTINGS)
