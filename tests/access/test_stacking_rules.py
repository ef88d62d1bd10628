"""Stacking rules on the management surface."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient, Response
from voucherify import ApiClient, Configuration
from voucherify.api.management_api import ManagementApi
from voucherify.models import (
    ManagementProjectsStackingRulesCreateRequestBody,
    ManagementProjectsStackingRulesGetResponseBody,
    ManagementProjectsStackingRulesListResponseBody,
    ManagementProjectsStackingRulesUpdateRequestBody,
)

from app.engine.stacking import StackingRules
from app.kit.db import Database
from tests.factories.access import Headers, ProjectKeys, give_management_key, give_project, management_headers
from tests.factories.carts import cart, validate
from tests.factories.pools import give_voucher
from tests.factories.stacking import give_category


@pytest.fixture
async def management(db: Database) -> Headers:
    return management_headers(await give_management_key(db))


class Rules:
    """The stacking rules of one project over HTTP."""

    def __init__(self, client: AsyncClient, project: ProjectKeys, headers: Headers) -> None:
        self.client, self.headers = client, headers
        self.path = f"/management/v1/projects/{project.public_id}/stacking-rules"

    async def post(self, body: dict[str, Any]) -> Response:
        return await self.client.post(self.path, json=body, headers=self.headers)

    async def put(self, rules_id: str, body: dict[str, Any]) -> Response:
        return await self.client.put(f"{self.path}/{rules_id}", json=body, headers=self.headers)

    async def get(self, rules_id: str = "") -> Response:
        return await self.client.get(f"{self.path}/{rules_id}".rstrip("/"), headers=self.headers)

    async def delete(self, rules_id: str) -> Response:
        return await self.client.delete(f"{self.path}/{rules_id}", headers=self.headers)


@pytest.fixture
def rules(client: AsyncClient, project: ProjectKeys, management: Headers) -> Rules:
    return Rules(client, project, management)


async def test_a_project_goes_by_the_defaults_until_it_has_rules_and_again_once_they_are_deleted(
    client: AsyncClient, db: Database, project: ProjectKeys, rules: Rules
) -> None:
    await give_voucher(db, project, code="TEN")
    assert (await rules.get()).json() == {"object": "list", "data_ref": "data", "data": [], "total": 0}

    created = (await rules.post({"redeemables_application_mode": "PARTIAL", "redeemables_limit": 2})).json()
    listed = (await rules.get()).json()
    validated = await validate(client, project, cart("TEN"))
    deleted = await rules.delete(created["id"])

    defaults = StackingRules().wire
    changed = {
        "redeemables_application_mode": "PARTIAL",
        "redeemables_limit": 2,
        "applicable_redeemables_limit": 2,
    }
    assert created["id"].startswith("stk_")
    assert {name: value for name, value in created.items() if name not in ("id", "created_at")} == defaults | changed
    assert listed["data"] == [created]
    assert validated["stacking_rules"] == defaults | changed
    assert (deleted.status_code, (await rules.get()).json()["total"]) == (204, 0)
    assert (await validate(client, project, cart("TEN")))["stacking_rules"] == defaults


async def test_a_project_has_one_set_of_rules(rules: Rules) -> None:
    created = (await rules.post({})).json()

    again = await rules.post({})

    assert (again.status_code, again.json()["key"]) == (409, "stacking_rules_exist")
    assert again.json()["resource_id"] == created["id"]


async def test_of_two_who_create_rules_at_once_one_is_told_that_they_exist(rules: Rules) -> None:
    answers = await asyncio.gather(*(rules.post({"redeemables_limit": 3}) for _ in range(4)))

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


async def test_a_change_keeps_what_it_leaves_out_replaces_lists_whole_and_null_brings_back_a_default(
    client: AsyncClient, project: ProjectKeys, rules: Rules
) -> None:
    first, second = [(await give_category(client, project, name))["id"] for name in ("first", "second")]
    created = (
        await rules.post(
            {
                "exclusive_categories": [first],
                "applicable_redeemables_category_limits": {first: 2},
                "redeemables_no_effect_rule": "SKIP",
                "redeemables_limit": 10,
            }
        )
    ).json()

    changed = (
        await rules.put(
            created["id"],
            {"exclusive_categories": [second], "redeemables_limit": None, "no_effect_skip_categories": [first]},
        )
    ).json()
    emptied = (await rules.put(created["id"], {"applicable_redeemables_category_limits": {}})).json()

    assert (changed["exclusive_categories"], changed["redeemables_limit"]) == ([second], 30)
    assert changed["applicable_redeemables_category_limits"] == {first: 2}
    assert changed["redeemables_no_effect_rule"] == "SKIP"
    assert changed["updated_at"] > changed["created_at"] == created["created_at"]
    assert emptied["applicable_redeemables_category_limits"] == {}
    assert (await rules.get(created["id"])).json() == emptied


async def test_lowering_the_redeemables_of_a_request_lowers_the_applicable_ones_with_it(rules: Rules) -> None:
    created = (await rules.post({})).json()

    lowered = (await rules.put(created["id"], {"redeemables_limit": 3})).json()

    assert (lowered["redeemables_limit"], lowered["applicable_redeemables_limit"]) == (3, 3)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"redeemables_limit": 31}, "redeemables_limit"),
        ({"redeemables_limit": 0}, "redeemables_limit"),
        ({"redeemables_limit": 2.5}, "redeemables_limit"),
        ({"redeemables_limit": 3, "applicable_redeemables_limit": 4}, ""),
        ({"applicable_redeemables_per_category_limit": 31}, "applicable_redeemables_per_category_limit"),
        ({"applicable_redeemables_category_limits": {"cat_1": 11}}, "applicable_redeemables_category_limits.cat_1"),
        ({"applicable_exclusive_redeemables_limit": 6}, "applicable_exclusive_redeemables_limit"),
        ({"redeemables_sorting_rule": "RANDOM"}, "redeemables_sorting_rule"),
        ({"exclusive_categories": ["cat_none"]}, "exclusive_categories[0]"),
        (
            {"applicable_redeemables_category_limits": {"cat_none": 1}},
            "applicable_redeemables_category_limits.cat_none",
        ),
        ({"exclusive_categories": ["cat_1"], "joint_categories": ["cat_1"]}, ""),
    ],
)
async def test_rules_outside_their_ranges_or_at_odds_with_the_project_are_refused(
    rules: Rules, settings: dict[str, Any], path: str
) -> None:
    created = (await rules.post({})).json()

    response = await rules.put(created["id"], settings)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload"), response.text
    assert response.json()["errors"][0]["path"] == path
    assert (await rules.get(created["id"])).json() == created


async def test_rules_of_another_project_and_unknown_ones_are_not_found(
    client: AsyncClient, db: Database, management: Headers, rules: Rules
) -> None:
    other = Rules(client, await give_project(db), management)
    created = (await other.post({})).json()

    for response in (
        await rules.get(created["id"]),
        await rules.put(created["id"], {}),
        await rules.delete(created["id"]),
        await rules.get("stk_none"),
    ):
        assert (response.status_code, response.json()["key"]) == (404, "not_found")


async def test_a_category_of_another_project_cannot_be_named(client: AsyncClient, db: Database, rules: Rules) -> None:
    foreign = await give_category(client, await give_project(db), "theirs")

    response = await rules.post({"joint_categories": [foreign["id"]]})

    assert (response.status_code, response.json()["errors"][0]["path"]) == (400, "joint_categories[0]")


async def test_server_keys_cannot_change_stacking_rules(client: AsyncClient, project: ProjectKeys) -> None:
    path = f"/management/v1/projects/{project.public_id}/stacking-rules"

    assert (await client.post(path, json={}, headers=project.server)).status_code == 401


async def test_every_change_is_in_the_audit_log(client: AsyncClient, project: ProjectKeys, rules: Rules) -> None:
    created = (await rules.post({"redeemables_limit": 3})).json()
    await rules.put(created["id"], {"redeemables_limit": 4})
    await rules.delete(created["id"])

    log = (await client.get("/x/v1/audit-log", headers=project.server)).json()["data"]
    changes = [(entry["action"], entry["changes"]) for entry in log if entry["resource_id"] == created["id"]]
    assert changes == [
        ("stacking_rules.deleted", {}),
        ("stacking_rules.updated", {"redeemables_limit": 4}),
        ("stacking_rules.created", {"redeemables_limit": 3}),
    ]


async def test_the_official_client_manages_stacking_rules(
    live_server: str, project: ProjectKeys, management: Headers
) -> None:
    keys = {"X-Management-Id": management["X-Management-Id"], "X-Management-Token": management["X-Management-Token"]}
    with ApiClient(Configuration(host=live_server, api_key=keys)) as client:
        await asyncio.to_thread(_manage, ManagementApi(client), project.public_id)


def _manage(api: ManagementApi, project_id: str) -> None:
    created = api.create_stacking_rules(
        project_id,
        ManagementProjectsStackingRulesCreateRequestBody(
            redeemables_application_mode="PARTIAL", applicable_redeemables_limit=7
        ),
    )
    updated = api.update_stacking_rules(
        project_id,
        created.id,
        ManagementProjectsStackingRulesUpdateRequestBody(redeemables_products_application_mode="ONCE"),
    )
    listed = api.list_stacking_rules(project_id)
    got = api.get_stacking_rules(project_id, created.id)
    api.delete_stacking_rules(project_id, created.id)

    assert isinstance(listed, ManagementProjectsStackingRulesListResponseBody)
    assert isinstance(got, ManagementProjectsStackingRulesGetResponseBody)
    assert (updated.applicable_redeemables_limit, updated.redeemables_products_application_mode) == (7, "ONCE")
    assert got.redeemables_application_mode == "PARTIAL"
    assert api.list_stacking_rules(project_id).total == 0
