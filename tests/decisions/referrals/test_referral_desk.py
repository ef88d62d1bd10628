"""Claims, lists, totals, the leaderboard, and what is owed and paid out."""

import asyncio
import csv
from typing import Any

import httpx
import pytest
from httpx import AsyncClient

from app.kit.db import Database
from app.ledger.doctor import examine
from tests.factories.access import ProjectKeys, give_key, give_project, server_headers
from tests.factories.carts import cart, redeem
from tests.factories.incentives import Answer, ask
from tests.factories.outbox import follow_all
from tests.factories.referrals import give_code, give_program

CASH = {"type": "CASH", "amount": 1000}


async def claim(client: AsyncClient, project: ProjectKeys, code: str, customer: str) -> Answer:
    body = {"code": code, "customer": {"source_id": customer}}
    return await ask(client, project, "POST", "/x/v1/referrals/claims", body)


async def refused(client: AsyncClient, project: ProjectKeys, path: str, body: Any) -> tuple[int, str]:
    response = await client.post(path, json=body, headers=project.server)
    return response.status_code, response.json()["key"]


async def test_who_claims_again_has_the_same_referral(client: AsyncClient, project: ProjectKeys) -> None:
    code = await give_code(client, project, await give_program(client, project))

    first, second = [await claim(client, project, code["code"], "fred") for _ in range(2)]

    assert first == second
    assert (first["status"], first["source"], first["referrer_id"]) == ("ATTRIBUTED", "claim", code["holder_id"])
    assert await ask(client, project, "GET", f"/x/v1/referrals/{first['id']}") == first


