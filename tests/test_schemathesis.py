"""Schemathesis makes requests out of the committed document, sensible and malformed ones, and judges the answers.

None may be a server error, and each must have the shape that the document promises for its status.
"""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

import pytest
import schemathesis
from httpx import AsyncClient
from hypothesis import assume
from schemathesis import BaseSchema, Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.kit import clock
from app.kit.db import Database
from tests.decisions.test_loyalty_day import hold_back
from tests.factories.access import ProjectKeys, give_project
from tests.factories.audiences import asked, give_collection, give_segment
from tests.factories.carts import cart, redeem
from tests.factories.goodwill import Desk, give, give_desk, succeeded
from tests.factories.incentives import ask, give_campaign, give_coupon
from tests.factories.loyalties import give_member, give_program
from tests.factories.promotions import give_promotion, give_stack, give_tier
from tests.factories.rules import give_assignment, give_rule
from tests.factories.stacking import give_category

DOCUMENT = Path(__file__).resolve().parents[1] / "openapi" / "guerdon.json"


def schema(mode: Literal["all", "positive"], *, examples: int, coverage: bool) -> BaseSchema:
    """The document, for so many random requests of each operation that keep to it or, in the mode `all`, break it too.

    With `coverage` also for requests that go through every member of the body and every bound of it, one by one.
    """
    config = {
        "generation": {
            "mode": mode,
            "max-examples": examples,
            "deterministic": True,
            "with-security-parameters": False,
        },
        "phases": {"stateful": {"enabled": False}, "coverage": {"enabled": coverage}},
    }
    return schemathesis.openapi.from_dict(
        json.loads(DOCUMENT.read_text(encoding="utf-8")), config=schemathesis.Config.from_dict(config)
    )


