"""Paying with points at the checkout: what is answered, what is moved, held and given back."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from httpx import AsyncClient
from sqlalchemy import select

from app.kit.db import Database
from app.ledger.doctor import examine
from app.models import OutboxEvent
from tests.factories.access import ProjectKeys
from tests.factories.carts import redeem, roll_back, try_to_redeem, validate
from tests.factories.incentives import Answer, ask, give_coupon
from tests.factories.refunds import preview, refund
from tests.factories.rewards import give_coin, give_member, give_mug, give_points, give_program, offer, paid_with_points
from tests.factories.rules import give_rule, rule_of


class Shop:
    """A loyalty program with one member, ann, whose card has 1000 points, ten of which are worth 1.00."""

    def __init__(self, program: Answer, coin: Answer, assignment: Answer, card: Answer) -> None:
        self.program, self.coin, self.assignment, self.card = program, coin, assignment, card
        self.code: str = card["code"]

    def cart(self, points: int | None = None, price: int = 2000, **members: Any) -> dict[str, Any]:
        return paid_with_points(self.code, self.coin["id"], points, price, **members)


async def give_shop(db: Database, client: AsyncClient, project: ProjectKeys, points: int = 1000, **terms: Any) -> Shop:
    program, coin = await give_program(client, project), await give_coin(client, project)
    assignment = await offer(client, project, program["id"], coin["id"], None, **terms)
    return Shop(program, coin, assignment, await give_member(db, client, project, program, points=points))


async def card_of(client: AsyncClient, project: ProjectKeys, shop: Shop) -> Answer:
    shown: Answer = (await ask(client, project, "GET", f"/v1/vouchers/{shop.code}"))["loyalty_card"]
    return shown


async def adds_up(db: Database, project: ProjectKeys) -> bool:
    return await examine(db, project.view.public_id) == []


async def test_a_validation_tells_how_many_points_would_pay(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shop = await give_shop(db, client, project)

    answer = await validate(client, project, shop.cart(150))

    (shown,) = answer["redeemables"]
    assert answer["valid"]
    assert shown["result"] == {"loyalty_card": {"points": 150, "balance": 1000}}
    assert answer["order"]["total_applied_discount_amount"] == 1500
    assert answer["order"]["total_amount"] == 500
    assert (await card_of(client, project, shop))["balance"] == 1000


async def test_redeeming_takes_the_points_and_says_for_what(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shop = await give_shop(db, client, project)

    answer = await redeem(client, project, shop.cart(customer={"source_id": "ann"}))

    (redemption,) = answer["redemptions"]
    assert redemption["amount"] == 200
    assert redemption["loyalty_card"] == {"points": 200}
    assert redemption["voucher"]["loyalty_card"]["balance"] == 800
    assert redemption["reward"]["id"] == shop.coin["id"]
    assert redemption["reward"]["assignment_id"] == shop.assignment["id"]
    assert redemption["reward"]["parameters"] == shop.coin["parameters"]
    kept = await ask(client, project, "GET", f"/v1/redemptions/{redemption['id']}")
    assert (kept["amount"], kept["loyalty_card"], kept["reward"]) == (200, {"points": 200}, redemption["reward"])
    assert (await card_of(client, project, shop))["balance"] == 800
    assert await adds_up(db, project)


async def test_a_payment_with_points_is_announced(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    shop = await give_shop(db, client, project)

    await redeem(client, project, shop.cart(50))

    async with db.read() as session:
        told = await session.scalars(
            select(OutboxEvent.data).where(
                OutboxEvent.project_id == project.id, OutboxEvent.type == "voucher.loyalty_card.transaction.created"
            )
        )
    assert shop.card["id"] in [event["voucher_id"] for event in told]


async def test_points_pay_what_discounts_leave(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    shop = await give_shop(db, client, project)
    await give_coupon(client, project, "TEN")
    stack = shop.cart()
    stack["redeemables"].append({"object": "voucher", "id": "TEN"})

    answer = await redeem(client, project, stack)

    assert {each["voucher"]["code"]: each.get("amount") for each in answer["redemptions"]} == {
        shop.code: 180,
        "TEN": None,
    }
    assert answer["order"]["total_amount"] == 0


async def test_a_card_without_a_reward_or_with_a_wrong_one_is_refused(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shop = await give_shop(db, client, project)
    mug, unassigned = await give_mug(client, project), await give_coin(client, project)
    await offer(client, project, shop.program["id"], mug["id"])
    bare = shop.cart()
    del bare["redeemables"][0]["reward"]

    async def key(cart: dict[str, Any]) -> str:
        answer = await validate(client, project, cart)
        shown: str = answer["redeemables"][0]["result"]["error"]["key"]
        return shown

    assert await key(bare) == "missing_reward"
    assert await key(paid_with_points(shop.code, mug["id"])) == "invalid_reward"
    assert await key(paid_with_points(shop.code, unassigned["id"])) == "invalid_reward"
    assert await key(paid_with_points(shop.code, "rew_none")) == "invalid_reward"
    assert await key(shop.cart(1001, price=200_000)) == "loyalty_card_points_exceeded"
    assert await key(shop.cart(customer={"source_id": "bob"})) == "invalid_customer"


async def test_the_rules_of_the_offer_must_hold(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    rule = await give_rule(
        client, project, rules=rule_of("redemption.reward.pay_with_points.points_used", "$less_than_or_equal", 100)
    )
    shop = await give_shop(db, client, project, validation_rules=[rule["id"]])

    refused = await try_to_redeem(client, project, shop.cart(101))

    assert refused.status_code == 400
    assert refused.json()["key"] == "redemption_rules_violated"
    await redeem(client, project, shop.cart(100))


async def test_a_limit_in_the_rules_of_the_offer_counts_all_payments_of_the_program(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shop = await give_shop(db, client, project)
    await redeem(client, project, shop.cart(10))
    rule = await give_rule(client, project, rules=rule_of("campaign.redemptions.count", "$less_than_or_equal", 2))
    path = f"/v1/rewards/{shop.coin['id']}/assignments/{shop.assignment['id']}"
    await ask(client, project, "PUT", path, {"validation_rules": [rule["id"]]})

    await redeem(client, project, shop.cart(10))
    refused = await try_to_redeem(client, project, shop.cart(10))

    assert refused.status_code == 400
    assert await adds_up(db, project)


async def test_points_that_have_expired_pay_nothing_although_they_are_still_on_the_account(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shop = await give_shop(db, client, project, points=100)
    await give_points(db, project, shop.card["id"], 500, datetime.now(UTC) - timedelta(minutes=1))

    refused = await try_to_redeem(client, project, shop.cart(101))
    paid = await redeem(client, project, shop.cart(100))

    assert refused.json()["key"] == "loyalty_card_points_exceeded"
    assert paid["redemptions"][0]["voucher"]["loyalty_card"]["balance"] == 0


async def test_a_rollback_gives_the_points_back_to_their_lots_once(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shop = await give_shop(db, client, project, points=100)
    await give_points(db, project, shop.card["id"], 100, datetime.now(UTC) + timedelta(days=3))
    before = await card_of(client, project, shop)
    redemption = (await redeem(client, project, shop.cart(150)))["redemptions"][0]

    rolled_back = await roll_back(client, project, redemption["id"])
    again = await roll_back(client, project, redemption["id"])

    assert rolled_back.status_code == 200, rolled_back.text
    assert rolled_back.json()["amount"] == -150
    assert rolled_back.json()["loyalty_card"] == {"points": -150}
    assert again.json()["key"] == "already_rolled_back"
    assert await card_of(client, project, shop) == before
    assert await adds_up(db, project)


async def test_refunds_give_points_back_in_proportion_and_all_of_them_in_the_end(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shop = await give_shop(db, client, project)
    cart = shop.cart()
    cart["order"]["items"] = [{"source_id": "sock", "price": 335, "quantity": 3}]
    redemption = (await redeem(client, project, cart))["redemptions"][0]

    told = await preview(client, project, redemption["id"], (0, 1))
    refunds = [await refund(client, project, redemption["id"], (0, 1)) for _ in range(3)]

    points = [each["redeemables"][0]["points"] for each in refunds]
    assert redemption["amount"] == 101
    assert told["redeemables"][0]["points"] == 33
    assert points == [33, 34, 34]
    assert (await card_of(client, project, shop))["balance"] == 1000
    assert await adds_up(db, project)


async def test_a_rollback_after_a_refund_gives_the_rest_of_the_points(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shop = await give_shop(db, client, project)
    cart = shop.cart()
    cart["order"]["items"] = [{"source_id": "sock", "price": 335, "quantity": 3}]
    redemption = (await redeem(client, project, cart))["redemptions"][0]
    await refund(client, project, redemption["id"], (0, 1))

    rolled_back = await roll_back(client, project, redemption["id"])

    assert rolled_back.json()["amount"] == -68
    assert (await card_of(client, project, shop))["balance"] == 1000
    assert await adds_up(db, project)


async def test_a_refund_can_evaluate_a_payment_with_points_again(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shop = await give_shop(db, client, project)
    cart = shop.cart()
    cart["order"]["items"] = [{"source_id": "sock", "price": 335, "quantity": 3}]
    redemption = (await redeem(client, project, cart))["redemptions"][0]

    given_back = await refund(client, project, redemption["id"], (0, 1), policy="requalify")

    assert (given_back["credits"], given_back["amount"]) == (335, 0)
    assert given_back["redeemables"][0]["points"] == 33


async def test_a_session_holds_points_for_whoever_has_its_key(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shop = await give_shop(db, client, project, points=100)
    session = {"key": "checkout-1", "type": "LOCK", "ttl": 1, "ttl_unit": "HOURS"}

    held = await validate(client, project, shop.cart(60, session=session))
    others = await validate(client, project, shop.cart(60))
    rest = await validate(client, project, shop.cart(40))
    refused = await try_to_redeem(client, project, shop.cart(60))
    own = await redeem(client, project, shop.cart(60, session={"key": "checkout-1"}))

    assert held["session"]["key"] == "checkout-1"
    assert others["redeemables"][0]["result"]["error"]["key"] == "loyalty_card_points_exceeded"
    assert rest["redeemables"][0]["result"]["loyalty_card"] == {"points": 40, "balance": 100, "locked_points": 60}
    assert refused.status_code == 400
    assert own["redemptions"][0]["voucher"]["loyalty_card"]["balance"] == 40
    assert await adds_up(db, project)


async def test_points_held_in_time_pay_although_they_have_expired_since(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shop = await give_shop(db, client, project, points=0)
    await give_points(db, project, shop.card["id"], 100, datetime.now(UTC) + timedelta(seconds=1))
    session = {"key": "checkout-2", "type": "LOCK", "ttl": 1, "ttl_unit": "HOURS"}
    held = await validate(client, project, shop.cart(60, session=session))
    assert held["valid"]

    await asyncio.sleep(1.1)
    others = await try_to_redeem(client, project, shop.cart(1))
    own = await redeem(client, project, shop.cart(60, session={"key": "checkout-2"}))

    assert others.json()["key"] == "loyalty_card_points_exceeded"
    assert own["redemptions"][0]["amount"] == 60
    assert await adds_up(db, project)


async def test_released_points_are_free_again(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    shop = await give_shop(db, client, project, points=100)
    session = {"key": "checkout-3", "type": "LOCK"}
    await validate(client, project, shop.cart(100, session=session))

    await ask(client, project, "DELETE", f"/v1/vouchers/{shop.code}/sessions/checkout-3")

    assert (await validate(client, project, shop.cart(100)))["valid"]


async def test_a_bad_number_of_points_is_refused_with_its_path(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shop = await give_shop(db, client, project)
    for points in (0, -1, 0.5, "many", True, 2**63):
        cart = shop.cart()
        cart["redeemables"][0]["reward"]["points"] = points
        refused = await client.post("/v1/validations", json=cart, headers=project.server)

        assert refused.status_code == 400
        assert refused.json()["errors"][0]["path"] == "redeemables[0].reward.points"
