"""Units given, upgraded and made free, targets and bundles, over HTTP and with the official client's models."""

from typing import Any

import pytest
from httpx import AsyncClient
from voucherify.models import RedemptionsRedeemResponseBody, ValidationsValidateResponseBody

from app.engine.postings import AccountKey
from app.kit.db import Database
from app.ledger.accounts import recount
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, redeem, roll_back, validate
from tests.factories.commerce import give_product, give_sku
from tests.factories.incentives import Answer, ask, give_campaign, give_coupon
from tests.factories.rules import give_assignment, give_rule

SHIPPING = "prod_5h1pp1ng"


def bought(product_id: str, quantity: int, price: int, **members: Any) -> dict[str, Any]:
    return {"product_id": product_id, "quantity": quantity, "price": price, **members}


def whole(body: dict[str, Any]) -> dict[str, Any]:
    """The request, answered with the lines of each running order."""
    return {**body, "options": {"expand": ["order"]}}


async def checked(client: AsyncClient, project: ProjectKeys, body: dict[str, Any]) -> dict[str, Any]:
    """A valid answer that the official client can read."""
    answer = await validate(client, project, whole(body))
    assert answer["valid"], answer
    assert ValidationsValidateResponseBody.from_dict(answer) is not None
    return answer


async def give_ruled_coupon(
    client: AsyncClient, project: ProjectKeys, code: str, discount: dict[str, Any], **rule: Any
) -> None:
    """A code whose rule has these members (targets, a bundle)."""
    await give_coupon(client, project, code, discount=discount)
    given = await give_rule(client, project, **{"rules": {"logic": ""}, **rule})
    voucher = await ask(client, project, "GET", f"/v1/vouchers/{code}")
    await give_assignment(client, project, given["id"], "voucher", voucher["id"])


def needing(*wanted: tuple[str, int], **members: Any) -> dict[str, Any]:
    """The `bundle_rules` that ask for these products together."""
    rules = {
        str(number): {
            "name": "order.items.any",
            "conditions": {"$is": [{"id": product_id, "type": "product_or_sku", "object": "product"}]},
            "rules": {
                "1": {"name": "order.items.aggregated_quantity", "conditions": {"$is": [quantity]}, "rules": {}},
                "logic": "1",
            },
        }
        for number, (product_id, quantity) in enumerate(wanted, start=1)
    }
    return {**rules, "logic": " and ".join(rules), **members}


