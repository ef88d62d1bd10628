"""The checkout as pages see it: what is told, what is not, and what a page cannot do."""

import asyncio
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select
from voucherify import ApiClient, ClientSideApi, Configuration
from voucherify.models import (
    ClientQualificationsCheckEligibilityRequestBody,
    ClientRedemptionsRedeemRequestBody,
    ClientValidationsValidateRequestBody,
)

from app.kit.db import Database
from app.models import Redemption
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, line, redeem, validate
from tests.factories.gifts import give_card
from tests.factories.incentives import ask, give_campaign, give_coupon
from tests.factories.pages import from_page, known, shown
from tests.factories.promotions import give_stack, give_tier, tiers_cart
from tests.factories.rules import give_assignment, give_rule

PAST = (datetime.now(UTC) - timedelta(days=1)).isoformat()
FUTURE = (datetime.now(UTC) + timedelta(days=1)).isoformat()
SECRET = {"note": "what only the shop knows"}
REASONS = [
    "unknown",
    "disabled",
    "expired",
    "not open yet",
    "spent",
    "campaign disabled",
    "rules",
    "empty card",
    "poor card",
]


@pytest.fixture
async def project(db: Database) -> ProjectKeys:
    """A project whose pages may redeem."""
    return await give_project(db, client_redeem_enabled=True)


async def give_useless(client: AsyncClient, project: ProjectKeys, reason: str, code: str) -> None:
    """A code that cannot be used, for the reason."""
    match reason:
        case "disabled":
            await give_coupon(client, project, code, active=False)
        case "expired":
            await give_coupon(client, project, code, expiration_date=PAST)
        case "not open yet":
            await give_coupon(client, project, code, start_date=FUTURE)
        case "spent":
            await give_coupon(client, project, code, redemption={"quantity": 1})
            await redeem(client, project, cart(code))
        case "campaign disabled":
            campaign = await give_campaign(client, project)
            await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/{code}", {})
            await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/disable")
        case "rules":
            await give_bound(client, project, code)
        case "empty card":
            await give_card(client, project, code, amount=0)
        case "poor card":
            await give_card(client, project, code, amount=100)


async def give_bound(client: AsyncClient, project: ProjectKeys, code: str, **error: Any) -> None:
    """A code for orders of a million and more."""
    voucher = await give_coupon(client, project, code)
    rules = {"1": {"name": "order.amount", "conditions": {"$more_than": [1_000_000]}, **error}, "logic": "1"}
    rule = await give_rule(client, project, rules=rules)
    await give_assignment(client, project, rule["id"], "voucher", voucher["id"])


async def give_product_with_secrets(client: AsyncClient, project: ProjectKeys) -> None:
    body = {"source_id": "shirt", "name": "Shirt", "metadata": SECRET}
    await ask(client, project, "POST", "/v1/products", body)


def tried(reason: str, code: str = "GUESS") -> dict[str, Any]:
    body = cart(code)
    if reason == "poor card":
        body["redeemables"][0]["gift"] = {"credits": 500}
    return body


@pytest.mark.parametrize("reason", REASONS)
async def test_a_code_that_cannot_be_used_is_answered_as_one_that_does_not_exist(
    client: AsyncClient, db: Database, reason: str
) -> None:
    project, other = [await give_project(db, client_redeem_enabled=True) for _ in range(2)]
    await give_useless(client, project, reason, "GUESS")
    learned, nothing = [], []

    for asked, answers in ((project, learned), (other, nothing)):
        for path in ("/validations", "/redemptions"):
            answers.append(known(await from_page(client, asked, "POST", path, tried(reason))))

    assert learned == nothing
    assert [answer["status"] for answer in learned] == [200, 404]
    assert learned[0]["redeemables"][0]["result"]["error"]["key"] == learned[1]["key"] == "not_found"


@pytest.mark.parametrize("reason", REASONS)
async def test_a_code_that_cannot_be_used_changes_nothing_about_the_others_of_the_request(
    client: AsyncClient, db: Database, reason: str
) -> None:
    """Nor does its category, which would sort it before the others, or its being named by two names."""
    answers = []
    for given in (reason, "unknown"):
        project = await give_project(db, case_sensitive_codes=False)
        category = await ask(client, project, "POST", "/v1/categories", {"name": "First", "hierarchy": 0})
        await give_coupon(client, project, "GOOD")
        await give_useless(client, project, given, "GUESS")
        if given not in ("unknown", "rules"):
            await ask(client, project, "PUT", "/v1/vouchers/GUESS", {"category_id": category["id"]})
        for codes in (["GOOD", "GUESS"], ["NONE", "GUESS"], ["GUESS", "guess"], ["NONE", "GOOD", "GUESS"]):
            body = cart(*codes)
            if reason == "poor card":
                for asked in body["redeemables"]:
                    asked["gift"] = {"credits": 500} if asked["id"].lower() == "guess" else None
            answers.append(known(await from_page(client, project, "POST", "/validations", body)))

    assert answers[:4] == answers[4:]
    assert [answer["status"] for answer in answers[:4]] == [200, 200, 400, 200]


