"""Points: a loyalty program whose cards are added to and taken from, and two cards of which one has a long history."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from app.engine.postings import Posting
from app.kit import clock
from app.kit.db import to_json
from app.ledger.apply import APPLY
from app.ledger.movements import Cause, Movement, movement_rows, points_account
from bench import workload
from bench.pgbench import expression, script_of
from bench.processes import Guerdon

PATH = "/v1/loyalties/members/%(code)s/balance"
"""Where points are added and taken, as a template for `bench.load.Load.path`."""

EARNED, SPENT = 10, -1
FIRST_POINTS = 1_000_000_000
"""What every card begins with, so that none runs out: a refusal would be measured as if it were a payment."""

SHORT_HISTORY = 10

# Only read afterwards, so their hashes need not be right.
HISTORY = """
INSERT INTO entries (
    project_id, id, owner_id, measure, subject, period, position, counterpart, amount, balance, total, cause_type,
    cause_id, campaign_id, effective_at, recorded_at, previous_hash, hash, transaction_id, lots
)
SELECT project_id, 'vtx_' || owner_id || number, owner_id, measure, subject, period, entries_count + number, 'earned',
    1, balance + number, balance + number, 'earning', 'history-' || number, $3, begun_at, begun_at, last_hash,
    last_hash, 'ltx_' || number, '[]'
FROM accounts, generate_series(1, $2::bigint) AS number,
    LATERAL (SELECT last_entry_at + number * interval '1 microsecond' AS begun_at) AS instant
WHERE project_id = 1 AND owner_id = $1 AND measure = 'points'
"""
COUNT_HISTORY = """
UPDATE accounts SET balance = balance + $2::bigint, entries_count = entries_count + $2::bigint,
    last_entry_at = last_entry_at + $2::bigint * interval '1 microsecond'
WHERE project_id = 1 AND owner_id = $1 AND measure = 'points'
"""
FILL_LOT = """
UPDATE lots SET left_points = left_points + $2::bigint, issued_points = issued_points + $2::bigint
WHERE project_id = 1 AND owner_id = $1
"""


async def open_program(server: Guerdon, cards: int) -> Sequence[Mapping[str, Any]]:
    """A program whose points expire after a year, with so many members; gives their cards as answered."""
    rules = {"period_type": "MONTH", "period_value": 12, "rounding_type": "END_OF_MONTH"}
    card = {"points": FIRST_POINTS, "expiration_rules": rules}
    voucher = {"type": "LOYALTY_CARD", "loyalty_card": card, "code_config": workload.CODE_CONFIG}
    members = []
    async with workload.client_of(server) as client:
        body = {"name": "Club", "campaign_type": "LOYALTY_PROGRAM", "voucher": voucher}
        program = await workload.post(client, "/v1/campaigns", body)
        for source_id in workload.customer_ids(cards):
            member = {"customer": {"source_id": source_id}}
            members.append(await workload.post(client, f"/v1/loyalties/{program['id']}/members", member))
    return members


def body_of(points: int) -> str:
    return json.dumps({"points": points}, separators=(",", ":"))


async def keep_cards(connection: asyncpg.Connection, members: Sequence[Mapping[str, Any]]) -> datetime | None:
    """Let pgbench pick from the cards; gives the expiry of their points."""
    await connection.execute("CREATE TABLE floor.card (number integer PRIMARY KEY, id text NOT NULL)")
    await connection.copy_records_to_table(
        "card",
        schema_name="floor",
        records=[(number, member["id"]) for number, member in enumerate(members, 1)],
    )
    expires_at: datetime | None = await connection.fetchval("SELECT min(expires_at) FROM lots")
    return expires_at


def script_of_movement(points: int, campaign_id: str, expires_at: datetime | None, *, cards: int) -> str:
    """A pgbench script that moves points on one of the first `cards` cards, with the ledger's statement."""
    movement = Movement(
        Posting(points_account("CARD"), points, 0),
        "issued" if points > 0 else "removed",
        Cause("adjustment", "vtx_NUMBER"),
        effective_at=clock.now(),
        actor="api_key:bench",
        campaign_id=campaign_id,
        expires_at=expires_at if points > 0 else None,
        id="vtx_NUMBER",
        transaction_id="ltx_NUMBER",
    )
    replaced = {
        "CARD": "(SELECT id FROM floor.card WHERE number = :code)",
        "NUMBER": "CAST(:number AS text)",
    }
    statement = APPLY.text.replace(":movements", expression(to_json(movement_rows([movement])), replaced))
    for name in ("owners", "measures", "subjects", "periods", "amounts", "floors"):
        statement = statement.replace(f":{name}", "'{}'")
    return script_of([statement.replace(":project", "1")], codes=cards)


def write_scripts(folder: Path, scripts: Mapping[str, str]) -> dict[str, Path]:
    """Each script in a file of its own, by what it does."""
    files = {what: folder / f"{what.replace(' ', '-')}.sql" for what in scripts}
    for what, file in files.items():
        file.write_text(scripts[what])
    return files


async def give_histories(connection: asyncpg.Connection, cards: Sequence[Mapping[str, Any]], long: int) -> str:
    """Give the first of two cards ten more entries and the second `long` more; a past instant to ask them about.

    Raises RuntimeError when a card has no entry yet.
    """
    for card, entries in zip(cards, (SHORT_HISTORY, long), strict=True):
        await connection.execute(HISTORY, card["id"], entries, card["campaign_id"])
        if await connection.execute(COUNT_HISTORY, card["id"], entries) != "UPDATE 1":
            raise RuntimeError("A card that was given points has no account.")
        await connection.execute(FILL_LOT, card["id"], entries)
    await connection.execute("VACUUM ANALYZE entries, accounts, lots")
    instant: datetime = await connection.fetchval(
        "SELECT effective_at FROM entries WHERE project_id = 1 AND owner_id = $1 AND measure = 'points'"
        " AND subject = '' AND period = '' AND position = 3",
        cards[0]["id"],
    )
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
