"""Earning rules over HTTP: what can be set up, what is refused, and how it is told."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select
from voucherify import ApiClient, LoyaltiesApi
from voucherify.models.loyalties_earning_rules_create_request_body_item import (
    LoyaltiesEarningRulesCreateRequestBodyItem,
)
from voucherify.models.loyalties_earning_rules_update_request_body import LoyaltiesEarningRulesUpdateRequestBody

from app.kit.db import Database
from app.kit.outbox import OutboxEvent
from app.models import AuditEntry
from tests.factories.access import ProjectKeys, give_project
from tests.factories.earning import POINT_FOR_EVERY_UNIT, TEN_POINTS, give_earning_program, give_earning_rule
from tests.factories.incentives import ask, give_campaign
from tests.factories.rules import ONCE_PER_CUSTOMER, give_assignment, give_rule

ORDER_RULE = {"event": "order.paid", "loyalty": TEN_POINTS}


async def post(client: AsyncClient, project: ProjectKeys, campaign_id: str, body: Any) -> Any:
    return await client.post(f"/v1/loyalties/{campaign_id}/earning-rules", json=body, headers=project.server)


async def test_rules_are_added_all_or_none(client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_earning_program(client, project)

    refused = await post(
        client, project, program["id"], [ORDER_RULE, {"event": "order.paid", "loyalty": {"type": "X"}}]
    )
    added = await post(client, project, program["name"], [ORDER_RULE, {**ORDER_RULE, "source": {"banner": "Again"}}])

    assert refused.status_code == 400
    assert refused.json()["errors"][0]["path"] == "[1].loyalty"
    assert [rule["source"].get("banner") for rule in added.json()] == [None, "Again"]
    listed = await ask(client, project, "GET", f"/v1/loyalties/{program['id']}/earning-rules")
    assert listed["total"] == 2
    assert [rule["id"] for rule in listed["data"]] == [rule["id"] for rule in reversed(added.json())]


async def test_a_rule_is_shown_as_it_was_set_up(client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_earning_program(client, project)
    must_hold = await give_rule(client, project)
    body = {
        "event": "order.paid",
        "loyalty": {
            "type": "PROPORTIONAL",
            "calculation_type": "ORDER_ITEMS_AMOUNT",
            "order_items": {"amount": {"every": 1000, "points": 2, "object": "product", "id": "prod_shirt"}},
        },
        "source": {"banner": "2 points for every 10 spent on shirts"},
        "validation_rule_id": must_hold["id"],
        "start_date": "2026-01-01T00:00:00Z",
        "expiration_date": "2030-01-01T00:00:00Z",
        "validity_day_of_week": [1, 2],
        "pending_points": {"period_type": "DAY", "period_value": 14},
        "expiration_rules": {"period_type": "MONTH", "period_value": 6, "rounding_type": "END_OF_QUARTER"},
        "limits": [{"measure": "POINTS", "period": "MONTH", "most": 500}],
        "metadata": {"owner": "crm"},
    }

    created = await give_earning_rule(client, project, program["id"], **body)

    shirts = {"object": "product", "id": "prod_shirt"}
    body["loyalty"]["order_items"]["amount"]["applicable_to"] = [shirts]
    source = {"banner": body["source"]["banner"], "object_id": program["id"], "object_type": "campaign"}
    dates = {"start_date": "2026-01-01T00:00:00.000Z", "expiration_date": "2030-01-01T00:00:00.000Z"}
    for name, value in {**body, **dates, "source": source}.items():
        assert created[name] == value, name
    assert created["active"] is True
    assert created["object"] == "earning_rule"
    path = f"/v1/loyalties/{program['id']}/earning-rules/{created['id']}"
    assert await ask(client, project, "GET", path) == created
    bound = await ask(client, project, "GET", f"/v1/validation-rules/{must_hold['id']}/assignments")
    assert [each["related_object_id"] for each in bound["data"]] == [created["id"]]


async def test_a_change_leaves_alone_what_it_does_not_name(client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_earning_program(client, project)
    rule = await give_earning_rule(
        client,
        project,
        program["id"],
        source={"banner": "Old"},
        metadata={"a": 1},
        limits=[{"measure": "TIMES", "most": 3}],
    )
    path = f"/v1/loyalties/{program['id']}/earning-rules/{rule['id']}"

    changed = await ask(client, project, "PUT", path, {"loyalty": TEN_POINTS, "metadata": {"b": 2}})
    cleared = await ask(client, project, "PUT", path, {"source": None, "limits": None, "loyalty": None})

    assert (changed["loyalty"], changed["source"]["banner"]) == (TEN_POINTS, "Old")
    assert changed["metadata"] == {"a": 1, "b": 2}
    assert changed["limits"] == [{"measure": "TIMES", "period": "EVER", "most": 3}]
    assert "banner" not in cleared["source"]
    assert "limits" not in cleared
    assert cleared["loyalty"] == TEN_POINTS


async def test_a_rule_is_switched_and_deleted(client: AsyncClient, project: ProjectKeys, db: Database) -> None:
    program = await give_earning_program(client, project)
    must_hold = await give_rule(client, project)
    rule = await give_earning_rule(client, project, program["id"], validation_rule_id=must_hold["id"])
    path = f"/v1/loyalties/{program['id']}/earning-rules/{rule['id']}"

    off = await ask(client, project, "POST", f"{path}/disable")
    await ask(client, project, "POST", f"{path}/disable")
    on = await ask(client, project, "POST", f"{path}/enable")
    deleted = await client.delete(path, headers=project.server)

    assert (off["active"], on["active"], deleted.status_code) == (False, True, 204)
    gone = await client.get(path, headers=project.server)
    assert (gone.status_code, gone.json()["key"]) == (404, "not_found")
    assert (await ask(client, project, "GET", f"/v1/loyalties/{program['id']}/earning-rules"))["total"] == 0
    assert (await client.delete(f"/v1/validation-rules/{must_hold['id']}", headers=project.server)).status_code == 204
    async with db.read() as session:
        told = await session.scalars(
            select(OutboxEvent.type)
            .where(OutboxEvent.project_id == project.id, OutboxEvent.entity_id == rule["id"])
            .order_by(OutboxEvent.id)
        )
        logged = await session.scalars(
            select(AuditEntry.action)
            .where(AuditEntry.project_id == project.id, AuditEntry.resource_id == rule["id"])
            .order_by(AuditEntry.id)
        )
        changes = ["disabled", "enabled", "deleted"]
        assert told.all() == [f"campaign.earning_rule.{change}" for change in ["assigned", *changes]]
        assert logged.all() == [f"earning_rule.{change}" for change in ["created", *changes]]


async def test_the_rules_of_a_deleted_program_are_deleted_with_it(client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_earning_program(client, project)
    must_hold = await give_rule(client, project)
    await give_earning_rule(client, project, program["id"], validation_rule_id=must_hold["id"])

    await ask(client, project, "DELETE", f"/v1/campaigns/{program['id']}")

    assert (await client.delete(f"/v1/validation-rules/{must_hold['id']}", headers=project.server)).status_code == 204


PROPORTIONAL = {"type": "PROPORTIONAL"}
OF_EVENT = {
    **PROPORTIONAL,
    "calculation_type": "CUSTOM_EVENT_METADATA",
    "custom_event": {"metadata": {"every": 1, "points": 1, "property": "stars"}},
}


@pytest.mark.parametrize(
    ("rule", "path", "key"),
    [
        ({}, "[0].event", "invalid_payload"),
        ({"event": "order.paid"}, "[0].loyalty", "invalid_payload"),
        ({**ORDER_RULE, "event": "order.payed"}, "[0].event", "invalid_earning_rule"),
        ({**ORDER_RULE, "event": "customer.segment.entered"}, "[0].segment", "invalid_earning_rule"),
        ({**ORDER_RULE, "segment": {"id": "seg_x"}}, "[0].segment", "invalid_earning_rule"),
        (
            {**ORDER_RULE, "event": "customer.segment.entered", "segment": {"id": "seg_x"}},
            "[0].segment.id",
            "invalid_earning_rule",
        ),
        ({**ORDER_RULE, "event": "customer.loyalty.tier.joined"}, "[0].loyalty_tier", "invalid_earning_rule"),
        (
            {**ORDER_RULE, "event": "review", "custom_event": {"schema_id": "ms_x"}},
            "[0].custom_event.schema_id",
            "invalid_earning_rule",
        ),
        ({"event": "order.paid", "loyalty": OF_EVENT}, "[0].loyalty.calculation_type", "invalid_earning_rule"),
        ({"event": "review", "loyalty": POINT_FOR_EVERY_UNIT}, "[0].loyalty.calculation_type", "invalid_earning_rule"),
        (
            {**ORDER_RULE, "event": "review", "pending_points": {"period_type": "DAY", "period_value": 3}},
            "[0].pending_points",
            "invalid_earning_rule",
        ),
        ({**ORDER_RULE, "pending_points": {"period_value": 91}}, "[0].pending_points.period_value", "invalid_payload"),
        ({**ORDER_RULE, "loyalty": {"type": "FIXED", "points": -1}}, "[0].loyalty.points", "invalid_payload"),
        (
            {**ORDER_RULE, "loyalty": {"type": "FIXED", "points": 1, "points_formula": "VOUCHER_PUBLISH_COUNT"}},
            "[0].loyalty.points_formula",
            "invalid_payload",
        ),
        (
            {
                **ORDER_RULE,
                "loyalty": {
                    **PROPORTIONAL,
                    "calculation_type": "ORDER_ITEMS_QUANTITY",
                    "order_items": {"quantity": {"every": 1, "points": 1}},
                },
            },
            "[0].loyalty.order_items.quantity.applicable_to",
            "invalid_payload",
        ),
        (
            {**ORDER_RULE, "limits": [{"measure": "TIMES", "most": 1}, {"measure": "TIMES", "most": 2}]},
            "[0].limits",
            "invalid_payload",
        ),
        ({**ORDER_RULE, "limits": [{"measure": "TIMES", "most": 0}]}, "[0].limits[0].most", "invalid_payload"),
        (
            {**ORDER_RULE, "start_date": "2026-02-01T00:00:00Z", "expiration_date": "2026-01-01T00:00:00Z"},
            "[0].expiration_date",
            "invalid_payload",
        ),
        ({**ORDER_RULE, "expiration_rules": {"period_type": "MONTH"}}, "[0].expiration_rules", "invalid_payload"),
    ],
)
async def test_what_could_never_earn_is_refused_with_its_path(
    client: AsyncClient, project: ProjectKeys, rule: dict[str, Any], path: str, key: str
) -> None:
    program = await give_earning_program(client, project)

    response = await post(client, project, program["id"], [rule])

    assert (response.status_code, response.json()["key"]) == (400, key), response.text
    assert response.json()["errors"][0]["path"] == path


@pytest.mark.parametrize("body", [[], {}, None, "x", [[]], [None], [ORDER_RULE] * 101])
async def test_a_body_that_is_no_list_of_rules_is_refused(client: AsyncClient, project: ProjectKeys, body: Any) -> None:
    program = await give_earning_program(client, project)

    response = await post(client, project, program["id"], body)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")


async def test_a_rule_that_counts_redemptions_cannot_say_what_earns(client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_earning_program(client, project)
    once = await give_rule(client, project, rules=ONCE_PER_CUSTOMER)
    harmless = await give_rule(client, project)
    rule = await give_earning_rule(client, project, program["id"])
    await give_assignment(client, project, harmless["id"], "earning_rule", rule["id"])

    refused = await post(client, project, program["id"], [{**ORDER_RULE, "validation_rule_id": once["id"]}])
    changed = await client.put(
        f"/v1/validation-rules/{harmless['id']}", json={"rules": ONCE_PER_CUSTOMER}, headers=project.server
    )

    for response in (refused, changed):
        assert (response.status_code, response.json()["key"]) == (400, "invalid_validation_rules")


async def test_a_project_has_at_most_100_rules(client: AsyncClient, project: ProjectKeys) -> None:
    program = await give_earning_program(client, project)
    assert (await post(client, project, program["id"], [ORDER_RULE] * 99)).status_code == 200

    over = await post(client, project, program["id"], [ORDER_RULE] * 2)
    fits = await post(client, project, program["id"], [ORDER_RULE])

    assert (over.status_code, over.json()["key"]) == (400, "too_many_earning_rules")
    assert fits.status_code == 200


async def test_only_loyalty_programs_of_the_project_have_rules(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    coupons = await give_campaign(client, project)
    other = await give_project(db)
    theirs = await give_earning_program(client, other)
    rule = await give_earning_rule(client, other, theirs["id"])

    assert (await post(client, project, coupons["id"], [ORDER_RULE])).status_code == 400
    assert (await post(client, project, theirs["id"], [ORDER_RULE])).status_code == 404
    mine = await give_earning_program(client, project)
    response = await client.get(f"/v1/loyalties/{mine['id']}/earning-rules/{rule['id']}", headers=project.server)
    assert response.status_code == 404


@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # the official client says so of all loyalty
async def test_the_official_client_sets_up_what_earns(
    client: AsyncClient, project: ProjectKeys, voucherify_client: ApiClient
) -> None:
    program = await give_earning_program(client, project)
    loyalties = LoyaltiesApi(voucherify_client)
    item = LoyaltiesEarningRulesCreateRequestBodyItem.from_dict(
        {"event": "order.paid", "loyalty": POINT_FOR_EVERY_UNIT, "source": {"banner": "A point for every euro"}}
    )
    assert item is not None

    (created,) = loyalties.create_earning_rule(program["id"], [item])
    assert created.id is not None
    change = LoyaltiesEarningRulesUpdateRequestBody.from_dict({"source": {"banner": "Points!"}})
    updated = loyalties.update_earning_rule(program["id"], created.id, change)
    off = loyalties.disable_earning_rule(program["id"], created.id)
    on = loyalties.enable_earning_rule(program["id"], created.id)
    listed = loyalties.list_earning_rules(program["id"])
    got = loyalties.get_earning_rule(program["id"], created.id)
    loyalties.delete_earning_rule(program["id"], created.id)

    assert created.to_dict()["loyalty"]["order"]["amount"]["every"] == 100
    assert updated.to_dict()["source"]["banner"] == "Points!"
    assert (off.active, on.active) == (False, True)
    assert listed.total == 1
    assert got.id == created.id
