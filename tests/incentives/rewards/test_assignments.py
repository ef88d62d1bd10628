"""What loyalty programs offer: by reward, by program, and what is refused."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from app.kit.db import Database
from app.models import OutboxEvent
from tests.factories.access import ProjectKeys
from tests.factories.incentives import ask
from tests.factories.rewards import give_coin, give_mug, give_program, offer
from tests.factories.rules import give_assignment, give_rule


async def test_an_offer_is_the_same_by_reward_and_by_program(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug, program = await give_mug(client, project, stock=3), await give_program(client, project)

    offered = await offer(client, project, program["id"], mug["id"], 250, auto_redeem=True)

    of_reward, of_program = f"/v1/rewards/{mug['id']}/assignments", f"/v1/loyalties/{program['id']}"
    assert offered["parameters"] == {"loyalty": {"points": 250, "auto_redeem": True}}
    for path in (
        f"{of_reward}/{offered['id']}",
        f"{of_program}/rewards/{offered['id']}",
        f"{of_program}/reward-assignments/{offered['id']}",
    ):
        assert await ask(client, project, "GET", path) == offered
    for path in (of_reward, f"{of_program}/rewards", f"{of_program}/reward-assignments"):
        listed = await ask(client, project, "GET", path)
        assert (listed["data"], listed["total"]) == ([offered], 1)
    assert await ask(client, project, "GET", f"{of_program}/reward-assignments/{offered['id']}/reward") == mug
    found = await ask(client, project, "GET", f"/v1/rewards?assignment_id={offered['id']}")
    assert [reward["id"] for reward in found["data"]] == [mug["id"]]


async def test_a_program_is_given_several_offers_at_once_or_none(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug, coin, program = (
        await give_mug(client, project),
        await give_coin(client, project),
        await give_program(client, project),
    )
    path = f"/v1/loyalties/{program['id']}/rewards"
    priced = {"reward": mug["id"], "parameters": {"loyalty": {"points": 10}}}

    refused = await client.post(path, json=[priced, {"reward": mug["id"]}], headers=project.server)
    first = await ask(client, project, "POST", path, [priced, {"reward": coin["id"]}])

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["path"] == "[1].parameters.loyalty.points"
    assert first["reward_id"] == mug["id"]
    listed = await ask(client, project, "GET", path)
    assert {each["reward_id"] for each in listed["data"]} == {mug["id"], coin["id"]}


async def test_a_program_offers_a_reward_once(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    mug, program = await give_mug(client, project), await give_program(client, project)
    await offer(client, project, program["id"], mug["id"])

    body = {"campaign": program["id"], "parameters": {"loyalty": {"points": 10}}}
    refused = await client.post(f"/v1/rewards/{mug['id']}/assignments", json=body, headers=project.server)

    assert refused.status_code == 409


async def test_terms_change_for_what_has_a_price(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    mug, program = await give_mug(client, project), await give_program(client, project)
    offered = await offer(client, project, program["id"], mug["id"], 100)

    dearer = await ask(
        client,
        project,
        "PUT",
        f"/v1/rewards/{mug['id']}/assignments/{offered['id']}",
        {"parameters": {"loyalty": {"points": 150}}},
    )
    automatic = await ask(
        client,
        project,
        "PUT",
        f"/v1/loyalties/{program['id']}/rewards/{offered['id']}",
        {"parameters": {"loyalty": {"auto_redeem": True}}},
    )

    assert dearer["parameters"] == {"loyalty": {"points": 150, "auto_redeem": False}}
    assert automatic["parameters"] == {"loyalty": {"points": 150, "auto_redeem": True}}


async def test_rules_bind_paying_with_points_and_nothing_else(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    coin, mug, program = (
        await give_coin(client, project),
        await give_mug(client, project),
        await give_program(client, project),
    )
    rule = await give_rule(client, project)

    offered = await offer(client, project, program["id"], coin["id"], None, validation_rules=[rule["id"]])
    body = {"campaign": program["id"], "parameters": {"loyalty": {"points": 10}}, "validation_rules": [rule["id"]]}
    refused = await client.post(f"/v1/rewards/{mug['id']}/assignments", json=body, headers=project.server)

    assert offered["validation_rules"] == [rule["id"]]
    assert "parameters" not in offered
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["path"] == "validation_rules"
    none = await ask(
        client,
        project,
        "PUT",
        f"/v1/rewards/{coin['id']}/assignments/{offered['id']}",
        {"validation_rules": []},
    )
    assert "validation_rules" not in none


async def test_a_rule_can_be_assigned_to_an_offer_to_pay_with_points(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    coin, program, rule = (
        await give_coin(client, project),
        await give_program(client, project),
        await give_rule(client, project),
    )
    offered = await offer(client, project, program["id"], coin["id"], None)

    await give_assignment(client, project, rule["id"], "reward_assignment", offered["id"])

    path = f"/v1/rewards/{coin['id']}/assignments/{offered['id']}"
    assert (await ask(client, project, "GET", path))["validation_rules"] == [rule["id"]]


async def test_a_reward_that_is_offered_cannot_be_deleted(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug, program = await give_mug(client, project), await give_program(client, project)
    offered = await offer(client, project, program["id"], mug["id"])

    refused = await client.delete(f"/v1/rewards/{mug['id']}", headers=project.server)
    await ask(client, project, "DELETE", f"/v1/loyalties/{program['id']}/rewards/{offered['id']}")
    deleted = await client.delete(f"/v1/rewards/{mug['id']}", headers=project.server)

    assert refused.status_code == 400
    assert refused.json()["key"] == "resource_in_use"
    assert deleted.status_code == 204


async def test_an_offer_of_another_reward_or_program_is_not_found(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug, other = await give_mug(client, project), await give_mug(client, project)
    program, elsewhere = await give_program(client, project), await give_program(client, project)
    offered = await offer(client, project, program["id"], mug["id"])

    for path in (
        f"/v1/rewards/{other['id']}/assignments/{offered['id']}",
        f"/v1/loyalties/{elsewhere['id']}/rewards/{offered['id']}",
        f"/v1/loyalties/camp_none/rewards/{offered['id']}",
    ):
        response = await client.get(path, headers=project.server)
        assert response.status_code == 404


async def test_changes_of_offers_are_announced(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    mug, program = await give_mug(client, project), await give_program(client, project)
    offered = await offer(client, project, program["id"], mug["id"])
    path = f"/v1/rewards/{mug['id']}/assignments/{offered['id']}"

    await ask(client, project, "PUT", path, {"parameters": {"loyalty": {"points": 5}}})
    await ask(client, project, "DELETE", path)

    async with db.read() as session:
        told = await session.scalars(
            select(OutboxEvent.type)
            .where(OutboxEvent.project_id == project.id, OutboxEvent.entity_id == offered["id"])
            .order_by(OutboxEvent.id)
        )
    assert list(told) == [f"campaign.reward.assignment.{change}" for change in ("created", "updated", "deleted")]


@pytest.mark.parametrize("points", [0, -5, 1.5, "many", True, 2**63])
async def test_a_price_is_a_number_of_points(
    client: AsyncClient, db: Database, project: ProjectKeys, points: Any
) -> None:
    mug, program = await give_mug(client, project), await give_program(client, project)
    body = {"campaign": program["id"], "parameters": {"loyalty": {"points": points}}}

    refused = await client.post(f"/v1/rewards/{mug['id']}/assignments", json=body, headers=project.server)

    assert refused.status_code == 400, refused.text
