"""GET /v1/customers/{id}/redeemables: what a customer holds."""

from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from voucherify import ApiClient, CustomersApi
from voucherify.models import CustomersRedeemablesListResponseBody

from app.kit import clock
from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, redeem
from tests.factories.commerce import give_customer
from tests.factories.incentives import ask, give_campaign, give_coupon
from tests.factories.pools import give_pool, give_voucher


async def wallet(client: AsyncClient, project: ProjectKeys, query: str = "", reference: str = "ada") -> dict[str, Any]:
    answer = await ask(client, project, "GET", f"/v1/customers/{reference}/redeemables{query}")
    assert CustomersRedeemablesListResponseBody.from_dict(answer) is not None
    return answer


def codes(answer: dict[str, Any]) -> list[str]:
    return [held["redeemable"]["voucher"]["code"] for held in answer["data"]]


async def publish(client: AsyncClient, project: ProjectKeys, code: str) -> dict[str, Any]:
    body = {"voucher": code, "customer": {"source_id": "ada"}}
    return await ask(client, project, "POST", "/v1/publications", body)


async def test_a_published_code_is_in_the_wallet_of_its_holder(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_campaign(client, project)
    voucher = await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/MINE")
    published = await publish(client, project, "MINE")

    answer = await wallet(client, project)

    held = answer["data"][0]
    assert (answer["object"], answer["data_ref"], answer["total"], answer["has_more"]) == ("list", "data", 1, False)
    assert "more_starting_after" not in answer
    assert held["id"].startswith("rh_")
    assert {name: held[name] for name in held if name not in ("id", "created_at", "redeemable")} == {
        "redeemable_id": voucher["id"],
        "redeemable_object": "voucher",
        "customer_id": published["customer_id"],
        "holder_role": "OWNER",
        "campaign_id": campaign["id"],
        "campaign_type": "DISCOUNT_COUPONS",
        "voucher_type": "DISCOUNT_VOUCHER",
    }
    assert held["created_at"] >= voucher["created_at"]
    assert (held["redeemable"]["type"], held["redeemable"]["status"]) == ("voucher", "ACTIVE")
    assert held["redeemable"]["voucher"] == await ask(client, project, "GET", "/v1/vouchers/MINE")


async def test_each_redeemable_says_whether_it_can_still_be_used(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    ada = await give_customer(db, project, source_id="ada")
    day, now = timedelta(days=1), clock.now()
    stopped = await give_pool(db, project, active=False)
    over = await give_pool(db, project, expiration_date=now - day)
    gift = {"type": "GIFT_VOUCHER", "gift": {"amount": 1000, "effect": "APPLY_TO_ORDER"}, "discount": None}
    for code, columns in {
        "OPEN": {},
        "OFF": {"active": False},
        "STOPPED": {"campaign_id": stopped.id},
        "OVER": {"campaign_id": over.id},
        "PAST": {"expiration_date": now},
        "SOON": {"start_date": now + day},
        "ONCE": {"redemption_quantity": 1},
        "CARD": gift,
        "EMPTY": {**gift, "gift": {"amount": 2000, "effect": "APPLY_TO_ORDER"}},
    }.items():
        await give_voucher(db, project, code=code, holder_id=ada.id, **columns)
    await redeem(client, project, cart("ONCE", customer={"source_id": "ada"}))
    await redeem(client, project, cart("EMPTY", customer={"source_id": "ada"}))  # a shirt costs 2000

    answer = await wallet(client, project)

    statuses = {held["redeemable"]["voucher"]["code"]: held["redeemable"]["status"] for held in answer["data"]}
    assert statuses == {
        "OPEN": "ACTIVE",
        "OFF": "DISABLED",
        "STOPPED": "DISABLED",
        "OVER": "EXPIRED",
        "PAST": "EXPIRED",
        "SOON": "NOT_ACTIVE_YET",
        "ONCE": "USED",
        "CARD": "ACTIVE",
        "EMPTY": "NO_BALANCE",
    }


async def test_a_wallet_is_read_page_by_page(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    ada = await give_customer(db, project, source_id="ada")
    for code in ("A", "B", "C", "D", "E"):
        await give_voucher(db, project, code=code, holder_id=ada.id)

    first = await wallet(client, project, "?limit=2")
    second = await wallet(client, project, f"?limit=2&starting_after_id={first['more_starting_after']}")
    last = await wallet(client, project, f"?limit=2&starting_after_id={second['more_starting_after']}")
    oldest = await wallet(client, project, "?limit=2&order=id")

    assert (codes(first), codes(second), codes(last), codes(oldest)) == (["E", "D"], ["C", "B"], ["A"], ["A", "B"])
    assert [page["has_more"] for page in (first, second, last)] == [True, True, False]
    assert first["more_starting_after"] == first["data"][-1]["id"]
    assert {page["total"] for page in (first, second, last, oldest)} == {5}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("filters[campaign_id][conditions][$is]={campaign}", ["IN"]),
        ("filters[campaign_id][conditions][$is_unknown]=", ["OUT"]),
        ("filters[campaign_type][conditions][$in][0]=DISCOUNT_COUPONS", ["IN"]),
        ("filters[voucher_type][conditions][$is]=GIFT_VOUCHER", []),
        ("filters[holder_role][conditions][$is]=OWNER", ["OUT", "IN"]),
        ("filters[holder_role][conditions][$is]=REFERRER", []),
        ("filters[redeemable_object][conditions][$is]=voucher", ["OUT", "IN"]),
        ("filters[redeemable_id][conditions][$is]={voucher}", ["IN"]),
        ("filters[id][conditions][$is]={holder}", ["IN"]),
        ("filters[created_at][conditions][$after]=2020-01-01", ["OUT", "IN"]),
        (
            "filters[junction]=or&filters[campaign_id][conditions][$is]={campaign}"
            "&filters[campaign_id][conditions][$starts_with]=camp",
            ["IN"],
        ),
    ],
)
async def test_a_wallet_can_be_filtered(
    client: AsyncClient, db: Database, project: ProjectKeys, query: str, expected: list[str]
) -> None:
    ada = await give_customer(db, project, source_id="ada")
    campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, code="IN", holder_id=ada.id, campaign_id=campaign.id)
    await give_voucher(db, project, code="OUT", holder_id=ada.id)
    holder = f"rh_{voucher.id.removeprefix('v_')}"

    answer = await wallet(client, project, f"?{query.format(campaign=campaign.id, voucher=voucher.id, holder=holder)}")

    assert (codes(answer), answer["total"]) == (expected, len(expected))


