"""An account edited behind the ledger's back is found, with the entry that was changed."""

import pytest
from sqlalchemy import select, text

from app.engine.postings import AccountKey
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.ledger.chains import Fault, value_faults
from app.ledger.movements import value_account
from app.models import Entry
from tests.factories.access import ProjectKeys
from tests.ledger.test_movements import add, spend


@pytest.fixture
async def account(db: Database, project: ProjectKeys) -> AccountKey:
    """An account with four entries: what it was made with, a payment, a top-up, a payment."""
    account = value_account(new_id("v"))
    async with db.write() as session:
        for movement in (spend(account, 100), add(account, 50), spend(account, 200)):
            await apply(session, project.id, (), [movement])
    return account


async def tamper(db: Database, project: ProjectKeys, statement: str) -> None:
    """Do what only a superuser can: change the ledger with its triggers asleep."""
    async with db.write() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(text(statement), {"project": project.id})


async def found(db: Database, project: ProjectKeys) -> list[Fault]:
    async with db.read() as session:
        return await value_faults(session, project.id)


async def entry_id(db: Database, project: ProjectKeys, position: int) -> str | None:
    async with db.read() as session:
        rows = select(Entry.id).where(Entry.project_id == project.id, Entry.position == position)
        return await session.scalar(rows)


async def test_a_ledger_that_nobody_touched_has_no_fault(
    db: Database, project: ProjectKeys, account: AccountKey
) -> None:
    assert await found(db, project) == []


@pytest.mark.parametrize(
    "change",
    [
        "reason = 'nothing to see'",
        "cause_id = 'r_other'",
        "actor = 'user:somebody'",
        "effective_at = effective_at - interval '1 microsecond'",
        "recorded_at = recorded_at + interval '1 day'",
        "hash = previous_hash",
    ],
)
async def test_a_changed_entry_is_named(db: Database, project: ProjectKeys, account: AccountKey, change: str) -> None:
    await tamper(db, project, f"UPDATE entries SET {change} WHERE project_id = :project AND position = 2")

    changed = await entry_id(db, project, 2)
    assert Fault(account, changed, "the entry is not as it was written") in await found(db, project)


async def test_an_entry_of_another_amount_is_named_and_so_is_the_account(
    db: Database, project: ProjectKeys, account: AccountKey
) -> None:
    await tamper(db, project, "UPDATE entries SET amount = -90 WHERE project_id = :project AND position = 2")

    faults = await found(db, project)

    changed = await entry_id(db, project, 2)
    assert Fault(account, changed, "the entry is not as it was written") in faults
    assert Fault(account, None, "the account holds 750, but its entries add up to 760") in faults


async def test_a_missing_entry_is_seen_at_the_next_one(db: Database, project: ProjectKeys, account: AccountKey) -> None:
    await tamper(db, project, "DELETE FROM entries WHERE project_id = :project AND position = 2")

    after = await entry_id(db, project, 3)
    assert Fault(account, after, "an entry before it is missing or was changed") in await found(db, project)


async def test_entries_cut_off_at_the_end_are_missed(db: Database, project: ProjectKeys, account: AccountKey) -> None:
    await tamper(db, project, "DELETE FROM entries WHERE project_id = :project AND position = 4")
    await tamper(db, project, "UPDATE accounts SET balance = 950 WHERE project_id = :project")

    assert Fault(account, None, "the account does not end in its last entry") in await found(db, project)


async def test_a_balance_set_by_hand_is_found(db: Database, project: ProjectKeys, account: AccountKey) -> None:
    await tamper(db, project, "UPDATE accounts SET balance = 99999 WHERE project_id = :project")

    (fault,) = await found(db, project)

    assert fault == Fault(account, None, "the account holds 99999, but its entries add up to 750")


async def test_totals_set_by_hand_are_found(db: Database, project: ProjectKeys, account: AccountKey) -> None:
    await tamper(db, project, """UPDATE accounts SET totals = '{"issued": 750}' WHERE project_id = :project""")

    (fault,) = await found(db, project)

    assert fault == Fault(account, None, "the totals of the account are not those of its entries")


async def test_an_account_taken_away_is_missed(db: Database, project: ProjectKeys, account: AccountKey) -> None:
    await tamper(db, project, "DELETE FROM accounts WHERE project_id = :project")

    assert await found(db, project) == [Fault(account, None, "there are entries, but no account")]
