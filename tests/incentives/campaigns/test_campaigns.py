from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select, text
from voucherify.models import CampaignsCreateResponseBody, CampaignsGetResponseBody, CampaignsListResponseBody

from app.kit.db import Database
from app.models import AuditEntry, OutboxEvent, Project, Voucher
from tests.factories.access import ProjectKeys, give_project
from tests.factories.incentives import AMOUNT, PERCENT, ask, finished, generated, give_campaign, give_coupon
from tests.factories.pools import give_redemption
from tests.factories.rules import give_rule

BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"voucher": None}, "invalid_campaign", "needs a voucher"),
    ({"voucher": {}}, "invalid_campaign", "needs voucher.discount"),
    ({"campaign_type": "GIFT_VOUCHERS"}, "invalid_campaign", "needs voucher.gift"),
    ({"promotion": {"tiers": []}}, "invalid_campaign", "has tiers, and no vouchers"),
    ({"promotion": {}, "campaign_type": "DISCOUNT_COUPONS"}, "invalid_campaign", "has no promotion"),
    ({"voucher": {"gift": {"amount": 1000}, "discount": PERCENT}}, "invalid_campaign", "with a gift only"),
    ({"voucher": {"loyalty_card": {"points": 1}}, "type": "STANDALONE"}, "invalid_campaign", "Every member"),
    ({"referral_program": {}, "campaign_type": "DISCOUNT_COUPONS"}, "invalid_campaign", "no referral_program"),
    ({"type": "STANDALONE"}, "invalid_campaign", "public code"),
    ({"voucher": {"discount": PERCENT, "code": "A"}}, "invalid_campaign", "public code"),
    ({"category": "shoes", "category_id": "cat_1"}, "invalid_payload", "not both"),
    (
        {"start_date": "2026-06-01T00:00:00Z", "expiration_date": "2026-05-01T00:00:00Z"},
        "invalid_payload",
        "after start",
    ),
    ({"validity_timeframe": {"interval": "P1D", "duration": "PT1H"}}, "invalid_payload", "start_date"),
    ({"validity_day_of_week": [7]}, "invalid_payload", "validity_day_of_week[0]"),
    ({"validity_hours": {"daily": [{"days_of_week": [1], "start_time": "25:00"}]}}, "invalid_payload", "daily[0]"),
    ({"activity_duration_after_publishing": "24 days"}, "invalid_payload", "ISO 8601"),
    ({"voucher": {"discount": {"type": "PERCENT", "percent_off": 101}}}, "invalid_payload", "percent_off"),
    ({"voucher": {"discount": PERCENT, "code_config": {"pattern": "X"}}}, "invalid_code_config", "at least one #"),
    ({"voucher": {"discount": PERCENT, "redemption": {"quantity": 0}}}, "invalid_payload", "quantity"),
    ({"name": ""}, "invalid_payload", "name"),
    ({"vouchers_count": -1}, "invalid_payload", "vouchers_count"),
    ({"vouchers_count": 10_000_001}, "too_many_vouchers_requested", "10,000,001"),
]


