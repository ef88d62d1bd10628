"""What makes a referee count, who is rewarded, and what takes it back."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from app.kit.db import Database
from app.ledger.doctor import examine
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, redeem, roll_back, try_to_redeem
from tests.factories.incentives import Answer, ask, give_campaign
from tests.factories.outbox import follow_all
from tests.factories.referrals import end_cooling_off, give_code, give_program

EUR_10 = {"type": "CASH", "amount": 1000, "currency": "EUR"}


async def referrals(client: AsyncClient, project: ProjectKeys, query: str = "") -> list[Answer]:
    data: list[Answer] = (await ask(client, project, "GET", f"/x/v1/referrals?order=id{query}"))["data"]
    return data


async def owed(client: AsyncClient, project: ProjectKeys) -> dict[str, int]:
    """What is owed, by the shop's ids of the customers."""
    found = await ask(client, project, "GET", "/x/v1/referrals/payables")
    return {line["source_id"]: line["payable_amount"] for line in found["data"]}


def by(code: str, customer: str = "fred", **members: Any) -> dict[str, Any]:
    return cart(code, customer={"source_id": customer}, **members)


async def test_a_redemption_of_the_code_rewards_both(client: AsyncClient, project: ProjectKeys, db: Database) -> None:
    gifts = await give_campaign(
        client, project, voucher={"type": "GIFT_VOUCHER", "gift": {"amount": 100}, "discount": None}
    )
    campaign = await give_program(
        client,
        project,
        referee_reward={"type": "GIFT_VOUCHER", "amount": 500, "related_object_parent": {"id": gifts["id"]}},
        referrer_rewards=[EUR_10],
    )
    code = await give_code(client, project, campaign)

    redeemed = await redeem(client, project, by(code["code"]))
    await follow_all(db, project)

    (referral,) = await referrals(client, project)
    order = await ask(client, project, "GET", f"/v1/orders/{redeemed['redemptions'][0]['order']['id']}")
    (card,) = (await ask(client, project, "GET", "/v1/customers/fred/redeemables"))["data"]
    assert (referral["status"], referral["position"], referral["source"]) == ("REWARDED", 1, "redemption")
    assert (referral["referrer_id"], referral["redemption_id"]) == (code["holder_id"], redeemed["redemptions"][0]["id"])
    assert [(reward["to"], reward["type"]) for reward in referral["rewards"]] == [
        ("referee", "GIFT_VOUCHER"),
        ("referrer", "CASH"),
    ]
    path = f"/v1/vouchers/{card['redeemable']['voucher']['code']}/transactions"
    (added,) = (await ask(client, project, "GET", path))["data"]
    assert card["redeemable"]["voucher"]["gift"]["balance"] == 600
    assert (added["type"], added["details"].get("redemption")) == ("CREDITS_ADDITION", None)
    assert await owed(client, project) == {"rita": 1000}
    assert order["referrer_id"] == code["holder_id"]
    assert await examine(db, project.public_id) == []


async def test_a_coupon_and_points_are_rewards_too(client: AsyncClient, project: ProjectKeys, db: Database) -> None:
    coupons = await give_campaign(client, project)
    loyalty = await give_campaign(
        client, project, voucher={"type": "LOYALTY_CARD", "loyalty_card": {"points": 0}, "discount": None}
    )
    campaign = await give_program(
        client,
        project,
        referee_rewards=[{"type": "DISCOUNT_VOUCHER", "related_object_parent": {"id": coupons["id"]}}],
        referrer_rewards=[{"type": "LOYALTY_CARD", "amount": 50, "related_object_parent": {"id": loyalty["id"]}}],
    )
    code = await give_code(client, project, campaign)

    for friend in ("fred", "fiona"):
        await redeem(client, project, by(code["code"], friend))
    await follow_all(db, project)

    (coupon,) = (await ask(client, project, "GET", "/v1/customers/fred/redeemables"))["data"]
    held = (await ask(client, project, "GET", "/v1/customers/rita/redeemables"))["data"]
    (card,) = [each for each in held if each["voucher_type"] == "LOYALTY_CARD"]
    assert coupon["campaign_id"] == coupons["id"]
    assert card["redeemable"]["voucher"]["loyalty_card"]["balance"] == 100
    assert await examine(db, project.public_id) == []