async def test_a_claim_that_cannot_be_is_refused_by_name(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_program(client, project)
    code = await give_code(client, project, campaign)
    other = await give_code(client, project, campaign, "rob")
    await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/UNGIVEN")
    await claim(client, project, code["code"], "fred")
    path = "/x/v1/referrals/claims"

    def body(code: str, customer: str = "fiona") -> dict[str, Any]:
        return {"code": code, "customer": {"source_id": customer}}

    assert await refused(client, project, path, body("NONE")) == (404, "not_found")
    assert await refused(client, project, path, body("UNGIVEN")) == (400, "not_published")
    assert await refused(client, project, path, body(other["code"], "fred")) == (409, "already_referred")
    assert await refused(client, project, path, body(code["code"], "rita")) == (400, "referrer_not_permitted_to_redeem")
    assert await refused(client, project, path, {"code": code["code"]}) == (400, "invalid_payload")
    assert await refused(client, project, path, {"code": "", "customer": {}}) == (400, "invalid_payload")
    await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/disable")
    assert await refused(client, project, path, body(code["code"])) == (400, "campaign_not_active")


async def test_one_friend_claimed_fifty_times_at_once_is_referred_once(
    client: AsyncClient, project: ProjectKeys, db: Database, live_server: str
) -> None:
    campaign = await give_program(client, project, referrer_rewards=[CASH])
    codes = [(await give_code(client, project, campaign, f"referrer {number}"))["code"] for number in range(5)]

    async with AsyncClient(base_url=live_server, limits=httpx.Limits(max_connections=50), timeout=60) as http:

        async def try_to_claim(number: int) -> httpx.Response:
            # Fifty names of one person: the mail address is the same.
            customer = {"source_id": f"fred {number % 10}", "email": f"Fred+{number % 10}@gmail.com"}
            body = {"code": codes[number % 5], "customer": customer}
            return await http.post("/x/v1/referrals/claims", json=body, headers=project.server)

        answers = await asyncio.gather(*(try_to_claim(number) for number in range(50)))

    referrals = (await ask(client, project, "GET", "/x/v1/referrals?limit=100"))["data"]
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 1
    assert len(referrals) == 1
    assert await examine(db, project.public_id) == []


async def test_one_friend_who_redeems_fifty_times_at_once_is_paid_for_once(
    client: AsyncClient, project: ProjectKeys, db: Database, live_server: str, worker: None
) -> None:
    campaign = await give_program(client, project, referrer_rewards=[CASH])
    code = await give_code(client, project, campaign)
    await ask(client, project, "POST", "/v1/customers", {"source_id": "fred"})

    async with AsyncClient(base_url=live_server, limits=httpx.Limits(max_connections=50), timeout=60) as http:
        body = cart(code["code"], customer={"source_id": "fred"})
        answers = await asyncio.gather(
            *(http.post("/v1/redemptions", json=body, headers=project.server) for _ in range(50))
        )
    await follow_all(db, project)

    (payable,) = (await ask(client, project, "GET", "/x/v1/referrals/payables"))["data"]
    assert [answer.status_code for answer in answers] == [200] * 50
    assert payable["payable_amount"] == 1000
    assert [row["status"] for row in (await ask(client, project, "GET", "/x/v1/referrals"))["data"]] == ["REWARDED"]
    assert await examine(db, project.public_id) == []


async def test_lists_totals_and_the_leaderboard_agree(client: AsyncClient, project: ProjectKeys, db: Database) -> None:
    campaign = await give_program(client, project, referrer_rewards=[CASH])
    codes = {name: (await give_code(client, project, campaign, name))["code"] for name in ("rita", "rob", "ruth")}
    for number, referrer in enumerate(("rita", "rob", "rita", "rita", "ruth")):
        await redeem(client, project, cart(codes[referrer], customer={"source_id": f"friend {number}"}))
    await claim(client, project, codes["ruth"], "friend 9")
    await follow_all(db, project)

    path = f"/x/v1/referrals/leaderboard?campaign={campaign['id']}"
    board = await ask(client, project, "GET", path)
    referrers = {(await ask(client, project, "GET", f"/v1/customers/{name}"))["id"]: name for name in codes}
    totals = await ask(client, project, "GET", f"/x/v1/referrals/totals?campaign={campaign['id']}")
    rewarded = await ask(client, project, "GET", "/x/v1/referrals?filters[status][conditions][$is]=REWARDED")
    month = rewarded["data"][0]["qualified_at"][:7]
    monthly = await ask(client, project, "GET", f"{path}&month={month}")

    shown = [(line["rank"], referrers[line["referrer_id"]], line["referees"]) for line in board["data"]]
    assert shown[0] == (1, "rita", 3)
    assert sorted(shown[1:]) == [(2, "rob", 1), (2, "ruth", 1)]
    assert [line["rewarded"] for line in board["data"]] == [3, 1, 1]
    assert [line["referees"] for line in monthly["data"]] == [3, 1, 1]
    assert (totals["referrals"]["rewarded"], totals["referrals"]["attributed"]) == (5, 1)
    assert totals == await ask(client, project, "GET", "/x/v1/referrals/totals") | {"campaign_id": campaign["id"]}
    assert len(rewarded["data"]) == 5
    by_referrer = await ask(client, project, "GET", f"/x/v1/referrals?referrer_id={board['data'][0]['referrer_id']}")
    assert len(by_referrer["data"]) == 3


async def test_what_is_owed_is_paid_once_under_a_source_id(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    rewards = [CASH, CASH | {"currency": "USD", "amount": 70}]
    code = await give_code(client, project, await give_program(client, project, referrer_rewards=rewards))
    await redeem(client, project, cart(code["code"], customer={"source_id": "fred"}))
    await follow_all(db, project)
    payout = {"customer": "rita", "amount": 400, "source_id": "bank 1", "reason": "November"}

    first = await ask(client, project, "POST", "/x/v1/referrals/payouts", payout)
    again = await ask(client, project, "POST", "/x/v1/referrals/payouts", payout)

    assert first == again
    assert (first["payable_amount"], first["earned_amount"], first["paid_amount"]) == (600, 1000, 400)
    path = "/x/v1/referrals/payouts"
    assert await refused(client, project, path, payout | {"amount": 401}) == (400, "duplicate_source_id")
    assert await refused(client, project, path, {"customer": "rita", "amount": 601}) == (400, "invalid_amount")
    assert await refused(client, project, path, {"customer": "rita", "amount": 71, "currency": "USD"}) == (
        400,
        "invalid_amount",
    )
    assert await refused(client, project, path, {"customer": "nobody", "amount": 1}) == (404, "not_found")
    assert await refused(client, project, path, {"customer": "rita", "amount": 0}) == (400, "invalid_payload")
    assert (await ask(client, project, "POST", path, {"customer": "rita", "amount": 70, "currency": "usd"}))[
        "payable_amount"
    ] == 0
    exported = await client.get("/x/v1/referrals/payables/export", headers=project.server)
    lines = list(csv.DictReader(exported.text.splitlines()))
    assert [(line["source_id"], line["payable_amount"], line["paid_amount"]) for line in lines] == [
        ("rita", "600", "400")
    ]
    statement = await ask(
        client, project, "GET", f"/x/v1/ledger/accounts/{code['holder_id']}/statement?measure=payable&currency=USD"
    )
    assert (statement["opening_balance"], statement["closing_balance"]) == (0, 0)
    assert [entry["amount"] for entry in statement["data"]] == [70, -70]
    assert await examine(db, project.public_id) == []


async def test_the_list_of_payables_has_pages(client: AsyncClient, project: ProjectKeys, db: Database) -> None:
    campaign = await give_program(client, project, referrer_rewards=[CASH])
    for number in range(3):
        code = await give_code(client, project, campaign, f"referrer {number}")
        await redeem(client, project, cart(code["code"], customer={"source_id": f"friend {number}"}))
    await follow_all(db, project)

    first = await ask(client, project, "GET", "/x/v1/referrals/payables?limit=2")
    cursor = httpx.QueryParams({"starting_after": first["more_starting_after"]})
    second = await ask(client, project, "GET", f"/x/v1/referrals/payables?limit=2&{cursor}")
    one = await ask(client, project, "GET", "/x/v1/referrals/payables?customer=referrer 1")

    ids = [line["customer_id"] for page in (first, second) for line in page["data"]]
    assert (len(first["data"]), first["has_more"], second["has_more"]) == (2, True, False)
    assert ids == sorted(set(ids))
    assert len(ids) == 3
    assert [line["source_id"] for line in one["data"]] == ["referrer 1"]


async def test_a_referral_is_rejected_by_hand_only_before_it_is_rewarded(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    code = await give_code(client, project, await give_program(client, project, referrer_rewards=[CASH]))
    referral = await claim(client, project, code["code"], "fred")
    rejected = await ask(client, project, "POST", f"/x/v1/referrals/{referral['id']}/reject")
    await redeem(client, project, cart(code["code"], customer={"source_id": "fred"}))
    await follow_all(db, project)
    (rewarded,) = (await ask(client, project, "GET", "/x/v1/referrals?filters[status][conditions][$is]=REWARDED"))[
        "data"
    ]

    assert (rejected["status"], rejected["rejection"]) == ("REJECTED", "withdrawn")
    path = f"/x/v1/referrals/{rewarded['id']}/reject"
    assert await refused(client, project, path, {}) == (400, "resource_in_use")
    assert await refused(client, project, "/x/v1/referrals/rf_none/reject", {}) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("leaderboard", 400),
        ("leaderboard?campaign=none", 404),
        ("leaderboard?campaign=none&month=2026-13", 400),
        ("leaderboard?campaign=x&limit=1000", 400),
        ("totals?campaign=none", 404),
        ("payables?customer=nobody", 404),
        ("payables?limit=0", 400),
        ("?filters[status][conditions][$is]=SLEEPING", 400),
        ("?filters[mood][conditions][$is]=good", 400),
        ("rf_none", 404),
    ],
)
async def test_questions_that_mean_nothing_are_refused(
    client: AsyncClient, project: ProjectKeys, query: str, status: int
) -> None:
    path = f"/x/v1/referrals{query if query.startswith('?') else f'/{query}'}"

    assert (await client.get(path, headers=project.server)).status_code == status


async def test_another_project_sees_nothing_and_support_pays_nobody(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    code = await give_code(client, project, await give_program(client, project, referrer_rewards=[CASH]))
    referral = await claim(client, project, code["code"], "fred")
    stranger, support = await give_project(db), server_headers(await give_key(db, project, "support"))

    assert (await client.get(f"/x/v1/referrals/{referral['id']}", headers=stranger.server)).status_code == 404
    assert (await ask(client, stranger, "GET", "/x/v1/referrals"))["data"] == []
    body = {"customer": "rita", "amount": 1}
    assert (await client.post("/x/v1/referrals/payouts", json=body, headers=support)).status_code == 403
    rejected = await client.post(f"/x/v1/referrals/{referral['id']}/reject", headers=support)
    assert rejected.json()["status"] == "REJECTED"
