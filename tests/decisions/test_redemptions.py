"""POST /v1/redemptions: everything is taken and written down, or nothing."""

from typing import Any

from httpx import AsyncClient
from sqlalchemy import func, select
from voucherify.models import (
    OrdersGetResponseBody,
    RedemptionsGetResponseBody,
    RedemptionsRedeemResponseBody,
)

from app.kit.db import Database
from app.models import Account, Order, OutboxEvent, Redemption
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, line, redeem, roll_back, try_to_redeem, validate
from tests.factories.pools import give_pool, give_voucher
from tests.factories.rules import ONCE_PER_CUSTOMER, give_assignment, give_rule, rule_of


async def uses_of(db: Database, project: ProjectKeys, owner_id: str) -> int:
    async with db.read() as session:
        balance = await session.scalar(
            select(Account.balance).where(
                Account.project_id == project.id,
                Account.owner_id == owner_id,
                Account.measure == "uses",
                Account.subject == "",
                Account.period == "",
            )
        )
    return -(balance or 0)


async def stored(db: Database, project: ProjectKeys) -> list[Redemption]:
    async with db.read() as session:
        rows = select(Redemption).where(Redemption.project_id == project.id).order_by(Redemption.id)
        return list(await session.scalars(rows))


async def test_redeeming_charges_what_validation_showed(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, campaign_id=campaign.id, redemption_quantity=2)
    body = cart(voucher.code, customer={"source_id": "ann", "name": "Ann"}, metadata={"till": 4})

    shown = await validate(client, project, body)
    answer = await redeem(client, project, body)

    (redemption,) = answer["redemptions"]
    assert "parent_redemption" not in answer
    for figure in (
        "amount",
        "discount_amount",
        "total_discount_amount",
        "total_amount",
        "total_applied_discount_amount",
    ):
        assert answer["order"][figure] == redemption["order"][figure] == shown["order"][figure]
    assert answer["order"]["status"] == "PAID"
    assert (redemption["result"], redemption["status"]) == ("SUCCESS", "SUCCEEDED")
    assert redemption["metadata"] == {"till": 4}
    assert redemption["customer"]["source_id"] == "ann"
    assert redemption["voucher"]["redemption"]["redeemed_quantity"] == 1
    assert redemption["voucher"]["campaign"] == campaign.name
    assert answer["order"]["redemptions"][redemption["id"]]["related_object_parent_id"] == campaign.id
    assert RedemptionsRedeemResponseBody.from_dict(answer) is not None
    assert await uses_of(db, project, voucher.id) == 1


