"""Stacks of promotion tiers over HTTP."""

from typing import Any

import pytest
from httpx import AsyncClient
from voucherify.models import PromotionsStacksGetResponseBody, PromotionsStacksListResponseBody

from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.incentives import ask
from tests.factories.promotions import give_promotion, give_stack, give_tier, tier_of
from tests.incentives.promotions.test_tiers import announced


async def test_a_stack_keeps_its_tiers_in_the_order_given(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_promotion(client, project, *(tier_of(amount) for amount in (100, 200, 300)))
    first, second, third = campaign["promotion"]["tiers"]
    path = f"/v1/promotions/{campaign['id']}/stacks"
    category = await ask(client, project, "POST", "/v1/categories", {"name": "Sale", "hierarchy": 3})

    stack = await give_stack(client, project, third, first, category_id=category["id"])
    changed = await ask(
        client, project, "PUT", f"{path}/{stack['id']}", {"tiers": {"ids": [second["id"], third["id"], first["id"]]}}
    )
    read = await ask(client, project, "GET", f"{path}/{stack['id']}")
    listed = await ask(client, project, "GET", path)
    listed_everywhere = await ask(client, project, "GET", "/v1/promotions/stacks?order=name")
    await ask(client, project, "DELETE", f"{path}/{stack['id']}")
    gone = await client.get(f"{path}/{stack['id']}", headers=project.server)

    assert stack["id"].startswith("stack_")
    assert stack["tiers"] == {"ids": [third["id"], first["id"]], "hierarchy_mode": "MANUAL"}
    assert (stack["category_id"], stack["categories"]) == (category["id"], [category])
    assert changed["tiers"]["ids"] == [second["id"], third["id"], first["id"]]
    assert changed["name"] == stack["name"]
    assert read == changed
    assert listed["data"] == listed_everywhere["data"] == [read]
    assert (gone.status_code, gone.json()["resource_type"]) == (404, "promotion_stack")
    assert PromotionsStacksGetResponseBody.from_dict(read) is not None
    assert PromotionsStacksListResponseBody.from_dict(listed) is not None
    assert await announced(db, project, "campaign.promotion_stack") == [
        f"campaign.promotion_stack.{change}" for change in ("created", "updated", "deleted")
    ]


@pytest.mark.parametrize(
    ("tiers", "status", "key"),
    [
        ({"ids": []}, 400, "invalid_payload"),
        ({"ids": ["promo_1", "promo_1"]}, 400, "invalid_payload"),
        ({"ids": [f"promo_{n}" for n in range(31)]}, 400, "invalid_payload"),
        ({"ids": ["promo_1"], "hierarchy_mode": "AUTO"}, 400, "invalid_payload"),
        ({"ids": ["promo_1"]}, 404, "not_found"),
    ],
)
async def test_a_stack_has_one_to_thirty_tiers_of_its_campaign(
    client: AsyncClient, project: ProjectKeys, tiers: dict[str, Any], status: int, key: str
) -> None:
    campaign = await give_promotion(client, project)

    response = await client.post(
        f"/v1/promotions/{campaign['id']}/stacks", json={"name": "Bad", "tiers": tiers}, headers=project.server
    )

    assert (response.status_code, response.json()["key"]) == (status, key)


async def test_a_stack_takes_no_tier_of_another_campaign_nor_of_another_project(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    own = await give_tier(client, project)
    foreign = [await give_tier(client, project), await give_tier(client, await give_project(db))]

    for tier in foreign:
        body = {"name": "Bad", "tiers": {"ids": [own["id"], tier["id"]]}}
        response = await client.post(f"/v1/promotions/{own['campaign_id']}/stacks", json=body, headers=project.server)

        assert (response.status_code, response.json()["resource_id"]) == (404, tier["id"])


async def test_a_deleted_tier_leaves_its_stacks_and_a_stack_without_tiers_goes_with_it(
    client: AsyncClient, project: ProjectKeys
) -> None:
    campaign = await give_promotion(client, project, tier_of(100), tier_of(200))
    first, second = campaign["promotion"]["tiers"]
    both, alone = await give_stack(client, project, first, second), await give_stack(client, project, first)

    await ask(client, project, "DELETE", f"/v1/promotions/tiers/{first['id']}")

    (left,) = (await ask(client, project, "GET", "/v1/promotions/stacks"))["data"]
    assert (left["id"], left["tiers"]["ids"]) == (both["id"], [second["id"]])
    assert left["id"] != alone["id"]
