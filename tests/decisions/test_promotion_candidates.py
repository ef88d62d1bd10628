"""Promotions that nobody names: found for an order by what they need, however many there are."""

from typing import Any

from httpx import AsyncClient

from tests.factories.access import ProjectKeys
from tests.factories.carts import line
from tests.factories.incentives import Answer, ask
from tests.factories.promotions import give_promotion, give_tier, tier_of
from tests.factories.rules import give_rule, rule_of

SHIRTS = {"order": {"items": [line("shirt", 2_000, 2)]}}


async def qualified(client: AsyncClient, project: ProjectKeys, **question: Any) -> list[str]:
    """The names of the tiers that are shown, newest first."""
    body = {**SHIRTS, "options": {"limit": 50}, **question}
    answer = await ask(client, project, "POST", "/v1/qualifications", body)
    return [each["name"] for each in answer["redeemables"]["data"]]


async def needing(
    client: AsyncClient, project: ProjectKeys, name: str, operator: str, *values: Any, **more: Any
) -> str:
    """The id of a rule with this one condition."""
    rule_id: str = (await give_rule(client, project, rules=rule_of(name, operator, *values, **more)))["id"]
    return rule_id


async def test_a_promotion_is_found_behind_three_hundred_newer_ones_that_do_not_apply(
    client: AsyncClient, project: ProjectKeys
) -> None:
    shirts = await needing(client, project, "product.id", "$is", "shirt")
    hats = await needing(client, project, "product.id", "$is", "hat")
    await give_promotion(client, project, tier_of(name="for shirts", validation_rules=[shirts]))
    for first in range(0, 300, 100):
        tiers = [tier_of(name=f"for hats {first + n}", validation_rules=[hats]) for n in range(100)]
        await give_promotion(client, project, *tiers)

    assert await qualified(client, project) == ["for shirts"]


async def test_a_promotion_for_a_segment_is_found_for_its_customers(client: AsyncClient, project: ProjectKeys) -> None:
    ann, bob = [await ask(client, project, "POST", "/v1/customers", {"source_id": name}) for name in ("ann", "bob")]
    body = {"name": "Loyal", "type": "static", "customers": [ann["id"]]}
    segment = await ask(client, project, "POST", "/v1/segments", body)
    rule = await needing(client, project, "customer.segment", "$is", segment["id"])
    await give_tier(client, project, name="for the loyal", validation_rules=[rule])

    shown = [await qualified(client, project, customer={"id": customer["id"]}) for customer in (ann, bob)]

    assert shown == [["for the loyal"], []]
    assert await qualified(client, project) == []


async def test_a_promotion_for_a_collection_is_found_for_orders_with_its_products(
    client: AsyncClient, project: ProjectKeys
) -> None:
    shirt = await ask(client, project, "POST", "/v1/products", {"source_id": "shirt", "name": "Shirt", "price": 2_000})
    body = {"name": "Tops", "type": "STATIC", "products": [{"id": shirt["id"], "object": "product"}]}
    tops = await ask(client, project, "POST", "/v1/product-collections", body)
    rule = await needing(client, project, "order.items.any", "$from", tops["id"])
    await give_tier(client, project, name="for tops", validation_rules=[rule])

    assert await qualified(client, project) == ["for tops"]
    assert await qualified(client, project, order={"items": [line("hat", 2_000)]}) == []


async def test_a_promotion_that_takes_nothing_off_the_order_is_not_shown(
    client: AsyncClient, project: ProjectKeys
) -> None:
    per_line = {"discount": {"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ITEMS"}}
    for product in ("shirt", "hat"):
        targets = {"included": [{"object": "product", "id": product}]}
        rule = await give_rule(client, project, rules={}, applicable_to=targets)
        await give_tier(client, project, name=f"off {product}s", action=per_line, validation_rules=[rule["id"]])

    assert await qualified(client, project) == ["off shirts"]
    assert await qualified(client, project, scenario="AUDIENCE_ONLY") == ["off hats", "off shirts"]
    assert await qualified(client, project, order=None) == ["off hats", "off shirts"]


async def test_what_is_found_follows_every_change_of_the_promotions(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_promotion(client, project, tier_of(name="first"))
    (first,) = campaign["promotion"]["tiers"]
    seen: list[list[str]] = [await qualified(client, project)]

    async def after(method: str, path: str, body: Answer | None = None) -> None:
        await ask(client, project, method, path, body)
        seen.append(await qualified(client, project))

    await after("POST", f"/v1/promotions/{campaign['id']}/tiers", tier_of(name="second"))
    await after("POST", f"/v1/promotions/tiers/{first['id']}/disable")
    await after("POST", f"/v1/campaigns/{campaign['id']}/disable")
    await after("POST", f"/v1/campaigns/{campaign['id']}/enable")
    await after("POST", f"/v1/promotions/tiers/{first['id']}/enable")
    await after("PUT", f"/v1/promotions/tiers/{first['id']}", {"expiration_date": "2020-01-01T00:00:00Z"})

    assert seen == [["first"], ["second", "first"], ["second"], [], ["second"], ["second", "first"], ["second"]]


async def test_the_promotions_found_are_those_that_would_be_found_by_asking_all_of_them(
    client: AsyncClient, project: ProjectKeys
) -> None:
    conditions = [
        ("order.amount", "$more_than", 3_999, {}),
        ("order.amount", "$more_than", 4_000, {}),
        ("order.amount", "$less_than", 4_001, {}),
        ("product.id", "$in", "hat", {}),
        ("product.id", "$in", "shirt", {}),
        ("customer.metadata", "$is", "gold", {"property": "tier"}),
        ("customer.metadata", "$is", "silver", {"property": "tier"}),
        ("order.items.count", "$is", 2, {}),
        ("order.items.count", "$is", 3, {}),
    ]
    tiers = []
    for number, (name, operator, value, more) in enumerate(conditions):
        rule = await needing(client, project, name, operator, value, **more)
        tiers.append(await give_tier(client, project, name=str(number), validation_rules=[rule]))
    question = {**SHIRTS, "customer": {"source_id": "ann", "metadata": {"tier": "gold"}}}

    found = await qualified(client, project, **question)
    applying = []
    for tier in tiers:
        body = {**question, "redeemables": [{"object": "promotion_tier", "id": tier["id"]}]}
        if (await ask(client, project, "POST", "/v1/validations", body))["valid"]:
            applying.append(tier["name"])

    assert sorted(found) == applying == ["0", "2", "4", "5", "7"]
