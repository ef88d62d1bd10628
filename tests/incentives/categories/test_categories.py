"""Categories, and what has one."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient
from voucherify import ApiClient, CategoriesApi
from voucherify.models import CategoriesCreateRequestBody, CategoriesUpdateRequestBody

from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_key, give_project, server_headers
from tests.factories.carts import cart, redeem, validate
from tests.factories.incentives import PERCENT, ask, generated, give_campaign, give_coupon
from tests.factories.stacking import give_category, give_stacking_rules


async def test_a_category_is_created_shown_changed_and_deleted(client: AsyncClient, project: ProjectKeys) -> None:
    created = await give_category(client, project, "Welcome", 3)
    second = await give_category(client, project, "Loyal", 0)
    path = f"/v1/categories/{created['id']}"

    changed = await ask(client, project, "PUT", path, {"hierarchy": 7})
    listed = await ask(client, project, "GET", "/v1/categories")
    await ask(client, project, "DELETE", path)

    assert created["id"].startswith("cat_")
    assert {name: created[name] for name in ("name", "hierarchy", "object")} == {
        "name": "Welcome",
        "hierarchy": 3,
        "object": "category",
    }
    assert (changed["name"], changed["hierarchy"], "updated_at" in changed) == ("Welcome", 7, True)
    assert listed == {"object": "list", "data_ref": "data", "data": [second, changed], "total": 2}
    response = await client.get(path, headers=project.server)
    assert (response.status_code, response.json()["key"]) == (404, "not_found")


@pytest.mark.parametrize(
    "body", [{}, {"name": "A"}, {"name": "", "hierarchy": 1}, {"name": "A", "hierarchy": -1}, {"hierarchy": 1}]
)
async def test_a_category_needs_a_name_and_a_hierarchy_from_zero(
    client: AsyncClient, project: ProjectKeys, body: dict[str, Any]
) -> None:
    response = await client.post("/v1/categories", json=body, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")


async def test_two_categories_of_a_project_cannot_have_one_name(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    first, _ = await give_category(client, project, "Welcome"), await give_category(client, project, "Other")

    again = await client.post("/v1/categories", json={"name": "Welcome", "hierarchy": 1}, headers=project.server)
    renamed = await client.put(f"/v1/categories/{first['id']}", json={"name": "Other"}, headers=project.server)
    await give_category(client, await give_project(db), "Welcome")

    for response in (again, renamed):
        assert (response.status_code, response.json()["key"]) == (409, "duplicate_found")


async def test_categories_of_other_projects_are_not_found_and_viewers_only_read(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    foreign = await give_category(client, await give_project(db), "Theirs")
    viewer = server_headers(await give_key(db, project, "viewer"))

    for method in ("GET", "PUT", "DELETE"):
        response = await client.request(method, f"/v1/categories/{foreign['id']}", json={}, headers=project.server)
        assert response.status_code == 404
    assert (await client.get("/v1/categories", headers=viewer)).status_code == 200
    refused = await client.post("/v1/categories", json={"name": "A", "hierarchy": 1}, headers=viewer)
    assert refused.status_code == 403


async def test_a_category_that_stacking_rules_name_is_deleted_only_when_it_may_be_taken_out_of_them(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    gone, stays = await give_category(client, project, "gone"), await give_category(client, project, "stays")
    await give_stacking_rules(
        db,
        project,
        exclusive_categories=[gone["id"], stays["id"]],
        no_effect_skip_categories=[gone["id"]],
        applicable_redeemables_category_limits={gone["id"]: 2, stays["id"]: 3},
    )
    await give_coupon(client, project, "TEN")
    path = f"/v1/categories/{gone['id']}"

    refused = await client.delete(path, headers=project.server)
    deleted = await client.delete(path, params={"remove_from_stacking_rules": "true"}, headers=project.server)

    assert (refused.status_code, refused.json()["key"]) == (400, "resource_in_use")
    assert deleted.status_code == 204
    rules = (await validate(client, project, cart("TEN")))["stacking_rules"]
    assert rules["exclusive_categories"] == [stays["id"]]
    assert rules["no_effect_skip_categories"] == []
    assert rules["applicable_redeemables_category_limits"] == {stays["id"]: 3}


def shown(answer: dict[str, Any]) -> tuple[Any, Any, list[str]]:
    return answer.get("category"), answer["category_id"], [category["name"] for category in answer["categories"]]


async def test_campaigns_name_a_category_by_name_or_id_and_show_it(client: AsyncClient, project: ProjectKeys) -> None:
    category = await give_category(client, project, "Welcome")

    by_name = await give_campaign(client, project, category="Welcome")
    by_id = await give_campaign(client, project, category_id=category["id"])
    without = await give_campaign(client, project)

    assert shown(by_name) == shown(by_id) == ("Welcome", category["id"], ["Welcome"])
    assert by_name["categories"] == [category]
    assert shown(without) == (None, None, [])
    listed = (await ask(client, project, "GET", "/v1/campaigns"))["campaigns"]
    assert [campaign["category_id"] for campaign in listed] == [None, category["id"], category["id"]]


async def test_the_category_of_a_campaign_is_changed_and_taken_away(client: AsyncClient, project: ProjectKeys) -> None:
    await give_category(client, project, "first")
    second = await give_category(client, project, "second")
    campaign = await give_campaign(client, project, category="first")
    path = f"/v1/campaigns/{campaign['id']}"

    changed = await ask(client, project, "PUT", path, {"category_id": second["id"]})
    untouched = await ask(client, project, "PUT", path, {"description": "words"})
    cleared = await ask(client, project, "PUT", path, {"category": None})

    assert shown(changed) == shown(untouched) == ("second", second["id"], ["second"])
    assert shown(cleared) == (None, None, [])


@pytest.mark.parametrize(
    ("given", "status", "key"),
    [
        ({"category": "none"}, 404, "not_found"),
        ({"category_id": "cat_none"}, 404, "not_found"),
        ({"category": "Welcome", "category_id": "cat_1"}, 400, "invalid_payload"),
    ],
)
async def test_a_category_that_does_not_exist_or_is_named_twice_is_refused_everywhere(
    client: AsyncClient, project: ProjectKeys, given: dict[str, str], status: int, key: str
) -> None:
    await give_category(client, project, "Welcome")
    campaign = await give_campaign(client, project)
    await give_coupon(client, project, "TEN")
    new = {"name": "New", "voucher": {"type": "DISCOUNT_VOUCHER", "discount": PERCENT}}

    for method, path, body in (
        ("POST", "/v1/campaigns", new),
        ("PUT", f"/v1/campaigns/{campaign['id']}", {}),
        ("POST", f"/v1/campaigns/{campaign['id']}/vouchers", {}),
        ("POST", f"/v1/campaigns/{campaign['id']}/vouchers/ELEVEN", {}),
        ("POST", "/v1/vouchers/ELEVEN", {"discount": PERCENT}),
        ("PUT", "/v1/vouchers/TEN", {}),
    ):
        response = await client.request(method, path, json={**body, **given}, headers=project.server)
        assert (response.status_code, response.json()["key"]) == (status, key), (method, path)


async def test_a_voucher_has_its_own_category_or_that_of_its_campaign(
    client: AsyncClient, project: ProjectKeys
) -> None:
    await give_category(client, project, "own")
    await give_category(client, project, "campaigns")
    campaign = await give_campaign(client, project, category="campaigns")
    path = f"/v1/campaigns/{campaign['id']}/vouchers"

    inherited = await ask(client, project, "POST", f"{path}/ONE", {})
    own = await ask(client, project, "POST", f"{path}/TWO", {"category": "own"})
    drawn = await ask(client, project, "POST", path, {"category": "own"})
    alone = await give_coupon(client, project, "THREE", category="own")
    lifted = await ask(client, project, "PUT", "/v1/vouchers/TWO", {"category": None})

    assert [shown(voucher)[2] for voucher in (inherited, own, drawn, alone, lifted)] == [
        ["campaigns"],
        ["own"],
        ["own"],
        ["own"],
        ["campaigns"],
    ]
    assert inherited["category"] == "campaigns"
    redeemed = await redeem(client, project, cart("ONE"))
    assert redeemed["redemptions"][0]["voucher"]["categories"] == inherited["categories"]
    kept = await ask(client, project, "GET", f"/v1/redemptions/{redeemed['redemptions'][0]['id']}")
    assert kept["voucher"]["categories"] == inherited["categories"]


async def test_codes_generated_in_bulk_have_the_category_that_was_asked_for(
    client: AsyncClient, project: ProjectKeys, worker: None
) -> None:
    category = await give_category(client, project, "own")
    campaign = await give_campaign(client, project)

    await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers?vouchers_count=3", {"category": "own"})
    await generated(client, project, campaign["id"])

    vouchers = (await ask(client, project, "GET", "/v1/vouchers"))["vouchers"]
    assert [voucher["category_id"] for voucher in vouchers] == [category["id"]] * 3


async def test_what_had_a_deleted_category_has_none_and_vouchers_fall_back_to_their_campaigns(
    client: AsyncClient, project: ProjectKeys
) -> None:
    gone, stays = await give_category(client, project, "gone"), await give_category(client, project, "stays")
    emptied = await give_campaign(client, project, category="gone")
    campaign = await give_campaign(client, project, category="stays")
    await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/ONE", {"category": "gone"})
    await give_coupon(client, project, "TWO", category="gone")
    expand = {"options": {"expand": ["category"]}}
    assert (await validate(client, project, cart("ONE", **expand)))["redeemables"][0]["categories"] == [gone]

    await ask(client, project, "DELETE", f"/v1/categories/{gone['id']}")

    assert shown(await ask(client, project, "GET", f"/v1/campaigns/{emptied['id']}")) == (None, None, [])
    assert shown(await ask(client, project, "GET", "/v1/vouchers/ONE")) == ("stays", stays["id"], ["stays"])
    assert shown(await ask(client, project, "GET", "/v1/vouchers/TWO")) == (None, None, [])
    categories = [
        (await validate(client, project, cart(code, **expand)))["redeemables"][0]["categories"]
        for code in ("ONE", "TWO")
    ]
    assert categories == [[stays], []]


async def test_lists_of_campaigns_and_vouchers_are_filtered_by_category(
    client: AsyncClient, project: ProjectKeys
) -> None:
    first, second = await give_category(client, project, "first"), await give_category(client, project, "second")
    campaign = await give_campaign(client, project, name="First", category="first")
    await give_campaign(client, project, name="Without")
    await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/INHERITED", {})
    await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/OWN", {"category": "second"})
    await give_coupon(client, project, "ALONE", category="first")
    await give_coupon(client, project, "NONE")

    async def campaigns(query: str) -> set[str]:
        return {each["name"] for each in (await ask(client, project, "GET", f"/v1/campaigns?{query}"))["campaigns"]}

    async def codes(query: str) -> set[str]:
        return {each["code"] for each in (await ask(client, project, "GET", f"/v1/vouchers?{query}"))["vouchers"]}

    assert await campaigns("filters[categories][conditions][$is]=first") == {"First"}
    assert await campaigns(f"filters[category_ids][conditions][$in][0]={first['id']}") == {"First"}
    assert await campaigns("filters[categories][conditions][$is_unknown]=true") == {"Without"}
    assert await codes("category=first") == {"INHERITED", "ALONE"}
    assert await codes("filters[category][conditions][$is]=second") == {"OWN"}
    assert await codes(f"filters[category_id][conditions][$is]={second['id']}") == {"OWN"}
    assert await codes("filters[category][conditions][$is_unknown]=true") == {"NONE"}


async def test_the_official_client_manages_categories(voucherify_client: ApiClient) -> None:
    await asyncio.to_thread(_manage, CategoriesApi(voucherify_client))


def _manage(api: CategoriesApi) -> None:
    created = api.create_category(CategoriesCreateRequestBody(name="Welcome", hierarchy=2))
    updated = api.update_category(created.id, CategoriesUpdateRequestBody(name="Hello", hierarchy=1))
    listed = api.list_categories()
    got = api.get_category(created.id)
    api.delete_category(created.id)

    assert (updated.name, updated.hierarchy, got.name) == ("Hello", 1, "Hello")
    assert [category.id for category in listed.data] == [created.id]
    assert api.list_categories().total == 0
