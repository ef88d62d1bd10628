"""Rules about segments and product collections, asked at the checkout."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest
from httpx import AsyncClient

from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.audiences import asked, give_collection, give_segment
from tests.factories.carts import cart, line, redeem, try_to_redeem, validate
from tests.factories.commerce import give_customer, give_order, give_product, give_sku
from tests.factories.incentives import ask
from tests.factories.pools import give_voucher
from tests.factories.rules import give_assignment, give_rule, rule_of

ITEMS_10 = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ITEMS"}


async def give_code(
    client: AsyncClient, db: Database, project: ProjectKeys, code: str = "CODE", **members: Any
) -> dict[str, Any]:
    """A code with a rule of these members."""
    voucher = await give_voucher(
        db, project, code=code, **({"discount": members.pop("discount")} if "discount" in members else {})
    )
    rule = await give_rule(client, project, **{"rules": {"logic": ""}, **members})
    await give_assignment(client, project, rule["id"], "voucher", voucher.id)
    return rule


async def is_valid(client: AsyncClient, project: ProjectKeys, **members: Any) -> bool:
    valid: bool = (await validate(client, project, cart("CODE", **members)))["valid"]
    return valid


async def test_a_code_for_a_segment_is_refused_to_everybody_else(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_customer(db, project, source_id="ada", address={"city": "Berlin"})
    segment = await give_segment(client, project, asked("address.city", "$is", "Berlin"))
    rule = await give_code(client, db, project, rules=rule_of("customer.segment", "$is", segment["id"]))

    known = await validate(client, project, cart("CODE", customer={"source_id": "ada"}))
    moving = await validate(client, project, cart("CODE", customer={"source_id": "ada", "address": {"city": "Bonn"}}))
    newcomer = await validate(client, project, cart("CODE", customer={"source_id": "b", "address": {"city": "Berlin"}}))
    nobody = await validate(client, project, cart("CODE"))

    assert (known["valid"], moving["valid"], newcomer["valid"]) == (True, False, True)
    error = moving["redeemables"][0]["result"]["error"]
    assert error["key"] == "customer_rules_violated"
    assert rule["id"] in error["details"]
    assert nobody["redeemables"][0]["result"]["error"]["key"] == "missing_customer"


async def test_the_third_order_is_rewarded_as_soon_as_the_second_is_paid(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    segment = await give_segment(client, project, asked("summary.orders.total_count", "$more_than_equal", 2))
    await give_code(client, db, project, rules=rule_of("customer.segment", "$in", segment["id"]))
    await give_voucher(db, project, code="ANY")
    buyer = {"source_id": "ada"}

    seen = [await is_valid(client, project, customer=buyer)]
    for _ in range(2):
        await redeem(client, project, cart("ANY", customer=buyer))
        seen.append(await is_valid(client, project, customer=buyer))

    assert seen == [False, False, True]
    assert (await redeem(client, project, cart("CODE", customer=buyer)))["redemptions"][0]["result"] == "SUCCESS"


async def test_members_of_a_static_segment_are_found_by_key(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_customer(db, project, source_id="ada")
    await give_customer(db, project, source_id="bob")
    segment = await give_segment(client, project, customers=["ada"])
    await give_code(client, db, project, rules=rule_of("customer.segment", "$is_not", segment["id"]))

    assert not await is_valid(client, project, customer={"source_id": "ada"})
    assert await is_valid(client, project, customer={"source_id": "bob"})
    assert (await try_to_redeem(client, project, cart("CODE", customer={"source_id": "ada"}))).status_code == 400


async def test_a_rule_can_ask_how_many_segments_a_customer_is_in(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_customer(db, project, source_id="ada", metadata={"vip": True}, address={"city": "Berlin"})
    await give_customer(db, project, source_id="bob", metadata={"vip": True})
    await give_segment(client, project, customers=["ada"])
    await give_segment(client, project, asked("metadata.vip", "$is", True))
    await give_code(client, db, project, rules=rule_of("customer.segment", "$count_more", 1))

    assert await is_valid(client, project, customer={"source_id": "ada"})
    assert not await is_valid(client, project, customer={"source_id": "bob"})
    await give_segment(client, project, asked("metadata.vip", "$has_value"))
    assert await is_valid(client, project, customer={"source_id": "bob"})


async def test_a_segment_that_is_not_there_has_no_members(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_code(client, db, project, rules=rule_of("customer.segment", "$is", "seg_unknown"))

    assert not await is_valid(client, project, customer={"source_id": "ada"})


@pytest.mark.parametrize("written", ["from", "object", "sub_rule"])
async def test_a_rule_about_a_static_collection_looks_at_its_products_and_their_skus(
    client: AsyncClient, db: Database, project: ProjectKeys, written: str
) -> None:
    shirt = await give_product(db, project, source_id="shirt", price=2000)
    await give_sku(db, project, shirt.id, source_id="shirt/S")
    await give_product(db, project, source_id="hat", price=2000)
    collection = await give_collection(client, project, products=[{"id": "shirt", "object": "product"}])
    named = {"id": collection["id"], "object": "products_collection"}
    at_least_two = rule_of("order.items.aggregated_quantity", "$more_than_or_equal", 2)
    rules = {
        "from": rule_of("product.id", "$from", collection["id"]),
        "object": rule_of("order.items.any", "$is", named),
        "sub_rule": rule_of("order.items.any", "$from", named, rules=at_least_two),
    }[written]
    await give_code(client, db, project, rules=rules)

    assert await is_valid(client, project, items=[line("shirt", 2000, 2)])
    assert await is_valid(
        client, project, items=[{"source_id": "shirt/S", "related_object": "sku", "quantity": 3, "price": 1}]
    )
    assert not await is_valid(client, project, items=[line("hat", 2000, 2)])
    refused = await validate(client, project, cart("CODE", items=[line("hat", 2000)]))
    assert refused["redeemables"][0]["result"]["error"]["key"] == "order_rules_violated"


async def test_a_dynamic_collection_is_worked_out_from_what_the_cart_says(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_product(db, project, source_id="shirt", metadata={"brand": "Acme"})
    collection = await give_collection(client, project, asked("metadata.brand", "$is", "Acme"))
    await give_code(client, db, project, rules=rule_of("order.items.every", "$from", collection["id"]))
    unknown = line("stray", 100, product={"source_id": "stray", "metadata": {"brand": "Acme"}})

    assert await is_valid(client, project, items=[line("shirt", 100), unknown])
    assert not await is_valid(client, project, items=[line("shirt", 100), line("hat", 100)])
    await give_product(db, project, source_id="shirt", metadata={"brand": "Other"})
    assert not await is_valid(client, project, items=[line("shirt", 100)])


async def test_a_change_of_a_collection_counts_at_once(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_product(db, project, source_id="shirt", price=5000, attributes=["colour"])
    collection = await give_collection(client, project, asked("attributes", "$is", "colour"))
    await give_code(client, db, project, rules=rule_of("product.id", "$from", collection["id"]))
    path = f"/v1/product-collections/{collection['id']}"

    before = await is_valid(client, project, items=[line("shirt", 5000)])
    await ask(client, project, "PUT", path, {"filter": asked("price", "$more_than", 5000)})
    after = await is_valid(client, project, items=[line("shirt", 5000)])

    assert (before, after) == (True, False)


async def test_a_discount_reaches_only_the_lines_of_its_collections(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_product(db, project, source_id="shirt", metadata={"brand": "Acme"})
    await give_product(db, project, source_id="shoe", metadata={"brand": "Acme", "sale": True})
    await give_product(db, project, source_id="hat")
    acme = await give_collection(client, project, asked("metadata.brand", "$is", "Acme"))
    sale = await give_collection(client, project, asked("metadata.sale", "$is", True))

    def target(collection: dict[str, Any]) -> dict[str, Any]:
        return {"object": "products_collection", "id": collection["id"], "effect": "APPLY_TO_EVERY"}

    await give_code(
        client,
        db,
        project,
        discount=ITEMS_10,
        applicable_to={"included": [target(acme)], "excluded": [target(sale)]},
    )

    answer = await validate(
        client, project, cart("CODE", items=[line("shirt", 1000), line("shoe", 1000), line("hat", 1000)])
    )

    shown = answer["redeemables"][0]
    assert [item.get("discount_amount", 0) for item in answer["order"]["items"]] == [100, 0, 0]
    assert shown["applicable_to"]["data"][0]["id"] == acme["id"]
    assert shown["applicable_to"]["data"][0]["order_item_indices"] == [0]
    assert shown["inapplicable_to"]["data"][0]["id"] == sale["id"]


async def test_all_products_is_a_collection_of_every_project(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_code(client, db, project, rules=rule_of("order.items.every", "$from", "pc_all_products"))

    assert await is_valid(client, project, items=[line("anything", 100)])


async def test_a_kept_order_is_asked_like_a_new_one(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    shirt = await give_product(db, project, source_id="shirt", metadata={"brand": "Acme"}, image_url="https://a/b")
    static = await give_collection(client, project, products=[{"id": shirt.id, "object": "product"}])
    pictured = await give_collection(client, project, asked("image_url", "$starts_with", "https://"))
    both = {
        **rule_of("order.items.any", "$from", static["id"]),
        "2": {"name": "order.items.any", "conditions": {"$from": [pictured["id"]]}, "rules": {}},
        "logic": "1 and 2",
    }
    await give_code(client, db, project, rules=both)
    await give_order(db, project, source_id="order-1", items=[line("shirt", 500)])

    answer = await validate(
        client, project, {"redeemables": [{"object": "voucher", "id": "CODE"}], "order": {"source_id": "order-1"}}
    )

    assert answer["valid"]


is_asking: ContextVar[bool] = ContextVar("is_asking", default=False)
"""Set where this test asks: a worker may run in the same process."""


def spying(original: Callable[..., Awaitable[Any]], seen: list[str]) -> Callable[..., Awaitable[Any]]:
    async def spied(self: Any, query: str, *arguments: Any, **options: Any) -> Any:
        if is_asking.get():
            seen.append(query)
        return await original(self, query, *arguments, **options)

    return spied


async def test_a_checkout_whose_rules_name_neither_reads_no_memberships(
    client: AsyncClient, db: Database, project: ProjectKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    await give_code(client, db, project, rules=rule_of("order.amount", "$more_than", 1))
    await validate(client, project, cart("CODE", customer={"source_id": "ada"}))  # compiles

    async with db.connection() as connection:
        seen: list[str] = []
        query_class = type(connection)
        for method in ("fetch", "fetchrow"):
            monkeypatch.setattr(query_class, method, spying(getattr(query_class, method), seen))
    is_asking.set(True)
    await validate(client, project, cart("CODE", customer={"source_id": "ada"}))

    assert len([query for query in seen if "configuration_version" in query]) == 1
    assert len(seen) == 1