async def test_a_campaign_is_answered_as_the_contract_says(client: AsyncClient, project: ProjectKeys) -> None:
    schedule = {
        "start_date": "2026-01-01T00:00:00.000Z",
        "expiration_date": "2026-12-31T23:00:00.000Z",
        "validity_timeframe": {"interval": "P7D", "duration": "P2D"},
        "validity_day_of_week": [0, 6],
    }

    campaign = await give_campaign(
        client,
        project,
        name="Spring sale",
        description="For everybody",
        metadata={"season": "spring"},
        activity_duration_after_publishing="P24D",
        join_once=True,
        voucher={"redemption": {"quantity": 3}, "code_config": {"prefix": "SP-", "length": 9}},
        **schedule,
    )

    parsed = CampaignsCreateResponseBody.from_dict(campaign)
    assert parsed is not None
    assert parsed.voucher is not None
    assert parsed.voucher.redemption is not None
    assert parsed.voucher.redemption.quantity == 3
    created_at = campaign.pop("created_at")
    assert created_at.endswith("Z")
    assert campaign == {
        "id": campaign["id"],
        "name": "Spring sale",
        "description": "For everybody",
        "campaign_type": "DISCOUNT_COUPONS",
        "type": "AUTO_UPDATE",
        "voucher": {
            "type": "DISCOUNT_VOUCHER",
            "discount": PERCENT,
            "redemption": {"quantity": 3},
            "code_config": {
                "charset": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                "length": 9,
                "prefix": "SP-",
            },
            "is_referral_code": False,
            **schedule,
        },
        "auto_join": False,
        "join_once": True,
        "use_voucher_metadata_schema": False,
        **schedule,
        "activity_duration_after_publishing": "P24D",
        "vouchers_count": 0,
        "active": True,
        "metadata": {"season": "spring"},
        "category_id": None,
        "categories": [],
        "creation_status": "DONE",
        "vouchers_generation_status": "DONE",
        "protected": False,
        "object": "campaign",
        "validation_rules_assignments": {"object": "list", "data_ref": "data", "data": [], "total": 0},
    }


@pytest.mark.parametrize(("members", "key", "said"), BAD)
async def test_a_campaign_that_makes_no_sense_is_refused_with_a_sentence(
    client: AsyncClient, project: ProjectKeys, members: dict[str, Any], key: str, said: str
) -> None:
    body = {"name": "Bad", "voucher": {"discount": PERCENT}, **members}

    response = await client.post("/v1/campaigns", json=body, headers=project.server)

    assert response.status_code == 400, response.text
    assert response.json()["key"] == key
    assert said in response.json()["details"]
    listed = await ask(client, project, "GET", "/v1/campaigns")
    assert listed["total"] == 0


async def test_a_name_is_taken_once_even_by_a_deleted_campaign(
    client: AsyncClient, project: ProjectKeys, worker: None
) -> None:
    await give_campaign(client, project, name="Unique")
    body = {"name": "Unique", "voucher": {"discount": PERCENT}}

    twice = await client.post("/v1/campaigns", json=body, headers=project.server)
    deleted = await ask(client, project, "DELETE", "/v1/campaigns/Unique")
    await finished(client, project, deleted["async_action_id"])
    again = await client.post("/v1/campaigns", json=body, headers=project.server)

    assert [twice.status_code, again.status_code] == [409, 409]
    assert twice.json()["key"] == "duplicate_found"
    assert twice.json()["details"] == "Duplicated campaign exists with name Unique"


