"""Paying with gift cards: what is answered, what is moved, and what is given back."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from app.kit.db import Database
from app.ledger.chains import value_faults
from app.models import Account, OutboxEvent, Redemption
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, line, redeem, roll_back, try_to_redeem, validate
from tests.factories.gifts import (
    change_balance,
    gift_of,
    give_card,
    give_gift_campaign,
    paid_with,
    transactions_of,
)
from tests.factories.incentives import ask, give_coupon
from tests.factories.rules import give_assignment, give_rule, rule_of


async def balanced(db: Database, project: ProjectKeys) -> bool:
    async with db.read() as session:
        return await value_faults(session, project.id) == []


async def test_a_card_pays_as_much_of_the_order_as_it_can(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project, amount=1500)

    answer = await validate(client, project, paid_with("GIFT"))

    (card,) = answer["redeemables"]
    assert answer["valid"]
    assert card["result"] == {"gift": {"balance": 1500, "credits": 1500}}
    assert answer["order"]["total_amount"] == 500
    assert answer["order"]["applied_discount_amount"] == 1500
    assert (await gift_of(client, project))["balance"] == 1500


async def test_a_card_pays_no_more_than_is_left(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project, amount=9000)

    wanted = (await validate(client, project, paid_with("GIFT", 5000)))["redeemables"][0]
    by_default = (await validate(client, project, paid_with("GIFT")))["redeemables"][0]

    assert wanted["result"]["gift"] == by_default["result"]["gift"] == {"balance": 9000, "credits": 2000}


async def test_a_card_pays_what_discounts_leave_whatever_the_order_of_the_request(
    client: AsyncClient, project: ProjectKeys
) -> None:
    await give_card(client, project, amount=10000)
    await give_coupon(client, project, "TEN")
    stack = paid_with("GIFT")
    stack["redeemables"].append({"object": "voucher", "id": "TEN"})

    answer = await redeem(client, project, stack)

    amounts = {r["voucher"]["code"]: r.get("amount") for r in answer["redemptions"]}
    assert amounts == {"GIFT": 1800, "TEN": None}
    assert answer["order"]["total_amount"] == 0
    assert (await gift_of(client, project))["balance"] == 8200


async def test_redeeming_moves_the_money_and_says_so(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_card(client, project, amount=5000)

    answer = await redeem(client, project, paid_with("GIFT", 1200, customer={"source_id": "ann"}))

    (redemption,) = answer["redemptions"]
    gift = {
        "amount": 5000,
        "subtracted_amount": 0,
        "redeemed_amount": 1200,
        "balance": 3800,
        "effect": "APPLY_TO_ORDER",
    }
    assert redemption["amount"] == 1200
    assert redemption["gift"] == {"amount": 1200}
    assert redemption["voucher"]["gift"] == gift == await gift_of(client, project)
    assert redemption["voucher"]["redemption"]["redeemed_amount"] == 1200
    assert redemption["voucher"]["redemption"]["redeemed_quantity"] == 1
    kept = await ask(client, project, "GET", f"/v1/redemptions/{redemption['id']}")
    assert (kept["amount"], kept["gift"]) == (1200, {"amount": 1200})
    assert await balanced(db, project)


async def test_a_payment_under_an_idempotency_key_is_made_once(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(client, project, amount=5000)

    first = await redeem(client, project, paid_with("GIFT", 1200), **{"Idempotency-Key": "once"})
    again = await redeem(client, project, paid_with("GIFT", 1200), **{"Idempotency-Key": "once"})

    assert again == first
    assert first["redemptions"][0]["voucher"]["gift"]["balance"] == 3800
    assert (await gift_of(client, project))["balance"] == 3800


async def test_a_card_is_used_bit_by_bit_until_it_is_empty(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(client, project, amount=5000)

    for paid in (2000, 2000, 1000):
        redemption = (await redeem(client, project, paid_with("GIFT")))["redemptions"][0]
        assert redemption["amount"] == paid
    refused = await try_to_redeem(client, project, paid_with("GIFT"))

    assert refused.status_code == 400
    assert refused.json()["key"] == "gift_amount_exceeded"
    assert (await gift_of(client, project))["balance"] == 0
    assert [t["details"]["balance"]["balance"] for t in await transactions_of(client, project)] == [0, 1000, 3000]
    assert await balanced(db, project)


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        (paid_with("GIFT", 5001), "gift_amount_exceeded"),
        ({"redeemables": [{"object": "voucher", "id": "GIFT"}]}, "missing_amount"),
        (
            {"redeemables": [{"object": "voucher", "id": "GIFT", "gift": {"credits": 10}}], "order": {}},
            "missing_amount",
        ),
        (
            {"redeemables": [{"object": "voucher", "id": "ITEMS"}], "order": {"amount": 900}},
            "missing_order_items_amount",
        ),
    ],
)
async def test_a_card_that_cannot_pay_is_refused_with_the_reason(
    client: AsyncClient, db: Database, project: ProjectKeys, asked: dict[str, Any], key: str
) -> None:
    await give_card(client, project, amount=5000)
    await give_card(client, project, "ITEMS", gift={"effect": "APPLY_TO_ITEMS"})

    validated = await validate(client, project, asked)
    redeemed = await try_to_redeem(client, project, asked)

    assert not validated["valid"]
    assert validated["redeemables"][0]["result"]["error"]["key"] == key
    assert (redeemed.status_code, redeemed.json()["key"]) == (400, key)
    async with db.read() as session:
        rows = select(Redemption.failure_code).where(Redemption.project_id == project.id)
        assert (await session.scalars(rows)).all() == [key]
        assert (await session.scalars(select(Account).where(Account.project_id == project.id))).all() == []


async def test_an_explanation_says_what_the_card_holds(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project, amount=700)

    answer = await validate(client, project, paid_with("GIFT", 900), **{"X-Guerdon-Explain": "true"})

    (finding,) = answer["trace"][0]["findings"]
    assert (finding["fact"], finding["expected"], finding["seen"]) == ("gift.balance", 900, 700)
    assert finding["counterfactual"] == "with 200 minor units more on the card"


@pytest.mark.parametrize("credits", [0, -5, 1.5, "many", True])
async def test_credits_that_make_no_sense_are_refused_with_their_path(
    client: AsyncClient, project: ProjectKeys, credits: Any
) -> None:
    await give_card(client, project)

    response = await try_to_redeem(client, project, paid_with("GIFT", credits))

    assert response.status_code == 400
    assert response.json()["key"] == "invalid_payload"
    assert "redeemables[0].gift.credits" in response.text


async def test_a_card_for_items_pays_for_the_lines_its_rule_picks(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    rule = await give_rule(
        client,
        project,
        rules={},
        applicable_to={"included": [{"object": "product", "id": "mug", "effect": "APPLY_TO_EVERY"}]},
    )
    await give_card(client, project, amount=5000, gift={"effect": "APPLY_TO_ITEMS"}, validation_rules=[rule["id"]])
    items = [line("mug", 333), line("shirt", 2000), line("mug", 667, 2)]

    redeemed = await redeem(client, project, cart("GIFT", items=items))

    (redemption,) = redeemed["redemptions"]
    assert redemption["amount"] == 1667
    assert [item.get("applied_discount_amount", 0) for item in redemption["order"]["items"]] == [333, 0, 1334]
    assert redeemed["order"]["total_amount"] == 2000
    assert (await gift_of(client, project))["balance"] == 3333


async def test_a_card_for_items_without_a_rule_pays_nothing(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project, gift={"effect": "APPLY_TO_ITEMS"})

    answer = await validate(client, project, paid_with("GIFT"))

    assert answer["redeemables"][0]["result"]["gift"] == {"balance": 10000, "credits": 0}
    assert answer["order"]["total_amount"] == 2000


async def test_a_rule_may_bound_what_a_card_pays_at_once(client: AsyncClient, project: ProjectKeys) -> None:
    rule = await give_rule(client, project, rules=rule_of("redemption.gift.amount", "$less_than_or_equal", 1000))
    card = await give_card(client, project)
    await give_assignment(client, project, rule["id"], "voucher", card["id"])

    too_much = await validate(client, project, paid_with("GIFT", 1001))
    enough = await validate(client, project, paid_with("GIFT", 1000))

    assert too_much["redeemables"][0]["result"]["error"]["key"] == "redemption_rules_violated"
    assert enough["valid"]


async def test_a_budget_of_a_gift_campaign_counts_what_its_cards_pay(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_gift_campaign(client, project)
    budget = rule_of("campaign.orders.amount_discounted", "$less_than_or_equal", 3000)
    rule = await give_rule(client, project, rules=budget)
    await give_assignment(client, project, rule["id"], "campaign", campaign["id"])
    for code in ("ONE", "TWO"):
        await ask(client, project, "POST", f"/v1/campaigns/Gifts/vouchers/{code}")

    await redeem(client, project, paid_with("ONE", 2000))
    refused = await try_to_redeem(client, project, paid_with("TWO", 1001))
    await redeem(client, project, paid_with("TWO", 1000))

    assert refused.json()["key"] == "redemption_rules_violated"


async def test_a_rollback_gives_the_money_back_once(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_card(client, project, amount=5000)
    redemption = (await redeem(client, project, paid_with("GIFT", 1200)))["redemptions"][0]

    rollback = await roll_back(client, project, redemption["id"])
    again = await roll_back(client, project, redemption["id"])

    shown = rollback.json()
    assert (shown["amount"], shown["gift"]) == (-1200, {"amount": -1200})
    assert shown["voucher"]["gift"]["balance"] == 5000
    assert shown["voucher"]["gift"]["redeemed_amount"] == 0
    assert again.json()["key"] == "already_rolled_back"
    refund, payment = await transactions_of(client, project)
    assert [refund["type"], payment["type"]] == ["CREDITS_REFUND", "CREDITS_REDEMPTION"]
    assert refund["details"]["rollback"] == {"id": shown["id"]}
    assert refund["details"]["redemption"] == payment["details"]["redemption"] == {"id": redemption["id"]}
    assert refund["details"]["balance"]["amount"] == 1200
    assert await balanced(db, project)


async def test_a_stack_that_is_rolled_back_gives_back_what_every_card_paid(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(client, project, "FIRST", amount=500)
    await give_card(client, project, "SECOND", amount=5000)
    await give_coupon(client, project, "TEN")

    done = await redeem(client, project, cart("FIRST", "SECOND", "TEN"))
    spent = {code: (await gift_of(client, project, code))["balance"] for code in ("FIRST", "SECOND")}
    rolled_back = await roll_back(client, project, done["parent_redemption"]["id"], "rollbacks")

    assert rolled_back.status_code == 200
    assert spent == {"FIRST": 0, "SECOND": 3700}
    assert (await gift_of(client, project, "FIRST"))["balance"] == 500
    assert (await gift_of(client, project, "SECOND"))["balance"] == 5000
    assert await balanced(db, project)


async def test_a_redemption_of_nothing_moves_nothing(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_card(client, project)

    redemption = (await redeem(client, project, paid_with("GIFT", price=0)))["redemptions"][0]
    rolled_back = await roll_back(client, project, redemption["id"])

    assert redemption["amount"] == 0
    assert rolled_back.status_code == 200
    assert await transactions_of(client, project) == []
    assert (await gift_of(client, project))["balance"] == 10000


async def test_a_payment_is_announced_with_its_transaction(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    card = await give_card(client, project)
    redemption = (await redeem(client, project, paid_with("GIFT", 5)))["redemptions"][0]
    await roll_back(client, project, redemption["id"])

    transactions = await transactions_of(client, project)
    async with db.read() as session:
        rows = select(OutboxEvent).where(
            OutboxEvent.project_id == project.id, OutboxEvent.type == "voucher.gift.transaction.created"
        )
        events = (await session.scalars(rows.order_by(OutboxEvent.id.desc()))).all()

    assert [event.entity_id for event in events] == [transaction["id"] for transaction in transactions]
    assert {event.data["voucher_id"] for event in events} == {card["id"]}
    assert {event.data["redemption_id"] for event in events} == {redemption["id"]}


async def test_a_wallet_shows_what_a_card_would_pay(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project, amount=1500)
    await ask(client, project, "POST", "/v1/publications", {"voucher": "GIFT", "customer": {"source_id": "ann"}})
    question = {
        "customer": {"source_id": "ann"},
        "order": paid_with("GIFT")["order"],
        "scenario": "CUSTOMER_WALLET",
    }

    answer = await ask(client, project, "POST", "/v1/qualifications", question)

    (found,) = answer["redeemables"]["data"]
    assert found["result"] == {"gift": {"balance": 1500, "credits": 1500}}
    assert found["order"]["total_amount"] == 500


async def test_a_customers_summary_tells_what_their_cards_paid_and_still_hold(
    client: AsyncClient, project: ProjectKeys
) -> None:
    ann = {"customer": {"source_id": "ann"}}
    await give_gift_campaign(client, project, amount=3000)
    await ask(client, project, "POST", "/v1/campaigns/Gifts/vouchers/OWN")
    await give_card(client, project)
    for code in ("OWN", "GIFT"):
        await ask(client, project, "POST", "/v1/publications", {"voucher": code, **ann})
    before = await ask(client, project, "GET", "/v1/customers/ann")
    paid = [
        (await redeem(client, project, paid_with("GIFT", credits, **ann)))["redemptions"][0] for credits in (700, 50)
    ]
    await roll_back(client, project, paid[1]["id"])

    after = await ask(client, project, "GET", "/v1/customers/ann")

    assert before["summary"]["redemptions"]["gift"] == {"redeemed_amount": 0, "amount_to_go": 13_000}
    assert after["summary"]["redemptions"]["gift"] == {"redeemed_amount": 700, "amount_to_go": 12_300}


async def test_a_card_in_another_project_is_not_there(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_card(client, project)
    other = await give_project(db)

    assert (await try_to_redeem(client, other, paid_with("GIFT"))).json()["key"] == "not_found"
    assert (await change_balance(client, other, "GIFT", 5)).status_code == 404
