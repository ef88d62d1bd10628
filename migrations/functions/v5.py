"""What the ledger learns for loyalty: more measures hold value, and points are kept in lots that expire.

A lot is what an account holds with one expiry. Lots of an account change only under the lock of its row, together with
its balance, which is what they have left. A lot that has expired counts for nothing, whether what it had left was
entered as expired or not; only who held of the account in a session may still take that much.
"""

from typing import Any

from migrations.functions import v2, v3

VALUE_MEASURES = """
CREATE FUNCTION value_measures() RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
SELECT ARRAY['balance', 'points', 'stock', 'payable', 'owed']
$$
"""

HOLDS_VALUE = """
CREATE FUNCTION holds_value(measure text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
SELECT measure = ANY (value_measures())
$$
"""

KEPT_IN_LOTS = """
CREATE FUNCTION kept_in_lots(measure text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
SELECT measure = 'points'
$$
"""

# As in the releases before for entries of before, which belong to no transaction.
ENTRY_HASH = """
CREATE FUNCTION entry_hash(entry entries) RETURNS bytea LANGUAGE sql STABLE AS $$
SELECT sha256(convert_to((jsonb_build_array(
    encode(entry.previous_hash, 'hex'), entry.project_id, entry.id,
    entry.owner_id, entry.measure, entry.subject, entry.period, entry.position,
    entry.counterpart, entry.amount, entry.balance, entry.total, entry.cause_type, entry.cause_id,
    entry.actor, entry.campaign_id, entry.source_id, entry.reason,
    (extract(epoch FROM entry.effective_at) * 1000000)::bigint,
    (extract(epoch FROM entry.recorded_at) * 1000000)::bigint
) || CASE WHEN entry.transaction_id IS NULL THEN '[]' ELSE
    jsonb_build_array(entry.transaction_id, entry.reverses_id, entry.lots, entry.details)
END)::text, 'UTF8'))
$$
"""

# Entries of an account are recorded in the sequence of their positions even when the clock of the machine goes back.
ADD_ENTRY = """
CREATE FUNCTION add_entry(account accounts, entry entries) RETURNS accounts LANGUAGE plpgsql AS $$
BEGIN
    account.balance := account.balance + entry.amount;
    account.entries_count := account.entries_count + 1;
    account.totals := account.totals || jsonb_build_object(
        entry.counterpart, coalesce((account.totals ->> entry.counterpart)::bigint, 0) + entry.amount
    );
    account.last_entry_at := greatest(clock_timestamp(), account.last_entry_at);
    entry.recorded_at := account.last_entry_at;
    entry.position := account.entries_count;
    entry.balance := account.balance;
    entry.total := coalesce((account.totals ->> 'issued')::bigint, 0)
        + coalesce((account.totals ->> 'earned')::bigint, 0);
    entry.previous_hash := account.last_hash;
    entry.hash := entry_hash(entry);
    account.last_hash := entry.hash;
    INSERT INTO entries VALUES (entry.*);
    UPDATE accounts AS known
    SET balance = account.balance, entries_count = account.entries_count, last_hash = account.last_hash,
        totals = account.totals, last_entry_at = account.last_entry_at
    WHERE known.project_id = account.project_id AND known.owner_id = account.owner_id
        AND known.measure = account.measure AND known.subject = account.subject AND known.period = account.period;
    RETURN account;
END $$
"""

# What is left in lots that have expired, but was not entered as expired yet.
EXPIRED_POINTS = """
CREATE FUNCTION expired_points(
    project integer, owner text, kind text, about text, span text, moment timestamptz
) RETURNS bigint LANGUAGE sql STABLE AS $$
SELECT coalesce(sum(left_points), 0)::bigint FROM lots
WHERE project_id = project AND owner_id = owner AND measure = kind AND subject = about AND period = span
    AND expires_at <= moment AND has_points
$$
"""

# Puts what the entry gains into the lot of that expiry. A new lot is named after the entry that made it.
FILL_LOT = """
CREATE FUNCTION fill_lot(entry entries, expires_at timestamptz) RETURNS jsonb LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    lot_id text;
BEGIN
    INSERT INTO lots AS known (
        project_id, id, owner_id, measure, subject, period, issued_points, left_points, expires_at, created_at
    ) VALUES (
        entry.project_id, 'lopb_' || split_part(entry.id, '_', 2), entry.owner_id, entry.measure, entry.subject,
        entry.period, entry.amount, entry.amount, fill_lot.expires_at, clock_timestamp()
    ) ON CONFLICT (project_id, owner_id, measure, subject, period, expires_at) DO UPDATE
        SET issued_points = known.issued_points + excluded.issued_points,
            left_points = known.left_points + excluded.left_points
    RETURNING id INTO lot_id;
    RETURN jsonb_build_array(jsonb_build_array(lot_id, entry.amount));
END $$
"""