SAME_BODIES = re.compile(
    "redeem|qualify|roll_back|update_|add_voucher|generate_voucher|client_|export_|able_|refund|_program$|_in_campaign$"
    "|list_"
)
"""Operations whose bodies or queries are made of parts that others take too."""
EVERY_MEMBER = schema("all", examples=2, coverage=True).exclude(operation_id_regex=SAME_BODIES)
AT_RANDOM = schema("all", examples=4, coverage=False).include(operation_id_regex=SAME_BODIES)
ON_WHAT_EXISTS = schema("positive", examples=3, coverage=False).include(path_regex=r"\{").exclude(method="DELETE")
PAGES_MAY = [
    "client_redeem_enabled",
    "client_publish_enabled",
    "client_list_vouchers_enabled",
    "client_create_customer_enabled",
]
LONGEST_QUERY = 60_000
"""The HTTP server refuses longer ones before they are requests."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


class Shop(NamedTuple):
    """Every key there is, as headers, and what really exists, by the name it has in a path: in all paths, or in those
    that begin with one word (`loyalties/campaignId`)."""

    headers: dict[str, str]
    names: dict[str, str]


@pytest.fixture(scope="module")
async def shop(db: Database, live_server: str) -> Shop:
    project = await give_project(db, **dict.fromkeys(PAGES_MAY, True))
    async with AsyncClient(base_url=live_server) as client:
        desk = await give_desk(client, db, project)
        names = {
            **await existing(client, project),
            **await existing_audiences(client, project),
            **await existing_promotions(client, project),
            **await existing_loyalties(client, db, project),
            **await existing_settings(client, desk),
            **await existing_goodwill(client, desk),
        }
    return Shop({**project.server, **project.client, **desk.management}, names)


async def existing(client: AsyncClient, project: ProjectKeys) -> dict[str, str]:
    await give_coupon(client, project, "TEN")
    campaign = await give_campaign(client, project, type="STATIC")
    codes = await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers?vouchers_count=3")
    rule = await give_rule(client, project)
    assignment = await give_assignment(client, project, rule["id"], "campaign", campaign["id"])
    customer = await ask(client, project, "POST", "/v1/customers", {"source_id": "ada"})
    product = await ask(client, project, "POST", "/v1/products", {"source_id": "shirt", "name": "Shirt"})
    sku = await ask(client, project, "POST", f"/v1/products/{product['id']}/skus", {"source_id": "shirt-L"})
    redeemed = await redeem(client, project, cart("TEN", customer={"source_id": "ada"}))
    redemption_id = redeemed["redemptions"][0]["id"]
    return {
        "code": "TEN",
        "campaign": campaign["id"],
        "async_action_id": codes["async_action_id"],
        "validationRuleId": rule["id"],
        "assignmentId": assignment["id"],
        "customerId": customer["id"],
        "productId": product["id"],
        "skuId": sku["id"],
        "orderId": redeemed["order"]["id"],
        "redemption_id": redemption_id,
        "parent_redemption_id": redemption_id,
        "project_id": project.public_id,
        "key_id": project.client_key.id,
        "sessionKey": "ada",
    }


async def existing_audiences(client: AsyncClient, project: ProjectKeys) -> dict[str, str]:
    segment = await give_segment(client, project, asked("metadata.tier", "$is", "gold"))
    collection = await give_collection(client, project, asked("name", "$starts_with", "Sh"))
    return {"segmentId": segment["id"], "productCollectionId": collection["id"]}


async def existing_promotions(client: AsyncClient, project: ProjectKeys) -> dict[str, str]:
    campaign = await give_promotion(client, project)
    tier = await give_tier(client, project, campaign_id=campaign["id"])
    stack = await give_stack(client, project, tier)
    category = await give_category(client, project, "Summer")
    return {
        "campaignId": campaign["id"],
        "promotionTierId": tier["id"],
        "stackId": stack["id"],
        "categoryId": category["id"],
    }


async def existing_loyalties(client: AsyncClient, db: Database, project: ProjectKeys) -> dict[str, str]:
    program = await give_program(client, project, points=100)
    card = await give_member(client, project)
    pending_id = await hold_back(db, project, card["code"], 10, clock.now() + timedelta(days=3))
    return {
        "loyalties/campaignId": program["id"],
        "loyalties/memberId": card["code"],
        "pendingPointsId": pending_id,
        "owner": card["code"],
    }


async def existing_settings(client: AsyncClient, desk: Desk) -> dict[str, str]:
    async def made(path: str, body: dict[str, Any]) -> str:
        return str(succeeded(await client.post(f"{desk.settings}/{path}", json=body, headers=desk.management))["id"])

    return {
        "customEventSchemaId": await made("custom-event-schemas", {"name": "visited", "schema": {"properties": {}}}),
        "metadataSchemaId": await made("metadata-schemas", {"related_object": "customer", "properties": {}}),
        "stackingRulesId": await made("stacking-rules", {}),
        "resource": "customer",
    }


async def existing_goodwill(client: AsyncClient, desk: Desk) -> dict[str, str]:
    goodwill = await give(client, desk)
    return {"goodwillId": goodwill["id"], "reason": goodwill["reason"]}


def send(case: Case[Any], url: str, headers: dict[str, str]) -> None:
    assume(len(urlencode(case.query or {}, doseq=True)) < LONGEST_QUERY)
    case.call_and_validate(base_url=url, headers=headers, checks=CHECKS)


@EVERY_MEMBER.parametrize()
def test_whatever_a_member_is_the_answer_is_a_documented_one(case: Case[Any], live_server: str, shop: Shop) -> None:
    send(case, live_server, shop.headers)


@AT_RANDOM.parametrize()
def test_whatever_is_asked_the_answer_is_a_documented_one(case: Case[Any], live_server: str, shop: Shop) -> None:
    send(case, live_server, shop.headers)


@ON_WHAT_EXISTS.parametrize()
def test_answers_about_what_exists_are_documented_ones(case: Case[Any], live_server: str, shop: Shop) -> None:
    kind = case.path.split("/")[2]
    case.path_parameters = {
        name: shop.names.get(f"{kind}/{name}") or shop.names.get(name, "nothing") for name in case.path_parameters
    }

    send(case, live_server, shop.headers)
