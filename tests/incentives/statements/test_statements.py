"""Statements: every balance of the past, and how it came to be."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from app.engine.postings import AccountKey, Posting
from app.kit import clock
from app.kit.db import Database
from app.ledger.apply import apply
from app.ledger.movements import Cause, Movement, points_account
from tests.factories.access import ProjectKeys, give_project
from tests.factories.gifts import change_balance, give_card
from tests.factories.incentives import Answer, ask

DAY = timedelta(days=1)
CARD = points_account("v_card")
YESTERDAY = clock.now() - DAY


async def statement(client: AsyncClient, project: ProjectKeys, owner: str, **query: Any) -> Answer:
    return await ask(client, project, "GET", f"/x/v1/ledger/accounts/{owner}/statement?{urlencode(query)}")


async def balance(client: AsyncClient, project: ProjectKeys, owner: str, **query: Any) -> int:
    read = await ask(client, project, "GET", f"/x/v1/ledger/accounts/{owner}/balance?{urlencode(query)}")
    held: int = read["balance"]
    return held


async def move(db: Database, project: ProjectKeys, *amounts: int, account: AccountKey = CARD) -> list[Movement]:
    """One movement after the other, each recorded on a day of its own: the first on 1 January 2026."""
    movements = []
    async with db.write() as session:
        for number, amount in enumerate(amounts, 1):
            counterpart = "issued" if amount > 0 else "redeemed"
            cause = Cause("adjustment", f"{account.subject}{number}")
            movements.append(Movement(Posting(account, amount, 0), counterpart, cause, clock.now(), reason="because"))
            await apply(session, project.id, (), movements[-1:])
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        await session.execute(
            text(
                "UPDATE entries SET recorded_at = timestamptz '2026-01-01 12:00Z' + (position - 1) * interval '1 day'"
                " WHERE project_id = :project"
            ),
            {"project": project.id},
        )
    return movements


def on(day: int, hour: int = 0) -> str:
    return datetime(2026, 1, day, hour, tzinfo=UTC).isoformat()


async def test_a_statement_leads_from_the_opening_to_the_closing_balance(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    movements = await move(db, project, 100, -30, 50, -20, 7)

    read = await statement(client, project, "v_card", **{"from": on(2), "to": on(5)})

    assert (read["opening_balance"], read["closing_balance"]) == (100, 100)
    assert [(entry["amount"], entry["balance"]) for entry in read["data"]] == [(-30, 70), (50, 120), (-20, 100)]
    assert (read["from"], read["to"]) == ("2026-01-02T00:00:00.000Z", "2026-01-05T00:00:00.000Z")
    assert read["account"] == {"owner_id": "v_card", "measure": "points"}
    entry = read["data"][0]
    assert entry["id"] == movements[1].id
    assert entry["transaction_id"] == movements[1].transaction_id
    assert (entry["cause"], entry["counterpart"]) == ({"type": "adjustment", "id": "2"}, "redeemed")
    assert (entry["reason"], entry["recorded_at"]) == ("because", "2026-01-02T12:00:00.000Z")
    assert [lot["points"] for lot in entry["lots"]] == [-30]


async def test_the_balance_at_any_instant_is_that_of_the_entries_recorded_until_then(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    amounts = [100, -30, 50, -20, 7, -1, -1, 3, 4, -5, 6]
    await move(db, project, *amounts)

    for day in range(1, len(amounts) + 1):
        assert await balance(client, project, "v_card", at=on(day, 11)) == sum(amounts[: day - 1])
        assert await balance(client, project, "v_card", at=on(day, 12)) == sum(amounts[:day])
    assert await balance(client, project, "v_card") == sum(amounts)


async def test_a_long_statement_comes_in_pages_that_keep_its_balances(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    movements = await move(db, project, *range(1, 8))

    query: dict[str, Any] = {"from": on(2), "limit": 4}
    first = await statement(client, project, "v_card", **query)
    second = await statement(client, project, "v_card", starting_after=first["more_starting_after"], **query)

    assert [entry["id"] for entry in first["data"] + second["data"]] == [movement.id for movement in movements[1:]]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert [(page["opening_balance"], page["closing_balance"]) for page in (first, second)] == [(1, 28), (1, 28)]


async def test_what_a_gift_card_was_made_with_is_on_its_statement_before_and_after_its_first_payment(
    client: AsyncClient, project: ProjectKeys
) -> None:
    card = await give_card(client, project, amount=5000)
    made_at = datetime.fromisoformat(card["created_at"])

    untouched = await statement(client, project, "GIFT")
    assert (untouched["opening_balance"], untouched["closing_balance"]) == (0, 5000)
    (opening,) = untouched["data"]
    assert (opening["id"], opening["amount"], opening["cause"]["type"]) == (None, 5000, "opening")
    assert await balance(client, project, "GIFT", at=(made_at - DAY).isoformat()) == 0
    assert await balance(client, project, "GIFT", at=(made_at + DAY).isoformat()) == 5000
    later = await statement(client, project, "GIFT", **{"from": (made_at + DAY).isoformat(), "to": "2100-01-01"})
    assert (later["opening_balance"], later["closing_balance"], later["data"]) == (5000, 5000, [])

    await change_balance(client, project, "GIFT", -700)
    touched = await statement(client, project, card["id"])
    assert [entry["amount"] for entry in touched["data"]] == [5000, -700]
    assert await balance(client, project, "GIFT", at=(made_at + timedelta(milliseconds=1)).isoformat()) == 5000
    assert await balance(client, project, "GIFT") == 4300


async def test_expired_points_are_not_in_the_balance_of_now(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    movements = [
        Movement(Posting(CARD, points), "earned", Cause("earning", str(points)), clock.now(), expires_at=expires_at)
        for points, expires_at in ((100, YESTERDAY), (40, None))
    ]
    async with db.write() as session:
        await apply(session, project.id, (), movements)

    assert await balance(client, project, "v_card") == 40


async def test_who_has_several_accounts_is_asked_which(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    for subject, amount in (("", 5), ("currency:USD", 7)):
        await move(db, project, amount, account=AccountKey("cust_ann", "payable", subject))
    await move(db, project, 9, account=AccountKey("cust_ann", "owed"))

    assert await balance(client, project, "cust_ann", currency="USD") == 7
    assert await balance(client, project, "cust_ann", measure="owed") == 9
    answer = await client.get("/x/v1/ledger/accounts/cust_ann/balance", headers=project.server)
    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_query_params")
    assert "USD" in answer.json()["details"]


@pytest.mark.parametrize("owner", ["v_unknown", "cust_ann", "x" * 100, "a%2Fb", "%E2%98%83"])
async def test_an_owner_without_an_account_is_not_found(client: AsyncClient, project: ProjectKeys, owner: str) -> None:
    for path in ("statement", "balance"):
        answer = await client.get(f"/x/v1/ledger/accounts/{owner}/{path}", headers=project.server)
        assert (answer.status_code, answer.json()["key"]) == (404, "not_found")


async def test_accounts_of_another_project_are_not_found(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await move(db, await give_project(db), 5)

    answer = await client.get("/x/v1/ledger/accounts/v_card/balance", headers=project.server)

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-02-01", "to": "2026-01-01"},
        {"from": "yesterday"},
        {"limit": 0},
        {"limit": 101},
        {"starting_after": "vtx_unknown"},
        {"measure": "uses"},
        {"currency": "nothing"},
        {"to": "99999-01-01"},
        {"from": "0001-01-01T00:00:00+14:00"},
    ],
)
async def test_a_question_that_cannot_be_understood_is_refused(
    client: AsyncClient, db: Database, project: ProjectKeys, query: dict[str, Any]
) -> None:
    await move(db, project, 5)

    answer = await client.get("/x/v1/ledger/accounts/v_card/statement", params=query, headers=project.server)

    assert answer.status_code == 400
    assert answer.json()["key"] in ("invalid_query_params", "invalid_payload")