# Takes what the entry loses from the lots that it filled with an earlier one, then from those that expire soonest; from
# those that have expired only what the session held that this transaction has ended. Nothing is taken, and the answer
# is NULL, unless `reserve` remains.
TAKE_FROM_LOTS = """
CREATE FUNCTION take_from_lots(
    entry entries, reserve bigint, moment timestamptz, first_lots text[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    name CONSTANT text := concat_ws('/', entry.owner_id, entry.measure, entry.subject, entry.period);
    released jsonb;
    usable bigint;
    expired bigint;
    shortage bigint;
    lot_id text;
    taken jsonb;
BEGIN
    IF reserve = 0 AND first_lots IS NULL THEN
        -- By far the most often: nothing is held, and the lot that expires soonest has enough.
        UPDATE lots AS known SET left_points = known.left_points + entry.amount
        WHERE known.project_id = entry.project_id AND known.left_points + entry.amount >= 0 AND known.id = (
            SELECT lot.id FROM lots AS lot
            WHERE lot.project_id = entry.project_id AND lot.owner_id = entry.owner_id AND lot.measure = entry.measure
                AND lot.subject = entry.subject AND lot.period = entry.period AND lot.has_points
                AND (lot.expires_at > moment OR lot.expires_at IS NULL)
            ORDER BY lot.expires_at LIMIT 1
        )
        RETURNING known.id INTO lot_id;
        IF FOUND THEN
            RETURN jsonb_build_array(jsonb_build_array(lot_id, entry.amount));
        END IF;
    END IF;
    SELECT
        coalesce(sum(left_points) FILTER (WHERE is_usable), 0),
        coalesce(sum(left_points) FILTER (WHERE NOT is_usable), 0)
    INTO usable, expired
    FROM (
        SELECT left_points,
            expires_at IS NULL OR expires_at > moment OR coalesce(id = ANY (first_lots), false) AS is_usable
        FROM lots
        WHERE project_id = entry.project_id AND owner_id = entry.owner_id AND measure = entry.measure
            AND subject = entry.subject AND period = entry.period AND has_points
    ) AS lot;
    shortage := reserve - entry.amount - usable;
    IF shortage > 0 THEN
        released := nullif(current_setting('guerdon.released', true), '');
        IF released IS NULL OR least(coalesce((released ->> name)::bigint, 0), expired) < shortage THEN
            RETURN NULL;
        END IF;
        PERFORM set_config(
            'guerdon.released',
            (released || jsonb_build_object(name, (released ->> name)::bigint - shortage))::text,
            true
        );
    END IF;
    WITH lot AS (
        SELECT id, left_points, row_number() OVER sequence AS place, sum(left_points) OVER sequence AS until
        FROM lots
        WHERE project_id = entry.project_id AND owner_id = entry.owner_id AND measure = entry.measure
            AND subject = entry.subject AND period = entry.period AND has_points
        WINDOW sequence AS (
            ORDER BY coalesce(id = ANY (first_lots), false) DESC, coalesce(expires_at <= moment, false), expires_at
            ROWS UNBOUNDED PRECEDING
        )
    ), part AS (
        SELECT id, place, least(left_points, left_points - entry.amount - until)::bigint AS amount FROM lot
        WHERE until - left_points < -entry.amount
    ), changed AS (
        UPDATE lots SET left_points = lots.left_points - part.amount FROM part
        WHERE lots.project_id = entry.project_id AND lots.id = part.id
    )
    SELECT jsonb_agg(jsonb_build_array(id, -amount) ORDER BY place) INTO taken FROM part;
    RETURN taken;
END $$
"""

# Gives back to the lots that the earlier entry took from, and which it was not given back to yet: to those that expire
# latest first, so that of a part nothing expires that need not.
RETURN_TO_LOTS = """
CREATE FUNCTION return_to_lots(entry entries) RETURNS jsonb LANGUAGE sql AS $$
WITH net AS (
    SELECT part ->> 0 AS id, -sum((part ->> 1)::bigint) AS amount
    FROM entries AS known, jsonb_array_elements(known.lots) AS part
    WHERE known.project_id = entry.project_id
        AND (known.id = entry.reverses_id OR known.reverses_id = entry.reverses_id)
    GROUP BY part ->> 0
), lot AS (
    SELECT lots.id, net.amount, row_number() OVER sequence AS place, sum(net.amount) OVER sequence AS until
    FROM net JOIN lots ON lots.project_id = entry.project_id AND lots.id = net.id
    WHERE net.amount > 0
    WINDOW sequence AS (ORDER BY expires_at DESC NULLS FIRST ROWS UNBOUNDED PRECEDING)
), part AS (
    SELECT id, place, least(amount, entry.amount - (until - amount))::bigint AS amount FROM lot
    WHERE until - amount < entry.amount
), changed AS (
    UPDATE lots SET left_points = lots.left_points + part.amount FROM part
    WHERE lots.project_id = entry.project_id AND lots.id = part.id
)
SELECT jsonb_agg(jsonb_build_array(id, amount) ORDER BY place) FROM part
$$
"""

