"""Codes that customers get on a page."""

import pytest
from httpx import AsyncClient
from voucherify.models import PublicationsCreateResponseBody

from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.commerce import give_customer
from tests.factories.incentives import ask, give_campaign, give_coupon
from tests.factories.pages import from_page, shown


@pytest.fixture
async def project(db: Database) -> ProjectKeys:
    """A project whose pages may publish."""
    return await give_project(db, client_publish_enabled=True)


async def test_a_customer_gets_a_code_of_a_campaign_on_a_page(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    ada = await give_customer(db, project, source_id="ada", name="Ada", metadata={"note": "secret"})
    await give_campaign(client, project, name="Welcome", type="AUTO_UPDATE", metadata={"note": "secret"})
    body = {"campaign": {"name": "Welcome"}, "customer": {"source_id": "ada"}}

    first = await shown(client, project, "POST", "/publish?join_once=true", body)
    again = await shown(client, project, "POST", "/publish?join_once=true", body)

    assert PublicationsCreateResponseBody.from_dict(first) is not None
    assert first["voucher"]["code"] == again["voucher"]["code"]
    assert first["customer"] == {"id": ada.id, "source_id": "ada", "object": "customer"}
    assert "secret" not in str(first)
    assert "holder_id" not in str(first)
    code = first["voucher"]["code"]
    assert (await ask(client, project, "GET", f"/v1/vouchers/{code}"))["holder_id"] == ada.id


async def test_a_page_cannot_choose_the_code_nor_learn_whether_there_is_one(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_customer(db, project, source_id="ada")
    await give_coupon(client, project, "UNSOLD")

    refused = [
        await from_page(client, project, "POST", "/publish", {"voucher": code, "customer": {"source_id": "ada"}})
        for code in ("UNSOLD", "NONE")
    ]

    assert [each.status_code for each in refused] == [400, 400]
    assert {each.json()["key"] for each in refused} == {"invalid_publish_params"}
    assert refused[0].json()["details"] == refused[1].json()["details"]
    assert "holder_id" not in await ask(client, project, "GET", "/v1/vouchers/UNSOLD")


async def test_only_known_customers_get_codes_unless_pages_may_make_customers(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    trusting = await give_project(db, client_publish_enabled=True, client_create_customer_enabled=True)
    statuses = []
    for owner in (project, trusting):
        await give_campaign(client, owner, name="Welcome", type="AUTO_UPDATE")
        body = {"campaign": {"name": "Welcome"}, "customer": {"source_id": "new"}}
        statuses.append((await from_page(client, owner, "POST", "/publish", body)).status_code)

    assert statuses == [403, 200]


async def test_a_page_that_may_not_publish_is_403(client: AsyncClient, db: Database) -> None:
    project = await give_project(db)
    body = {"campaign": {"name": "Welcome"}, "customer": {"source_id": "ada"}}

    response = await from_page(client, project, "POST", "/publish", body)

    assert (response.status_code, response.json()["key"]) == (403, "missing_required_permission")
