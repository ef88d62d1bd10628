"""A guest becomes a customer: everything counted comes along, once."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from httpx import AsyncClient, Limits, Response
from sqlalchemy import select

from app.decisions.merges.moving import RENAMED
from app.kit.db import Database
from app.models import AuditEntry, Base, CustomerEventCount, Redemption
from tests.factories.access import ProjectKeys, give_key, give_project, server_headers
from tests.factories.audiences import give_segment, segments_of
from tests.factories.carts import cart, redeem, roll_back, try_to_redeem, validate
from tests.factories.identities import ONCE_IN_CAMPAIGN, differences, give_limited_code, give_scopes, limit
from tests.factories.incentives import ask
from tests.factories.pools import give_pool, give_voucher
from tests.factories.rules import rule_of

CLIENTS = 20
GUEST, ANN = {"source_id": "guest-1"}, {"source_id": "ann"}


async def try_to_merge(client: AsyncClient, project: ProjectKeys, into: str, guest: str, **headers: str) -> Response:
    return await client.post(
        f"/x/v1/customers/{into}/merge", json={"guest": guest}, headers={**project.server, **headers}
    )


async def merge(client: AsyncClient, project: ProjectKeys, into: str = "ann", guest: str = "guest-1") -> dict[str, Any]:
    response = await try_to_merge(client, project, into, guest)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def give_both(client: AsyncClient, project: ProjectKeys, **guest: Any) -> tuple[str, str]:
    """The ids of an account and a guest."""
    account = await ask(client, project, "POST", "/v1/customers", ANN)
    stranger = await ask(client, project, "POST", "/v1/customers", {**GUEST, **guest})
    return account["id"], stranger["id"]


async def test_what_a_guest_redeemed_counts_for_the_account(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = await give_limited_code(client, db, project)
    account_id, guest_id = await give_both(client, project)
    await redeem(client, project, cart(code, customer=GUEST))

    merged = await merge(client, project)

    assert merged == {
        "object": "customer_merge",
        "customer_id": account_id,
        "guest_id": guest_id,
        "moved": {"redemptions": 1, "orders": 1, "vouchers": 0, "publications": 0},
    }
    for customer in (ANN, GUEST, {"id": guest_id}):
        response = await try_to_redeem(client, project, cart(code, customer=customer))
        assert response.json()["key"] == "redemption_rules_violated"
    assert await differences(db, project) == []


async def test_counts_of_both_add_up_and_what_both_share_is_not_doubled(client: AsyncClient, db: Database) -> None:
    project = await give_scopes(db, email="allow", device="allow")
    code = await give_limited_code(
        client, db, project, rule_of("redemption.count.per_customer", "$less_than_or_equal", 4)
    )
    mail, device = {"email": "ann@example.com"}, {"device": "d-1"}
    await redeem(client, project, cart(code, customer=ANN | mail, identity=device))
    kept = await redeem(client, project, cart(code, customer=GUEST | mail, identity=device))

    await merge(client, project)

    assert await differences(db, project) == []
    await redeem(client, project, cart(code, customer=ANN | mail, identity=device))
    await redeem(client, project, cart(code, customer=ANN | mail, identity=device))
    refused = await try_to_redeem(client, project, cart(code, customer=ANN | mail, identity=device))
    assert refused.json()["key"] == "redemption_rules_violated"
    await roll_back(client, project, kept["redemptions"][0]["id"])
    assert await differences(db, project) == []
    await redeem(client, project, cart(code, customer=GUEST))
    assert (await try_to_redeem(client, project, cart(code, customer=ANN))).status_code == 400
    assert await differences(db, project) == []


async def test_a_limit_that_was_named_after_the_guest_bought_carries_over_too(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, vouchers_count=1)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    await give_both(client, project)
    for customer in (GUEST, ANN):
        await redeem(client, project, cart(voucher.code, customer=customer))
    for name in (ONCE_IN_CAMPAIGN, "redemption.count.per_customer.monthly"):
        await limit(client, project, campaign.id, rule_of(name, "$less_than_or_equal", 3))

    await merge(client, project)

    await redeem(client, project, cart(voucher.code, customer=ANN))
    assert (await try_to_redeem(client, project, cart(voucher.code, customer=ANN))).status_code == 400
    assert await differences(db, project) == []


async def test_a_guest_who_used_what_the_account_used_has_used_it_twice(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = await give_limited_code(client, db, project)
    first = [await redeem(client, project, cart(code, customer=customer)) for customer in (GUEST, ANN)]

    await merge(client, project)

    await roll_back(client, project, first[0]["redemptions"][0]["id"])
    assert (await try_to_redeem(client, project, cart(code, customer=ANN))).status_code == 400
    await roll_back(client, project, first[1]["redemptions"][0]["id"])
    await redeem(client, project, cart(code, customer=ANN))
    assert await differences(db, project) == []


async def test_limited_units_carry_over(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    product = await ask(client, project, "POST", "/v1/products", {"source_id": "shirt", "name": "Shirt", "price": 2000})
    campaign = await give_pool(db, project, vouchers_count=1)
    voucher = await give_voucher(
        db,
        project,
        campaign_id=campaign.id,
        discount={"type": "PERCENT", "percent_off": 50, "effect": "APPLY_TO_ITEMS"},
    )
    entry = {"object": "product", "id": product["id"], "product_customer_campaign_quantity_limit": 3}
    body = {"rules": {}, "applicable_to": {"included": [entry], "included_all": False}}
    rule = await ask(client, project, "POST", "/v1/validation-rules", body)
    await ask(
        client,
        project,
        "POST",
        f"/v1/validation-rules/{rule['id']}/assignments",
        {"related_object_type": "campaign", "related_object_id": campaign.id},
    )
    two = {"source_id": "shirt", "related_object": "product", "price": 2000, "quantity": 2}
    taken = await redeem(client, project, cart(voucher.code, customer=GUEST, items=[two]))
    await give_both(client, project)

    await merge(client, project)

    answer = await validate(client, project, cart(voucher.code, customer=ANN, items=[two]))
    assert answer["order"]["total_discount_amount"] == 1000  # of one shirt
    assert await differences(db, project) == []
    await roll_back(client, project, taken["redemptions"][0]["id"])
    assert await differences(db, project) == []


async def test_merging_again_changes_nothing_and_merging_into_another_is_refused(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = await give_limited_code(client, db, project, rule_of(ONCE_IN_CAMPAIGN, "$less_than_or_equal", 2))
    account_id, guest_id = await give_both(client, project)
    await ask(client, project, "POST", "/v1/customers", {"source_id": "bob"})
    await redeem(client, project, cart(code, customer=GUEST))
    await merge(client, project)

    again = await merge(client, project, guest=guest_id)
    other = await try_to_merge(client, project, "bob", "guest-1")
    itself = await try_to_merge(client, project, "ann", account_id)
    backwards = await try_to_merge(client, project, "guest-1", "ann")
    unknown = [
        await try_to_merge(client, project, *pair) for pair in (("ann", "nobody"), ("nobody", "ann"), ("ann", ""))
    ]

    assert again["moved"] == {"redemptions": 0, "orders": 0, "vouchers": 0, "publications": 0}
    assert (other.status_code, other.json()["key"]) == (400, "customer_already_merged")
    assert (itself.status_code, itself.json()["key"]) == (400, "same_customer")
    assert (backwards.status_code, backwards.json()["key"]) == (400, "same_customer")
    assert [response.status_code for response in unknown] == [404, 404, 400]
    await redeem(client, project, cart(code, customer=ANN))
    assert await differences(db, project) == []
    async with db.read() as session:
        logged = select(AuditEntry).where(AuditEntry.project_id == project.id, AuditEntry.action == "customer.merged")
        assert [entry.changes["guest_id"] for entry in await session.scalars(logged)] == [guest_id]


async def test_a_chain_of_merges_leads_to_the_last_customer(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = await give_limited_code(client, db, project)
    await redeem(client, project, cart(code, customer=GUEST))
    for source_id in ("ann", "boss"):
        await ask(client, project, "POST", "/v1/customers", {"source_id": source_id})
    await merge(client, project)

    await merge(client, project, into="boss", guest="ann")

    for name in ("guest-1", "ann", "boss"):
        assert (await ask(client, project, "GET", f"/v1/customers/{name}"))["source_id"] == "boss"
        refused = await try_to_redeem(client, project, cart(code, customer={"source_id": name}))
        assert refused.json()["key"] == "redemption_rules_violated"
    assert (await ask(client, project, "GET", "/v1/customers"))["total"] == 1
    assert await differences(db, project) == []


async def test_the_account_keeps_its_word_and_takes_what_only_the_guest_has_said(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    account = {**ANN, "name": "Ann", "metadata": {"tier": "gold"}}
    await ask(client, project, "POST", "/v1/customers", account)
    said = {"name": "A.", "email": "ann@example.com", "phone": "0170", "metadata": {"tier": "none", "size": 7}}
    guest = await ask(client, project, "POST", "/v1/customers", {**GUEST, **said})
    segment = await give_segment(client, project, customers=[guest["id"]])
    await client.post(
        "/v1/events", json={"event": "visited", "customer": GUEST, "metadata": {}}, headers=project.server
    )
    voucher = await give_voucher(db, project, holder_id=guest["id"])

    answer = await merge(client, project)

    assert answer["moved"]["vouchers"] == 1
    shown = await ask(client, project, "GET", "/v1/customers/ann")
    assert shown["name"] == "Ann"
    assert shown["email"] == "ann@example.com"
    assert shown["metadata"] == {"tier": "gold", "size": 7}
    assert await segments_of(client, project, "ann") == [segment["id"]]
    wallet = await ask(client, project, "GET", "/v1/customers/ann/redeemables")
    assert [held["redeemable"]["voucher"]["code"] for held in wallet["data"]] == [voucher.code]
    assert (await ask(client, project, "GET", "/v1/customers?email=ann@example.com"))["total"] == 1
    async with db.read() as session:
        counted = select(CustomerEventCount.customer_id).where(CustomerEventCount.project_id == project.id)
        assert list(await session.scalars(counted)) == [shown["id"]]


async def test_erasing_a_merged_guest_leaves_the_account(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    account_id, guest_id = await give_both(client, project)
    await merge(client, project)

    await client.delete(f"/v1/customers/{guest_id}", headers=project.server)

    assert (await ask(client, project, "GET", "/v1/customers/ann"))["id"] == account_id
    assert (await client.get(f"/v1/customers/{guest_id}", headers=project.server)).status_code == 404


async def test_erasing_an_account_frees_the_names_of_its_guests(client: AsyncClient, project: ProjectKeys) -> None:
    await give_both(client, project)
    await merge(client, project)

    await client.delete("/v1/customers/ann", headers=project.server)

    assert (await client.get("/v1/customers/guest-1", headers=project.server)).status_code == 404
    assert (await ask(client, project, "POST", "/v1/customers", GUEST))["source_id"] == "guest-1"


async def test_merging_needs_the_right_to_write_customers_of_the_project(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_both(client, project)
    viewer = server_headers(await give_key(db, project, "viewer"))
    other = await give_project(db)

    forbidden = await client.post("/x/v1/customers/ann/merge", json={"guest": "guest-1"}, headers=viewer)
    elsewhere = await try_to_merge(client, other, "ann", "guest-1")

    assert (forbidden.status_code, elsewhere.status_code) == (403, 404)


def test_every_column_that_names_a_customer_is_given_to_the_other_one() -> None:
    named = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name in ("customer_id", "holder_id", "referrer_id", "referee_id", "merged_into")
    }

    by_themselves = {
        "redemptions.customer_id",
        "segment_members.customer_id",
        "segment_standings.customer_id",
        "customer_event_counts.customer_id",
        "customer_birthdays.customer_id",
        "milestone_crossings.customer_id",
        "customer_activities.customer_id",  # what happened to a guest is looked up under the guest's name, too
    }
    assert named == by_themselves | {f"{column.class_.__tablename__}.{column.key}" for column in RENAMED}


async def test_a_merge_among_redemptions_and_rollbacks_loses_and_doubles_nothing(
    live_server: str, db: Database
) -> None:
    project = await give_scopes(db, email="allow")
    limits = Limits(max_connections=3 * CLIENTS, max_keepalive_connections=3 * CLIENTS)
    async with AsyncClient(base_url=live_server, limits=limits, timeout=60) as http:
        code = await give_limited_code(http, db, project, rule_of(ONCE_IN_CAMPAIGN, "$less_than_or_equal", 10))
        account_id, _ = await give_both(http, project)
        before = [await redeem(http, project, cart(code, customer=customer)) for customer in (GUEST, ANN)]
        work = [
            *(
                try_to_redeem(
                    http, project, cart(code, customer=GUEST | {"name": str(n)}), **{"Idempotency-Key": f"guest-{n}"}
                )
                for n in range(CLIENTS)
            ),
            *(
                try_to_redeem(
                    http, project, cart(code, customer=ANN | {"name": str(n)}), **{"Idempotency-Key": f"paid-{n}"}
                )
                for n in range(CLIENTS)
            ),
            *(try_to_merge(http, project, "ann", "guest-1") for _ in range(CLIENTS // 2)),
            *(roll_back(http, project, each["redemptions"][0]["id"]) for each in before),
        ]
        responses = await asyncio.gather(*(work[place] for place in sorted(range(len(work)), key=lambda n: n % 7)))
        await merge(http, project)
        refused = await try_to_redeem(http, project, cart(code, customer=ANN))

    statuses = Counter(response.status_code for response in responses)
    assert set(statuses) == {200, 400}
    assert refused.json()["key"] == "redemption_rules_violated"
    async with db.read() as session:
        stored = select(Redemption.customer_id).where(
            Redemption.project_id == project.id, Redemption.status == "SUCCEEDED", Redemption.object == "redemption"
        )
        counted = Counter(await session.scalars(stored))
    assert set(counted) == {account_id}
    assert counted[account_id] >= 10
    assert await differences(db, project) == []


@pytest.mark.parametrize("into", [("ann", "bob"), ("ann", "ann")])
async def test_one_guest_becomes_one_customer_whoever_asks_first(
    live_server: str, db: Database, project: ProjectKeys, into: tuple[str, str]
) -> None:
    async with AsyncClient(base_url=live_server, timeout=60) as http:
        code = await give_limited_code(http, db, project)
        await ask(http, project, "POST", "/v1/customers", {"source_id": "bob"})
        await give_both(http, project)
        await redeem(http, project, cart(code, customer=GUEST))

        responses = await asyncio.gather(
            *(try_to_merge(http, project, into[number % 2], "guest-1") for number in range(10))
        )

        merged = [response.json() for response in responses if response.status_code == 200]
        assert len({answer["customer_id"] for answer in merged}) == 1
        assert sum(answer["moved"]["redemptions"] for answer in merged) == 1
        assert {r.json()["key"] for r in responses if r.status_code != 200} <= {"customer_already_merged"}
        assert await differences(db, project) == []


async def test_a_merge_with_an_idempotency_key_answers_the_same_again(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = await give_limited_code(client, db, project)
    await give_both(client, project)
    await redeem(client, project, cart(code, customer=GUEST))

    answers = [
        (await try_to_merge(client, project, "ann", "guest-1", **{"Idempotency-Key": "sign-in-1"})).json()
        for _ in range(2)
    ]

    assert answers[0] == answers[1]
    assert answers[0]["moved"]["redemptions"] == 1


async def test_what_a_session_holds_for_the_guest_is_held_for_the_account(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    code = await give_limited_code(client, db, project)
    await give_both(client, project)
    session = {"session": {"type": "LOCK", "key": "cart-1"}}
    await validate(client, project, cart(code, customer=GUEST, **session))

    await merge(client, project)

    assert await differences(db, project) == []
    refused = await try_to_redeem(client, project, cart(code, customer=ANN))
    assert refused.status_code == 400
    await redeem(client, project, cart(code, customer=ANN, **session))
    assert await differences(db, project) == []
