"""Validation rules for tests, made over HTTP."""

from typing import Any

from httpx import AsyncClient

from tests.factories.access import ProjectKeys


def rule_of(name: str, operator: str, *values: Any, **members: Any) -> dict[str, Any]:
    """The `rules` of a definition with one condition."""
    return {"1": {"name": name, "conditions": {operator: list(values)}, "rules": {}, **members}, "logic": "1"}


ORDER_OVER_50 = rule_of("order.amount", "$more_than", 5000)
ONCE_PER_CUSTOMER = rule_of("redemption.count.per_customer", "$less_than_or_equal", 1)
TEN_PER_CAMPAIGN = rule_of("campaign.redemptions.count", "$less_than_or_equal", 10)


async def give_rule(client: AsyncClient, project: ProjectKeys, **members: Any) -> dict[str, Any]:
    """A saved rule, as answered."""
    response = await client.post(
        "/v1/validation-rules", json={"rules": ORDER_OVER_50, **members}, headers=project.server
    )
    assert response.status_code == 200, response.text
    created: dict[str, Any] = response.json()
    return created


async def give_assignment(
    client: AsyncClient, project: ProjectKeys, rule_id: str, related_object_type: str, related_object_id: str
) -> dict[str, Any]:
    """The rule bound to a campaign or voucher, as answered."""
    response = await client.post(
        f"/v1/validation-rules/{rule_id}/assignments",
        json={"related_object_type": related_object_type, "related_object_id": related_object_id},
        headers=project.server,
    )
    assert response.status_code == 200, response.text
    created: dict[str, Any] = response.json()
    return created
