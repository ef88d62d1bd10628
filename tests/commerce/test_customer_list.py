import re
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import event
from voucherify.models import CustomersListResponseBody

from app.commerce.customers import service
from app.commerce.customers.queries import CustomerQuery
from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.commerce import give_customer, give_order

Headers = dict[str, str]


async def listed(client: AsyncClient, headers: Headers, query: str = "") -> list[str | None]:
    response = await client.get(f"/v1/customers{query}", headers=headers)
    assert response.status_code == 200, response.text
    CustomersListResponseBody.from_dict(response.json())
    return [customer.get("source_id") for customer in response.json()["customers"]]


@pytest.fixture
async def people(db: Database, project: ProjectKeys) -> None:
    """Ada in Berlin, Bob in Paris, Cid nowhere, born in this order; Bob was changed last."""
    await give_customer(db, project, source_id="ada", name="Ada", email="Ada@Example.com", address={"city": "Berlin"})
    await give_customer(db, project, source_id="bob", name="Bob", address={"city": "Paris"})
    await give_customer(db, project, source_id="cid", name="Cid", email="cid@example.com")
    await give_customer(db, project, source_id="ada", phone="1")
    await give_customer(db, project, source_id="bob", phone="1")


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["cid", "bob", "ada"]),
        ("?order=created_at", ["ada", "bob", "cid"]),
        ("?order=-source_id", ["cid", "bob", "ada"]),
        ("?order=-updated_at", ["bob", "ada", "cid"]),
        ("?email=ADA%40example.com", ["ada"]),
        ("?name=Bob", ["bob"]),
        ("?name=bob", []),
        ("?city=Paris", ["bob"]),
        ("?created_at[after]=2100-01-01T00:00:00.000Z", []),
        ("?created_at[before]=2100-01-01T00:00:00.000Z&limit=1", ["cid"]),
        ("?updated_at%5Bafter%5D=2000-01-01T00:00:00.000Z&order=source_id", ["ada", "bob"]),
        ("?limit=2&page=2", ["ada"]),
        ("?starting_after=2000-01-01T00:00:00.000Z", []),
        ("?starting_after=2100-01-01T00:00:00.000Z&limit=2", ["cid", "bob"]),
    ],
)
async def test_customers_are_found_by_what_the_query_asks(
    client: AsyncClient, headers: Headers, query: str, expected: list[str]
) -> None:
    assert await listed(client, headers, query) == expected


@pytest.mark.usefixtures("people")
async def test_a_page_says_how_many_there_are_and_whether_more_follow(client: AsyncClient, headers: Headers) -> None:
    first = (await client.get("/v1/customers?limit=2", headers=headers)).json()
    last = (await client.get("/v1/customers?limit=2&page=2", headers=headers)).json()

    assert (first["object"], first["data_ref"]) == ("list", "customers")
    assert (first["total"], first["has_more"]) == (3, True)
    assert (last["total"], last["has_more"]) == (3, False)


async def test_the_date_of_the_last_one_leads_to_the_rest(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    for n in range(5):
        await give_customer(db, project, source_id=str(n))
    seen: list[str] = []
    cursor = ""

    while page := (await client.get(f"/v1/customers?limit=2{cursor}", headers=project.server)).json()["customers"]:
        seen += [customer["source_id"] for customer in page]
        cursor = f"&starting_after={page[-1]['created_at']}"

    assert seen == ["4", "3", "2", "1", "0"]


async def test_another_projects_customers_are_in_no_list(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    other = await give_project(db)
    await give_customer(db, other, source_id="stranger", email="ada@example.com")
    await give_customer(db, project, source_id="mine", email="ada@example.com")

    assert await listed(client, project.server) == ["mine"]
    assert await listed(client, project.server, "?email=ada@example.com") == ["mine"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("page=0", "page"),
        ("page=x", "page"),
        ("page=100", "page"),
        ("order=name", "order"),
        ("created_at[before]=soon", "created_at.before"),
        ("filters[shoe_size][conditions][$is]=42", None),
    ],
)
async def test_a_question_the_list_does_not_understand_is_refused(
    client: AsyncClient, headers: Headers, query: str, path: str | None
) -> None:
    response = await client.get(f"/v1/customers?{query}", headers=headers)

    assert response.status_code == 400
    assert path is None or re.sub(r"\[(\w+)\]", r".\1", response.json()["errors"][0]["path"]) == path


async def test_a_page_of_customers_costs_as_many_statements_as_one(db: Database, project: ProjectKeys) -> None:
    async def statements() -> int:
        counted: list[str] = []

        def count(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            counted.append(statement)

        event.listen(db.engine.sync_engine, "before_cursor_execute", count)
        await service.search(db, project.caller(), CustomerQuery(limit=50))
        event.remove(db.engine.sync_engine, "before_cursor_execute", count)
        return len(counted)

    await give_order(db, project, customer={"source_id": "0"}, status="PAID", amount=5)
    one = await statements()
    for n in range(20):
        await give_order(db, project, customer={"source_id": str(n)}, status="PAID", amount=5)

    assert await statements() == one