async def test_names_are_free_in_other_projects_and_campaigns_invisible(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    other = await give_project(db)
    campaign = await give_campaign(client, project, name="Mine")

    await give_campaign(client, other, name="Mine")
    missing = await client.get(f"/v1/campaigns/{campaign['id']}", headers=other.server)
    listed = await ask(client, other, "GET", "/v1/campaigns")

    assert missing.status_code == 404
    assert missing.json()["key"] == "not_found"
    assert listed["total"] == 1


async def test_a_campaign_is_found_by_id_and_by_a_name_with_slashes(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_campaign(client, project, name="50/50 & more?")

    by_id = await ask(client, project, "GET", f"/v1/campaigns/{campaign['id']}")
    by_name = await ask(client, project, "GET", "/v1/campaigns/50%2F50%20%26%20more%3F")

    assert by_id == by_name == campaign
    assert CampaignsGetResponseBody.from_dict(by_id) is not None


async def test_a_standalone_campaign_has_one_public_code_and_takes_no_other(
    client: AsyncClient, project: ProjectKeys
) -> None:
    campaign = await give_campaign(
        client, project, type="STANDALONE", voucher={"code": "HELLO"}, join_once=True, vouchers_count=50
    )

    voucher = await ask(client, project, "GET", "/v1/vouchers/HELLO")
    refused = await client.post(f"/v1/campaigns/{campaign['id']}/vouchers", headers=project.server)
    named = await client.post(f"/v1/campaigns/{campaign['id']}/vouchers/MORE", json={}, headers=project.server)
    other_type = await client.put(f"/v1/campaigns/{campaign['id']}", json={"type": "STATIC"}, headers=project.server)

    assert campaign["vouchers_count"] == 1
    assert campaign["join_once"] is False
    assert voucher["campaign_id"] == campaign["id"]
    assert voucher["discount"] == PERCENT
    assert [answer.json()["key"] for answer in (refused, named, other_type)] == ["invalid_campaign"] * 3


async def test_a_single_code_is_there_when_the_campaign_is_answered(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_campaign(client, project, vouchers_count=1)

    listed = await ask(client, project, "GET", f"/v1/vouchers?campaign_id={campaign['id']}")

    assert campaign["vouchers_count"] == 1
    assert campaign["vouchers_generation_status"] == "DONE"
    assert len(listed["vouchers"]) == listed["total"] == 1


async def test_rules_given_at_creation_bind_the_campaign(client: AsyncClient, project: ProjectKeys) -> None:
    rule = await give_rule(client, project)

    campaign = await give_campaign(client, project, validation_rules=[rule["id"]])
    missing = await client.post(
        "/v1/campaigns",
        json={"name": "x", "voucher": {"discount": PERCENT}, "validation_rules": ["val_nothing"]},
        headers=project.server,
    )

    (assignment,) = campaign["validation_rules_assignments"]["data"]
    assert assignment["rule_id"] == rule["id"]
    assert assignment["related_object_id"] == campaign["id"]
    assert missing.status_code == 404
    assert (await client.get("/v1/campaigns/x", headers=project.server)).status_code == 404


async def test_an_update_changes_what_it_names_and_null_clears(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_campaign(
        client,
        project,
        description="old",
        start_date="2026-01-01T00:00:00Z",
        expiration_date="2026-02-01T00:00:00Z",
        metadata={"a": 1, "b": 2, "c": 3},
    )
    path = f"/v1/campaigns/{campaign['id']}"

    changed = await ask(
        client,
        project,
        "PUT",
        path,
        {
            "expiration_date": None,
            "description": None,
            "metadata": {"b": 5},
            "unset_metadata_fields": ["c"],
            "type": "STATIC",
            "join_once": True,
            "name": "ignored",
            "no_such_field": 1,
        },
    )

    assert "expiration_date" not in changed
    assert "description" not in changed
    assert changed["start_date"] == "2026-01-01T00:00:00.000Z"
    assert changed["metadata"] == {"a": 1, "b": 5}
    assert changed["type"] == "STATIC"
    assert changed["join_once"] is True
    assert changed["name"] == campaign["name"]
    assert changed["updated_at"] is not None
    assert await ask(client, project, "GET", path) == changed


async def test_an_update_is_checked_together_with_what_stays(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_campaign(client, project, start_date="2026-03-01T00:00:00Z")

    response = await client.put(
        f"/v1/campaigns/{campaign['id']}", json={"expiration_date": "2026-02-01T00:00:00Z"}, headers=project.server
    )

    assert response.status_code == 400
    assert response.json()["errors"][0]["path"] == "expiration_date"


async def test_a_new_discount_leaves_published_and_redeemed_vouchers_as_they_were(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    campaign = await give_campaign(client, project)
    path = f"/v1/campaigns/{campaign['id']}"
    codes = ["FRESH", "PUBLISHED", "REDEEMED"]
    vouchers = [await ask(client, project, "POST", f"{path}/vouchers/{code}") for code in codes]
    async with db.write() as session:
        published = await session.get_one(Voucher, (project.id, vouchers[1]["id"]))
        published.publish_count = 1
    await give_redemption(db, project, vouchers[2]["id"], campaign["id"])

    changed = await ask(client, project, "PUT", path, {"discount": AMOUNT})

    discounts = [(await ask(client, project, "GET", f"/v1/vouchers/{code}"))["discount"] for code in codes]
    assert changed["voucher"]["discount"] == AMOUNT
    assert discounts == [AMOUNT, PERCENT, PERCENT]


async def test_switching_a_campaign_moves_the_configuration_and_is_announced(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    campaign = await give_campaign(client, project)
    before = await _version(db, project)

    disabled = await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/disable")
    again = await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/disable")
    enabled = await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/enable")

    assert [disabled["active"], again["active"], enabled["active"]] == [False, False, True]
    assert await _version(db, project) > before
    async with db.read() as session:
        events = await session.scalars(
            select(OutboxEvent.type).where(OutboxEvent.project_id == project.id).order_by(OutboxEvent.id)
        )
        audited = await session.scalars(select(AuditEntry.action).where(AuditEntry.project_id == project.id))
        assert list(events) == ["campaign.created", "campaign.disabled", "campaign.enabled"]
        assert sorted(audited) == ["campaign.created", "campaign.disabled", "campaign.enabled"]


async def test_a_deleted_campaign_and_its_vouchers_are_gone_but_their_codes_stay_taken(
    client: AsyncClient, project: ProjectKeys, worker: None
) -> None:
    campaign = await give_campaign(client, project, name="Old")
    await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/OLD-1")

    deleted = await ask(client, project, "DELETE", "/v1/campaigns/Old")
    at_once = await client.get("/v1/vouchers/OLD-1", headers=project.server)
    action = await finished(client, project, deleted["async_action_id"])

    assert action["type"] == "CAMPAIGN.VOUCHERS_DELETE"
    assert action["result"] == {"done_count": 1, "failed_count": 0}
    assert at_once.status_code == 404
    for path in ("/v1/campaigns/Old", f"/v1/campaigns/{campaign['id']}", "/v1/vouchers/OLD-1"):
        assert (await client.get(path, headers=project.server)).status_code == 404
    assert (await ask(client, project, "GET", "/v1/vouchers"))["total"] == 0
    taken = await client.post("/v1/vouchers/OLD-1", json={"discount": PERCENT}, headers=project.server)
    assert taken.json()["key"] == "duplicate_resource_key"


async def test_a_forced_delete_frees_name_and_codes_and_keeps_what_was_redeemed(
    client: AsyncClient, project: ProjectKeys, db: Database, worker: None
) -> None:
    campaign = await give_campaign(client, project, name="Old")
    path = f"/v1/campaigns/{campaign['id']}/vouchers"
    redeemed = await ask(client, project, "POST", f"{path}/OLD-1")
    await ask(client, project, "POST", f"{path}/OLD-2")
    await give_redemption(db, project, redeemed["id"], campaign["id"])

    deleted = await ask(client, project, "DELETE", "/v1/campaigns/Old?force=true")
    new = await give_campaign(client, project, name="Old")
    await finished(client, project, deleted["async_action_id"])
    for code in ("OLD-1", "OLD-2"):
        await ask(client, project, "POST", f"/v1/campaigns/{new['id']}/vouchers/{code}")

    async with db.read() as session:
        kept = (await session.execute(text("SELECT id, code FROM vouchers WHERE deleted_at IS NOT NULL"))).all()
        mine = await session.scalars(select(Voucher.id).where(Voucher.project_id == project.id))
        name = await session.scalar(text("SELECT name FROM campaigns WHERE id = :id"), {"id": campaign["id"]})
        assert (redeemed["id"], "OLD-1") in [tuple(row) for row in kept]
        assert len(list(mine)) == 3
        assert name == f"Old (deleted {campaign['id']})"


async def test_a_forced_delete_without_redemptions_leaves_nothing(
    client: AsyncClient, project: ProjectKeys, db: Database, worker: None
) -> None:
    rule = await give_rule(client, project)
    campaign = await give_campaign(client, project, vouchers_count=30, validation_rules=[rule["id"]])
    await generated(client, project, campaign["id"])

    deleted = await ask(client, project, "DELETE", f"/v1/campaigns/{campaign['id']}?force=true")
    action = await finished(client, project, deleted["async_action_id"])

    assert action["result"]["done_count"] == 30
    await ask(client, project, "DELETE", f"/v1/validation-rules/{rule['id']}")
    async with db.read() as session:
        for table in ("vouchers", "campaigns", "validation_rule_assignments"):
            count = await session.scalar(text(f"SELECT count(*) FROM {table} WHERE project_id = {project.id}"))
            assert count == 0, table


async def test_the_list_is_filtered_the_way_the_contract_filters(client: AsyncClient, project: ProjectKeys) -> None:
    spring = await give_campaign(client, project, name="Spring", metadata={"team": "A"}, type="STATIC")
    summer = await give_campaign(client, project, name="Summer", expiration_date="2020-01-01T00:00:00Z")
    public = await give_campaign(client, project, name="Public", type="STANDALONE", voucher={"code": "P"})
    await ask(client, project, "POST", f"/v1/campaigns/{public['id']}/disable")
    expected = {
        "": [public, summer, spring],
        "order=created_at": [spring, summer, public],
        "limit=1&page=2": [summer],
        "filters[campaigns][conditions][$in]=['Spring', 'Public']": [public, spring],
        "filters[campaigns_id][conditions][$is]=" + summer["id"]: [summer],
        "filters[type][conditions][$in][0]=STANDALONE": [public],
        "filters[status][conditions][$expired]=": [summer],
        "filters[active][$disabled]=": [public],
        "filters[active][conditions][$active]=true": [spring],
        "filters[metadata.team][conditions][$is]=A": [spring],
        "filters[is_referral_code][conditions][$is]=TRUE": [],
        "filters[voucher_type][conditions][$is]=DISCOUNT_VOUCHER": [public, summer, spring],
        "filters[expiration_date][conditions][$before]=2021-01-01": [summer],
        "campaign_type=PROMOTION": [],
        "campaign_status=DONE": [public, summer, spring],
        "filters[campaigns][conditions][$is]=Spring&filters[type][conditions][$in]=STANDALONE&filters[junction]=or": [
            public,
            spring,
        ],
    }

    for query, campaigns in expected.items():
        listed = await ask(client, project, "GET", f"/v1/campaigns?{query}")
        assert [campaign["name"] for campaign in listed["campaigns"]] == [each["name"] for each in campaigns], query
        assert CampaignsListResponseBody.from_dict(listed) is not None

    refused = await client.get("/v1/campaigns?filters[colour][conditions][$is]=red", headers=project.server)
    assert refused.status_code == 400


async def test_a_viewer_reads_campaigns_and_changes_none(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    from tests.factories.access import give_key, server_headers

    viewer = server_headers(await give_key(db, project, "viewer"))
    campaign = await give_campaign(client, project)

    read = await client.get(f"/v1/campaigns/{campaign['id']}", headers=viewer)
    changes = [
        await client.post("/v1/campaigns", json={"name": "x"}, headers=viewer),
        await client.put(f"/v1/campaigns/{campaign['id']}", json={}, headers=viewer),
        await client.delete(f"/v1/campaigns/{campaign['id']}", headers=viewer),
        await client.post(f"/v1/campaigns/{campaign['id']}/disable", headers=viewer),
        await client.post(f"/v1/campaigns/{campaign['id']}/vouchers", headers=viewer),
    ]

    assert read.status_code == 200
    assert [change.status_code for change in changes] == [403] * len(changes)


async def test_a_coupon_can_join_a_campaign_by_its_name(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_campaign(client, project)

    voucher = await give_coupon(client, project, "JOINED", campaign=campaign["name"], discount=AMOUNT)

    assert voucher["campaign"] == campaign["name"]
    assert voucher["discount"] == AMOUNT
    assert (await ask(client, project, "GET", f"/v1/campaigns/{campaign['id']}"))["vouchers_count"] == 1


async def _version(db: Database, project: ProjectKeys) -> int:
    async with db.read() as session:
        return (await session.get_one(Project, project.id)).configuration_version
