"""Whether everything adds up, asked over HTTP."""

from typing import get_args

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select, text

from app.access.permissions import Role
from app.engine.postings import Posting
from app.insights.invariants.service import EXAMINING_LOCK
from app.kit import clock
from app.kit.db import Database
from app.ledger.apply import apply
from app.ledger.movements import Cause, Movement, points_account
from tests.factories.access import ProjectKeys, give_key, give_project, server_headers
from tests.factories.gifts import change_balance, give_card
from tests.factories.incentives import ask

URL = "/x/v1/invariants"


async def tamper(db: Database, project: ProjectKeys, statement: str) -> None:
    async with db.write() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(text(statement), {"project": project.id})


async def test_a_project_in_order_has_no_faults(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project)
    await change_balance(client, project, "GIFT", -500)

    found = await ask(client, project, "GET", URL)

    assert (found["holds"], found["faults"], found["has_more"]) == (True, [], False)
    assert found["object"] == "invariants"


async def test_an_entry_edited_as_superuser_is_named_with_its_account(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    card = points_account("v_card")
    earning = Movement(Posting(card, 100), "earned", Cause("earning", "ord_1"), clock.now())
    async with db.write() as session:
        await apply(session, project.id, (), [earning])
    await tamper(db, project, "UPDATE entries SET amount = 900, balance = 900 WHERE project_id = :project")
    await tamper(db, project, "UPDATE accounts SET balance = 900 WHERE project_id = :project")

    found = await ask(client, project, "GET", URL)

    assert not found["holds"]
    account = {"owner_id": "v_card", "measure": "points"}
    assert {
        "what": f"account v_card/points entry {earning.id}",
        "problem": "the entry is not as it was written",
        "account": account,
        "entry_id": earning.id,
    } in found["faults"]
    assert {
        "what": "account v_card/points",
        "problem": "the account holds 900, but its lots have 100 left",
        "account": account,
    } in found["faults"]


async def test_faults_of_other_projects_are_not_told(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    other = await give_project(db)
    await give_card(client, other)
    await change_balance(client, other, "GIFT", 5)
    await tamper(db, other, "UPDATE accounts SET balance = 1 WHERE project_id = :project AND holds_value")

    assert (await ask(client, project, "GET", URL))["holds"]
    assert not (await ask(client, other, "GET", URL))["holds"]


@pytest.mark.parametrize("role", [role for role in get_args(Role) if role not in ("admin", "client")])
async def test_only_administrators_may_ask(client: AsyncClient, db: Database, project: ProjectKeys, role: Role) -> None:
    key = await give_key(db, project, role)

    answer = await client.get(URL, headers=server_headers(key))

    assert answer.status_code == 403


async def test_a_project_is_examined_by_one_request_at_a_time(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    async with db.read() as session:
        await session.scalar(select(func.pg_try_advisory_xact_lock(EXAMINING_LOCK, project.id)))

        answer = await client.get(URL, headers=project.server)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
