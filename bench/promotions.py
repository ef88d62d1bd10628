"""Two projects with the same ten promotions for the cart that is measured; one has 990 live ones more for others."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from bench import workload
from bench.processes import Guerdon

RELEVANT, LIVE = 10, 1_000
TOGETHER = 10
"""So many tiers of one campaign share a rule."""

Headers = Mapping[str, str]


async def open_promotions(server: Guerdon) -> tuple[Headers, Headers]:
    """Set both projects up; gives their keys, those of the one with few promotions first.

    Raises RuntimeError when not all that should qualify do.
    """
    return await _open(server, RELEVANT), await _open(server, LIVE)


def qualification_body() -> str:
    """The question what applies to the measured cart, as a template for `bench.load.Load.body`."""
    body = json.loads(workload.checkout_body())
    asked = {name: body[name] for name in ("customer", "order", "metadata")}
    return json.dumps({**asked, "options": {"limit": 2 * RELEVANT}}, separators=(",", ":"))


async def _open(server: Guerdon, live: int) -> Headers:
    management = {
        "X-Management-Id": server.credentials["X_MANAGEMENT_ID"],
        "X-Management-Token": server.credentials["X_MANAGEMENT_TOKEN"],
    }
    async with workload.client_of(server) as client:
        project = await _post(client, "/management/v1/projects", {"name": f"{live} promotions"}, management)
        key = project["server_side_key"]
        headers = {"X-App-Id": key["app_id"], "X-App-Token": key["app_token"]}
        for first in range(0, live, TOGETHER):
            rule = await _post(client, "/v1/validation-rules", {"rules": _rule(first)}, headers)
            tiers = [_tier(number, rule["id"]) for number in range(first, first + TOGETHER)]
            body = {"name": f"Promotion {first}", "campaign_type": "PROMOTION", "promotion": {"tiers": tiers}}
            await _post(client, "/v1/campaigns", body, headers)
        # Asked once before it is measured: the first question to a server compiles all promotions.
        question = json.loads(qualification_body() % {"customer": "shop-000000", "order": "asked"})
        found = (await _post(client, "/v1/qualifications", question, headers))["redeemables"]["total"]
        if found != RELEVANT:
            raise RuntimeError(f"{found} of {live} promotions qualify; {RELEVANT} should.")
    return headers


def _rule(first: int) -> dict[str, Any]:
    """That of the relevant promotions holds for the measured cart; the others want other products, customers, sums."""
    if first < RELEVANT:
        wanted = {"name": "product.id", "conditions": {"$is": ["sku-00001"]}}
    else:
        wanted = [
            {"name": "product.id", "conditions": {"$in": [f"elsewhere-{first}", f"elsewhere-{first + 1}"]}},
            {"name": "customer.metadata", "property": "tier", "conditions": {"$is": [f"tier-{first}"]}},
            {"name": "order.amount", "conditions": {"$more_than": [10_000_000 + first]}},
        ][first // TOGETHER % 3]
    return {"1": {**wanted, "rules": {}}, "logic": "1"}


def _tier(number: int, rule_id: str) -> dict[str, Any]:
    discount = {"type": "AMOUNT", "amount_off": 100 + number, "effect": "APPLY_TO_ORDER"}
    return {"name": f"Tier {number}", "action": {"discount": discount}, "validation_rules": [rule_id]}


async def _post(client: httpx.AsyncClient, path: str, body: dict[str, Any], headers: Headers) -> dict[str, Any]:
    answer = await client.post(path, json=body, headers=headers)
    answer.raise_for_status()
    value: dict[str, Any] = answer.json()
    return value
