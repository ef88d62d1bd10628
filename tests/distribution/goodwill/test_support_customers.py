"""What support sees of a customer."""

from httpx import AsyncClient

from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, redeem, try_to_redeem
from tests.factories.commerce import give_customer
from tests.factories.goodwill import Desk, ask_desk, give
from tests.factories.incentives import ask, give_coupon


async def test_support_sees_what_a_customer_was_given_holds_and_was_refused(
    client: AsyncClient, db: Database, project: ProjectKeys, desk: Desk
) -> None:
    ada = await give_customer(db, project, source_id="ada", email="ada@example.com")
    used, open_code = await give(client, desk), await give(client, desk, agent="Linus")
    await give_coupon(client, project, "SPRING")
    await ask(client, project, "POST", "/v1/publications", {"voucher": "SPRING", "customer": {"source_id": "ada"}})
    await give_coupon(client, project, "LATE", expiration_date="2020-01-01T00:00:00Z")
    await redeem(client, project, cart(used["code"], customer={"source_id": "ada"}))
    for code in ("LATE", "UNKNOWN", used["code"]):
        await try_to_redeem(client, project, cart(code, customer={"source_id": "ada"}))

    shown = await ask_desk(client, desk, "customers/ada")

    assert shown["customer"]["id"] == ada.id
    assert [
        (given["code"], given["agent"], given["reason"], given["state"]) for given in shown["goodwill"]["data"]
    ] == [
        (open_code["code"], "Linus", "late", "ACTIVE"),
        (used["code"], "Grace", "late", "USED"),
    ]
    held = {each["redeemable"]["voucher"]["code"]: each["redeemable"]["status"] for each in shown["wallet"]["data"]}
    assert held == {"SPRING": "ACTIVE", open_code["code"]: "ACTIVE", used["code"]: "USED"}
    assert [(attempt["code"], attempt["key"]) for attempt in shown["refused_attempts"]["data"]] == [
        (used["code"], "quantity_exceeded"),
        ("UNKNOWN", "not_found"),
        ("LATE", "voucher_expired"),
    ]
    assert all(attempt["message"] for attempt in shown["refused_attempts"]["data"])


async def test_what_happened_to_them_as_a_guest_is_shown_too(
    client: AsyncClient, project: ProjectKeys, desk: Desk
) -> None:
    given = await give(client, desk, "ADA@example.com")
    await try_to_redeem(client, project, cart("TYPO", customer={"email": "ada@Example.com"}))
    await try_to_redeem(client, project, cart("OTHER", customer={"email": "bob@example.com"}))
    await try_to_redeem(client, project, cart("TYPO", customer={"source_id": "ada", "email": "ada@example.com"}))

    shown = await ask_desk(client, desk, "customers/ada")

    assert [each["code"] for each in shown["goodwill"]["data"]] == [given["code"]]
    assert [attempt["code"] for attempt in shown["refused_attempts"]["data"]] == ["TYPO", "TYPO"]


async def test_each_list_ends_at_the_limit_and_says_so(client: AsyncClient, project: ProjectKeys, desk: Desk) -> None:
    given = [await give(client, desk) for _ in range(3)]
    for _ in range(3):
        await try_to_redeem(client, project, cart("UNKNOWN", customer={"id": given[0]["customer_id"]}))

    shown = await ask_desk(client, desk, f"customers/{given[0]['customer_id']}?limit=2")
    whole = await ask_desk(client, desk, f"customers/{given[0]['customer_id']}?limit=3")

    for name in ("goodwill", "wallet", "refused_attempts"):
        assert (len(shown[name]["data"]), shown[name]["has_more"]) == (2, True)
        assert (len(whole[name]["data"]), whole[name]["has_more"]) == (3, False)


async def test_a_customer_nobody_knows_is_not_found(client: AsyncClient, desk: Desk) -> None:
    unknown = await client.get("/x/v1/support/customers/nobody", headers=desk.headers)
    too_many = await client.get("/x/v1/support/customers/nobody?limit=101", headers=desk.headers)

    assert (unknown.status_code, unknown.json()["key"]) == (404, "not_found")
    assert too_many.status_code == 400
