"""Rewards: what is kept and answered, what is refused."""

from typing import Any

import pytest
from httpx import AsyncClient

from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.gifts import give_gift_campaign
from tests.factories.incentives import ask, give_campaign
from tests.factories.rewards import give_coin, give_coupon_reward, give_mug


async def test_a_thing_with_a_stock_tells_how_many_there_are(client: AsyncClient, project: ProjectKeys) -> None:
    mug = await give_mug(client, project, stock=5, attributes={"description": "Blue"}, metadata={"shelf": 3})

    assert mug["type"] == "MATERIAL"
    assert (mug["stock"], mug["redeemed"]) == (5, 0)
    assert mug["attributes"] == {"description": "Blue"}
    assert mug["metadata"] == {"shelf": 3}
    assert await ask(client, project, "GET", f"/v1/rewards/{mug['id']}") == mug


async def test_a_thing_without_a_stock_has_no_end(client: AsyncClient, project: ProjectKeys) -> None:
    mug = await give_mug(client, project)

    assert (mug["stock"], mug["redeemed"]) == (None, None)


async def test_the_ratio_of_a_coin_is_kept_exactly(client: AsyncClient, project: ProjectKeys) -> None:
    coin = await give_coin(client, project, "0.05", "3")

    assert coin["parameters"] == {"coin": {"exchange_ratio": 0.05, "points_ratio": 3}}


async def test_a_reward_of_credits_names_its_campaign_and_says_how_many(
    client: AsyncClient, project: ProjectKeys
) -> None:
    campaign = await give_gift_campaign(client, project)
    body = {"name": "Ten euros", "parameters": {"campaign": {"id": campaign["name"], "balance": 1000}}}

    reward = await ask(client, project, "POST", "/v1/rewards", body)

    assert reward["type"] == "CAMPAIGN"
    assert reward["parameters"] == {"campaign": {"id": campaign["id"], "balance": 1000, "type": "GIFT_VOUCHERS"}}


async def test_credits_of_nothing_are_refused(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_gift_campaign(client, project)

    for parameters in ({"id": campaign["id"]}, {"id": campaign["id"], "balance": 0}):
        body = {"name": "Nothing", "parameters": {"campaign": parameters}}
        refused = await client.post("/v1/rewards", json=body, headers=project.server)

        assert refused.status_code == 400
        assert refused.json()["key"] == "invalid_balance"


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({}, "parameters"),
        ({"coin": {"exchange_ratio": 0}}, "parameters.coin.exchange_ratio"),
        ({"coin": {"exchange_ratio": "NaN"}}, "parameters.coin.exchange_ratio"),
        ({"coin": {"exchange_ratio": True}}, "parameters.coin.exchange_ratio"),
        ({"coin": {"exchange_ratio": 1, "points_ratio": -1}}, "parameters.coin.points_ratio"),
        ({"coin": {"exchange_ratio": 1, "points_ratio": 0.5}}, "parameters.coin.points_ratio"),
        ({"coin": {"exchange_ratio": 1}, "product": {"id": "x"}}, "parameters"),
        ({"campaign": {"id": ""}}, "parameters.campaign.id"),
        ({"product": {"id": ["x"]}}, "parameters.product.id"),
    ],
)
async def test_what_is_no_reward_is_refused_with_its_path(
    client: AsyncClient, project: ProjectKeys, parameters: dict[str, Any], path: str
) -> None:
    refused = await client.post("/v1/rewards", json={"name": "Bad", "parameters": parameters}, headers=project.server)

    assert refused.status_code == 400
    assert [error["path"] for error in refused.json()["errors"]] == [path]


async def test_what_does_not_exist_cannot_be_a_reward(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    foreign = await give_mug(client, await give_project(db))
    for parameters in (
        {"campaign": {"id": "camp_none"}},
        {"product": {"id": "prod_none"}},
        foreign["parameters"],
    ):
        refused = await client.post("/v1/rewards", json={"parameters": parameters}, headers=project.server)

        assert refused.status_code == 404, refused.text


async def test_promotions_give_no_codes(client: AsyncClient, project: ProjectKeys) -> None:
    body = {"name": "Promotion", "campaign_type": "PROMOTION", "promotion": {"tiers": []}}
    promotion = await ask(client, project, "POST", "/v1/campaigns", body)

    refused = await client.post(
        "/v1/rewards", json={"parameters": {"campaign": {"id": promotion["id"]}}}, headers=project.server
    )

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["path"] == "parameters.campaign.id"


async def test_a_change_leaves_what_is_not_named_and_never_the_type(client: AsyncClient, project: ProjectKeys) -> None:
    mug = await give_mug(client, project, stock=5, metadata={"shelf": 3})

    changed = await ask(client, project, "PUT", f"/v1/rewards/{mug['id']}", {"stock": 2, "metadata": {"row": 1}})
    refused = await client.put(
        f"/v1/rewards/{mug['id']}", json={"parameters": {"coin": {"exchange_ratio": 1}}}, headers=project.server
    )

    assert changed == mug | {"stock": 2, "metadata": {"shelf": 3, "row": 1}, "updated_at": changed["updated_at"]}
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["path"] == "parameters"


async def test_only_things_have_a_stock(client: AsyncClient, project: ProjectKeys) -> None:
    coin = await give_coin(client, project)

    refused = await client.put(f"/v1/rewards/{coin['id']}", json={"stock": 3}, headers=project.server)

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["path"] == "stock"


async def test_a_stock_can_be_given_an_end_and_none_again(client: AsyncClient, project: ProjectKeys) -> None:
    mug = await give_mug(client, project)
    path = f"/v1/rewards/{mug['id']}"

    stocks = [(await ask(client, project, "PUT", path, {"stock": stock}))["stock"] for stock in (7, None, 4)]

    assert stocks == [7, None, 4]


async def test_rewards_are_listed_newest_first_and_by_project(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    first, second = await give_mug(client, project), await give_coin(client, project)

    listed = await ask(client, project, "GET", "/v1/rewards?limit=10")
    elsewhere = await ask(client, await give_project(db), "GET", "/v1/rewards")

    assert [reward["id"] for reward in listed["data"]] == [second["id"], first["id"]]
    assert listed["total"] == 2
    assert elsewhere["data"] == []


async def test_a_deleted_reward_is_gone(client: AsyncClient, project: ProjectKeys) -> None:
    reward = await give_coupon_reward(client, project)

    await ask(client, project, "DELETE", f"/v1/rewards/{reward['id']}")
    response = await client.get(f"/v1/rewards/{reward['id']}", headers=project.server)

    assert response.status_code == 404
    assert response.json()["resource_type"] == "reward"


async def test_rewards_are_offered_by_loyalty_programs_only(client: AsyncClient, project: ProjectKeys) -> None:
    mug, coupons = await give_mug(client, project), await give_campaign(client, project)
    body = {"campaign": coupons["id"], "parameters": {"loyalty": {"points": 10}}}

    refused = await client.post(f"/v1/rewards/{mug['id']}/assignments", json=body, headers=project.server)

    assert refused.status_code == 400
    assert "loyalty programs offer rewards" in refused.json()["details"]
