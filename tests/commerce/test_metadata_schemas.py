"""Metadata schemas over HTTP, and what they let in."""

from typing import Any

import pytest
from httpx import AsyncClient
from voucherify import ApiClient, ManagementApi, MetadataSchemasApi
from voucherify.models import (
    ManagementProjectsMetadataSchemasCreateResponseBody,
    ManagementProjectsMetadataSchemasListResponseBody,
    MetadataSchemasGetResponseBody,
    MetadataSchemasListResponseBody,
)

from app.kit.db import Database
from tests.factories.access import Headers, ProjectKeys, give_management_key, give_project, management_headers
from tests.factories.carts import cart, line, try_to_redeem
from tests.factories.incentives import ask, give_campaign, give_coupon
from tests.factories.pools import give_voucher

NUMBER = {"type": "number", "optional": True, "array": False}
TEXT = {"type": "string", "optional": True, "array": False}


async def give_schema(client: AsyncClient, project: ProjectKeys, related_object: str, **members: Any) -> dict[str, Any]:
    body = {"related_object": related_object, "properties": {"level": NUMBER}, **members}
    return await ask(client, project, "POST", "/v1/metadata-schemas", body)


@pytest.fixture
async def management(db: Database) -> Headers:
    return management_headers(await give_management_key(db))


async def test_a_schema_is_kept_under_management_and_shown_on_both_surfaces(
    client: AsyncClient, project: ProjectKeys, management: Headers
) -> None:
    path = f"/management/v1/projects/{project.public_id}/metadata-schemas"
    properties = {"level": {**NUMBER, "lt": 10}, "size": {**TEXT, "max_length": 3, "eq": ["S", "L"]}}

    created = (
        await client.post(path, json={"related_object": "customer", "properties": properties}, headers=management)
    ).json()
    listed = (await client.get(path, headers=management)).json()
    found = (await client.get(f"{path}/{created['id']}", headers=management)).json()
    older = await ask(client, project, "GET", "/v1/metadata-schemas/customer")
    older_list = await ask(client, project, "GET", "/v1/metadata-schemas")

    ManagementProjectsMetadataSchemasCreateResponseBody.from_dict(created)
    ManagementProjectsMetadataSchemasListResponseBody.from_dict(listed)
    MetadataSchemasGetResponseBody.from_dict(older)
    MetadataSchemasListResponseBody.from_dict(older_list)
    assert created["properties"] == properties
    assert (created["allow_defined_only"], created["object"]) == (False, "metadata_schema")
    assert found == created
    assert listed == {"object": "list", "data_ref": "data", "data": [created], "total": 1}
    assert older["properties"]["size"] == {**TEXT, "maxLength": 3, "eq": ["S", "L"]}
    assert (older_list["data_ref"], older_list["schemas"], older_list["total"]) == ("schemas", [older], 1)


async def test_definitions_are_merged_and_a_resource_has_one_schema(
    client: AsyncClient, project: ProjectKeys, management: Headers
) -> None:
    path = f"/management/v1/projects/{project.public_id}/metadata-schemas"
    schema = await give_schema(client, project, "customer")

    changed = (
        await client.put(f"{path}/{schema['id']}", json={"properties": {"size": TEXT}}, headers=management)
    ).json()
    again = await client.post(path, json={"related_object": "customer"}, headers=management)
    too_many = await client.put(
        f"{path}/{schema['id']}",
        json={"properties": {f"key{number}": TEXT for number in range(99)}},
        headers=management,
    )
    gone = await client.delete(f"{path}/{schema['id']}", headers=management)

    assert changed["properties"] == {"level": NUMBER, "size": TEXT}
    assert (again.status_code, again.json()["key"]) == (409, "duplicate_found")
    assert (too_many.status_code, too_many.json()["key"]) == (400, "invalid_payload")
    assert gone.status_code == 204
    assert (await client.get(f"{path}/{schema['id']}", headers=management)).status_code == 404


async def test_a_definition_that_means_nothing_is_refused(client: AsyncClient, headers: Headers) -> None:
    body = {"related_object": "customer", "properties": {"level": {"type": "colour"}}}

    response = await client.post("/v1/metadata-schemas", json=body, headers=headers)

    assert (response.status_code, response.json()["errors"][0]["path"]) == (400, "properties.level.type")


BAD = {"level": "high"}
LINE = {"source_id": "shirt", "related_object": "product", "price": 100, "metadata": BAD}