async def test_what_was_redeemed_can_be_looked_up(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    voucher = await give_voucher(db, project)
    answer = await redeem(client, project, cart(voucher.code, customer={"source_id": "ann"}))
    redemption = answer["redemptions"][0]

    read = (await client.get(f"/v1/redemptions/{redemption['id']}", headers=project.server)).json()
    order = (await client.get(f"/v1/orders/{answer['order']['id']}", headers=project.server)).json()

    assert read == redemption
    assert RedemptionsGetResponseBody.from_dict(read) is not None
    assert order["redemptions"] == answer["order"]["redemptions"]
    assert order["total_amount"] == answer["order"]["total_amount"]
    assert OrdersGetResponseBody.from_dict(order) is not None


async def test_a_stack_has_a_parent_and_a_child_for_each_code(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    vouchers = [await give_voucher(db, project) for _ in range(3)]

    answer = await redeem(client, project, cart(*(voucher.code for voucher in vouchers)))

    parent, children = answer["parent_redemption"], answer["redemptions"]
    assert [child["redemption"] for child in children] == [parent["id"]] * 3
    assert [part["id"] for part in parent["related_redemptions"]["redemptions"]] == [child["id"] for child in children]
    assert answer["order"]["redemptions"][parent["id"]]["stacked"] == [child["id"] for child in children]
    assert RedemptionsRedeemResponseBody.from_dict(answer) is not None
    assert [await uses_of(db, project, voucher.id) for voucher in vouchers] == [1, 1, 1]


async def test_a_stack_with_one_bad_code_uses_none_of_them(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    good = await give_voucher(db, project)

    response = await try_to_redeem(client, project, cart(good.code, "NOBODYS", customer={"source_id": "ann"}))

    assert (response.status_code, response.json()["key"]) == (404, "not_found")
    assert response.json()["redeemable_id"] == "NOBODYS"
    assert await uses_of(db, project, good.id) == 0
    (failure,) = await stored(db, project)
    assert (failure.result, failure.status, failure.failure_code) == ("FAILURE", "FAILED", "not_found")
    assert failure.voucher_code == "NOBODYS"
    async with db.read() as session:
        assert await session.scalar(select(func.count()).where(Order.project_id == project.id)) == 0


async def test_a_refused_attempt_is_recorded_with_its_reason(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project, active=False)

    response = await try_to_redeem(client, project, cart(voucher.code, customer={"source_id": "ann"}))

    assert (response.status_code, response.json()["key"]) == (400, "voucher_disabled")
    (failure,) = await stored(db, project)
    read = (await client.get(f"/v1/redemptions/{failure.id}", headers=project.server)).json()
    assert (read["failure_code"], read["related_object_id"]) == ("voucher_disabled", voucher.id)
    assert read["customer"]["source_id"] == "ann"
    assert RedemptionsGetResponseBody.from_dict(read) is not None


async def test_every_redemption_announces_itself_in_its_own_transaction(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project, redemption_quantity=1)
    await redeem(client, project, cart(voucher.code))
    await try_to_redeem(client, project, cart(voucher.code))

    async with db.read() as session:
        events = select(OutboxEvent).where(
            OutboxEvent.project_id == project.id, OutboxEvent.type.startswith("redemption.")
        )
        announced = {event.type: event.entity_id for event in await session.scalars(events)}

    success, failure = await stored(db, project)
    assert announced == {"redemption.succeeded": success.id, "redemption.failed": failure.id}


async def test_a_second_redemption_on_an_order_adds_to_its_discounts(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    first = await give_voucher(db, project, discount={"type": "AMOUNT", "amount_off": 500, "effect": "APPLY_TO_ORDER"})
    second = await give_voucher(db, project)
    kept = (await redeem(client, project, cart(first.code, items=[line("shirt", 2500)])))["order"]

    by_id = {"redeemables": [{"object": "voucher", "id": second.code}], "order": {"id": kept["id"]}}
    answer = await redeem(client, project, by_id)

    assert answer["order"]["id"] == kept["id"]
    assert (answer["order"]["discount_amount"], answer["order"]["applied_discount_amount"]) == (700, 200)
    assert len(answer["order"]["redemptions"]) == 2


async def test_a_known_orders_lines_win_over_those_of_the_request(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project)
    order = {"source_id": "o-1", "items": [line("shirt", 3000)]}
    await client.post("/v1/orders", json=order, headers=project.server)

    answer = await redeem(client, project, cart(voucher.code, items=[line("hat", 1)], order={"source_id": "o-1"}))

    assert answer["order"]["amount"] == 3000
    assert answer["order"]["source_id"] == "o-1"


async def test_a_new_customer_is_held_to_their_limit_from_the_first_redemption(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project)
    rule = await give_rule(client, project, rules=ONCE_PER_CUSTOMER)
    await give_assignment(client, project, rule["id"], "voucher", voucher.id)

    await redeem(client, project, cart(voucher.code, customer={"source_id": "ann"}))
    again = await try_to_redeem(client, project, cart(voucher.code, customer={"source_id": "ann"}))
    await redeem(client, project, cart(voucher.code, customer={"source_id": "bob"}))
    nobody = await try_to_redeem(client, project, cart(voucher.code))

    assert (again.status_code, again.json()["key"]) == (400, "redemption_rules_violated")
    assert (nobody.status_code, nobody.json()["key"]) == (400, "missing_customer")


async def test_a_limit_introduced_later_counts_what_was_redeemed_before(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    for _ in range(3):
        await redeem(client, project, cart(voucher.code))
    taken_back = (await redeem(client, project, cart(voucher.code)))["redemptions"][0]
    await roll_back(client, project, taken_back["id"])

    rule = await give_rule(client, project, rules=rule_of("campaign.redemptions.count", "$less_than_or_equal", 5))
    await give_assignment(client, project, rule["id"], "campaign", campaign.id)

    answers = [(await try_to_redeem(client, project, cart(voucher.code))).status_code for _ in range(3)]
    assert answers == [200, 200, 400]


async def test_raising_a_limit_needs_no_repair(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    rule = await give_rule(client, project, rules=rule_of("campaign.redemptions.count", "$less_than_or_equal", 1))
    await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    await redeem(client, project, cart(voucher.code))
    assert (await try_to_redeem(client, project, cart(voucher.code))).status_code == 400

    raised = rule_of("campaign.redemptions.count", "$less_than_or_equal", 2)
    await client.put(f"/v1/validation-rules/{rule['id']}", json={"rules": raised}, headers=project.server)

    assert (await try_to_redeem(client, project, cart(voucher.code))).status_code == 200
    assert (await try_to_redeem(client, project, cart(voucher.code))).status_code == 400


async def test_a_budget_is_spent_to_the_last_cent_and_not_beyond(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    budget = rule_of("campaign.orders.amount_discounted", "$less_than_or_equal", 500)
    rule = await give_rule(client, project, rules=budget)
    await give_assignment(client, project, rule["id"], "campaign", campaign.id)

    amounts = [2000, 2000, 1010, 1000]  # ten percent of each: 200, 200, 101, 100
    answers = [
        (await try_to_redeem(client, project, cart(voucher.code, items=[line("shirt", amount)]))).status_code
        for amount in amounts
    ]

    assert answers == [200, 200, 400, 200]


async def test_a_limit_of_the_campaign_holds_within_one_stack(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    first = await give_voucher(db, project, campaign_id=campaign.id)
    second = await give_voucher(db, project, campaign_id=campaign.id)
    limit = rule_of("campaign.redemptions.customers_count", "$less_than_or_equal", 1)
    rule = await give_rule(client, project, rules=limit)
    await give_assignment(client, project, rule["id"], "campaign", campaign.id)

    response = await try_to_redeem(client, project, cart(first.code, second.code, customer={"source_id": "ann"}))

    assert (response.status_code, response.json()["key"]) == (400, "redemption_rules_violated")
    assert response.json()["redeemable_id"] == second.code


async def test_a_rolled_back_redemption_gives_its_use_and_its_discount_back(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project, redemption_quantity=1)
    answer = await redeem(client, project, cart(voucher.code, customer={"source_id": "ann"}))
    redemption_id = answer["redemptions"][0]["id"]

    response = await client.post(f"/v1/redemptions/{redemption_id}/rollback?reason=returned", headers=project.server)

    rollback = response.json()
    assert response.status_code == 200
    assert (rollback["object"], rollback["redemption"]) == ("redemption_rollback", redemption_id)
    assert (rollback["result"], rollback["reason"]) == ("SUCCESS", "returned")
    assert rollback["order"]["status"] == "CANCELED"
    assert rollback["order"]["total_amount"] == answer["order"]["amount"]
    assert rollback["order"]["redemptions"][redemption_id]["rollback_id"] == rollback["id"]
    read = (await client.get(f"/v1/redemptions/{redemption_id}", headers=project.server)).json()
    assert read["status"] == "ROLLED_BACK"
    assert read["related_redemptions"]["rollbacks"][0]["id"] == rollback["id"]
    assert await uses_of(db, project, voucher.id) == 0
    assert (await try_to_redeem(client, project, cart(voucher.code))).status_code == 200


async def test_a_rollback_on_lines_takes_only_its_own_discount_off(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    on_lines = {"type": "PERCENT", "percent_off": 50, "effect": "APPLY_TO_ITEMS"}
    first = await give_voucher(db, project, discount=on_lines)
    rule = await give_rule(client, project, rules={"logic": ""}, applicable_to={"included_all": True})
    await give_assignment(client, project, rule["id"], "voucher", first.id)
    second = await give_voucher(db, project)
    taken = await redeem(client, project, cart(first.code, items=[line("hat", 1000), line("shirt", 2000)]))
    by_id = {"redeemables": [{"object": "voucher", "id": second.code}], "order": {"id": taken["order"]["id"]}}
    await redeem(client, project, by_id)

    order = (await roll_back(client, project, taken["redemptions"][0]["id"])).json()["order"]

    assert [item["subtotal_amount"] for item in order["items"]] == [1000, 2000]
    assert (order["total_discount_amount"], order["discount_amount"]) == (150, 150)


async def test_a_stack_is_rolled_back_whole_and_through_its_parent_only(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    vouchers = [await give_voucher(db, project, redemption_quantity=1) for _ in range(2)]
    answer = await redeem(client, project, cart(*(voucher.code for voucher in vouchers)))
    parent_id, child_id = answer["parent_redemption"]["id"], answer["redemptions"][0]["id"]

    refusals = [
        (await roll_back(client, project, child_id)).json()["key"],
        (await roll_back(client, project, child_id, "rollbacks")).json()["key"],
        (await roll_back(client, project, parent_id)).json()["key"],
    ]
    response = await roll_back(client, project, parent_id, "rollbacks")

    assert refusals == ["invalid_redemption_parent"] * 3
    done = response.json()
    assert response.status_code == 200
    assert done["parent_rollback"]["redemption"] == parent_id
    assert [rollback["redemption"] for rollback in done["rollbacks"]] == [row["id"] for row in answer["redemptions"]]
    assert done["order"]["total_amount"] == done["order"]["amount"]
    assert [await uses_of(db, project, voucher.id) for voucher in vouchers] == [0, 0]
    again = await roll_back(client, project, parent_id, "rollbacks")
    assert (again.status_code, again.json()["key"]) == (400, "already_rolled_back")


async def test_a_failed_redemption_and_a_rollback_cannot_be_rolled_back(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project)
    await try_to_redeem(client, project, cart("NOBODYS"))
    (failure,) = await stored(db, project)
    done = await redeem(client, project, cart(voucher.code))
    rollback = (await roll_back(client, project, done["redemptions"][0]["id"])).json()

    for redemption_id in (failure.id, rollback["id"]):
        assert (await roll_back(client, project, redemption_id)).json()["key"] == "invalid_redemption"


async def test_another_projects_redemption_is_not_there(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    other = await give_project(db)
    voucher = await give_voucher(db, other)
    theirs = (await redeem(client, other, cart(voucher.code)))["redemptions"][0]["id"]

    assert (await client.get(f"/v1/redemptions/{theirs}", headers=project.server)).status_code == 404
    assert (await roll_back(client, project, theirs)).status_code == 404
    assert (await client.get(f"/v1/redemptions/{theirs}", headers=other.server)).status_code == 200


async def test_a_redemption_with_an_idempotency_key_happens_once(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project)
    body: dict[str, Any] = cart(voucher.code, customer={"source_id": "ann"})

    first = await try_to_redeem(client, project, body, **{"Idempotency-Key": "till-4-17"})
    second = await try_to_redeem(client, project, body, **{"Idempotency-Key": "till-4-17"})

    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert await uses_of(db, project, voucher.id) == 1


async def test_a_refusal_under_an_idempotency_key_is_recorded_once_and_replayed(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project, redemption_quantity=0)
    key = {"Idempotency-Key": "till-4-18"}

    first = await try_to_redeem(client, project, cart(voucher.code), **key)
    second = await try_to_redeem(client, project, cart(voucher.code), **key)

    assert first.json() == second.json()
    assert first.json()["key"] == "quantity_exceeded"
    assert len(await stored(db, project)) == 1


async def test_an_order_made_by_a_redemption_is_announced_as_created_and_paid(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project)
    answer = await redeem(client, project, cart(voucher.code))
    await roll_back(client, project, answer["redemptions"][0]["id"])

    async with db.read() as session:
        events = select(OutboxEvent).where(OutboxEvent.project_id == project.id, OutboxEvent.type.startswith("order."))
        announced = {event.type: event.data["order"] for event in await session.scalars(events)}

    assert {"order.created", "order.paid", "order.canceled"} <= set(announced)
    assert announced["order.paid"]["total_amount"] == 1800
    assert announced["order.canceled"]["total_amount"] == 2000


async def test_a_line_that_overrides_its_product_puts_it_into_the_catalogue(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project)
    mug = line("mug", 900, product={"source_id": "mug", "name": "Mug", "price": 900, "override": True})

    answer = await redeem(client, project, cart(voucher.code, items=[mug]))

    kept = (await client.get("/v1/products/mug", headers=project.server)).json()
    assert (kept["name"], kept["price"]) == ("Mug", 900)
    assert answer["order"]["items"][0]["product_id"] == kept["id"]


async def test_a_discount_on_a_product_reaches_its_skus(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shirt = (await client.post("/v1/products", json={"source_id": "shirt"}, headers=project.server)).json()
    red = {"source_id": "shirt-red", "price": 1500}
    await client.post(f"/v1/products/{shirt['id']}/skus", json=red, headers=project.server)
    discount = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ITEMS"}
    voucher = await give_voucher(db, project, discount=discount)
    targets = {"included": [{"object": "product", "id": "shirt", "effect": "APPLY_TO_EVERY"}]}
    rule = await give_rule(client, project, rules={"logic": ""}, applicable_to=targets)
    await give_assignment(client, project, rule["id"], "voucher", voucher.id)

    answer = await validate(
        client, project, cart(voucher.code, items=[{"source_id": "shirt-red", "related_object": "sku", "quantity": 2}])
    )

    assert answer["order"]["items_discount_amount"] == 300
