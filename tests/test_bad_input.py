"""What people and scripts really get wrong: every refusal names its status, its key and the place."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import SHIRT, cart, validate
from tests.factories.incentives import PERCENT, ask, give_coupon
from tests.factories.rules import rule_of

CHECKOUT = ["/v1/validations", "/v1/redemptions", "/v1/qualifications"]


async def refusal(client: AsyncClient, project: ProjectKeys, path: str, body: Any) -> dict[str, Any]:
    """The error a request is answered with; `code` and `status` in it say the same as the status line."""
    response = await client.post(path, json=body, headers=project.server)
    error: dict[str, Any] = response.json()
    assert response.status_code == error["code"] == error["status"], response.text
    return error


def paths(error: dict[str, Any]) -> list[str]:
    return [problem["path"] for problem in error["errors"]]


async def test_an_expired_code_is_told_to_be_expired(client: AsyncClient, project: ProjectKeys) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    await give_coupon(client, project, "LATE", expiration_date=yesterday)

    shown = await validate(client, project, cart("LATE"))
    error = await refusal(client, project, "/v1/redemptions", cart("LATE"))

    assert (error["code"], error["key"]) == (400, "voucher_expired")
    assert (error["redeemable_type"], error["redeemable_id"]) == ("voucher", "LATE")
    assert shown["valid"] is False
    assert shown["redeemables"][0]["result"]["error"]["key"] == "voucher_expired"


async def test_a_foreign_projects_code_is_as_unknown_as_one_that_nobody_has(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_coupon(client, await give_project(db), "THEIRS")

    foreign = await refusal(client, project, "/v1/redemptions", cart("THEIRS"))
    unknown = await refusal(client, project, "/v1/redemptions", cart("NOBODY"))
    shown = await client.get("/v1/vouchers/THEIRS", headers=project.server)
    listed = await ask(client, project, "GET", "/v1/vouchers")

    assert (foreign["code"], foreign["key"], foreign["redeemable_id"]) == (404, "not_found", "THEIRS")
    apart = {"request_id", "details", "detail", "resource_id", "redeemable_id"}
    assert {name: foreign[name] for name in foreign.keys() - apart} == {
        name: unknown[name] for name in unknown.keys() - apart
    }
    assert shown.status_code == 404
    assert listed["total"] == 0


@pytest.mark.parametrize("path", CHECKOUT)
async def test_a_cart_of_501_lines_is_refused_at_its_lines(
    client: AsyncClient, project: ProjectKeys, path: str
) -> None:
    error = await refusal(client, project, path, cart("ANY", items=[SHIRT] * 501))

    assert (error["code"], error["key"], paths(error)) == (400, "invalid_payload", ["order.items"])
    assert "at most 500" in error["details"]


@pytest.mark.parametrize("path", CHECKOUT)
async def test_a_negative_price_is_refused_at_its_line(client: AsyncClient, project: ProjectKeys, path: str) -> None:
    error = await refusal(client, project, path, cart("ANY", items=[SHIRT, {**SHIRT, "price": -1}]))

    assert (error["code"], error["key"], paths(error)) == (400, "invalid_payload", ["order.items[1].price"])


async def test_a_rule_with_an_unknown_fact_is_refused_at_its_name(client: AsyncClient, project: ProjectKeys) -> None:
    rules = rule_of("order.colour", "$is", "red")

    error = await refusal(client, project, "/v1/validation-rules", {"rules": rules})

    assert (error["code"], error["key"], paths(error)) == (400, "invalid_validation_rules", ["rules.1.name"])
    assert (await ask(client, project, "GET", "/v1/validation-rules"))["total"] == 0


async def test_a_pattern_with_three_possible_codes_is_refused_ten_before_anything_is_made(
    client: AsyncClient, project: ProjectKeys
) -> None:
    voucher = {"discount": PERCENT, "code_config": {"pattern": "X#", "charset": "ABC"}}

    error = await refusal(client, project, "/v1/campaigns", {"name": "Tiny", "vouchers_count": 10, "voucher": voucher})

    assert (error["code"], error["key"], paths(error)) == (400, "invalid_code_config", ["voucher.code_config"])
    assert "10 codes were asked for, but of the 3 possible codes" in error["details"]
    assert (await ask(client, project, "GET", "/v1/campaigns"))["total"] == 0
    assert (await ask(client, project, "GET", "/v1/async-actions"))["async_actions"] == []


async def test_a_code_config_is_refused_at_the_member_that_is_wrong(client: AsyncClient, project: ProjectKeys) -> None:
    config = {"pattern": "NO-HOLES"}

    in_campaign = await refusal(
        client, project, "/v1/campaigns", {"name": "X", "voucher": {"discount": PERCENT, "code_config": config}}
    )
    alone = await refusal(client, project, "/v1/vouchers", {"discount": PERCENT, "code_config": config})

    assert paths(in_campaign) == ["voucher.code_config.pattern"]
    assert paths(alone) == ["code_config.pattern"]
