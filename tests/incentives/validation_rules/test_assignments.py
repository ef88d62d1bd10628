"""Which rules bind what, over HTTP."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient
from voucherify.models.bus_val_rule_assignment import BusValRuleAssignment
from voucherify.models.validation_rules_assignments_create_response_body import (
    ValidationRulesAssignmentsCreateResponseBody,
)
from voucherify.models.validation_rules_assignments_list_response_body import ValidationRulesAssignmentsListResponseBody
from voucherify.models.validation_rules_list_response_body import ValidationRulesListResponseBody

from app.incentives.validation_rules.assignments import MOST_RULES, assignment_list, assignments_of, unassign_all
from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.pools import give_pool, give_voucher
from tests.factories.rules import TEN_PER_CAMPAIGN, give_assignment, give_rule


async def test_a_rule_binds_a_campaign_and_a_voucher(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    rule = await give_rule(client, project)
    campaign, voucher = await give_pool(db, project), await give_voucher(db, project)

    first = await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    second = await give_assignment(client, project, rule["id"], "voucher", voucher.id)
    listed = (await client.get(f"/v1/validation-rules/{rule['id']}/assignments", headers=project.server)).json()
    read = (await client.get(f"/v1/validation-rules/{rule['id']}", headers=project.server)).json()

    assert first["id"].startswith("asgm_")
    assert (first["rule_id"], first["related_object_id"]) == (rule["id"], campaign.id)
    assert first["object"] == "validation_rules_assignment"
    assert listed == {"object": "list", "data_ref": "data", "data": [second, first], "total": 2}
    assert read["assignments_count"] == 2
    assert ValidationRulesAssignmentsCreateResponseBody.from_dict(first) is not None
    assert ValidationRulesAssignmentsListResponseBody.from_dict(listed) is not None


async def test_an_object_is_a_voucher_when_the_request_does_not_say(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    rule = await give_rule(client, project)
    voucher = await give_voucher(db, project)

    response = await client.post(
        f"/v1/validation-rules/{rule['id']}/assignments",
        json={"related_object_id": voucher.id},
        headers=project.server,
    )

    assert response.json()["related_object_type"] == "voucher"


async def test_the_same_rule_binds_an_object_once_unless_it_is_forced(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    rule = await give_rule(client, project, rules=TEN_PER_CAMPAIGN)
    campaign = await give_pool(db, project)
    url = f"/v1/validation-rules/{rule['id']}/assignments"
    body = {"related_object_type": "campaign", "related_object_id": campaign.id}
    first = await give_assignment(client, project, rule["id"], "campaign", campaign.id)

    again = await client.post(url, json=body, headers=project.server)
    forced = await client.post(f"{url}?force=true", json=body, headers=project.server)

    assert (again.status_code, again.json()["key"]) == (409, "duplicate_found")
    assert forced.status_code == 200
    assert forced.json()["id"] != first["id"]
    assert (await client.get(url, headers=project.server)).json()["data"] == [forced.json()]


async def test_of_many_equal_assignments_at_once_one_is_made(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    rule = await give_rule(client, project, rules=TEN_PER_CAMPAIGN)
    campaign = await give_pool(db, project)
    body = {"related_object_type": "campaign", "related_object_id": campaign.id}
    url = f"/v1/validation-rules/{rule['id']}/assignments"

    answers = await asyncio.gather(*(client.post(url, json=body, headers=project.server) for _ in range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 19


async def test_a_rule_deleted_while_it_is_assigned_leaves_nothing_half_done(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaigns = [await give_pool(db, project) for _ in range(5)]
    for campaign in campaigns:
        rule = await give_rule(client, project)
        url = f"/v1/validation-rules/{rule['id']}"
        body = {"related_object_type": "campaign", "related_object_id": campaign.id}

        deleted, assigned = await asyncio.gather(
            client.delete(url, headers=project.server),
            client.post(f"{url}/assignments", json=body, headers=project.server),
        )

        assert (deleted.status_code, assigned.status_code) in {(204, 404), (400, 200)}


async def test_an_object_has_a_bounded_number_of_rules(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    campaign = await give_pool(db, project)
    rules = [await give_rule(client, project) for _ in range(MOST_RULES + 1)]
    for rule in rules[:-1]:
        await give_assignment(client, project, rule["id"], "campaign", campaign.id)

    refused = await client.post(
        f"/v1/validation-rules/{rules[-1]['id']}/assignments",
        json={"related_object_type": "campaign", "related_object_id": campaign.id},
        headers=project.server,
    )

    assert (refused.status_code, refused.json()["key"]) == (400, "invalid_validation_rules")
    assert str(MOST_RULES) in refused.json()["details"]


@pytest.mark.parametrize(
    ("body", "status", "key"),
    [
        ({"related_object_type": "distribution", "related_object_id": "ern_1"}, 400, "invalid_payload"),
        ({"related_object_type": "promotion_tier", "related_object_id": "promo_1"}, 404, "not_found"),
        ({"related_object_type": "planet", "related_object_id": "mars"}, 400, "invalid_payload"),
        ({"related_object_type": "campaign"}, 400, "invalid_payload"),
        ({"related_object_type": "campaign", "related_object_id": "camp_1"}, 404, "not_found"),
        ({"related_object_type": "voucher", "related_object_id": "v_1"}, 404, "not_found"),
    ],
)
async def test_rules_bind_only_what_there_is(
    client: AsyncClient, project: ProjectKeys, body: dict[str, Any], status: int, key: str
) -> None:
    rule = await give_rule(client, project)

    response = await client.post(f"/v1/validation-rules/{rule['id']}/assignments", json=body, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (status, key)


async def test_a_rule_does_not_bind_what_belongs_to_another_project(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    rule = await give_rule(client, project)
    campaign = await give_pool(db, await give_project(db))

    response = await client.post(
        f"/v1/validation-rules/{rule['id']}/assignments",
        json={"related_object_type": "campaign", "related_object_id": campaign.id},
        headers=project.server,
    )

    assert response.status_code == 404


async def test_an_assignment_is_deleted_under_its_own_rule_only(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    rule, other_rule = await give_rule(client, project), await give_rule(client, project)
    campaign = await give_pool(db, project)
    assignment = await give_assignment(client, project, rule["id"], "campaign", campaign.id)

    wrong = await client.delete(
        f"/v1/validation-rules/{other_rule['id']}/assignments/{assignment['id']}", headers=project.server
    )
    url = f"/v1/validation-rules/{rule['id']}/assignments/{assignment['id']}"
    right = await client.delete(url, headers=project.server)
    again = await client.delete(url, headers=project.server)

    assert [wrong.status_code, right.status_code, again.status_code] == [404, 204, 404]
    assert right.content == b""


async def test_all_assignments_are_listed_by_rule_and_by_object(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    async def ids(query: str) -> list[str]:
        response = await client.get(f"/v1/validation-rules-assignments?{query}", headers=project.server)
        assert response.status_code == 200, response.text
        assert ValidationRulesAssignmentsListResponseBody.from_dict(response.json()) is not None
        return [assignment["id"] for assignment in response.json()["data"]]

    rules = [await give_rule(client, project) for _ in range(2)]
    campaigns = [await give_pool(db, project) for _ in range(2)]
    made = [
        (await give_assignment(client, project, rule["id"], "campaign", campaign.id))["id"]
        for rule in rules
        for campaign in campaigns
    ]
    other_project = await give_project(db)
    other_rule = await give_rule(client, other_project)
    await give_assignment(client, other_project, other_rule["id"], "campaign", (await give_pool(db, other_project)).id)

    assert await ids("") == made[::-1]
    assert await ids("order=created_at&limit=3") == made[:3]
    assert await ids("order=created_at&limit=3&page=2") == made[3:]
    assert await ids(f"rule={rules[0]['id']}") == made[1::-1]
    assert await ids(f"related_object_id={campaigns[1].id}") == [made[3], made[1]]
    assert await ids(f"rule={rules[0]['id']}&related_object_id={campaigns[1].id}") == [made[1]]
    assert await ids("rule=val_1") == []
    unknown = await client.get("/v1/validation-rules/val_1/assignments", headers=project.server)
    assert unknown.status_code == 404


async def test_rules_are_listed_newest_first(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    async def names(query: str) -> list[str]:
        response = await client.get(f"/v1/validation-rules?{query}", headers=project.server)
        assert response.status_code == 200, response.text
        assert ValidationRulesListResponseBody.from_dict(response.json()) is not None
        return [rule["name"] for rule in response.json()["data"]]

    await give_rule(client, await give_project(db), name="foreign")
    for name in ("b", "a", "c"):
        await give_rule(client, project, name=name)

    assert await names("") == ["c", "a", "b"]
    assert await names("order=name") == ["a", "b", "c"]
    assert await names("order=-name&limit=2") == ["c", "b"]
    assert await names("start_date=2020-01-01&end_date=2020-01-02") == []
    assert await names("filters[name][conditions][$in]=['a', 'b']") == ["a", "b"]
    refused = await client.get("/v1/validation-rules?order=colour", headers=project.server)
    assert (refused.status_code, refused.json()["key"]) == (400, "invalid_query_params")


async def test_the_assignments_of_many_objects_are_read_at_once(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    rule = await give_rule(client, project)
    bound, free = await give_pool(db, project), await give_pool(db, project)
    assignment = await give_assignment(client, project, rule["id"], "campaign", bound.id)

    async with db.read() as session:
        found = await assignments_of(session, project.id, [bound.id, free.id])

    shown = assignment_list(found[bound.id])
    assert shown == {"object": "list", "data_ref": "data", "data": [assignment], "total": 1}
    assert BusValRuleAssignment.from_dict(shown["data"][0]) is not None
    assert found[free.id] == []


async def test_a_rule_is_free_once_its_objects_are_gone(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    rule = await give_rule(client, project)
    campaign = await give_pool(db, project)
    await give_assignment(client, project, rule["id"], "campaign", campaign.id)

    async with db.write() as session:
        await unassign_all(session, project.id, [campaign.id])

    deleted = await client.delete(f"/v1/validation-rules/{rule['id']}", headers=project.server)
    assert deleted.status_code == 204
