"""Changing what gift cards hold by hand, and the record of every change."""

import asyncio

import pytest
from httpx import AsyncClient
from sqlalchemy import select

from app.kit.db import Database
from app.ledger.chains import value_faults
from app.models import Entry, OutboxEvent
from tests.factories.access import ProjectKeys, give_key, server_headers
from tests.factories.carts import redeem, roll_back
from tests.factories.gifts import change_balance, gift_of, give_card, give_gift_campaign, paid_with, transactions_of
from tests.factories.incentives import ask, give_coupon


async def test_money_is_put_on_a_card_and_taken_away(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    card = await give_card(client, project, amount=1000)

    added = (await change_balance(client, project, "GIFT", 500, reason="birthday")).json()
    removed = (await change_balance(client, project, card["id"], -300)).json()

    assert added == {
        "amount": 500,
        "total": 1500,
        "balance": 1500,
        "type": "gift_voucher",
        "operation_type": "MANUAL",
        "object": "balance",
        "related_object": {"id": card["id"], "type": "voucher"},
    }
    assert (removed["amount"], removed["total"], removed["balance"]) == (-300, 1500, 1200)
    gift = {"amount": 1500, "subtracted_amount": 300, "redeemed_amount": 0, "balance": 1200, "effect": "APPLY_TO_ORDER"}
    assert await gift_of(client, project) == gift
    async with db.read() as session:
        assert await value_faults(session, project.id) == []


@pytest.mark.parametrize(
    ("amount", "key"), [(0, "invalid_add_balance_params"), (-1001, "invalid_amount"), (2**63 - 1, "invalid_amount")]
)
async def test_a_change_that_cannot_be_is_refused_and_changes_nothing(
    client: AsyncClient, project: ProjectKeys, amount: int, key: str
) -> None:
    await give_card(client, project, amount=1000)

    response = await change_balance(client, project, "GIFT", amount)

    assert (response.status_code, response.json()["key"]) == (400, key)
    assert (await gift_of(client, project))["balance"] == 1000
    assert await transactions_of(client, project) == []


@pytest.mark.parametrize("amount", [None, "much", 1.5, True, 2**63])
async def test_a_change_by_no_number_is_refused(client: AsyncClient, project: ProjectKeys, amount: object) -> None:
    await give_card(client, project)

    response = await client.post("/v1/vouchers/GIFT/balance", json={"amount": amount}, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")


async def test_a_discount_code_has_no_balance(client: AsyncClient, project: ProjectKeys) -> None:
    await give_coupon(client, project, "TEN")

    response = await change_balance(client, project, "TEN", 500)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_add_balance_params")
    assert await transactions_of(client, project, "TEN") == []


async def test_an_unknown_card_is_not_found(client: AsyncClient, project: ProjectKeys) -> None:
    assert (await change_balance(client, project, "NOBODY", 500)).status_code == 404
    for path in ("/v1/vouchers/NOBODY/transactions", "/v1/campaigns/NOBODY/transactions"):
        assert (await client.get(path, headers=project.server)).status_code == 404


async def test_a_change_repeated_under_its_source_id_is_answered_as_the_first_time(
    client: AsyncClient, project: ProjectKeys
) -> None:
    await give_card(client, project, amount=1000)
    first = await change_balance(client, project, "GIFT", 500, source_id="crm-1")
    await change_balance(client, project, "GIFT", 70)

    again = await change_balance(client, project, "GIFT", 500, source_id="crm-1")
    other = await change_balance(client, project, "GIFT", 501, source_id="crm-1")

    assert again.json() == first.json()
    assert (other.status_code, other.json()["key"]) == (400, "duplicate_source_id")
    assert (await gift_of(client, project))["balance"] == 1570


async def test_a_source_id_counts_for_one_card(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project, "ONE", amount=10)
    await give_card(client, project, "TWO", amount=10)

    for code in ("ONE", "TWO"):
        assert (await change_balance(client, project, code, 5, source_id="crm-1")).status_code == 200

    assert (await gift_of(client, project, "TWO"))["balance"] == 15


async def test_transactions_tell_what_moved_and_why(client: AsyncClient, project: ProjectKeys) -> None:
    await give_gift_campaign(client, project, amount=1000)
    card = await ask(client, project, "POST", "/v1/campaigns/Gifts/vouchers/GIFT")
    await change_balance(client, project, "GIFT", 500, reason="birthday", source_id="crm-1")
    cart = paid_with("GIFT", 400)
    cart["order"]["source_id"] = "o-1"
    redeemed = await redeem(client, project, cart)
    redemption, order = redeemed["redemptions"][0], redeemed["order"]
    rollback = (await roll_back(client, project, redemption["id"])).json()
    await change_balance(client, project, "GIFT", -50)

    removal, refund, payment, addition = await transactions_of(client, project)

    def balance(amount: int, after: int, operation_type: str) -> dict[str, object]:
        return {
            "amount": amount,
            "total": 1500,
            "balance": after,
            "type": "gift_voucher",
            "operation_type": operation_type,
            "object": "balance",
            "related_object": {"id": card["id"], "type": "voucher"},
        }

    related = {"redemption": {"id": redemption["id"]}, "order": {"id": order["id"], "source_id": "o-1"}}
    assert addition.pop("id").startswith("vtx_")
    assert addition.pop("created_at").endswith("Z")
    assert addition == {
        "source_id": "crm-1",
        "voucher_id": card["id"],
        "campaign_id": card["campaign_id"],
        "source": "API",
        "reason": "birthday",
        "type": "CREDITS_ADDITION",
        "details": {"balance": balance(500, 1500, "MANUAL")},
    }
    assert (payment["type"], payment["source"], payment["reason"]) == ("CREDITS_REDEMPTION", None, None)
    assert payment["details"] == {"balance": balance(-400, 1100, "AUTOMATIC"), **related}
    assert refund["type"] == "CREDITS_REFUND"
    rolled_back = {"balance": balance(400, 1500, "AUTOMATIC"), **related, "rollback": {"id": rollback["id"]}}
    assert refund["details"] == rolled_back
    assert (removal["type"], removal["details"]["balance"]["balance"]) == ("CREDITS_REMOVAL", 1450)


@pytest.mark.parametrize("path", ["/v1/vouchers/ONE/transactions", "/v1/campaigns/Gifts/transactions"])
async def test_transactions_come_in_pages_that_follow_one_another(
    client: AsyncClient, project: ProjectKeys, path: str
) -> None:
    await give_gift_campaign(client, project, amount=1000)
    await ask(client, project, "POST", "/v1/campaigns/Gifts/vouchers/ONE")
    for amount in range(1, 6):
        await change_balance(client, project, "ONE", amount)

    async def page(query: str) -> dict[str, object]:
        return await ask(client, project, "GET", f"{path}?limit=2&{query}")

    seen: list[int] = []
    query = ""
    while True:
        listed = await page(query)
        seen += [entry["details"]["balance"]["amount"] for entry in listed["data"]]
        if not listed["has_more"]:
            break
        query = f"starting_after_id={listed['more_starting_after']}"
    oldest = await page("order=id")

    assert seen == [5, 4, 3, 2, 1]
    assert "more_starting_after" not in listed
    assert [entry["details"]["balance"]["amount"] for entry in oldest["data"]] == [1, 2]


async def test_a_campaigns_transactions_are_those_of_its_cards(client: AsyncClient, project: ProjectKeys) -> None:
    await give_gift_campaign(client, project, amount=1000)
    cards = [await ask(client, project, "POST", f"/v1/campaigns/Gifts/vouchers/{code}") for code in ("ONE", "TWO")]
    await give_card(client, project, "ALONE")
    for code in ("ONE", "TWO", "ALONE"):
        await change_balance(client, project, code, 5)

    listed = await ask(client, project, "GET", "/v1/campaigns/Gifts/transactions")
    only = f"filters[voucher_id][conditions][$is]={cards[0]['id']}"
    filtered = await ask(client, project, "GET", f"/v1/campaigns/Gifts/transactions?{only}")

    assert [entry["voucher_id"] for entry in listed["data"]] == [cards[1]["id"], cards[0]["id"]]
    assert [entry["voucher_id"] for entry in filtered["data"]] == [cards[0]["id"]]


async def test_what_a_card_was_made_with_is_no_transaction(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project)

    before = await transactions_of(client, project)
    await change_balance(client, project, "GIFT", 1)

    assert before == []
    assert len(await transactions_of(client, project)) == 1


async def test_changes_are_announced_and_in_the_audit_log(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    card = await give_card(client, project)
    await change_balance(client, project, "GIFT", 5, reason="sorry")
    await change_balance(client, project, "GIFT", -3)

    async with db.read() as session:
        rows = select(OutboxEvent).where(
            OutboxEvent.project_id == project.id, OutboxEvent.type.startswith("voucher.gift.")
        )
        events = (await session.scalars(rows.order_by(OutboxEvent.id))).all()
    log = await ask(client, project, "GET", "/x/v1/audit-log")

    created = "voucher.gift.transaction.created"
    assert [event.type for event in events] == ["voucher.gift.balance_added", created, created]
    assert events[0].data["balance"]["amount"] == 5
    assert events[0].data["voucher"]["gift"]["balance"] == 10_005
    assert events[0].data["transaction"]["id"] == events[1].entity_id
    changes = [entry for entry in log["data"] if entry["action"] == "voucher.balance.changed"]
    assert [entry["changes"]["amount"] for entry in changes] == [-3, 5]
    assert {entry["resource_id"] for entry in changes} == {card["id"]}


async def test_an_entry_names_who_made_it(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_card(client, project)
    await change_balance(client, project, "GIFT", 5)

    async with db.read() as session:
        actors = (await session.scalars(select(Entry.actor).where(Entry.project_id == project.id))).all()

    assert set(actors) == {f"api_key:{project.server_key.id}"}


async def test_who_may_not_change_vouchers_may_not_change_balances(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(client, project)
    viewer = server_headers(await give_key(db, project, "viewer"))

    changed = await client.post("/v1/vouchers/GIFT/balance", json={"amount": 5}, headers=viewer)
    read = await client.get("/v1/vouchers/GIFT/transactions", headers=viewer)

    assert (changed.status_code, read.status_code) == (403, 200)


async def test_a_deleted_card_takes_no_money(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project)
    await ask(client, project, "DELETE", "/v1/vouchers/GIFT")

    assert (await change_balance(client, project, "GIFT", 5)).status_code == 404


async def test_a_card_that_was_topped_up_stays_stored_when_it_is_deleted_for_good(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(client, project)
    await change_balance(client, project, "GIFT", 5)

    await ask(client, project, "DELETE", "/v1/vouchers/GIFT?force=true")
    again = await give_card(client, project, amount=77)

    assert (await gift_of(client, project))["balance"] == 77
    async with db.read() as session:
        owners = (await session.scalars(select(Entry.owner_id).where(Entry.project_id == project.id))).all()
        assert await value_faults(session, project.id) == []
    assert again["id"] not in owners
    assert len(owners) == 2


async def test_many_changes_at_once_all_count(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project, amount=0)

    responses = await asyncio.gather(*(change_balance(client, project, "GIFT", n) for n in range(1, 11)))

    assert {response.status_code for response in responses} == {200}
    assert (await gift_of(client, project))["balance"] == 55
