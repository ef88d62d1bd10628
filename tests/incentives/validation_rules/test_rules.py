"""Saving, changing and deleting validation rules over HTTP."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select
from voucherify.models.validation_rules_create_response_body import ValidationRulesCreateResponseBody
from voucherify.models.validation_rules_get_response_body import ValidationRulesGetResponseBody
from voucherify.models.validation_rules_update_response_body import ValidationRulesUpdateResponseBody

from app.incentives.validation_rules.schemas import CONTEXT_TYPES
from app.kit.db import Database
from app.models import OutboxEvent
from tests.factories.access import ProjectKeys, give_project
from tests.factories.pools import give_pool
from tests.factories.rules import ORDER_OVER_50, TEN_PER_CAMPAIGN, give_assignment, give_rule, rule_of

DEFINITION: dict[str, Any] = {
    "name": "Berlin, weekdays",
    "rules": {
        "1": {
            "name": "order.items.any",
            "conditions": {"$is": [{"id": "prod_1", "source_id": "shirt", "object": "product"}]},
            "rules": {
                "1": {"name": "order.items.aggregated_quantity", "conditions": {"$more_than": ["2"]}, "rules": {}},
                "logic": "1",
            },
            "error": {"message": "Three shirts, please."},
        },
        "2": {"name": "customer.metadata", "property": "city", "conditions": {"$in": ["Berlin", "Bern"]}, "rules": {}},
        "3": {"name": "order.amount", "conditions": {"$more_than_or_equal": [1000]}, "rules": {}},
        "logic": "1 AND (2 or 3)",
    },
    "error": {"message": "Not today."},
    "applicable_to": {
        "included": [{"object": "product", "id": "prod_1", "effect": "APPLY_TO_CHEAPEST", "quantity_limit": 2}],
        "excluded": [{"object": "sku", "id": "sku_1", "effect": "APPLY_TO_EVERY"}],
        "included_all": False,
    },
    "type": "advanced",
    "context_type": "campaign.discount_coupons",
}


async def test_a_definition_comes_back_member_for_member(client: AsyncClient, project: ProjectKeys) -> None:
    created = await give_rule(client, project, **DEFINITION)
    read = (await client.get(f"/v1/validation-rules/{created['id']}", headers=project.server)).json()

    assert read == created
    assert {name: read[name] for name in DEFINITION} == DEFINITION
    assert read["assignments_count"] == 0
    assert read["object"] == "validation_rules"
    assert ValidationRulesCreateResponseBody.from_dict(created) is not None
    assert ValidationRulesGetResponseBody.from_dict(read) is not None


async def test_a_rule_may_say_nothing_at_all(client: AsyncClient, project: ProjectKeys) -> None:
    response = await client.post("/v1/validation-rules", headers=project.server)

    assert response.status_code == 200
    rule = response.json()
    assert rule["rules"] == {"logic": ""}
    assert (rule["type"], rule["context_type"]) == ("expression", "global")
    assert "name" not in rule
    assert "error" not in rule


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        (rule_of("order.colour", "$is", "red"), "rules.1.name"),
        (rule_of("order.amount", "$resembles", 1), "rules.1.conditions.$resembles"),
        (rule_of("order.amount", "$more_than", 100, "many"), "rules.1.conditions.$more_than[1]"),
        ({**ORDER_OVER_50, "logic": "1 and 2"}, "rules.logic"),
        ({**ORDER_OVER_50, "logic": "(1"}, "rules.logic"),
        ({"first": ORDER_OVER_50["1"]}, "rules.first"),
        ({"1": {"name": "customer.metadata", "conditions": {"$is": ["x"]}}}, "rules.1.property"),
    ],
)
async def test_a_bad_rule_is_refused_with_the_path_of_what_is_wrong(
    client: AsyncClient, project: ProjectKeys, rules: dict[str, Any], path: str
) -> None:
    response = await client.post("/v1/validation-rules", json={"rules": rules}, headers=project.server)

    assert response.status_code == 400
    error = response.json()
    assert error["key"] == "invalid_validation_rules"
    assert error["errors"][0]["path"] == path
    assert error["details"].startswith(path)


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"rules": []}, "rules"),
        ({"context_type": "voucher.banana"}, "context_type"),
        ({"type": "complicated"}, "type"),
        ({"applicable_to": {"included": [{"object": "product"}]}}, "applicable_to.included[0].id"),
        (
            {"applicable_to": {"included": [{"object": "shelf", "id": "s_1"}]}},
            "applicable_to.included[0].object",
        ),
    ],
)
async def test_members_that_mean_nothing_are_refused_with_their_path(
    client: AsyncClient, project: ProjectKeys, members: dict[str, Any], path: str
) -> None:
    response = await client.post("/v1/validation-rules", json=members, headers=project.server)

    assert response.status_code == 400
    assert response.json()["key"] == "invalid_payload"
    assert response.json()["errors"][0]["path"] == path


@pytest.mark.parametrize("bundle_rules", [None, {}, {"logic": "", "limit": 1}])
async def test_empty_bundles_are_accepted(
    client: AsyncClient, project: ProjectKeys, bundle_rules: dict[str, Any] | None
) -> None:
    await give_rule(client, project, bundle_rules=bundle_rules)


def test_there_are_as_many_context_types_as_the_contract_has() -> None:
    assert len(set(CONTEXT_TYPES)) == len(CONTEXT_TYPES) == 55


async def test_a_change_leaves_alone_what_it_does_not_mention(client: AsyncClient, project: ProjectKeys) -> None:
    created = await give_rule(client, project, **DEFINITION)

    response = await client.put(
        f"/v1/validation-rules/{created['id']}", json={"name": "Renamed"}, headers=project.server
    )

    updated = response.json()
    assert updated == {**created, "name": "Renamed", "updated_at": updated["updated_at"]}
    assert ValidationRulesUpdateResponseBody.from_dict(updated) is not None


async def test_null_clears_a_member(client: AsyncClient, project: ProjectKeys) -> None:
    created = await give_rule(client, project, **DEFINITION)

    nothing = {name: None for name in ("name", "rules", "error", "applicable_to", "type", "context_type")}
    response = await client.put(f"/v1/validation-rules/{created['id']}", json=nothing, headers=project.server)

    updated = response.json()
    assert updated["rules"] == {"logic": ""}
    assert updated["applicable_to"] == {"included": [], "excluded": [], "included_all": False}
    assert (updated["type"], updated["context_type"]) == ("expression", "global")
    assert "name" not in updated
    assert "error" not in updated


async def test_a_bad_change_changes_nothing(client: AsyncClient, project: ProjectKeys) -> None:
    created = await give_rule(client, project, **DEFINITION)
    url = f"/v1/validation-rules/{created['id']}"

    response = await client.put(url, json={"name": "x", "rules": {"1": {}}}, headers=project.server)

    assert response.status_code == 400
    assert (await client.get(url, headers=project.server)).json() == created


async def test_a_rule_in_use_is_not_deleted(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    rule = await give_rule(client, project)
    campaign = await give_pool(db, project)
    assignment = await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    url = f"/v1/validation-rules/{rule['id']}"

    refused = await client.delete(url, headers=project.server)
    await client.delete(f"{url}/assignments/{assignment['id']}", headers=project.server)
    deleted = await client.delete(url, headers=project.server)

    assert (refused.status_code, refused.json()["key"]) == (400, "resource_in_use")
    assert "1 object" in refused.json()["details"]
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await client.get(url, headers=project.server)).status_code == 404
    assert (await client.delete(url, headers=project.server)).status_code == 404


async def test_a_rule_of_another_project_does_not_exist(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    rule = await give_rule(client, await give_project(db))
    url = f"/v1/validation-rules/{rule['id']}"

    assignment = {"related_object_type": "campaign", "related_object_id": (await give_pool(db, project)).id}
    answers = [
        await client.get(url, headers=project.server),
        await client.put(url, json={"name": "mine"}, headers=project.server),
        await client.delete(url, headers=project.server),
        await client.post(f"{url}/assignments", json=assignment, headers=project.server),
        await client.delete(f"{url}/assignments/asgm_1", headers=project.server),
    ]

    assert {(answer.status_code, answer.json()["key"]) for answer in answers} == {(404, "not_found")}


async def test_reading_and_writing_rules_need_their_permissions(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    from tests.factories.access import give_key, server_headers

    rule = await give_rule(client, project)
    viewer = server_headers(await give_key(db, project, "viewer"))

    assert (await client.get(f"/v1/validation-rules/{rule['id']}", headers=viewer)).status_code == 200
    assert (await client.post("/v1/validation-rules", json={}, headers=viewer)).status_code == 403
    assert (await client.get(f"/v1/validation-rules/{rule['id']}")).status_code == 401


async def test_every_change_is_announced(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    rule = await give_rule(client, project, rules=TEN_PER_CAMPAIGN)
    campaign = await give_pool(db, project)
    url = f"/v1/validation-rules/{rule['id']}"
    await client.put(url, json={"name": "Renamed"}, headers=project.server)
    assignment = await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    await client.delete(f"{url}/assignments/{assignment['id']}", headers=project.server)
    await client.delete(url, headers=project.server)

    async with db.read() as session:
        rows = select(OutboxEvent).where(OutboxEvent.project_id == project.id).order_by(OutboxEvent.id)
        events = (await session.scalars(rows)).all()

    assert [event.type for event in events] == [
        "business_validation_rule.created",
        "business_validation_rule.updated",
        "business_validation_rule.assignment.created",
        "business_validation_rule.assignment.deleted",
        "business_validation_rule.deleted",
    ]
    assert events[2].data["rule"]["assignments_count"] == 1
    assert events[2].data["assignment"]["related_object_id"] == campaign.id
    assert events[3].data["rule"]["assignments_count"] == 0