async def test_a_missing_unit_is_added_and_leaves_the_total_as_it_was(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    hat = await give_product(db, project, name="Hat", source_id="HAT", price=1500)
    await give_coupon(client, project, "HAT", discount={"type": "UNIT", "unit_off": 1, "unit_type": hat.id})

    answer = await checked(client, project, cart("HAT", items=[bought("prod_shirt", 2, 2000)]))

    order = answer["order"]
    assert (order["initial_amount"], order["amount"]) == (4000, 5500)
    assert (order["items_discount_amount"], order["total_discount_amount"], order["total_amount"]) == (1500, 1500, 4000)
    shirt, given = order["items"]
    assert "applied_quantity" not in shirt
    assert given["product"]["name"] == "Hat"
    assert {
        name: given[name]
        for name in (
            "product_id",
            "initial_quantity",
            "quantity",
            "discount_quantity",
            "applied_discount_quantity",
            "applied_quantity",
            "applied_quantity_amount",
            "amount",
            "discount_amount",
            "subtotal_amount",
        )
    } == {
        "product_id": hat.id,
        "initial_quantity": 0,
        "quantity": 1,
        "discount_quantity": 1,
        "applied_discount_quantity": 1,
        "applied_quantity": 1,
        "applied_quantity_amount": 1500,
        "amount": 1500,
        "discount_amount": 1500,
        "subtotal_amount": 0,
    }
    assert answer["redeemables"][0]["result"]["discount"] == {
        "type": "UNIT",
        "effect": "ADD_MISSING_ITEMS",
        "unit_off": 1,
        "unit_type": hat.id,
        "product": {"id": hat.id, "source_id": "HAT", "name": "Hat"},
    }


async def test_buy_three_and_get_one_more_is_redeemed_and_rolled_back(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug = await give_product(db, project, name="Mug", price=1000)
    discount = {"type": "UNIT", "unit_off": 1, "unit_type": mug.id, "effect": "ADD_NEW_ITEMS"}
    three_mugs = {
        "name": "order.items.any",
        "conditions": {"$is": [{"object": "product", "id": mug.id}]},
        "rules": {
            "1": {
                "name": "order.items.aggregated_quantity",
                "conditions": {"$more_than_or_equal": [3]},
                "rules": {},
            },
            "logic": "1",
        },
    }
    await give_ruled_coupon(client, project, "FOURTH", discount, rules={"1": three_mugs, "logic": "1"})

    two = await validate(client, project, cart("FOURTH", items=[bought(mug.id, 2, 1000)]))
    answer = await redeem(client, project, cart("FOURTH", items=[bought(mug.id, 3, 1000)]))

    assert two["valid"] is False
    (line,) = answer["order"]["items"]
    assert (line["initial_quantity"], line["quantity"], line["discount_quantity"]) == (3, 4, 1)
    assert (answer["order"]["initial_amount"], answer["order"]["amount"], answer["order"]["total_amount"]) == (
        3000,
        4000,
        3000,
    )
    assert RedemptionsRedeemResponseBody.from_dict(answer) is not None

    rolled_back = (await roll_back(client, project, answer["redemptions"][0]["id"])).json()
    (line,) = rolled_back["order"]["items"]
    assert (line["quantity"], line["amount"], line["subtotal_amount"]) == (3, 3000, 3000)
    assert "discount_quantity" not in line
    assert (rolled_back["order"]["amount"], rolled_back["order"]["total_amount"]) == (3000, 3000)


async def test_free_shipping_needs_no_product_and_frees_the_line_that_has_a_price(
    client: AsyncClient, project: ProjectKeys
) -> None:
    discount = {"type": "UNIT", "unit_off": 1, "unit_type": SHIPPING, "effect": "ADD_NEW_ITEMS"}
    coupon = await give_coupon(client, project, "SHIP", discount=discount)

    priced = await checked(
        client, project, cart("SHIP", items=[bought("prod_shirt", 1, 2000), bought(SHIPPING, 1, 499)])
    )
    unpriced = await checked(client, project, cart("SHIP", items=[bought("prod_shirt", 1, 2000)]))

    assert coupon["discount"]["product"] == {"id": SHIPPING, "source_id": SHIPPING, "name": "Free shipping"}
    assert priced["order"]["total_amount"] == 2000
    assert [line["quantity"] for line in priced["order"]["items"]] == [1, 1]
    assert (priced["order"]["items"][1]["discount_amount"], priced["order"]["items"][1]["discount_quantity"]) == (
        499,
        1,
    )
    assert unpriced["order"]["total_amount"] == 2000
    assert unpriced["order"]["items"][1] | {"product": None} == {
        "object": "order_item",
        "product_id": SHIPPING,
        "quantity": 1,
        "initial_quantity": 0,
        "discount_quantity": 1,
        "amount": 0,
        "initial_amount": 0,
        "price": 0,
        "subtotal_amount": 0,
        "applied_quantity": 1,
        "applied_quantity_amount": 0,
        "applied_discount_quantity": 1,
        "product": None,
    }


async def test_the_price_of_a_free_unit_is_the_catalogues_of_this_moment(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shirt = await give_product(db, project, name="Shirt", price=2000)
    red = await give_sku(db, project, shirt.id, sku="Red", source_id="RED", price=2200)
    plain = await give_sku(db, project, shirt.id, sku="Plain")
    for code, unit_type in (("RED", "RED"), ("PLAIN", plain.id)):
        await give_coupon(client, project, code, discount={"type": "UNIT", "unit_off": 1, "unit_type": unit_type})
    order = [bought("prod_mug", 1, 1000)]

    first = await checked(client, project, cart("RED", "PLAIN", items=order))
    await ask(client, project, "PUT", f"/v1/products/{shirt.id}/skus/{red.id}", {"price": 2500})
    second = await checked(client, project, cart("RED", "PLAIN", items=order))

    assert [line["amount"] for line in first["order"]["items"]] == [1000, 2200, 2000]
    assert [line["amount"] for line in second["order"]["items"]] == [1000, 2500, 2000]
    assert second["order"]["items"][1]["sku_id"] == red.id
    assert second["order"]["items"][1]["product_id"] == shirt.id


async def test_several_things_are_given_at_once_and_shown_as_they_were_saved(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    hat, mug = await give_product(db, project, name="Hat", price=1500), await give_product(db, project, price=1000)
    units = [
        {"unit_off": 1, "unit_type": hat.id, "effect": "ADD_NEW_ITEMS"},
        {"unit_off": 2, "unit_type": mug.id, "effect": "ADD_MISSING_ITEMS"},
    ]
    campaign = await give_campaign(
        client,
        project,
        type="STANDALONE",
        voucher={
            "type": "DISCOUNT_VOUCHER",
            "code": "MANY",
            "discount": {"type": "UNIT", "effect": "ADD_MANY_ITEMS", "units": units},
        },
    )

    answer = await checked(client, project, cart("MANY", items=[bought(hat.id, 1, 1500), bought(mug.id, 1, 1000)]))

    assert [unit["product"]["id"] for unit in campaign["voucher"]["discount"]["units"]] == [hat.id, mug.id]
    assert [line["quantity"] for line in answer["order"]["items"]] == [2, 2]
    assert [line["discount_quantity"] for line in answer["order"]["items"]] == [1, 2]
    assert answer["order"]["total_amount"] == 1500


async def test_an_upgrade_tells_what_was_replaced_by_what(
    plain_client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    large = await give_product(db, project, name="Large", price=1500)
    await give_ruled_coupon(
        plain_client,
        project,
        "LARGE",
        {"type": "UNIT", "unit_off": 2, "unit_type": large.id, "effect": "REPLACE_ITEMS"},
        applicable_to={"included": [{"object": "product", "id": "prod_small"}]},
    )

    # The official Python plain_client refuses this effect's name, so its model is not asked.
    answer = await validate(plain_client, project, whole(cart("LARGE", items=[bought("prod_small", 3, 1000)])))

    details = {
        "source_index": 0,
        "source_applied_quantity": -2,
        "source_applied_quantity_amount": -2000,
        "target_index": 1,
        "target_applied_quantity": 2,
        "target_applied_quantity_amount": 3000,
        "target_applied_discount_amount": 1000,
    }
    small, upgraded = answer["order"]["items"]
    assert (small["quantity"], small["applied_quantity"], small["applied_quantity_amount"]) == (1, -2, -2000)
    assert (upgraded["quantity"], upgraded["discount_amount"], upgraded["subtotal_amount"]) == (2, 1000, 2000)
    assert small["application_details"] == upgraded["application_details"] == [details]
    assert (answer["order"]["amount"], answer["order"]["total_amount"]) == (4000, 3000)


@pytest.mark.parametrize(
    ("discount", "path"),
    [
        ({"type": "UNIT", "unit_off": 1, "unit_type": "prod_none"}, "discount.unit_type"),
        ({"type": "UNIT", "unit_off": 1, "unit_type": "pc_none", "effect": "ADD_SAME_ITEMS"}, "discount.unit_type"),
        (
            {
                "type": "UNIT",
                "effect": "ADD_MANY_ITEMS",
                "units": [
                    {"unit_off": 1, "unit_type": SHIPPING, "effect": "ADD_NEW_ITEMS"},
                    {"unit_off": 1, "unit_type": "sku_none", "effect": "ADD_NEW_ITEMS"},
                ],
            },
            "discount.units[1].unit_type",
        ),
    ],
)
async def test_a_unit_that_the_catalogue_lacks_is_refused_when_it_is_saved(
    client: AsyncClient, project: ProjectKeys, discount: dict[str, Any], path: str
) -> None:
    voucher = {"type": "DISCOUNT_VOUCHER", "discount": discount}

    coupon = await client.post("/v1/vouchers", json=voucher, headers=project.server)
    campaign = await client.post(
        "/v1/campaigns",
        json={"name": "Units", "type": "AUTO_UPDATE", "voucher": voucher},
        headers=project.server,
    )

    assert coupon.status_code == campaign.status_code == 400
    assert coupon.json()["errors"][0]["path"] == path
    assert campaign.json()["errors"][0]["path"] == f"voucher.{path}"


async def test_every_second_unit_is_half_price_counting_across_lines(client: AsyncClient, project: ProjectKeys) -> None:
    target = {
        "object": "product",
        "id": "prod_shirt",
        "effect": "APPLY_FROM_MOST_EXPENSIVE",
        "target": "UNIT",
        "skip_initially": 1,
        "repeat": 2,
    }
    await give_ruled_coupon(
        client,
        project,
        "SECOND",
        {"type": "PERCENT", "percent_off": 50, "effect": "APPLY_TO_ITEMS"},
        applicable_to={"included": [target]},
    )

    answer = await checked(
        client,
        project,
        cart(
            "SECOND",
            items=[
                bought("prod_shirt", 2, 1000),
                bought("prod_hat", 9, 100),
                bought("prod_shirt", 3, 2000),
            ],
        ),
    )

    # 2000, 2000, 2000, 1000, 1000: the second and the fourth.
    (entry,) = answer["redeemables"][0]["applicable_to"]["data"]
    assert entry["order_item_indices"] == [2, 0]
    assert entry["order_item_units"] == [{"index": 2, "units": [2]}, {"index": 0, "units": [1]}]
    assert [line.get("discount_amount", 0) for line in answer["order"]["items"]] == [500, 0, 1000]


async def test_the_cheapest_item_is_free(client: AsyncClient, project: ProjectKeys) -> None:
    target = {"object": "product", "effect": "APPLY_TO_CHEAPEST", "target": "UNIT"}
    await give_ruled_coupon(
        client,
        project,
        "CHEAPEST",
        {"type": "PERCENT", "percent_off": 100, "effect": "APPLY_TO_ITEMS"},
        applicable_to={"included": [{**target, "id": "prod_shirt"}]},
    )

    answer = await checked(
        client, project, cart("CHEAPEST", items=[bought("prod_shirt", 1, 2000), bought("prod_shirt", 3, 900)])
    )

    assert answer["order"]["total_discount_amount"] == 900
    assert answer["order"]["items"][1]["discount_amount"] == 900


async def test_units_of_a_very_large_order_are_discounted_and_not_listed(
    client: AsyncClient, project: ProjectKeys
) -> None:
    target = {"object": "product", "id": "prod_nail", "target": "UNIT", "repeat": 2}
    await give_ruled_coupon(
        client,
        project,
        "NAILS",
        {"type": "AMOUNT", "amount_off": 1, "effect": "APPLY_TO_ITEMS"},
        applicable_to={"included": [target]},
    )

    answer = await checked(client, project, cart("NAILS", items=[bought("prod_nail", 1001, 10)]))

    (entry,) = answer["redeemables"][0]["applicable_to"]["data"]
    assert entry["order_item_units"] == [{"index": 0, "units_limit_exceeded": True}]
    assert answer["order"]["total_discount_amount"] == 501


async def test_a_bundle_of_shirt_and_hat_is_discounted_once_for_each_complete_one(
    client: AsyncClient, project: ProjectKeys
) -> None:
    await give_ruled_coupon(
        client,
        project,
        "OUTFIT",
        {"type": "AMOUNT", "amount_off": 500, "effect": "APPLY_TO_ORDER"},
        bundle_rules=needing(("prod_shirt", 2), ("prod_hat", 1), limit=3),
    )

    complete = await checked(
        client, project, cart("OUTFIT", items=[bought("prod_hat", 2, 1500), bought("prod_shirt", 5, 2000)])
    )
    lacking = await validate(client, project, cart("OUTFIT", items=[bought("prod_shirt", 1, 2000)]))

    assert complete["order"]["total_discount_amount"] == 1000
    assert complete["redeemables"][0]["result"]["bundle"] == {
        "quantity": 2,
        "limit": 3,
        "identified": [
            {"id": "prod_shirt", "object": "product", "item_index": 1, "item_quantity": 4},
            {"id": "prod_hat", "object": "product", "item_index": 0, "item_quantity": 2},
        ],
    }
    result = lacking["redeemables"][0]["result"]
    assert (lacking["valid"], result["error"]["key"]) == (False, "order_rules_violated")
    assert result["bundle"] == {
        "quantity": 0,
        "limit": 3,
        "identified": [{"id": "prod_shirt", "object": "product", "item_index": 0, "item_quantity": 1}],
        "missing": [
            {"id": "prod_shirt", "object": "product", "item_quantity": 1},
            {"id": "prod_hat", "object": "product", "item_quantity": 1},
        ],
    }
    assert ValidationsValidateResponseBody.from_dict(lacking) is not None


@pytest.mark.parametrize(
    ("bundle_rules", "path"),
    [
        ({**needing(("a", 1), ("b", 1)), "logic": "1 or 2"}, "bundle_rules.logic"),
        ({**needing(("a", 1), ("b", 1)), "logic": "1"}, "bundle_rules.logic"),
        (needing(("a", 1), limit=101), "bundle_rules.limit"),
        (needing(("a", 0)), "bundle_rules.1.rules"),
        ({"1": {"name": "order.amount", "conditions": {"$is": [1]}}}, "bundle_rules.1"),
        ({"1": {"name": "order.items.any", "conditions": {"$is": []}}}, "bundle_rules.1.conditions.$is"),
        ({"first": {"name": "order.items.any"}}, "bundle_rules.first"),
    ],
)
async def test_a_bundle_that_means_nothing_is_refused_with_its_path(
    client: AsyncClient, project: ProjectKeys, bundle_rules: dict[str, Any], path: str
) -> None:
    response = await client.post("/v1/validation-rules", json={"bundle_rules": bundle_rules}, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_validation_rules")
    assert response.json()["errors"][0]["path"] == path


async def test_a_bundle_is_saved_and_shown(client: AsyncClient, project: ProjectKeys) -> None:
    bundle_rules = needing(("prod_shirt", 1), ("prod_hat", 2), limit=5)

    saved: Answer = await give_rule(client, project, bundle_rules=bundle_rules)

    assert saved["bundle_rules"] == bundle_rules
    assert (await ask(client, project, "GET", f"/v1/validation-rules/{saved['id']}"))["bundle_rules"] == bundle_rules


async def test_units_a_campaign_may_discount_are_counted_and_given_back(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    mug = await give_product(db, project, name="Mug", price=1000)
    target = {"object": "product", "id": mug.id, "product_campaign_quantity_limit": 5}
    discount = {"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ITEMS_BY_QUANTITY"}
    await give_ruled_coupon(client, project, "FIVE", discount, applicable_to={"included": [target]})
    voucher = await ask(client, project, "GET", "/v1/vouchers/FIVE")
    account = AccountKey(voucher["id"], "units", f"item:{mug.id}")
    order = cart("FIVE", items=[bought(mug.id, 3, 1000)])

    first = await redeem(client, project, order)
    second = await redeem(client, project, order)
    third = await checked(client, project, order)
    async with db.read() as session:
        counted = await recount(session, project.id, account, project.caller().project.zone)
    await roll_back(client, project, first["redemptions"][0]["id"])
    fourth = await checked(client, project, order)

    assert [answer["order"].get("total_discount_amount", 0) for answer in (first, second, third, fourth)] == [
        300,
        200,
        0,
        300,
    ]
    assert counted == 5
    assert fourth["redeemables"][0]["applicable_to"]["data"][0]["order_item_units"] == [
        {"index": 0, "units": [1, 2, 3]}
    ]


async def test_each_customer_has_units_of_a_promotion_campaign_of_their_own(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    target = {"object": "product", "id": "prod_mug", "product_customer_campaign_quantity_limit": 2}
    discount = {"type": "AMOUNT", "amount_off": 100, "effect": "APPLY_TO_ITEMS_BY_QUANTITY"}
    await give_ruled_coupon(client, project, "TWO", discount, applicable_to={"included": [target]})
    order = cart("TWO", items=[bought("prod_mug", 3, 1000)])

    totals = []
    for customer in ("ann", "ben", "ann"):
        answer = await redeem(client, project, {**order, "customer": {"source_id": customer}})
        totals.append(answer["order"].get("total_discount_amount", 0))
    anonymous = await checked(client, project, order)

    assert totals == [200, 200, 0]
    assert anonymous["order"]["total_amount"] == 3000
