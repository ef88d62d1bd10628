"""What happened to a customer, told over HTTP."""

from typing import Any

import pytest
from httpx import AsyncClient
from voucherify import ApiClient, CustomersApi

from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, redeem, roll_back
from tests.factories.incentives import Answer, ask, give_campaign, give_coupon
from tests.factories.outbox import follow_all


async def activity(client: AsyncClient, project: ProjectKeys, query: str = "", who: str = "ada") -> Answer:
    return await ask(client, project, "GET", f"/v1/customers/{who}/activity?limit=100{query}")


def types(answer: Answer) -> list[str]:
    return [each["type"].removeprefix("customer.") for each in answer["data"]]


async def live_a_little(client: AsyncClient, project: ProjectKeys, who: str = "ada") -> Answer:
    """A customer who buys something with a code, sends it back, and wishes something; the redemption."""
    customer = {"customer": {"source_id": who}}
    await ask(client, project, "POST", "/v1/customers", {"source_id": who, "name": "Ada"})
    redeemed = await redeem(client, project, cart("CODE", order={"status": "PAID"}, **customer))
    await roll_back(client, project, redeemed["redemptions"][0]["id"])
    await ask(client, project, "POST", "/v1/events", {"event": "wish", **customer, "metadata": {"item": "hat"}})
    return redeemed


async def test_everything_that_names_the_customer_is_told_in_its_order(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_coupon(client, project, "CODE")
    await live_a_little(client, project)
    await live_a_little(client, project, "grace")
    await follow_all(db, project)

    newest_first = await activity(client, project)
    oldest_first = await activity(client, project, "&order=created_at")

    assert types(oldest_first) == [
        "created",
        "redemption.succeeded",
        "order.created",
        "order.paid",
        "redemption.rollback.succeeded",
        "order.updated",
        "order.canceled",
        "custom_event",
    ]
    assert types(newest_first) == types(oldest_first)[::-1]
    assert newest_first["data"][0]["data"]["event"]["metadata"] == {"item": "hat"}
    assert "Ada" not in str(newest_first)


async def test_what_happened_in_one_step_is_one_group(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_coupon(client, project, "CODE")
    await live_a_little(client, project)
    await follow_all(db, project)

    shown = (await activity(client, project, "&order=created_at"))["data"]

    groups = [each["group_id"] for each in shown]
    assert groups[1] == groups[2] == groups[3]
    assert len(set(groups)) == 4


async def test_pages_follow_one_another_without_gap_or_repetition(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_coupon(client, project, "CODE")
    await live_a_little(client, project)
    await follow_all(db, project)

    seen, cursor = [], ""
    while True:
        page = await ask(client, project, "GET", f"/v1/customers/ada/activity?limit=3{cursor}")
        seen += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&starting_after_id={page['more_starting_after']}"

    assert seen == [each["id"] for each in (await activity(client, project))["data"]]


async def test_activities_are_narrowed_by_type_category_campaign_and_time(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_coupon(client, project, "CODE")
    await live_a_little(client, project)
    campaign = await give_campaign(client, project, type="AUTO_UPDATE")
    body = {"campaign": {"name": campaign["name"]}, "customer": {"source_id": "ada"}}
    await ask(client, project, "POST", "/v1/publications", body)
    await follow_all(db, project)

    wishes = await activity(client, project, "&type=customer.custom_event")
    effects = await activity(client, project, "&category=EFFECT")
    of_campaign = await activity(client, project, f"&campaign_id={campaign['id']}&category=ACTION")
    of_kind = await activity(client, project, "&campaign_type=DISCOUNT_COUPONS")
    of_other_kind = await activity(client, project, "&campaign_type=GIFT_VOUCHERS")
    before = await activity(client, project, "&end_date=2020-01-01T00:00:00Z")
    since = await activity(client, project, "&start_date=2020-01-01")

    assert types(wishes) == ["custom_event"]
    assert effects["data"] == before["data"] == of_other_kind["data"] == []
    assert types(of_campaign) == types(of_kind) == ["publication.succeeded"]
    assert len(since["data"]) == 9


async def test_what_a_guest_did_is_told_of_the_account_the_guest_became(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await ask(client, project, "POST", "/v1/events", {"event": "look", "customer": {"source_id": "guest"}})
    await ask(client, project, "POST", "/v1/customers", {"source_id": "ada"})
    await follow_all(db, project)
    await ask(client, project, "POST", "/x/v1/customers/ada/merge", {"guest": "guest"})

    told = await activity(client, project, "&order=created_at")

    assert types(told)[:3] == ["created", "custom_event", "created"]


async def test_nobody_sees_the_activity_of_another_project_s_customer(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    customer = await ask(client, project, "POST", "/v1/customers", {"source_id": "ada"})
    await follow_all(db, project)
    stranger = await give_project(db)

    response = await client.get(f"/v1/customers/{customer['id']}/activity", headers=stranger.server)

    assert response.status_code == 404


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=x", "order=type", "starting_after_id=evt_x", "starting_after_id=1", "category=NONE",
     "start_date=never", "campaign_type=OTHER", "starting_after_id=evt_99999999999999999999"],
)  # fmt: skip
async def test_what_cannot_be_asked_is_refused(client: AsyncClient, project: ProjectKeys, query: str) -> None:
    await ask(client, project, "POST", "/v1/customers", {"source_id": "ada"})

    response = await client.get(f"/v1/customers/ada/activity?{query}", headers=project.server)

    assert response.status_code == 400
    assert response.json()["key"]


async def test_the_official_client_reads_activities(
    client: AsyncClient, db: Database, project: ProjectKeys, voucherify_client: ApiClient
) -> None:
    await give_coupon(client, project, "CODE")
    await live_a_little(client, project)
    await follow_all(db, project)

    told: Any = CustomersApi(voucherify_client).list_customer_activity("ada", limit=2)

    assert [each.type for each in told.data] == ["customer.custom_event", "customer.order.canceled"]
    assert told.has_more