async def test_the_shop_sees_why_a_page_was_refused(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_coupon(client, project, "GUESS", expiration_date=PAST)

    await from_page(client, project, "POST", "/redemptions", cart("GUESS"))
    validation = await validate(client, project, cart("GUESS"))

    async with db.read() as session:
        row = (await session.scalars(select(Redemption).where(Redemption.project_id == project.id))).one()
    assert (row.result, row.failure_code, row.voucher_code) == ("FAILURE", "voucher_expired", "GUESS")
    assert validation["redeemables"][0]["result"]["error"]["key"] == "voucher_expired"


async def test_what_the_marketer_wrote_for_customers_is_told_to_them(client: AsyncClient, project: ProjectKeys) -> None:
    await give_bound(client, project, "BIG", error={"message": "Only for orders of 10,000 and more."})

    validation = await shown(client, project, "POST", "/validations", cart("BIG"))
    refused = (await from_page(client, project, "POST", "/redemptions", cart("BIG"))).json()

    error = validation["redeemables"][0]["result"]["error"]
    assert error["error"] == refused["error"] == {"message": "Only for orders of 10,000 and more."}
    assert error["key"] == refused["key"] != "not_found"


async def test_unknown_and_useless_codes_take_the_same_time(client: AsyncClient, project: ProjectKeys) -> None:
    reasons = ["unknown", "disabled", "spent", "rules"]
    for reason in reasons:
        await give_useless(client, project, reason, reason)
    seconds: dict[str, list[float]] = {reason: [] for reason in reasons}

    for _ in range(7):
        for reason in reasons:
            began_at = time.perf_counter()
            await from_page(client, project, "POST", "/validations", cart(reason))
            seconds[reason].append(time.perf_counter() - began_at)

    medians = [statistics.median(taken) for taken in seconds.values()]
    assert min(medians) >= 0.05
    assert max(medians) - min(medians) < 0.02


async def test_a_page_is_told_no_conditions_however_it_asks(client: AsyncClient, project: ProjectKeys) -> None:
    await give_coupon(client, project, "TEN")
    explain = {"X-Guerdon-Explain": "true"}

    validation = await shown(client, project, "POST", "/validations", cart("TEN"), **explain)
    redemption = await shown(client, project, "POST", "/redemptions", cart("TEN"), **explain)

    assert validation["valid"] is True
    assert "trace" not in validation
    assert "trace" not in redemption


async def test_a_page_sees_neither_metadata_nor_customers_nor_figures_of_the_business(
    client: AsyncClient, project: ProjectKeys
) -> None:
    await give_product_with_secrets(client, project)
    await give_coupon(client, project, "TEN", metadata=SECRET, additional_info=SECRET["note"])
    tier = await give_tier(client, project, metadata=SECRET)
    ada = {"source_id": "ada", "name": "Ada", "email": "ada@example.com", "metadata": SECRET}
    await ask(client, project, "POST", "/v1/customers", ada)
    body = cart("TEN", customer={"source_id": "ada"}, options={"expand": ["order", "redeemable", "redemption"]})
    body["redeemables"].append({"object": "promotion_tier", "id": tier["id"]})
    asked = {"customer": {"source_id": "ada"}, "order": body["order"], "options": {"expand": ["redeemable"]}}

    validation = await shown(client, project, "POST", "/validations", body)
    qualification = await shown(client, project, "POST", "/qualifications", asked)
    redemption = await shown(client, project, "POST", "/redemptions", body)
    listed = await shown(client, project, "GET", "/promotions/tiers")

    for answer in (validation, qualification, redemption, listed):
        assert SECRET["note"] not in str(answer)
        assert "Ada" not in str(answer)
        assert "ada@example.com" not in str(answer)
        assert "holder" not in str(answer)
        assert "summary" not in str(answer)
    voucher, promotion = (each.get("voucher") or each.get("promotion_tier") for each in redemption["redemptions"])
    assert (voucher["code"], promotion["id"]) == ("TEN", tier["id"])
    assert redemption["parent_redemption"]["customer"]["source_id"] == "ada"
    assert qualification["redeemables"]["data"][0]["id"] == listed["tiers"][0]["id"] == tier["id"]
    assert validation["order"]["items"][0]["product"]["name"] == "Shirt"


async def test_a_page_that_may_not_redeem_is_403(client: AsyncClient, db: Database) -> None:
    project = await give_project(db)
    await give_coupon(client, project, "TEN")

    response = await from_page(client, project, "POST", "/redemptions", cart("TEN"))

    assert (response.status_code, response.json()["key"]) == (403, "missing_required_permission")


async def test_server_keys_are_worth_nothing_on_pages_and_client_keys_nothing_elsewhere(
    client: AsyncClient, project: ProjectKeys
) -> None:
    await give_coupon(client, project, "TEN")

    on_page = await client.post("/client/v1/validations", json=cart("TEN"), headers=project.server)
    elsewhere = await client.post("/v1/validations", json=cart("TEN"), headers=project.client)

    assert [on_page.status_code, elsewhere.status_code] == [401, 401]


async def test_a_page_changes_neither_catalogue_nor_customers(client: AsyncClient, project: ProjectKeys) -> None:
    await ask(client, project, "POST", "/v1/products", {"source_id": "shirt", "name": "Shirt", "price": 2000})
    await ask(client, project, "POST", "/v1/customers", {"source_id": "ada", "name": "Ada"})
    await give_coupon(client, project, "TEN")
    cheap = line("shirt", 1, product={"override": True, "name": "Free shirt", "price": 1})
    mallory = {"source_id": "ada", "name": "Mallory", "metadata": {"vip": True}}

    await shown(client, project, "POST", "/redemptions", cart("TEN", items=[cheap], customer=mallory))

    product = await ask(client, project, "GET", "/v1/products/shirt")
    customer = await ask(client, project, "GET", "/v1/customers/ada")
    assert (product["name"], product["price"]) == ("Shirt", 2000)
    assert (customer["name"], customer["metadata"]) == ("Ada", {})


async def test_what_a_page_says_about_a_customer_decides_nothing_unless_pages_may_make_customers(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    trusting = await give_project(db, client_redeem_enabled=True, client_create_customer_enabled=True)
    vip = {"1": {"name": "customer.metadata", "property": "vip", "conditions": {"$is": [True]}}, "logic": "1"}
    claimed = cart("VIP", customer={"source_id": "eve", "metadata": {"vip": True}})
    for owner in (project, trusting):
        voucher = await give_coupon(client, owner, "VIP")
        rule = await give_rule(client, owner, rules=vip)
        await give_assignment(client, owner, rule["id"], "voucher", voucher["id"])

    strict = await shown(client, project, "POST", "/validations", claimed)
    open_ = await shown(client, trusting, "POST", "/validations", claimed)
    refused = await from_page(client, project, "POST", "/redemptions", claimed)
    redeemed = await from_page(client, trusting, "POST", "/redemptions", claimed)

    assert (strict["valid"], open_["valid"]) == (False, True)
    assert (refused.status_code, refused.json()["key"]) == (403, "missing_required_permission")
    assert redeemed.status_code == 200


async def test_a_page_that_guesses_the_shops_id_of_an_order_sees_nothing_of_it(
    client: AsyncClient, project: ProjectKeys
) -> None:
    order = {"source_id": "1001", "items": [line("secret", 5000)], "customer": {"source_id": "ada"}}
    kept = await ask(client, project, "POST", "/v1/orders", order)
    await give_coupon(client, project, "TEN")
    await ask(client, project, "POST", "/v1/customers", {"source_id": "eve"})

    def body(**members: Any) -> dict[str, Any]:
        return {"redeemables": [{"object": "voucher", "id": "TEN"}], **members}

    guesses = [
        await from_page(client, project, "POST", path, body(order={"source_id": "1001"}, **customer))
        for path in ("/validations", "/redemptions")
        for customer in ({}, {"customer": {"source_id": "eve"}})
    ]
    hers = await shown(
        client, project, "POST", "/validations", body(order={"source_id": "1001"}, customer={"source_id": "ada"})
    )
    by_id = await shown(client, project, "POST", "/validations", body(order={"id": kept["id"]}))

    assert {guess.status_code for guess in guesses} == {404}
    assert hers["order"]["amount"] == by_id["order"]["amount"] == 5000


async def test_codes_are_listed_on_pages_of_projects_that_say_so(client: AsyncClient, db: Database) -> None:
    ada = {"source_id": "ada"}
    order = {"amount": 5000}
    found = []
    for switch in (False, True):
        project = await give_project(db, client_list_vouchers_enabled=switch)
        await give_coupon(client, project, "HERS")
        await ask(client, project, "POST", "/v1/publications", {"voucher": "HERS", "customer": ada})
        await give_coupon(client, project, "UNSOLD")
        await give_tier(client, project)
        answer = await shown(client, project, "POST", "/qualifications", {"customer": ada, "order": order})
        found.append({each["object"] for each in answer["redeemables"]["data"]})
        asked = {"customer": ada, "scenario": "CUSTOMER_WALLET"}
        wallet = await from_page(client, project, "POST", "/qualifications", asked)
        found.append(wallet.status_code)

    assert found == [{"promotion_tier"}, 403, {"voucher", "promotion_tier"}, 200]


async def test_a_page_redeems_stacks_of_promotions_and_gift_cards(client: AsyncClient, project: ProjectKeys) -> None:
    tiers = [await give_tier(client, project)]
    tiers.append(await give_tier(client, project, campaign_id=tiers[0]["campaign_id"], amount_off=300))
    stack = await give_stack(client, project, *tiers)
    await give_card(client, project, amount=5000)

    promoted = await shown(client, project, "POST", "/redemptions", tiers_cart(stack, kind="promotion_stack"))
    paid = await shown(client, project, "POST", "/redemptions", cart("GIFT"))

    assert promoted["order"]["total_discount_amount"] == 800
    assert paid["redemptions"][0]["voucher"]["gift"]["balance"] == 3000


async def test_only_promotions_that_are_available_are_listed(client: AsyncClient, project: ProjectKeys) -> None:
    tier = await give_tier(client, project)
    await give_tier(client, project, campaign_id=tier["campaign_id"], start_date=FUTURE)
    off = await give_tier(client, project, campaign_id=tier["campaign_id"])
    await ask(client, project, "POST", f"/v1/promotions/tiers/{off['id']}/disable")

    listed = [
        await shown(client, project, "GET", f"/promotions/tiers{query}")
        for query in ("", "?is_available=false", "?is_available=true&limit=1&order=-updated_at")
    ]

    assert [[each["id"] for each in answer["tiers"]] for answer in listed] == [[tier["id"]]] * 3


async def test_a_retry_of_a_page_is_answered_alike_and_redeems_once(client: AsyncClient, project: ProjectKeys) -> None:
    await give_coupon(client, project, "ONCE", redemption={"quantity": 1})
    key = {"Idempotency-Key": "page-1"}

    first, again = [await from_page(client, project, "POST", "/redemptions", cart("ONCE"), **key) for _ in range(2)]
    other = await from_page(client, project, "POST", "/redemptions", cart("ONCE"))

    assert first.status_code == 200
    assert first.content == again.content
    assert other.status_code == 404


async def test_of_fifty_pages_one_redeems_the_last_use_and_the_others_learn_nothing(
    live_server: str, project: ProjectKeys
) -> None:
    async with AsyncClient(base_url=live_server, timeout=60) as http:
        await give_coupon(http, project, "ONCE", redemption={"quantity": 1})

        responses = await asyncio.gather(
            *(from_page(http, project, "POST", "/redemptions", cart("ONCE")) for _ in range(50))
        )

    assert sorted(response.status_code for response in responses) == [200] + [404] * 49
    assert {response.json()["key"] for response in responses if response.status_code == 404} == {"not_found"}


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/validations", {"redeemables": []}, "redeemables"),
        ("/redemptions", {"redeemables": [{"object": "voucher"}]}, "redeemables[0].id"),
        ("/qualifications", {"scenario": "EVERYTHING"}, "scenario"),
    ],
)
async def test_a_wrong_body_is_refused_at_its_place(
    client: AsyncClient, project: ProjectKeys, path: str, body: dict[str, Any], where: str
) -> None:
    response = await from_page(client, project, "POST", path, body)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")
    assert [problem["path"] for problem in response.json()["errors"]] == [where]


