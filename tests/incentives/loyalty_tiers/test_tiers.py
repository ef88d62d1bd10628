"""Tiers of loyalty programs over HTTP."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from app.kit.db import Database
from app.models import OutboxEvent
from tests.factories.access import ProjectKeys, give_project
from tests.factories.earning import give_earning_rule
from tests.factories.incentives import ask, give_campaign
from tests.factories.loyalty_tiers import TIERS, give_member, give_program, give_tiers, tier
from tests.factories.rewards import give_mug, offer

PERIODS = {
    "qualification_type": "POINTS_IN_PERIOD",
    "qualification_period": "QUARTER",
    "start_date": {"type": "IMMEDIATE"},
    "expiration_date": {"type": "END_OF_NEXT_PERIOD", "extend": "P1M", "rounding": {"type": "CUSTOM", "value": 0}},
}


async def test_tiers_are_added_and_listed_from_the_lowest(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project)
    ids = await give_tiers(client, project, program, [TIERS[2], TIERS[0], TIERS[1]])

    listed = await ask(client, project, "GET", f"/v1/loyalties/{program['name']}/tiers")

    assert (listed["total"], listed["data_ref"]) == (3, "data")
    assert [each["name"] for each in listed["data"]] == ["Bronze", "Silver", "Gold"]
    silver = listed["data"][1]
    assert silver["points"] == silver["config"]["points"] == {"from": 100, "to": 499}
    assert listed["data"][2]["points"] == {"from": 500}
    assert (silver["id"], silver["campaign_id"], silver["object"]) == (ids["Silver"], program["id"], "loyalty_tier")
    assert await ask(client, project, "GET", f"/v1/loyalties/{program['id']}/tiers/{ids['Silver']}") == silver
    first = await ask(client, project, "GET", f"/v1/loyalties/{program['id']}/tiers?limit=1&order=-points")
    assert [each["name"] for each in first["data"]] == ["Gold"]
    async with db.read() as session:
        events = select(OutboxEvent.type).where(OutboxEvent.project_id == project.id)
        types = [each for each in await session.scalars(events) if "loyalty_tier" in each]
    assert types == ["campaign.loyalty_tier.created"] * 3


async def test_a_tier_is_changed_and_deleted(client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_program(client, project)
    ids = await give_tiers(client, project, program)
    path = f"/x/v1/loyalties/{program['id']}/tiers/{ids['Gold']}"
    offers = [await offer(client, project, program["id"], (await give_mug(client, project))["id"]) for _ in range(2)]
    mappings = {
        offers[0]["id"]: {"type": "CUSTOM", "points": 5},
        offers[1]["reward_id"]: {"type": "NOT_AVAILABLE"},
    }

    changed = await ask(
        client, project, "PUT", path, {"points": {"from": 600}, "rewards": mappings, "metadata": {"color": "yellow"}}
    )
    await ask(client, project, "DELETE", path)

    assert (changed["name"], changed["points"], changed["rewards"]) == ("Gold", {"from": 600}, mappings)
    assert changed["metadata"] == {"color": "yellow"}
    assert "updated_at" in changed
    gone = await client.get(path.removeprefix("/x"), headers=project.server)
    assert (gone.status_code, gone.json()["key"]) == (404, "not_found")
    await give_tiers(client, project, program, [("Platinum", 500, None)])


async def test_a_tier_has_the_earning_rules_and_rewards_of_its_program_on_its_own_terms(
    client: AsyncClient, project: ProjectKeys
) -> None:
    program = await give_program(client, project)
    twice, never, same = [await give_earning_rule(client, project, program["id"]) for _ in range(3)]
    cheaper, kept_away, dear = [
        await offer(client, project, program["id"], (await give_mug(client, project, name=name))["id"], 90)
        for name in ("A", "B", "C")
    ]
    earning = {twice["id"]: {"type": "MULTIPLY", "multiplier": 1.5}, never["id"]: {"type": "NOT_AVAILABLE"}}
    rewards = {
        cheaper["reward_id"]: {"type": "MULTIPLY", "multiplier": 0.5},
        kept_away["id"]: {"type": "NOT_AVAILABLE"},
    }
    body = [tier("A", 0, earning_rules=earning, rewards=rewards, metadata={"lounge": True})]

    (made,) = await ask(client, project, "POST", f"/v1/loyalties/{program['id']}/tiers", body)  # type: ignore[misc]
    path = f"/v1/loyalties/{program['id']}/tiers/{made['id']}"  # type: ignore[index]
    rules = await ask(client, project, "GET", f"{path}/earning-rules")
    offers = await ask(client, project, "GET", f"{path}/rewards?order=created_at")

    assert (made["earning_rules"], made["rewards"]) == (earning, rewards)  # type: ignore[index]
    assert made["metadata"] == {"lounge": True}  # type: ignore[index]
    assert [rule["id"] for rule in rules["data"]] == [same["id"], twice["id"]]
    assert (rules["total"], offers["total"]) == (2, 2)
    assert [(each["reward"]["name"], each["object"]) for each in offers["data"]] == [
        ("A", "loyalty_tier_reward"),
        ("C", "loyalty_tier_reward"),
    ]
    prices = [each["assignment"]["parameters"]["loyalty"]["points"] for each in offers["data"]]
    assert prices == [45, 90]
    assert offers["data"][1]["assignment"]["id"] == dear["id"]


async def test_a_tier_names_only_what_its_program_has(client: AsyncClient, project: ProjectKeys) -> None:
    program, other = await give_program(client, project), await give_program(client, project)
    rule = await give_earning_rule(client, project, other["id"])
    mug = await give_mug(client, project)
    path = f"/v1/loyalties/{program['id']}/tiers"
    double = {"type": "MULTIPLY", "multiplier": 2}

    of_another = await client.post(
        path, json=[tier("A", 0, earning_rules={rule["id"]: double})], headers=project.server
    )
    not_offered = await client.post(path, json=[tier("A", 0, rewards={mug["id"]: double})], headers=project.server)

    assert (of_another.status_code, not_offered.status_code) == (400, 400)
    assert of_another.json()["errors"][0]["path"] == f"[0].earning_rules.{rule['id']}"
    assert not_offered.json()["errors"][0]["path"] == f"[0].rewards.{mug['id']}"


@pytest.mark.parametrize(
    ("body", "path", "key"),
    [
        ([], "", "invalid_payload"),
        ([{"name": "A"}], "[0].points", "invalid_payload"),
        ([tier("A", 10, 5)], "[0].points", "invalid_payload"),
        ([tier("A", -1)], "[0].points.from", "invalid_payload"),
        ([tier("A", 2**60)], "[0].points.from", "invalid_payload"),
        ([tier("A", 1.5)], "[0].points.from", "invalid_payload"),  # type: ignore[arg-type]
        ([tier("", 1)], "[0].name", "invalid_payload"),
        ([tier("A", 0, 10), tier("B", 5, 20)], "[1].points", "invalid_payload"),
        ([tier("A", 0), tier("B", 5)], "[1].points", "invalid_payload"),
        ([tier("A", 0, earning_rules={"x": {"type": "ADD"}})], "[0].earning_rules.x", "invalid_payload"),
        (
            [tier("A", 0, rewards={"x": {"type": "MULTIPLY", "multiplier": 0}})],
            "[0].rewards.x.multiplier",
            "invalid_payload",
        ),
        ([tier("A", 0, rewards={"x": {"type": "CUSTOM"}})], "[0].rewards.x.points", "invalid_payload"),
        ([tier("A", n, n) for n in range(101)], "", "invalid_payload"),
        ({"name": "A"}, "", "invalid_payload"),
    ],
)
async def test_tiers_that_mean_nothing_are_refused_with_their_path(
    client: AsyncClient, project: ProjectKeys, body: Any, path: str, key: str
) -> None:
    program = await give_program(client, project)

    answer = await client.post(f"/v1/loyalties/{program['id']}/tiers", json=body, headers=project.server)

    assert (answer.status_code, answer.json()["key"]) == (400, key)
    assert answer.json()["errors"][0]["path"] == path


async def test_no_tier_may_be_for_points_of_another_that_is_there(client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_program(client, project)
    ids = await give_tiers(client, project, program)
    path = f"/v1/loyalties/{program['id']}/tiers"

    added = await client.post(path, json=[tier("X", 99, 100), tier("Y", 400, 450)], headers=project.server)
    changed = await client.put(
        f"/x{path}/{ids['Bronze']}", json={"points": {"from": 0, "to": 101}}, headers=project.server
    )

    assert (added.status_code, added.json()["errors"][0]["path"]) == (400, "[1].points")
    assert "Silver is for 100 to 499 points already" in added.json()["details"]
    assert (changed.status_code, changed.json()["errors"][0]["path"]) == (400, "points")
    assert (await ask(client, project, "GET", path))["total"] == 3


async def test_a_program_has_a_hundred_tiers_at_most(client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_program(client, project)
    await give_tiers(client, project, program, [(f"T{n}", n, n) for n in range(100)])

    one_more = await client.post(
        f"/v1/loyalties/{program['id']}/tiers", json=[tier("More", 1000)], headers=project.server
    )

    assert (one_more.status_code, one_more.json()["key"]) == (400, "too_many_loyalty_tiers")


async def test_tiers_belong_to_a_program_of_the_project(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    coupons = await give_campaign(client, project)
    program = await give_program(client, project)
    ids = await give_tiers(client, project, program)
    other = await give_project(db)

    answers = [
        await client.get(f"/v1/loyalties/{coupons['id']}/tiers", headers=project.server),
        await client.get("/v1/loyalties/camp_nowhere/tiers", headers=project.server),
        await client.get(f"/v1/loyalties/{program['id']}/tiers/ltr_nowhere", headers=project.server),
        await client.get(f"/v1/loyalties/{program['id']}/tiers", headers=other.server),
        await client.get(f"/v1/loyalties/{program['id']}/tiers/{ids['Gold']}", headers=other.server),
        await client.get("/v1/loyalties/members/nobody/tiers", headers=project.server),
    ]

    assert [(answer.status_code, answer.json()["key"]) for answer in answers] == [
        (400, "invalid_payload"),
        *[(404, "not_found")] * 5,
    ]


# How members qualify.


async def test_a_program_says_how_members_qualify(client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_program(client, project, loyalty_tiers_expiration=PERIODS)
    path = f"/v1/campaigns/{program['id']}"

    by_balance = await ask(
        client, project, "PUT", path, {"loyalty_tiers_expiration": {"qualification_type": "BALANCE"}}
    )
    same = await ask(client, project, "PUT", path, {"loyalty_tiers_expiration": None})

    shown = program["loyalty_tiers_expiration"]
    assert shown["expiration_date"] == {
        "type": "END_OF_NEXT_PERIOD",
        "extend": "P1M",
        "rounding": {"type": "CUSTOM", "strategy": "END", "unit": "MONTH", "value": 0},
    }
    assert by_balance["loyalty_tiers_expiration"]["expiration_date"] == {"type": "BALANCE_DROP"}
    assert same["loyalty_tiers_expiration"] == by_balance["loyalty_tiers_expiration"]


@pytest.mark.parametrize(
    ("expiration", "path"),
    [
        ({"qualification_type": "POINTS_IN_PERIOD"}, "loyalty_tiers_expiration"),
        ({"qualification_type": "SOMETIMES"}, "loyalty_tiers_expiration.qualification_type"),
        ({}, "loyalty_tiers_expiration.qualification_type"),
        ({**PERIODS, "expiration_date": {}}, "loyalty_tiers_expiration.expiration_date.type"),
        (
            {**PERIODS, "expiration_date": {"type": "CUSTOM", "extend": "three months"}},
            "loyalty_tiers_expiration.expiration_date.extend",
        ),
        (
            {**PERIODS, "expiration_date": {"type": "CUSTOM", "rounding": {"type": "CUSTOM", "value": 12}}},
            "loyalty_tiers_expiration.expiration_date.rounding.value",
        ),
    ],
)
async def test_ways_to_qualify_that_mean_nothing_are_refused_with_their_path(
    client: AsyncClient, project: ProjectKeys, expiration: dict[str, Any], path: str
) -> None:
    body = {
        "name": "P",
        "campaign_type": "LOYALTY_PROGRAM",
        "voucher": {"type": "LOYALTY_CARD", "loyalty_card": {"points": 0}},
        "loyalty_tiers_expiration": expiration,
    }

    answer = await client.post("/v1/campaigns", json=body, headers=project.server)

    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_payload")
    assert answer.json()["errors"][0]["path"] == path


async def test_only_programs_say_how_members_qualify(client: AsyncClient, project: ProjectKeys) -> None:
    coupons = await give_campaign(client, project)

    answer = await client.put(
        f"/v1/campaigns/{coupons['id']}",
        json={"loyalty_tiers_expiration": {"qualification_type": "BALANCE"}},
        headers=project.server,
    )

    assert (answer.status_code, answer.json()["key"]) == (400, "invalid_campaign")


async def test_a_member_of_a_program_without_tiers_is_in_none(client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_program(client, project)
    card = await give_member(client, project, program)

    listed = await ask(client, project, "GET", f"/v1/loyalties/members/{card['code']}/tiers")

    assert (listed["data"], listed["total"]) == ([], 0)
