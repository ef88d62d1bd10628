"""Tiers of promotion campaigns over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select
from voucherify.models import (
    CampaignsCreateResponseBody,
    PromotionsTiersGetResponseBody,
    PromotionsTiersListResponseBody,
)

from app.kit.db import Database
from app.models import AuditEntry, OutboxEvent
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import redeem
from tests.factories.incentives import PERCENT, ask, finished, give_campaign
from tests.factories.promotions import give_promotion, give_stack, give_tier, tier_of, tiers_cart
from tests.factories.rules import give_assignment, give_rule, rule_of


async def announced(db: Database, project: ProjectKeys, kind: str = "campaign.promotion") -> list[str]:
    async with db.read() as session:
        rows = select(OutboxEvent.type).where(OutboxEvent.project_id == project.id, OutboxEvent.type.startswith(kind))
        return list(await session.scalars(rows.order_by(OutboxEvent.id)))


async def test_a_promotion_campaign_is_made_with_its_tiers_in_their_order(
    client: AsyncClient, project: ProjectKeys
) -> None:
    rule = await give_rule(client, project)
    tiers = [
        tier_of(300, banner="Save 3", metadata={"sort": 1}, validation_rules=[rule["id"]]),
        tier_of(200, hierarchy=7),
        tier_of(100),
    ]

    campaign = await give_promotion(client, project, *tiers, start_date="2026-01-01T00:00:00Z")

    shown = campaign["promotion"]
    assert (campaign["campaign_type"], campaign["type"]) == ("PROMOTION", "STATIC")
    assert "voucher" not in campaign
    assert [(tier["name"], tier["hierarchy"]) for tier in shown["tiers"]] == [
        ("300 off", 1),
        ("200 off", 7),
        ("100 off", 8),
    ]
    first = shown["tiers"][0]
    assert (first["banner"], first["metadata"], first["active"]) == ("Save 3", {"sort": 1}, True)
    assert first["action"] == {"discount": tiers[0]["action"]["discount"]}
    assert first["promotion_id"] == first["campaign_id"] == first["campaign"]["id"] == campaign["id"]
    assert first["campaign"]["start_date"] == "2026-01-01T00:00:00.000Z"
    assert first["validation_rule_assignments"]["data"][0]["rule_id"] == rule["id"]
    assert first["summary"] == {
        "redemptions": {"total_redeemed": 0},
        "orders": {"total_amount": 0, "total_discount_amount": 0},
    }
    assert await ask(client, project, "GET", f"/v1/campaigns/{campaign['name']}") == campaign
    assert CampaignsCreateResponseBody.from_dict(campaign) is not None


async def test_a_tier_is_added_changed_switched_and_deleted(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_promotion(client, project)
    path = "/v1/promotions/tiers/"

    tier = await give_tier(client, project, campaign_id=campaign["name"], metadata={"a": 1, "b": 2}, banner="Save")
    changed = await ask(
        client,
        project,
        "PUT",
        path + tier["id"],
        {"name": "Renamed", "banner": None, "metadata": {"b": 3}, "action": {"discount": PERCENT}, "hierarchy": 4},
    )
    disabled = await ask(client, project, "POST", f"{path}{tier['id']}/disable")
    enabled = await ask(client, project, "POST", f"{path}{tier['id']}/enable")
    read = await ask(client, project, "GET", path + tier["id"])
    await ask(client, project, "DELETE", path + tier["id"])
    gone = await client.get(path + tier["id"], headers=project.server)

    assert (changed["name"], changed["metadata"], changed["hierarchy"]) == ("Renamed", {"a": 1, "b": 3}, 4)
    assert "banner" not in changed
    assert changed["action"] == {"discount": PERCENT}
    assert (disabled["active"], enabled["active"]) == (False, True)
    assert read == enabled
    assert (gone.status_code, gone.json()["resource_type"]) == (404, "promotion_tier")
    assert PromotionsTiersGetResponseBody.from_dict(read) is not None
    changes = ["created", "updated", "disabled", "enabled", "deleted"]
    assert await announced(db, project) == [f"campaign.promotion_tier.{change}" for change in changes]
    async with db.read() as session:
        rows = select(AuditEntry.action).where(
            AuditEntry.project_id == project.id, AuditEntry.resource_id == tier["id"]
        )
        assert list(await session.scalars(rows.order_by(AuditEntry.id))) == [
            f"promotion_tier.{change}" for change in changes
        ]


async def test_the_rules_of_a_tier_are_exactly_those_last_named(client: AsyncClient, project: ProjectKeys) -> None:
    first, second, third = [await give_rule(client, project) for _ in range(3)]
    tier = await give_tier(client, project, validation_rule_assignments={"data": [{"rule_id": first["id"]}]})
    await give_assignment(client, project, second["id"], "promotion_tier", tier["id"])
    body = {"validation_rule_assignments": {"data": [{"rule_id": second["id"]}, {"rule_id": third["id"]}]}}

    changed = await ask(client, project, "PUT", f"/v1/promotions/tiers/{tier['id']}", body)
    cleared = await ask(
        client, project, "PUT", f"/v1/promotions/tiers/{tier['id']}", {"validation_rule_assignments": {"data": []}}
    )

    bound = [each["rule_id"] for each in changed["validation_rule_assignments"]["data"]]
    assert sorted(bound) == sorted([second["id"], third["id"]])
    assert {each["related_object_type"] for each in changed["validation_rule_assignments"]["data"]} == {
        "promotion_tier"
    }
    assert cleared["validation_rule_assignments"]["total"] == 0
    assert (await ask(client, project, "GET", f"/v1/validation-rules/{first['id']}"))["assignments_count"] == 0


async def test_a_tier_has_a_category(client: AsyncClient, project: ProjectKeys) -> None:
    category = await ask(client, project, "POST", "/v1/categories", {"name": "Sale", "hierarchy": 3})

    tier = await give_tier(client, project, category="Sale")
    cleared = await ask(client, project, "PUT", f"/v1/promotions/tiers/{tier['id']}", {"category_id": None})

    assert (tier["category_id"], tier["categories"]) == (category["id"], [category])
    assert (cleared["category_id"], cleared["categories"]) == (None, [])


@pytest.mark.parametrize(
    ("members", "status", "key", "path"),
    [
        ({"action": {}}, 400, "invalid_payload", "action.discount"),
        ({"action": None}, 400, "invalid_payload", "action"),
        ({"name": ""}, 400, "invalid_payload", "name"),
        ({"hierarchy": -1}, 400, "invalid_payload", "hierarchy"),
        ({"validity_timeframe": {"interval": "P1D", "duration": "PT1H"}}, 400, "invalid_payload", "validity_timeframe"),
        ({"validation_rules": ["val_1"]}, 404, "not_found", None),
        ({"category": "Nowhere"}, 404, "not_found", None),
    ],
)
async def test_a_tier_that_makes_no_sense_is_refused_at_its_place(
    client: AsyncClient, project: ProjectKeys, members: dict[str, Any], status: int, key: str, path: str | None
) -> None:
    campaign = await give_promotion(client, project)

    response = await client.post(
        f"/v1/promotions/{campaign['id']}/tiers", json={**tier_of(), **members}, headers=project.server
    )

    assert (response.status_code, response.json()["key"]) == (status, key), response.text
    assert path is None or response.json()["errors"][0]["path"] == path
    assert (await ask(client, project, "GET", f"/v1/promotions/{campaign['id']}/tiers"))["total"] == 0


async def test_only_promotion_campaigns_have_tiers_and_they_have_no_vouchers(
    client: AsyncClient, project: ProjectKeys
) -> None:
    coupons, promotion = await give_campaign(client, project), await give_promotion(client, project)

    added = await client.post(f"/v1/promotions/{coupons['id']}/tiers", json=tier_of(), headers=project.server)
    listed = await client.get(f"/v1/promotions/{coupons['id']}/tiers", headers=project.server)
    voucher = await client.post(f"/v1/campaigns/{promotion['id']}/vouchers", headers=project.server)
    code = await client.post("/v1/vouchers/CODE", json={"campaign": promotion["name"]}, headers=project.server)

    for refused in (added, listed, voucher, code):
        assert (refused.status_code, refused.json()["key"]) == (400, "invalid_campaign"), refused.text


async def test_a_tier_of_another_project_is_unknown(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    other = await give_project(db)
    tier = await give_tier(client, other)
    path = f"/v1/promotions/tiers/{tier['id']}"

    answers = [
        await client.get(path, headers=project.server),
        await client.put(path, json={"name": "Mine"}, headers=project.server),
        await client.delete(path, headers=project.server),
        await client.post(f"{path}/disable", headers=project.server),
        await client.get(f"/v1/promotions/{tier['campaign_id']}/tiers", headers=project.server),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert (await ask(client, project, "GET", "/v1/promotions/tiers"))["total"] == 0
    assert (await ask(client, other, "GET", path)) == tier


async def test_the_tiers_of_a_campaign_are_listed_by_hierarchy_and_those_of_the_project_newest_first(
    client: AsyncClient, project: ProjectKeys
) -> None:
    campaign = await give_promotion(client, project, tier_of(1, hierarchy=3), tier_of(2, hierarchy=1), tier_of(3))
    lone = await give_tier(client, project, amount_off=4)

    of_campaign = await ask(client, project, "GET", f"/v1/promotions/{campaign['id']}/tiers")
    page = await ask(client, project, "GET", "/v1/promotions/tiers?limit=2")
    rest = await ask(client, project, "GET", "/v1/promotions/tiers?limit=2&page=2")

    assert [tier["name"] for tier in of_campaign["tiers"]] == ["2 off", "1 off", "3 off"]
    assert (of_campaign["total"], of_campaign["has_more"]) == (3, False)
    assert page["tiers"][0] == lone
    assert (page["total"], page["has_more"], len(page["tiers"])) == (4, True, 2)
    assert (rest["has_more"], [tier["name"] for tier in rest["tiers"]]) == (False, ["2 off", "1 off"])
    assert PromotionsTiersListResponseBody.from_dict(page) is not None


async def test_what_is_available_is_active_and_open_with_its_campaign(
    client: AsyncClient, project: ProjectKeys
) -> None:
    now = datetime.now(UTC)
    yesterday, tomorrow = (now + timedelta(days=days) for days in (-1, 1))
    other_day = [(int(f"{now:%w}") + 3) % 7]
    begun = {"start_date": yesterday.isoformat()}
    await give_promotion(
        client,
        project,
        tier_of(1),
        tier_of(2, **begun, expiration_date=tomorrow.isoformat()),
        tier_of(3, active=False),
        tier_of(4, start_date=tomorrow.isoformat()),
        tier_of(5, expiration_date=yesterday.isoformat()),
        tier_of(6, validity_day_of_week=other_day),
        tier_of(7, **begun, validity_timeframe={"interval": "P30D", "duration": "PT1M"}),
    )
    await give_promotion(client, project, tier_of(8), expiration_date=yesterday.isoformat())
    await give_promotion(client, project, tier_of(9), validity_day_of_week=other_day)
    disabled = await give_promotion(client, project, tier_of(10))
    await ask(client, project, "POST", f"/v1/campaigns/{disabled['id']}/disable")

    available = await ask(client, project, "GET", "/v1/promotions/tiers?is_available=true&limit=1")
    others = await ask(client, project, "GET", "/v1/promotions/tiers?is_available=false&limit=20")

    assert [tier["name"] for tier in available["tiers"]] == ["2 off"]
    assert available["total"] == 2
    assert sorted(tier["name"] for tier in others["tiers"]) == sorted(f"{n} off" for n in range(3, 11))


async def test_a_deleted_campaign_takes_its_tiers_and_stacks_with_it_and_frees_their_rules(
    client: AsyncClient, project: ProjectKeys, worker: None
) -> None:
    rule = await give_rule(client, project, rules=rule_of("order.amount", "$more_than", 1))
    campaign = await give_promotion(client, project, tier_of(validation_rules=[rule["id"]]), tier_of(100))
    redeemed, never_redeemed = campaign["promotion"]["tiers"]
    await give_stack(client, project, never_redeemed)
    answer = await redeem(client, project, tiers_cart(redeemed))

    deleted = await ask(client, project, "DELETE", f"/v1/campaigns/{campaign['id']}?force=true")
    await finished(client, project, deleted["async_action_id"])

    assert (await ask(client, project, "GET", "/v1/promotions/tiers"))["total"] == 0
    assert (await ask(client, project, "GET", "/v1/promotions/stacks"))["total"] == 0
    await ask(client, project, "DELETE", f"/v1/validation-rules/{rule['id']}")
    redemption = await ask(client, project, "GET", f"/v1/redemptions/{answer['redemptions'][0]['id']}")
    assert redemption["promotion_tier"]["id"] == redeemed["id"]
