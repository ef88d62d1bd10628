"""Value accounts: what moves them, what their entries say, and what nobody can do to them."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.engine.postings import AccountKey, Posting
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.ledger.chains import value_faults
from app.ledger.errors import RanOut
from app.ledger.movements import Cause, Holdings, Movement, Opening, value_account
from app.models import Account, Entry
from tests.factories.access import ProjectKeys, give_project

MADE_AT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def spend(account: AccountKey, amount: int, opening: int | None = 1000, **members: Any) -> Movement:
    members = {"cause": Cause("redemption", new_id("r")), "effective_at": NOW, **members}
    held = None if opening is None else Opening(opening, MADE_AT)
    return Movement(Posting(account, -amount, 0), "redeemed", opening=held, **members)


def add(account: AccountKey, amount: int, opening: int | None = 1000) -> Movement:
    held = None if opening is None else Opening(opening, MADE_AT)
    counterpart = "issued" if amount > 0 else "removed"
    return Movement(Posting(account, amount, 0), counterpart, Cause("adjustment", new_id("vtx")), NOW, held)


async def entries_of(db: Database, project_id: int, account: AccountKey) -> Sequence[Entry]:
    async with db.read() as session:
        rows = select(Entry).where(Entry.project_id == project_id, Entry.owner_id == account.owner_id)
        return (await session.scalars(rows.order_by(Entry.position))).all()


async def test_the_first_movement_enters_what_the_card_was_made_with_before_itself(
    db: Database, project: ProjectKeys
) -> None:
    account = value_account(new_id("v"))

    async with db.write() as session:
        holdings = await apply(session, project.id, (), [spend(account, 300, actor="api_key:k", campaign_id="camp_1")])

    opening, payment = await entries_of(db, project.id, account)
    assert holdings == {account: Holdings(700, {"issued": 1000, "redeemed": -300})}
    assert (opening.cause_type, opening.cause_id, opening.amount) == ("opening", account.owner_id, 1000)
    assert (opening.balance, opening.effective_at, opening.counterpart) == (1000, MADE_AT, "issued")
    assert (payment.amount, payment.balance, payment.total, payment.counterpart) == (-300, 700, 1000, "redeemed")
    assert (payment.actor, payment.campaign_id, payment.effective_at) == ("api_key:k", "camp_1", NOW)
    assert abs(payment.recorded_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert opening.id < payment.id


async def test_a_card_made_with_nothing_is_opened_by_its_first_top_up(db: Database, project: ProjectKeys) -> None:
    account = value_account(new_id("v"))

    async with db.write() as session:
        holdings = await apply(session, project.id, (), [add(account, 500, opening=0)])

    (entry,) = await entries_of(db, project.id, account)
    assert holdings[account] == Holdings(500, {"issued": 500})
    assert (entry.position, entry.amount, entry.previous_hash) == (1, 500, b"")


async def test_every_entry_has_the_hash_that_the_documented_formula_gives(db: Database, project: ProjectKeys) -> None:
    account = value_account(new_id("v"))
    odd = 'Größe "XL" \\ \t☃'
    async with db.write() as session:
        await apply(session, project.id, (), [spend(account, 1, reason=odd, source_id="s/1", actor="user:änn")])
        await apply(session, project.id, (), [add(account, 7)])

    entries = await entries_of(db, project.id, account)

    previous = b""
    for entry in entries:
        figures = [
            previous.hex(), project.id, entry.id, entry.owner_id, "balance", "", "", entry.position, entry.counterpart,
            entry.amount, entry.balance, entry.total, entry.cause_type, entry.cause_id, entry.actor, entry.campaign_id,
            entry.source_id, entry.reason, microseconds(entry.effective_at), microseconds(entry.recorded_at),
            entry.transaction_id, entry.reverses_id, entry.lots, entry.details,
        ]  # fmt: skip
        assert hashlib.sha256(json.dumps(figures, ensure_ascii=False).encode()).digest() == entry.hash
        assert entry.previous_hash == previous
        previous = entry.hash
    assert len(entries) == 3


async def test_an_entry_of_before_there_were_transactions_keeps_the_hash_it_had(
    db: Database, project: ProjectKeys
) -> None:
    account = value_account(new_id("v"))
    async with db.write() as session:
        await apply(session, project.id, (), [spend(account, 1)])
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(
            text("UPDATE entries SET transaction_id = NULL WHERE project_id = :project"), {"project": project.id}
        )
        hashed = await session.scalars(
            text("SELECT entry_hash(known) FROM entries AS known WHERE project_id = :project ORDER BY position"),
            {"project": project.id},
        )

    for entry, computed in zip(await entries_of(db, project.id, account), hashed, strict=True):
        figures = [
            entry.previous_hash.hex(), project.id, entry.id, entry.owner_id, "balance", "", "", entry.position,
            entry.counterpart, entry.amount, entry.balance, entry.total, entry.cause_type, entry.cause_id, entry.actor,
            entry.campaign_id, entry.source_id, entry.reason, microseconds(entry.effective_at),
            microseconds(entry.recorded_at),
        ]  # fmt: skip
        assert hashlib.sha256(json.dumps(figures, ensure_ascii=False).encode()).digest() == computed


def microseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


async def test_more_than_the_card_holds_cannot_be_spent_and_leaves_no_trace(db: Database, project: ProjectKeys) -> None:
    account, counted = value_account(new_id("v")), AccountKey(new_id("v"), "uses")

    with pytest.raises(RanOut) as refused:
        async with db.write() as session:
            await apply(session, project.id, [Posting(counted, -1)], [spend(account, 1001)])

    assert refused.value.accounts == f"{account.owner_id}/balance//"
    assert await entries_of(db, project.id, account) == []
    async with db.read() as session:
        assert (await session.scalars(select(Account).where(Account.project_id == project.id))).all() == []


async def test_what_others_have_reserved_cannot_be_spent(db: Database, project: ProjectKeys) -> None:
    account = value_account(new_id("v"))
    reserved = Movement(
        Posting(account, -800, 300), "redeemed", Cause("redemption", "r_1"), NOW, Opening(1000, MADE_AT)
    )

    with pytest.raises(RanOut):
        async with db.write() as session:
            await apply(session, project.id, (), [reserved])


async def test_a_cause_moves_an_account_once(db: Database, project: ProjectKeys) -> None:
    account, cause = value_account(new_id("v")), Cause("rollback", "r_1")
    async with db.write() as session:
        await apply(session, project.id, (), [spend(account, 10, cause=cause)])

    with pytest.raises(IntegrityError, match="entries_cause_key"):
        async with db.write() as session:
            await apply(session, project.id, (), [spend(account, 10, cause=cause)])


async def test_nothing_posts_to_a_value_account_without_an_entry(db: Database, project: ProjectKeys) -> None:
    with pytest.raises(DBAPIError, match="moved with an entry"):
        async with db.write() as session:
            await apply(session, project.id, [Posting(value_account(new_id("v")), 5)])


@pytest.mark.parametrize(
    "tampering", ["UPDATE entries SET amount = amount + 1", "DELETE FROM entries", "TRUNCATE entries"]
)
async def test_entries_can_only_be_added(db: Database, project: ProjectKeys, tampering: str) -> None:
    account = value_account(new_id("v"))
    async with db.write() as session:
        await apply(session, project.id, (), [spend(account, 10)])

    with pytest.raises(DBAPIError, match="entries is only ever added to"):
        async with db.write() as session:
            await session.execute(text(tampering))

    assert len(await entries_of(db, project.id, account)) == 2


steps = st.lists(
    st.tuples(st.sampled_from(["spend", "add", "remove", "reverse"]), st.integers(1, 600)), min_size=1, max_size=12
)


@given(opening=st.integers(0, 1000), steps=steps)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whatever_happens_a_balance_is_the_sum_of_its_entries_and_never_below_zero(
    db: Database, opening: int, steps: list[tuple[str, int]]
) -> None:
    project = await give_project(db)
    account, balance = value_account(new_id("v")), opening
    done: list[Movement] = []

    for kind, figure in steps:
        if kind == "reverse":
            if not done:
                continue
            movement = reversal_of(done.pop(figure % len(done)), opening)
        else:
            movement = spend(account, figure, opening) if kind == "spend" else add(account, figure, opening)
            if kind == "remove":
                movement = add(account, -figure, opening)
        amount = movement.posting.amount
        if await applies(db, project.id, movement):
            balance += amount
            if movement.cause.type == "redemption":
                done.append(movement)
        else:
            assert balance + amount < 0
        assert balance >= 0

    entries = await entries_of(db, project.id, account)
    async with db.read() as session:
        held = await session.scalar(select(Account.balance).where(Account.project_id == project.id))
        assert await value_faults(session, project.id) == []
    assert sum(entry.amount for entry in entries) == (held or 0) == (balance if entries else 0)
    assert all(entry.balance >= 0 for entry in entries)


@given(amounts=st.lists(st.integers(1, 100), min_size=1, max_size=8))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_applied_and_reversed_is_as_if_nothing_had_happened(db: Database, amounts: list[int]) -> None:
    project = await give_project(db)
    account = value_account(new_id("v"))
    movements = [spend(account, amount) for amount in amounts]

    async with db.write() as session:
        for movement in movements:
            await apply(session, project.id, (), [movement])
        for movement in reversed(movements):
            after = await apply(session, project.id, (), [reversal_of(movement, 1000)])

    assert after[account] == Holdings(1000, {"issued": 1000, "redeemed": 0})
    assert after[account].redeemed_amount == 0


def reversal_of(movement: Movement, opening: int) -> Movement:
    account, amount = movement.posting.account, movement.posting.amount
    return spend(account, amount, opening, cause=Cause("rollback", movement.cause.id))


async def applies(db: Database, project_id: int, movement: Movement) -> bool:
    try:
        async with db.write() as session:
            await apply(session, project_id, (), [movement])
    except RanOut:
        return False
    return True
