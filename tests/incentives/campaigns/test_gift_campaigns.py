"""Campaigns of gift cards, and gift cards outside of campaigns."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select

from app.kit.db import Database
from app.models import Account, Entry, Voucher
from tests.factories.access import ProjectKeys
from tests.factories.carts import redeem, validate
from tests.factories.gifts import change_balance, gift_of, give_card, give_gift_campaign, paid_with
from tests.factories.incentives import PERCENT, ask, finished, generated

UNTOUCHED = {"amount": 10_000, "subtracted_amount": 0, "redeemed_amount": 0, "balance": 10_000}


async def test_a_gift_campaign_says_what_its_cards_are_made_with(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_gift_campaign(client, project)

    assert campaign["campaign_type"] == "GIFT_VOUCHERS"
    assert campaign["voucher"]["type"] == "GIFT_VOUCHER"
    assert campaign["voucher"]["gift"] == {**UNTOUCHED, "effect": "APPLY_TO_ORDER"}
    assert "discount" not in campaign["voucher"]


async def test_the_type_is_seen_from_the_gift(client: AsyncClient, project: ProjectKeys) -> None:
    body = {"name": "Gifts", "voucher": {"gift": {"amount": 500.0, "effect": "APPLY_TO_ITEMS"}}}

    campaign = await ask(client, project, "POST", "/v1/campaigns", body)

    assert (campaign["campaign_type"], campaign["voucher"]["gift"]["effect"]) == ("GIFT_VOUCHERS", "APPLY_TO_ITEMS")


async def test_generated_cards_hold_the_amount_without_a_row_in_the_ledger(
    client: AsyncClient, db: Database, project: ProjectKeys, worker: None
) -> None:
    campaign = await give_gift_campaign(client, project, vouchers_count=300)
    await generated(client, project, campaign["id"])

    listed = await ask(client, project, "GET", f"/v1/vouchers?campaign_id={campaign['id']}&limit=100")

    assert listed["total"] == 300
    assert [voucher["gift"] for voucher in listed["vouchers"]] == [{**UNTOUCHED, "effect": "APPLY_TO_ORDER"}] * 100
    assert {voucher["type"] for voucher in listed["vouchers"]} == {"GIFT_VOUCHER"}
    async with db.read() as session:
        for table in (Account, Entry):
            rows = select(func.count()).select_from(table).where(table.project_id == project.id)
            assert await session.scalar(rows) == 0
        own = select(func.count()).where(Voucher.project_id == project.id, Voucher.gift.is_not(None))
        assert await session.scalar(own) == 0


async def test_a_card_is_published_from_the_pool_and_pays(client: AsyncClient, project: ProjectKeys) -> None:
    await give_gift_campaign(client, project, vouchers_count=1)
    body = {"campaign": {"name": "Gifts"}, "customer": {"source_id": "ann"}}

    publication = await ask(client, project, "POST", "/v1/publications", body)
    code = publication["voucher"]["code"]
    redeemed = await redeem(client, project, paid_with(code, customer={"source_id": "ann"}))
    listed = await ask(client, project, "GET", "/v1/publications")

    assert publication["voucher"]["gift"]["balance"] == 10_000
    assert redeemed["redemptions"][0]["amount"] == 2000
    assert listed["publications"][0]["voucher"]["gift"]["balance"] == 8000
    assert "discount" not in listed["publications"][0]["voucher"]


async def test_a_public_card_is_made_with_its_campaign(client: AsyncClient, project: ProjectKeys) -> None:
    await give_gift_campaign(client, project, type="STANDALONE", voucher={"code": "EVERYBODY"})

    assert (await gift_of(client, project, "EVERYBODY"))["balance"] == 10_000


async def test_cards_join_their_campaign_with_its_amount_or_their_own(
    client: AsyncClient, project: ProjectKeys
) -> None:
    campaign = await give_gift_campaign(client, project)

    by_campaign = await ask(client, project, "POST", "/v1/vouchers/ONE", {"campaign": "Gifts"})
    own = await ask(client, project, "POST", "/v1/vouchers/TWO", {"campaign": "Gifts", "gift": {"amount": 7}})

    assert by_campaign["campaign_id"] == own["campaign_id"] == campaign["id"]
    assert by_campaign["gift"]["balance"] == 10_000
    assert own["gift"]["balance"] == 7


GIFT: dict[str, Any] = {"type": "GIFT_VOUCHER", "gift": {"amount": 100}}


@pytest.mark.parametrize(
    ("voucher", "key"),
    [
        ({"type": "GIFT_VOUCHER"}, "invalid_campaign"),
        ({**GIFT, "discount": PERCENT}, "invalid_campaign"),
        ({**GIFT, "type": "DISCOUNT_VOUCHER"}, "invalid_campaign"),
        ({**GIFT, "gift": {"amount": -1}}, "invalid_payload"),
        ({**GIFT, "gift": {"amount": 1.5}}, "invalid_payload"),
        ({**GIFT, "gift": {"amount": 2**63}}, "invalid_payload"),
        ({**GIFT, "gift": {"amount": 5, "effect": "APPLY_TO_MOON"}}, "invalid_payload"),
        ({**GIFT, "gift": {}}, "invalid_payload"),
        ({**GIFT, "code_config": {"length": 3, "charset": "0123456789"}}, "invalid_code_config"),
    ],
)
async def test_a_gift_campaign_that_makes_no_sense_is_refused(
    client: AsyncClient, project: ProjectKeys, voucher: dict[str, Any], key: str
) -> None:
    body = {"name": "Gifts", "campaign_type": "GIFT_VOUCHERS", "voucher": voucher}

    response = await client.post("/v1/campaigns", json=body, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, key)


async def test_a_gift_card_under_a_code_that_is_easy_to_guess_is_refused_where_a_discount_is_warned_about(
    client: AsyncClient, project: ProjectKeys
) -> None:
    short = {"code_config": {"length": 3, "charset": "0123456789"}}

    card = await client.post("/v1/vouchers", json={**GIFT, **short}, headers=project.server)
    coupon = await client.post("/v1/vouchers", json={"discount": PERCENT, **short}, headers=project.server)

    assert (card.status_code, card.json()["key"]) == (400, "invalid_code_config")
    assert "easy to guess" in card.json()["details"]
    assert coupon.json()["warnings"]


@pytest.mark.parametrize(
    "body",
    [
        {"type": "GIFT_VOUCHER"},
        {"type": "GIFT_VOUCHER", "discount": PERCENT},
        {**GIFT, "discount": PERCENT},
        {"type": "DISCOUNT_VOUCHER", "gift": {"amount": 5}},
        {**GIFT, "campaign": "Coupons"},
        {"discount": PERCENT, "campaign": "Gifts"},
    ],
)
async def test_a_gift_card_that_makes_no_sense_is_refused(
    client: AsyncClient, project: ProjectKeys, body: dict[str, Any]
) -> None:
    await give_gift_campaign(client, project)
    coupons = {"name": "Coupons", "voucher": {"discount": PERCENT}}
    await ask(client, project, "POST", "/v1/campaigns", coupons)

    response = await client.post("/v1/vouchers/BAD", json=body, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_voucher")


async def test_a_new_amount_is_for_cards_that_nobody_has_yet(client: AsyncClient, project: ProjectKeys) -> None:
    await give_gift_campaign(client, project, amount=1000)
    codes = ("POOL", "TOPPED", "GIVEN", "SPENT")
    for code in codes:
        await ask(client, project, "POST", f"/v1/campaigns/Gifts/vouchers/{code}")
    await change_balance(client, project, "TOPPED", 1)
    await ask(client, project, "POST", "/v1/publications", {"voucher": "GIVEN", "customer": {"source_id": "ann"}})
    await redeem(client, project, paid_with("SPENT", 1))

    campaign = await ask(client, project, "PUT", "/v1/campaigns/Gifts", {"gift": {"amount": 5000}})

    balances = {
        code: (await gift_of(client, project, code))["balance"] for code in ("POOL", "TOPPED", "GIVEN", "SPENT")
    }
    assert campaign["voucher"]["gift"]["amount"] == 5000
    assert balances == {"POOL": 5000, "TOPPED": 1001, "GIVEN": 1000, "SPENT": 999}
    answer = await validate(client, project, paid_with("POOL", 5000, price=5000))
    assert answer["order"]["total_amount"] == 0


@pytest.mark.parametrize("change", [{"discount": PERCENT}, {"gift": None}])
async def test_a_gift_campaign_stays_one(client: AsyncClient, project: ProjectKeys, change: dict[str, Any]) -> None:
    await give_gift_campaign(client, project)

    response = await client.put("/v1/campaigns/Gifts", json=change, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_campaign")


async def test_a_cards_money_is_not_changed_by_an_update(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project)

    response = await client.put("/v1/vouchers/GIFT", json={"gift": {"amount": 5}}, headers=project.server)
    renamed = await client.put("/v1/vouchers/GIFT", json={"metadata": {"a": 1}}, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_voucher")
    assert renamed.json()["gift"]["balance"] == 10_000


async def test_lists_find_gift_cards_and_their_campaigns_by_type(client: AsyncClient, project: ProjectKeys) -> None:
    await give_gift_campaign(client, project)
    await ask(client, project, "POST", "/v1/campaigns", {"name": "Coupons", "voucher": {"discount": PERCENT}})
    await give_card(client, project)
    await ask(client, project, "POST", "/v1/vouchers/TEN", {"discount": PERCENT})

    async def names(path: str, member: str, name: str) -> list[str]:
        return [row[name] for row in (await ask(client, project, "GET", path))[member]]

    is_gift = "filters[voucher_type][conditions][$is]=GIFT_VOUCHER"
    assert await names(f"/v1/campaigns?{is_gift}", "campaigns", "name") == ["Gifts"]
    assert await names("/v1/campaigns?campaign_type=GIFT_VOUCHERS", "campaigns", "name") == ["Gifts"]
    only = "filters[type][conditions][$is]=GIFT_VOUCHER"
    assert await names(f"/v1/vouchers?{only}", "vouchers", "code") == ["GIFT"]


async def test_a_gift_campaign_deleted_for_good_keeps_what_was_paid(
    client: AsyncClient, db: Database, project: ProjectKeys, worker: None
) -> None:
    await give_gift_campaign(client, project)
    for code in ("POOL", "TOPPED"):
        await ask(client, project, "POST", f"/v1/campaigns/Gifts/vouchers/{code}")
    await change_balance(client, project, "TOPPED", 1)

    deleted = await ask(client, project, "DELETE", "/v1/campaigns/Gifts?force=true")
    await finished(client, project, deleted["async_action_id"])

    async with db.read() as session:
        codes = (await session.scalars(select(Voucher.code).where(Voucher.project_id == project.id))).all()
        entries = select(func.count()).select_from(Entry).where(Entry.project_id == project.id)
        assert codes == ["TOPPED"]
        assert await session.scalar(entries) == 2