async def test_deleted_codes_leave_the_wallet(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    ada = await give_customer(db, project, source_id="ada")
    binned = await give_pool(db, project, deleted_at=clock.now())
    await give_voucher(db, project, code="KEPT", holder_id=ada.id)
    await give_voucher(db, project, code="GONE", holder_id=ada.id, deleted_at=clock.now())
    await give_voucher(db, project, code="WITH-CAMPAIGN", holder_id=ada.id, campaign_id=binned.id)

    assert codes(await wallet(client, project)) == ["KEPT"]


async def test_nobody_else_sees_the_wallet(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    ada = await give_customer(db, project, source_id="ada")
    await give_customer(db, project, source_id="bob")
    await give_voucher(db, project, code="MINE", holder_id=ada.id)
    other = await give_project(db)

    foreign = await client.get(f"/v1/customers/{ada.id}/redeemables", headers=other.server)

    assert foreign.status_code == 404
    assert codes(await wallet(client, project, reference="bob")) == []


async def test_the_official_client_reads_a_wallet(
    voucherify_client: ApiClient, client: AsyncClient, project: ProjectKeys
) -> None:
    await give_coupon(client, project, "FIRST")
    await give_coupon(client, project, "SECOND")
    await publish(client, project, "FIRST")
    await publish(client, project, "SECOND")
    customers = CustomersApi(voucherify_client)

    first = customers.list_customer_redeemables("ada", limit=1)
    second = customers.list_customer_redeemables("ada", limit=1, starting_after_id=first.more_starting_after)

    assert [first.data[0].redeemable.voucher.code, second.data[0].redeemable.voucher.code] == ["SECOND", "FIRST"]
    assert (first.has_more, second.has_more, first.total) == (True, False, 2)