@pytest.mark.parametrize(
    ("related_object", "method", "path", "body", "problem"),
    [
        ("customer", "POST", "/v1/customers", {"metadata": BAD}, "metadata.level"),
        ("product", "POST", "/v1/products", {"metadata": BAD}, "metadata.level"),
        ("order", "POST", "/v1/orders", {"metadata": BAD}, "metadata.level"),
        ("order_item", "POST", "/v1/orders", {"items": [LINE]}, "items[0].metadata.level"),
        ("customer", "POST", "/v1/orders", {"customer": {"metadata": BAD}}, "metadata.level"),
        ("voucher", "PUT", "/v1/vouchers/CODE", {"metadata": BAD}, "metadata.level"),
        (
            "voucher",
            "POST",
            "/v1/vouchers/NEW",
            {"discount": {"type": "AMOUNT", "amount_off": 1}, "metadata": BAD},
            "metadata.level",
        ),
        (
            "redemption",
            "POST",
            "/v1/redemptions",
            {"redeemables": [{"object": "voucher", "id": "CODE"}], "metadata": BAD},
            "metadata.level",
        ),
        ("order", "POST", "/v1/redemptions", cart("CODE", order={"metadata": BAD}), "order.metadata.level"),
        ("order_item", "POST", "/v1/redemptions", cart("CODE", items=[LINE]), "order.items[0].metadata.level"),
        ("customer", "POST", "/v1/redemptions", cart("CODE", customer={"metadata": BAD}), "metadata.level"),
        (
            "publication",
            "POST",
            "/v1/publications",
            {"voucher": "CODE", "customer": {"source_id": "ada"}, "metadata": BAD},
            "metadata.level",
        ),
        ("customer", "POST", "/v1/events", {"event": "seen", "customer": {"metadata": BAD}}, "metadata.level"),
    ],
)
async def test_metadata_that_is_not_as_the_schema_says_is_refused(
    client: AsyncClient,
    project: ProjectKeys,
    related_object: str,
    method: str,
    path: str,
    body: dict[str, Any],
    problem: str,
) -> None:
    await give_coupon(client, project, "CODE")
    await give_schema(client, project, related_object)

    refused = await client.request(method, path, json=body, headers=project.server)

    assert refused.status_code == 400, refused.text
    answer = refused.json()
    assert (answer["key"], [each["path"] for each in answer["errors"]]) == ("metadata_validation_failed", [problem])


async def test_a_campaign_is_checked_with_its_own_schema_or_that_of_vouchers(
    client: AsyncClient, project: ProjectKeys
) -> None:
    await give_schema(client, project, "campaign")
    await give_schema(client, project, "voucher", properties={"level": TEXT})
    campaign = await give_campaign(client, project, metadata={"level": 5})

    refused = await client.put(f"/v1/campaigns/{campaign['id']}", json={"metadata": BAD}, headers=project.server)
    like_vouchers = await give_campaign(client, project, metadata=BAD, use_voucher_metadata_schema=True)

    assert (refused.status_code, refused.json()["key"]) == (400, "metadata_validation_failed")
    assert like_vouchers["metadata"] == BAD


async def test_merged_metadata_has_to_have_what_is_required(client: AsyncClient, project: ProjectKeys) -> None:
    required = {"level": {**NUMBER, "optional": False}}
    await give_schema(client, project, "customer", properties=required, allow_defined_only=False)

    without = await client.post("/v1/customers", json={"metadata": {"other": 1}}, headers=project.server)
    silent = await ask(client, project, "POST", "/v1/customers", {"source_id": "b", "name": "B"})
    full = await ask(client, project, "POST", "/v1/customers", {"source_id": "a", "metadata": {"level": 1}})
    partly = await ask(client, project, "PUT", f"/v1/customers/{full['id']}", {"metadata": {"other": 1}})
    emptied = await client.put(
        f"/v1/customers/{full['id']}", json={"metadata": {"level": None}}, headers=project.server
    )

    assert (without.status_code, emptied.status_code) == (400, 400)
    assert silent["metadata"] == {}
    assert partly["metadata"] == {"level": 1, "other": 1}


async def test_a_new_schema_counts_at_once_and_a_deleted_one_no_more(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_voucher(db, project, code="CODE")
    body = cart("CODE", items=[line("shirt", 100)], metadata=BAD)

    before = await try_to_redeem(client, project, body)
    schema = await give_schema(client, project, "redemption")
    during = await try_to_redeem(client, project, body)
    await ask(client, project, "DELETE", f"/v1/metadata-schemas/{schema['id']}")
    after = await try_to_redeem(client, project, body)

    assert [answer.status_code for answer in (before, during, after)] == [200, 400, 200]


async def test_another_project_has_its_own_schemas(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    schema = await give_schema(client, project, "customer")
    other = await give_project(db)

    await ask(client, other, "POST", "/v1/customers", {"metadata": BAD})
    answers = [
        (await client.get("/v1/metadata-schemas/customer", headers=other.server)).status_code,
        (await client.put(f"/v1/metadata-schemas/{schema['id']}", json={}, headers=other.server)).status_code,
        (await client.delete(f"/v1/metadata-schemas/{schema['id']}", headers=other.server)).status_code,
    ]

    assert answers == [404] * 3
    assert (await ask(client, other, "GET", "/v1/metadata-schemas"))["total"] == 0


async def test_the_official_client_reads_metadata_schemas(
    voucherify_client: ApiClient, client: AsyncClient, project: ProjectKeys, management: Headers
) -> None:
    await give_schema(client, project, "customer", properties={"size": {**TEXT, "max_length": 3}})
    voucherify_client.configuration.api_key |= management

    listed = MetadataSchemasApi(voucherify_client).list_metadata_schemas()
    found = MetadataSchemasApi(voucherify_client).get_metadata_schema("customer")
    managed = ManagementApi(voucherify_client).list_metadata_schemas1(project.public_id)

    assert [schema.related_object for schema in listed.schemas] == ["customer"]
    assert found.properties["size"]["maxLength"] == 3
    assert [schema.related_object for schema in managed.data] == ["customer"]