async def test_the_official_client_asks_and_redeems_as_a_page_does(live_server: str, db: Database) -> None:
    project = await give_project(db, client_redeem_enabled=True, client_list_vouchers_enabled=True)
    async with AsyncClient(base_url=live_server) as http:
        await give_coupon(http, project, "TEN")
        await give_tier(http, project)
    keys = {"X-Client-Application-Id": project.client_key.id, "X-Client-Token": project.client_key.token}
    origin = "https://shop.example.com"
    body = {"redeemables": [{"object": "voucher", "id": "TEN"}], "order": {"amount": 10_000}}

    def visit() -> tuple[Any, ...]:
        with ApiClient(Configuration(host=live_server, api_key=keys)) as api_client:
            api = ClientSideApi(api_client)
            asked = ClientQualificationsCheckEligibilityRequestBody.from_dict({"order": body["order"]})
            validated = ClientValidationsValidateRequestBody.from_dict(body)
            redeemed = ClientRedemptionsRedeemRequestBody.from_dict(body)
            return (
                api.check_eligibility_client_side(client_qualifications_check_eligibility_request_body=asked),
                api.list_promotion_tiers_client_side(origin),
                api.validate_stacked_discounts_client_side(origin, validated),
                api.redeem_stacked_discounts_client_side(origin, redeemed),
            )

    qualified, tiers, validation, redemption = await asyncio.to_thread(visit)

    assert {each.object for each in qualified.redeemables.data} == {"voucher", "promotion_tier"}
    assert tiers.total == 1
    assert validation.valid is True
    assert redemption.order.total_amount == 9_000
