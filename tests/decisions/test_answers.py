"""The busy endpoints write their answers by hand: here each is read with the model that the document shows for it.

Nothing may be missing, nothing may be there that the model does not know, and nothing may be written otherwise than the
model would write it.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from httpx import AsyncClient
from pydantic import BaseModel

from app.decisions.answers import (
    QualificationRead,
    RedemptionList,
    RedemptionRead,
    RedemptionsRead,
    RollbacksRead,
    ValidationRead,
    VoucherRedemptions,
)
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, line, redeem
from tests.factories.incentives import AMOUNT, PERCENT, ask, give_campaign, give_coupon
from tests.factories.rules import ORDER_OVER_50, give_assignment, give_rule, rule_of

EXPAND_ALL = {"expand": ["order", "redemption", "redeemable", "category"]}
EXPLAIN = {"X-Guerdon-Explain": "true"}
ADA = {"source_id": "ada", "name": "Ada", "email": "ada@example.com", "metadata": {"vip": True}}
ITEMS = [
    line("shirt", 2000, 2, product={"name": "Shirt", "metadata": {"colour": "red"}, "override": True}),
    line("hat/L", 999, related_object="sku", sku={"sku": "L", "price": 999}, metadata={"gift": True}),
    {"quantity": "3", "amount": 450},
]
FIXED = {"type": "FIXED", "fixed_amount": 900, "effect": "APPLY_TO_ITEMS"}
CAPPED = {"type": "PERCENT", "percent_off": 33.33, "amount_limit": 700, "aggregated_amount_limit": 800}

ENGINE_SHAPE = re.compile(r"\.(discount|applicable_to\.data\[\d+]|inapplicable_to\.data\[\d+])\.\w+$")
"""Shapes of the engine are answered as they were saved, without what was not said."""


def check(model: type[BaseModel], answer: dict[str, Any]) -> None:
    written = model.model_validate(answer, extra="forbid").model_dump(mode="json")
    assert "\n".join(differences(answer, written, "")) == ""


def differences(answer: Any, written: Any, path: str) -> Iterator[str]:
    """Where an answer is not what its model would write."""
    if isinstance(answer, dict) and isinstance(written, dict):
        for name in {**answer, **written}:
            yield from differences(answer.get(name, "absent"), written.get(name, "absent"), f"{path}.{name}")
    elif isinstance(answer, list) and isinstance(written, list) and len(answer) == len(written):
        for index, pair in enumerate(zip(answer, written, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif answer != written and not (written is None and answer == "absent" and ENGINE_SHAPE.search(path)):
        yield f"{path}: {answer!r} is written {written!r}"


@pytest.fixture
async def shop(client: AsyncClient, project: ProjectKeys) -> ProjectKeys:
    """A project with a code for every kind of outcome: TEN, FIVE, CAPPED, LINES, VIP (inapplicable), and a campaign's
    public CAMPAIGN."""
    await give_coupon(client, project, "TEN", redemption={"quantity": 3}, metadata={"channel": "mail"})
    await give_coupon(client, project, "FIVE", discount=AMOUNT)
    await give_coupon(client, project, "CAPPED", discount=CAPPED)
    targets = {
        "included": [{"object": "product", "id": "prod_shirt", "source_id": "shirt"}],
        "excluded": [],
        "included_all": False,
    }
    lines = await give_rule(client, project, name="Shirts", rules={}, applicable_to=targets)
    await give_coupon(client, project, "LINES", discount=FIXED, validation_rules=[lines["id"]])
    vip = await give_rule(
        client,
        project,
        name="Gold",
        rules=rule_of("customer.metadata", "$is", "gold", property="level"),
        error={"message": "For gold members."},
    )
    await give_coupon(client, project, "VIP", validation_rules=[vip["id"]])
    campaign = await give_campaign(client, project, type="STANDALONE", voucher={"code": "CAMPAIGN"})
    limit = await give_rule(client, project, rules=rule_of("campaign.redemptions.count", "$less_than_or_equal", 10))
    await give_assignment(client, project, limit["id"], "campaign", campaign["id"])
    large = await give_rule(client, project, rules=ORDER_OVER_50)
    await give_coupon(client, project, "LARGE", discount=PERCENT, validation_rules=[large["id"]])
    return project


REQUESTS = {
    "one code": cart("TEN"),
    "no order": {"redeemables": [{"object": "voucher", "id": "TEN"}]},
    "an amount only": {**cart("TEN"), "order": {"amount": 5000}},
    "a customer": cart("TEN", customer=ADA, metadata={"till": 4}, tracking_id="t-1"),
    "all kinds of lines": cart("LINES", "CAPPED", "FIVE", items=ITEMS, customer=ADA),
    "everything expanded": cart("CAMPAIGN", "TEN", items=ITEMS, customer=ADA, options=EXPAND_ALL),
    "an order to keep": cart("FIVE", order={"source_id": "o-1", "metadata": {"channel": "web"}, "status": "PAID"}),
    "more than is paid": cart("FIVE", "FIVE2", items=[line("pin", 100)]),
}
REFUSED = {
    "an unknown code": cart("NOBODY"),
    "a rule that does not hold": cart("VIP", customer=ADA, options=EXPAND_ALL),
    "one of three that does not apply": cart("TEN", "VIP", "FIVE", options=EXPAND_ALL),
    "a tier, which is not there": {**cart(), "redeemables": [{"object": "promotion_tier", "id": "promo_1"}]},
}


@pytest.mark.parametrize("explained", [False, True])
@pytest.mark.parametrize("name", [*REQUESTS, *REFUSED])
async def test_a_validation_is_answered_as_documented(
    client: AsyncClient, shop: ProjectKeys, name: str, explained: bool
) -> None:
    await give_coupon(client, shop, "FIVE2", discount=AMOUNT)
    headers = {**shop.server, **(EXPLAIN if explained else {})}

    response = await client.post("/v1/validations", json=(REQUESTS | REFUSED)[name], headers=headers)

    assert response.status_code == 200, response.text
    assert response.json()["valid"] is (name in REQUESTS)
    check(ValidationRead, response.json())


@pytest.mark.parametrize("explained", [False, True])
@pytest.mark.parametrize("name", REQUESTS)
async def test_redemptions_and_rollbacks_are_answered_as_documented(
    client: AsyncClient, shop: ProjectKeys, name: str, explained: bool
) -> None:
    await give_coupon(client, shop, "FIVE2", discount=AMOUNT)
    redeemed = await redeem(client, shop, REQUESTS[name], **(EXPLAIN if explained else {}))
    check(RedemptionsRead, redeemed)

    whole = redeemed.get("parent_redemption", redeemed["redemptions"][0])
    body = {"reason": "Returned", "metadata": {"case": 7}}
    rolled_back = await ask(client, shop, "POST", f"/v1/redemptions/{whole['id']}/rollbacks", body)
    check(RollbacksRead, rolled_back)

    parts = [whole, *redeemed["redemptions"], *rolled_back["rollbacks"]]
    for part in parts:
        check(RedemptionRead, await ask(client, shop, "GET", f"/v1/redemptions/{part['id']}"))
    check(RedemptionList, await ask(client, shop, "GET", "/v1/redemptions"))
    check(VoucherRedemptions, await ask(client, shop, "GET", f"/v1/vouchers/{name_of(redeemed)}/redemption"))


def name_of(redeemed: dict[str, Any]) -> str:
    code: str = redeemed["redemptions"][0]["voucher"]["code"]
    return code


async def test_the_rollback_of_one_redemption_is_answered_as_documented(client: AsyncClient, shop: ProjectKeys) -> None:
    redeemed = await redeem(client, shop, cart("TEN"))

    path = f"/v1/redemptions/{redeemed['redemptions'][0]['id']}/rollback"
    check(RedemptionRead, await ask(client, shop, "POST", path, {}))


async def test_failed_redemptions_are_listed_as_documented(client: AsyncClient, shop: ProjectKeys) -> None:
    for request in REFUSED.values():
        await client.post("/v1/redemptions", json=request, headers=shop.server)

    listed = await ask(client, shop, "GET", "/v1/redemptions")

    assert {entry["result"] for entry in listed["redemptions"]} == {"FAILURE"}
    check(RedemptionList, listed)


@pytest.mark.parametrize("expand", [[], ["redeemable", "category", "validation_rules"]])
async def test_a_qualification_is_answered_as_documented(
    client: AsyncClient, shop: ProjectKeys, expand: list[str]
) -> None:
    for question in ({}, {"customer": ADA}, {"customer": ADA, "order": {"items": ITEMS}, "tracking_id": "t-1"}):
        body = {**question, "options": {"expand": expand, "limit": 10}}
        answer = await ask(client, shop, "POST", "/v1/qualifications", body)
        assert answer["redeemables"]["data"]
        check(QualificationRead, answer)