# Of what an entry moved no more can be taken back than it moved, whoever tries how often.
REQUIRE_REVERSIBLE = """
CREATE FUNCTION require_reversible(entry entries) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    moved bigint;
BEGIN
    SELECT sum(amount) INTO moved FROM entries AS known
    WHERE known.project_id = entry.project_id AND known.owner_id = entry.owner_id AND known.measure = entry.measure
        AND known.subject = entry.subject AND known.period = entry.period
        AND (known.id = entry.reverses_id OR known.reverses_id = entry.reverses_id);
    IF sign(moved) <> -sign(entry.amount) OR abs(moved) < abs(entry.amount) IS NOT FALSE THEN
        RAISE EXCEPTION 'more than was moved' USING ERRCODE = 'GU004', DETAIL = entry.reverses_id;
    END IF;
END $$
"""

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
        opening.transaction_id := 'ltx_' || split_part(opening.id, '_', 2);
        IF kept_in_lots(opening.measure) THEN
            opening.lots := fill_lot(opening, NULL);
        END IF;
        account := add_entry(account, opening);
    END IF;
    RETURN account;
END $$
"""

# One account after the other, in key order, each locked before it is looked at: the chain of an account's entries can
# therefore not fork. An account without a row holds its opening amount: row and opening entry come with the first
# movement or hold. Below the floor, or into what is held, everything is undone, and DETAIL names the account. What is
# told of an account with lots is what it holds at `moment`: expired lots count as expired before they are entered so.
APPLY_MOVEMENTS = """
CREATE FUNCTION apply_movements(project integer, movements jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    given record;
    account accounts;
    entry entries;
    first_lots text[];
    reserve bigint;
    expired bigint;
    moved jsonb := '[]';
BEGIN
    FOR given IN
        SELECT * FROM jsonb_to_recordset(movements) AS movement (
            owner_id text, measure text, subject text, period text, id text, amount bigint, floor bigint,
            counterpart text,
            cause_type text, cause_id text, actor text, campaign_id text, source_id text, reason text,
            effective_at timestamptz, opening_id text, opening_amount bigint, opened_at timestamptz,
            transaction_id text, details jsonb, expires_at timestamptz, lot_id text, reverses_id text,
            moment timestamptz
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
        entry.transaction_id := given.transaction_id;
        entry.id := given.opening_id;
        entry.amount := given.opening_amount;
        entry.effective_at := given.opened_at;
        account := open_account(entry);
        entry.id := given.id;
        entry.amount := given.amount;
        entry.reverses_id := given.reverses_id;
        first_lots := NULL;
        IF given.reverses_id IS NOT NULL THEN
            PERFORM require_reversible(entry);
            first_lots := ARRAY(
                SELECT part ->> 0 FROM entries AS known, jsonb_array_elements(known.lots) AS part
                WHERE known.project_id = project AND known.id = given.reverses_id
            );
        END IF;
        IF given.amount < 0 THEN
            FOR attempt IN 1 .. 2 LOOP
                reserve := given.floor + account.held;
                IF NOT kept_in_lots(given.measure) THEN
                    EXIT WHEN account.balance + given.amount >= reserve;
                ELSIF given.lot_id IS NULL THEN
                    entry.lots := take_from_lots(entry, reserve, given.moment, first_lots);
                    EXIT WHEN entry.lots IS NOT NULL;
                ELSIF account.balance + given.amount >= reserve THEN
                    UPDATE lots SET left_points = left_points + given.amount
                    WHERE project_id = project AND id = given.lot_id AND owner_id = given.owner_id
                        AND measure = given.measure AND subject = given.subject AND period = given.period
                        AND left_points + given.amount >= 0;
                    entry.lots := jsonb_build_array(jsonb_build_array(given.lot_id, given.amount));
                    EXIT WHEN FOUND;
                END IF;
                IF attempt = 2 OR NOT forget_expired_holds(
                    project, ARRAY[given.owner_id], ARRAY[given.measure], ARRAY[given.subject], ARRAY[given.period]
                ) THEN
                    RAISE EXCEPTION 'nothing left' USING ERRCODE = 'GU001',
                        DETAIL = concat_ws('/', given.owner_id, given.measure, given.subject, given.period);
                END IF;
                account := open_account(entry);
            END LOOP;
        ELSIF kept_in_lots(given.measure) THEN
            IF given.reverses_id IS NULL THEN
                entry.lots := fill_lot(entry, given.expires_at);
            ELSE
                entry.lots := return_to_lots(entry);
            END IF;
        END IF;
        entry.counterpart := given.counterpart;
        entry.cause_type := given.cause_type;
        entry.cause_id := given.cause_id;
        entry.source_id := given.source_id;
        entry.reason := given.reason;
        entry.details := given.details;
        entry.effective_at := given.effective_at;
        account := add_entry(account, entry);
        IF kept_in_lots(given.measure) THEN
            expired := expired_points(
                project, given.owner_id, given.measure, given.subject, given.period, given.moment
            );
            IF expired > 0 THEN
                account.balance := account.balance - expired;
                account.totals := account.totals || jsonb_build_object(
                    'expired', coalesce((account.totals ->> 'expired')::bigint, 0) - expired
                );
            END IF;
        END IF;
        moved := moved || jsonb_build_array(jsonb_build_array(
            given.owner_id, given.measure, given.subject, given.period, account.balance, account.totals
        ));
    END LOOP;
    RETURN moved;
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
    WHERE NOT holds_value(measure)
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
            WHERE holds_value(measure)
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
# are given. Of two who do something with one session at once the second waits. What it held of accounts with lots is
# remembered to the end of the transaction: the session may take that much even of lots that expired meanwhile.
END_SESSION = """
CREATE FUNCTION end_session(
    project integer, key text, object text, owners text[], measures text[], subjects text[], periods text[],
    movements jsonb
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    released jsonb;
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
        RETURNING owner_id, measure, subject, period, amount, expires_at > clock_timestamp() AS is_live
    ), freed AS (
        SELECT owner_id, measure, subject, period, sum(amount) AS amount,
            sum(amount) FILTER (WHERE is_live) AS live_amount
        FROM ended GROUP BY owner_id, measure, subject, period
    ), changed AS (
        UPDATE accounts AS account SET held = account.held - freed.amount FROM freed
        WHERE account.project_id = project AND account.owner_id = freed.owner_id AND account.measure = freed.measure
            AND account.subject = freed.subject AND account.period = freed.period
    )
    SELECT jsonb_object_agg(concat_ws('/', owner_id, measure, subject, period), live_amount) INTO released
    FROM freed WHERE live_amount > 0 AND kept_in_lots(measure);
    IF released IS NOT NULL THEN
        PERFORM set_config('guerdon.released', released::text, true);
    END IF;
END $$
"""

# Whoever holds must have the points at `moment`; what has expired by then cannot be held.
HOLD = v3.HOLD.replace("movements jsonb\n) RETURNS", "movements jsonb, moment timestamptz\n) RETURNS").replace(
    """            AND account.period = wanted.period AND account.balance - account.held - wanted.amount >= wanted.floor
""",
    """            AND account.period = wanted.period
            AND account.balance - account.held - wanted.amount - CASE WHEN kept_in_lots(account.measure) THEN
                expired_points(project, account.owner_id, account.measure, account.subject, account.period, moment)
            ELSE 0 END >= wanted.floor
""",
)

APPLY_POSTINGS = v3.APPLY_POSTINGS.replace("'balance' = ANY (measures)", "measures && value_measures()")


def create(op: Any) -> None:
    """Install the functions of this release; the table of lots must be there."""
    _drop_changed(op)
    op.execute("DROP FUNCTION hold")
    op.execute("DROP FUNCTION open_account")
    for statement in (
        VALUE_MEASURES,
        HOLDS_VALUE,
        KEPT_IN_LOTS,
        ENTRY_HASH,
        ADD_ENTRY,
        EXPIRED_POINTS,
        FILL_LOT,
        TAKE_FROM_LOTS,
        RETURN_TO_LOTS,
        REQUIRE_REVERSIBLE,
        OPEN_ACCOUNT,
        LOCK_ACCOUNTS,
        END_SESSION,
        HOLD,
        APPLY_MOVEMENTS,
        APPLY_POSTINGS,
    ):
        op.execute(statement)


def drop(op: Any) -> None:
    """Bring back those of the release before."""
    _drop_changed(op)
    for name in (
        "hold",
        "open_account",
        "require_reversible",
        "return_to_lots",
        "take_from_lots",
        "fill_lot",
        "expired_points",
        "kept_in_lots",
        "holds_value",
        "value_measures",
    ):
        op.execute(f"DROP FUNCTION {name}")
    for statement in (
        v2.ENTRY_HASH,
        v2.ADD_ENTRY,
        v3.OPEN_ACCOUNT,
        v3.LOCK_ACCOUNTS,
        v3.END_SESSION,
        v3.HOLD,
        v3.APPLY_MOVEMENTS,
        v3.APPLY_POSTINGS,
    ):
        op.execute(statement)


def _drop_changed(op: Any) -> None:
    for name in ("apply_postings", "apply_movements", "end_session", "lock_accounts", "add_entry", "entry_hash"):
        op.execute(f"DROP FUNCTION {name}")