async def test_a_custom_event_with_the_code_makes_a_referral(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    campaign = await give_program(
        client,
        project,
        conversion_event_type="custom_event",
        custom_event={"name": "subscribed"},
        referrer_rewards=[EUR_10],
    )
    code = await give_code(client, project, campaign)

    async def track(event: str, **members: Any) -> None:
        body = {"event": event, "customer": {"source_id": "fred"}, **members}
        await ask(client, project, "POST", "/v1/events", body)
        await follow_all(db, project)

    await track("signed_up", referral={"code": code["code"]})
    assert [referral["status"] for referral in await referrals(client, project)] == ["ATTRIBUTED"]
    await track("subscribed")
    await track("subscribed", referral={"code": code["code"]})

    assert [referral["status"] for referral in await referrals(client, project)] == ["REWARDED"]
    assert await owed(client, project) == {"rita": 1000}


async def test_an_order_that_is_paid_converts_whoever_was_referred(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    campaign = await give_program(
        client, project, conversion={"type": "order_paid", "minimum_amount": 3000}, referrer_rewards=[EUR_10]
    )
    code = await give_code(client, project, campaign)
    await ask(client, project, "POST", "/x/v1/referrals/claims", {"code": code["code"], "customer": {"source_id": "f"}})

    async def pay(amount: int) -> list[str]:
        body = {"amount": amount, "customer": {"source_id": "f"}, "status": "PAID"}
        await ask(client, project, "POST", "/v1/orders", body)
        await follow_all(db, project)
        return [referral["status"] for referral in await referrals(client, project)]

    assert await pay(2999) == ["ATTRIBUTED"]
    assert await pay(3000) == ["REWARDED"]
    assert await pay(9000) == ["REWARDED"]
    assert await owed(client, project) == {"rita": 1000}


async def test_metadata_of_the_customer_convert(client: AsyncClient, project: ProjectKeys, db: Database) -> None:
    campaign = await give_program(
        client, project, conversion={"type": "customer_metadata", "key": "verified", "value": True}
    )
    code = await give_code(client, project, campaign)
    await ask(
        client, project, "POST", f"/v1/referrals/members/{code['code']}/holders", {"holders": [{"source_id": "fred"}]}
    )

    statuses: list[str] = []
    for verified in (False, True):
        await ask(client, project, "PUT", "/v1/customers/fred", {"metadata": {"verified": verified}})
        await follow_all(db, project)
        statuses += [referral["status"] for referral in await referrals(client, project)]

    assert statuses == ["INVITED", "REWARDED"]


async def test_the_first_who_invited_a_customer_is_the_referrer(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    campaign = await give_program(client, project, conversion={"type": "order_paid"}, referrer_rewards=[EUR_10])
    for referrer in ("rita", "rob"):
        code = await give_code(client, project, campaign, referrer)
        path = f"/v1/referrals/members/{code['code']}/holders"
        await ask(client, project, "POST", path, {"holders": [{"source_id": "fred"}]})

    body = {"amount": 100, "customer": {"source_id": "fred"}, "status": "PAID"}
    await ask(client, project, "POST", "/v1/orders", body)
    await follow_all(db, project)

    assert await owed(client, project) == {"rita": 1000}
    assert sorted(referral["status"] for referral in await referrals(client, project)) == ["INVITED", "REWARDED"]


async def test_a_referrer_cannot_redeem_the_code_under_any_name(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_program(client, project)
    await ask(client, project, "POST", "/v1/customers", {"source_id": "rita", "email": "rita.r@gmail.com"})
    code = await give_code(client, project, campaign)

    async def refused(body: dict[str, Any]) -> str | None:
        key: str | None = (await try_to_redeem(client, project, body)).json().get("key")
        return key

    assert await refused(by(code["code"], "rita")) == "referrer_not_permitted_to_redeem"
    other_name = {"source_id": "rita2", "email": "Rita.R+x@googlemail.com"}
    assert await refused(cart(code["code"], customer=other_name)) == "referrer_not_permitted_to_redeem"
    assert await refused(cart(code["code"])) == "missing_customer"
    assert await refused(by(code["code"])) is None


async def test_whoever_shares_a_mail_address_is_referred_once(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    code = await give_code(client, project, await give_program(client, project, referrer_rewards=[EUR_10]))

    for number in range(3):
        friend = {"source_id": f"fred {number}", "email": f"fred+{number}@gmail.com"}
        await redeem(client, project, cart(code["code"], customer=friend))
    await follow_all(db, project)

    assert len(await referrals(client, project)) == 1
    assert await owed(client, project) == {"rita": 1000}


async def test_a_referee_from_the_referrers_device_makes_no_referral(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = await give_code(client, project, await give_program(client, project, referrer_rewards=[EUR_10]))
    await ask(client, project, "POST", "/v1/vouchers/PLAIN", {"discount": {"type": "PERCENT", "percent_off": 5}})
    settings = {"identity_scopes": {"device": "allow"}}
    async with db.write() as session:
        await session.execute(
            text("UPDATE projects SET settings = :s, configuration_version = configuration_version + 1 WHERE id = :id"),
            {"s": json.dumps(settings), "id": project.id},
        )

    await redeem(client, project, by("PLAIN", "rita", identity={"device": "her phone"}))
    await redeem(client, project, by(code["code"], "fred", identity={"device": "her phone"}))
    await redeem(client, project, by(code["code"], "fiona", identity={"device": "another"}))
    await follow_all(db, project)

    assert [row["rejection"] if "rejection" in row else row["status"] for row in await referrals(client, project)] == [
        "REWARDED"
    ]


@pytest.mark.parametrize("how", ["canceled", "refunded", "rolled_back"])
async def test_what_comes_back_while_it_cools_is_not_rewarded(
    client: AsyncClient, project: ProjectKeys, db: Database, how: str
) -> None:
    code = await give_code(
        client,
        project,
        await give_program(client, project, cooling_off="P14D", referrer_rewards=[EUR_10], limits={"per_referrer": 1}),
    )
    redeemed = await redeem(client, project, by(code["code"]))
    await follow_all(db, project)
    (cooling,) = await referrals(client, project)

    redemption = redeemed["redemptions"][0]
    if how == "canceled":
        await ask(client, project, "PUT", f"/v1/orders/{redemption['order']['id']}", {"status": "CANCELED"})
    elif how == "refunded":
        await ask(client, project, "POST", f"/x/v1/redemptions/{redemption['id']}/refund", {})
    else:
        assert (await roll_back(client, project, redemption["id"])).is_success
    await follow_all(db, project)
    await end_cooling_off(db, project)

    (rejected,) = await referrals(client, project)
    assert cooling["status"] == "COOLING"
    assert (rejected["status"], rejected["rewards"]) == ("REJECTED", [])
    assert rejected["rejection"] in (how, "canceled")
    assert await owed(client, project) == {}
    assert await examine(db, project.public_id) == []
    # The limit of one is free again, and so is the friend.
    await redeem(client, project, by(code["code"]))
    await follow_all(db, project)
    assert [referral["status"] for referral in await referrals(client, project)] == ["REJECTED", "COOLING"]


async def test_rewards_are_given_when_the_cooling_off_is_over(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project, cooling_off="P14D", referrer_rewards=[EUR_10])
    code = await give_code(client, project, program)
    redeemed = await redeem(client, project, by(code["code"]))
    await follow_all(db, project)
    assert await owed(client, project) == {}

    await end_cooling_off(db, project)
    await end_cooling_off(db, project)
    await ask(
        client,
        project,
        "PUT",
        f"/v1/orders/{redeemed['redemptions'][0]['order']['id']}",
        {"status": "CANCELED"},
    )
    await follow_all(db, project)

    assert await owed(client, project) == {"rita": 1000}
    assert [referral["status"] for referral in await referrals(client, project)] == ["REWARDED"]


async def test_levels_pay_by_the_number_of_the_referee(client: AsyncClient, project: ProjectKeys, db: Database) -> None:
    levels = [
        EUR_10 | {"to_referees": 2},
        EUR_10 | {"amount": 2000, "from_referees": 3},
        EUR_10 | {"amount": 50, "from_referees": 2, "once": True},
    ]
    code = await give_code(client, project, await give_program(client, project, referrer_rewards=levels))

    earned: list[int] = []
    for number in range(4):
        await redeem(client, project, by(code["code"], f"friend {number}"))
        await follow_all(db, project)
        earned.append((await owed(client, project))["rita"])

    assert earned == [1000, 2050, 4050, 6050]
    assert [referral["position"] for referral in await referrals(client, project)] == [1, 2, 3, 4]
    assert await examine(db, project.public_id) == []


@pytest.mark.parametrize("limit", ["referees", "per_referrer", "per_referrer_monthly"])
async def test_beyond_a_limit_referees_count_no_more(
    client: AsyncClient, project: ProjectKeys, db: Database, limit: str
) -> None:
    code = await give_code(
        client, project, await give_program(client, project, limits={limit: 2}, referrer_rewards=[EUR_10])
    )

    for number in range(4):
        await redeem(client, project, by(code["code"], f"friend {number}"))
    await follow_all(db, project)

    outcomes = [(each["status"], each.get("rejection")) for each in await referrals(client, project)]
    assert sorted(outcomes, key=str) == [
        ("REJECTED", "limit_reached"),
        ("REJECTED", "limit_reached"),
        ("REWARDED", None),
        ("REWARDED", None),
    ]
    assert await owed(client, project) == {"rita": 2000}
    assert await examine(db, project.public_id) == []


async def test_a_disabled_program_gives_nothing_until_it_is_enabled(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    campaign = await give_program(client, project, cooling_off="P1D", referrer_rewards=[EUR_10])
    code = await give_code(client, project, campaign)
    await redeem(client, project, by(code["code"]))
    await follow_all(db, project)

    await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/disable")
    await end_cooling_off(db, project)
    (waiting,) = await referrals(client, project)
    assert (await try_to_redeem(client, project, by(code["code"], "fiona"))).json()["key"] == "voucher_disabled"
    await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/enable")
    await end_cooling_off(db, project)

    assert (waiting["status"], waiting["problem"]) == ("COOLING", "The program is disabled.")
    assert [referral["status"] for referral in await referrals(client, project)] == ["REWARDED"]


async def test_rewards_that_run_out_wait_and_nothing_is_given_in_part(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    coupons = await give_campaign(client, project, type="STATIC")
    coupon = {"type": "DISCOUNT_VOUCHER", "related_object_parent": {"id": coupons["id"]}}
    code = await give_code(
        client,
        project,
        await give_program(client, project, referrer_rewards=[EUR_10], referee_rewards=[EUR_10, coupon]),
    )
    await redeem(client, project, by(code["code"]))
    await follow_all(db, project)
    (waiting,) = await referrals(client, project)
    before = await owed(client, project)

    await ask(client, project, "POST", f"/v1/campaigns/{coupons['id']}/vouchers/LATE")
    await end_cooling_off(db, project)

    assert (waiting["status"], "no code left" in waiting["problem"], before) == ("QUALIFIED", True, {})
    assert [(each["status"], "problem" in each) for each in await referrals(client, project)] == [("REWARDED", False)]
    assert await owed(client, project) == {"rita": 1000, "fred": 1000}


async def test_a_guest_who_turns_out_to_be_the_referrer_brings_nothing(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    code = await give_code(
        client, project, await give_program(client, project, cooling_off="P1D", referrer_rewards=[EUR_10])
    )
    await redeem(client, project, by(code["code"], "guest"))
    await redeem(client, project, by(code["code"], "fred"))
    await follow_all(db, project)

    await ask(client, project, "POST", "/x/v1/customers/rita/merge", {"guest": "guest"})
    await end_cooling_off(db, project)

    outcomes: Sequence[Any] = [(each["status"], each.get("rejection")) for each in await referrals(client, project)]
    assert sorted(outcomes, key=str) == [("REJECTED", "self_referral"), ("REWARDED", None)]
    assert await owed(client, project) == {"rita": 1000}
    assert await examine(db, project.public_id) == []


async def test_what_a_guest_has_earned_is_owed_to_the_account(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    campaign = await give_program(
        client, project, referrer_rewards=[EUR_10, EUR_10 | {"amount": 7, "from_referees": 3}]
    )
    for number, referrer in enumerate(("rita", "guest", "guest")):
        code = await give_code(client, project, campaign, referrer)
        await redeem(client, project, by(code["code"], f"friend {number}"))
        await follow_all(db, project)

    await ask(client, project, "POST", "/x/v1/customers/rita/merge", {"guest": "guest"})
    await redeem(client, project, by(code["code"], "friend 9"))
    await follow_all(db, project)

    board = await ask(client, project, "GET", f"/x/v1/referrals/leaderboard?campaign={campaign['id']}")
    assert await owed(client, project) == {"rita": 4007}
    assert [(line["referees"], line["rewarded"]) for line in board["data"]] == [(4, 4)]
    assert await examine(db, project.public_id) == []
