"""Custom events that pages report."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from app.kit.db import Database
from app.models import Customer, CustomEvent
from tests.factories.access import ProjectKeys, give_project
from tests.factories.commerce import give_customer
from tests.factories.pages import from_page, shown


async def customers_of(db: Database, project: ProjectKeys) -> dict[str | None, str | None]:
    """The names of the project's customers by source id."""
    async with db.read() as session:
        rows = await session.scalars(select(Customer).where(Customer.project_id == project.id))
        return {row.source_id: row.name for row in rows}


async def test_a_page_reports_what_a_known_customer_did_and_sees_no_more_of_them_than_it_said(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    ada = await give_customer(db, project, source_id="ada", name="Ada", email="ada@example.com")
    event = {"event": "wished", "customer": {"source_id": "ada", "name": "Eve"}, "metadata": {"item": "shirt"}}

    answer = await shown(client, project, "POST", "/events", event)

    assert answer == {
        "object": "event",
        "type": "wished",
        "customer": {"id": ada.id, "source_id": "ada", "object": "customer"},
        "referral": None,
        "loyalty": None,
        "metadata": {"item": "shirt"},
    }
    assert await customers_of(db, project) == {"ada": "Ada"}
    async with db.read() as session:
        kept = (await session.scalars(select(CustomEvent).where(CustomEvent.project_id == project.id))).one()
    assert (kept.event, kept.customer_id) == ("wished", ada.id)


@pytest.mark.parametrize("customer", [{"source_id": "new"}, {"email": "new@example.com"}, {}])
async def test_a_page_makes_no_customer_unless_the_project_lets_it(
    client: AsyncClient, db: Database, project: ProjectKeys, customer: dict[str, Any]
) -> None:
    trusting = await give_project(db, client_create_customer_enabled=True)
    event = {"event": "visited", "customer": {**customer, "name": "New"}}

    refused = await from_page(client, project, "POST", "/events", event)
    kept = await from_page(client, trusting, "POST", "/events", event)

    assert (refused.status_code, refused.json()["key"]) == (403, "missing_required_permission")
    assert kept.status_code == 200
    assert await customers_of(db, project) == {}
    assert await customers_of(db, trusting) == {customer.get("source_id"): "New"}


async def test_an_unknown_id_of_a_customer_is_404(client: AsyncClient, project: ProjectKeys) -> None:
    response = await from_page(client, project, "POST", "/events", {"event": "x", "customer": {"id": "cust_none"}})

    assert (response.status_code, response.json()["key"]) == (404, "not_found")
