"""Limits of the client-side API: exact over all processes, and only for what they are meant for."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Limits, Response
from sqlalchemy import func, select, update

from app.access.client_side.allowances import delete_ended, give_back, network_of, take
from app.kit import clock
from app.kit.db import Database
from app.kit.jobs import Work
from app.models import ClientAllowance
from app.worker import forget_allowances
from tests.factories.access import ProjectKeys, give_key, give_project
from tests.factories.carts import cart
from tests.factories.incentives import ask, give_coupon
from tests.factories.pages import from_page
from tests.factories.promotions import give_tier, tiers_cart
from tests.factories.rules import give_assignment, give_rule
from tests.factories.servers import roomy_settings, serving
from tests.factories.stacking import give_stacking_rules

PAGES = 50
LONG = 600

Serve = Callable[..., AsyncClient]


@pytest.fixture
def urls(database_url: str) -> Iterator[Callable[..., str]]:
    """Starts one more process' worth of application, under the settings given."""
    with ExitStack() as stack:

        def start(*, trusted_proxies: str = "127.0.0.1", **settings: Any) -> str:
            roomy = roomy_settings(database_url, pool_size=8, **settings)
            return stack.enter_context(serving(roomy, trusted_proxies=trusted_proxies))

        yield start


@pytest.fixture
async def serve(urls: Callable[..., str]) -> AsyncIterator[Serve]:
    """The same, as a client of it with a connection for each page."""
    limits = Limits(max_connections=PAGES, max_keepalive_connections=PAGES)
    clients: list[AsyncClient] = []
    async with AsyncExitStack() as stack:

        def start(**settings: Any) -> AsyncClient:
            clients.append(AsyncClient(base_url=urls(**settings), limits=limits, timeout=60))
            stack.push_async_callback(clients[-1].aclose)
            return clients[-1]

        yield start


def outcomes(responses: Sequence[Response]) -> Counter[str]:
    """How many were answered, and how many refused with which key."""
    return Counter("ok" if response.status_code == 200 else str(response.json().get("key")) for response in responses)


async def guess(client: AsyncClient, project: ProjectKeys, *codes: str, **members: Any) -> Response:
    """A page tries these codes; from the address, if one is given."""
    address = members.pop("address", "203.0.113.1")
    return await from_page(
        client, project, "POST", "/validations", cart(*codes, **members), **{"X-Forwarded-For": address}
    )


async def visit(client: AsyncClient, project: ProjectKeys, address: str = "203.0.113.1") -> Response:
    return await from_page(client, project, "GET", "/promotions/tiers", **{"X-Forwarded-For": address})


async def test_of_fifty_requests_at_two_processes_exactly_as_many_are_answered_as_may_be(
    serve: Serve, project: ProjectKeys
) -> None:
    limits = {"client_requests_per_address": 7, "client_requests_seconds": LONG}
    servers = [serve(**limits), serve(**limits)]

    responses = await asyncio.gather(*(visit(servers[n % 2], project) for n in range(PAGES)))

    assert outcomes(responses) == {"ok": 7, "too_many_requests": PAGES - 7}
    left = sorted(int(each.headers["X-Rate-Limit-Remaining"]) for each in responses if each.status_code == 200)
    assert left == list(range(7))


async def test_a_refusal_says_when_to_come_back_and_then_the_page_is_served_again(
    serve: Serve, project: ProjectKeys
) -> None:
    server = serve(client_requests_per_address=1, client_requests_seconds=1)

    first, refused = await visit(server, project), await visit(server, project)
    await asyncio.sleep(1.05)
    later = await visit(server, project)

    assert [first.status_code, refused.status_code, later.status_code] == [200, 429, 200]
    error = refused.json()
    assert (error["code"], error["key"]) == (429, "too_many_requests")
    assert error["message"] == "Too many requests hit the API too quickly."
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["X-Rate-Limit-Limit"] == "1"
    assert refused.headers["X-Rate-Limit-Remaining"] == "0"
    assert abs(int(refused.headers["X-Rate-Limit-Retry"]) - clock.now().timestamp()) < 5


async def test_requests_are_counted_for_each_address_and_project(
    serve: Serve, db: Database, project: ProjectKeys
) -> None:
    server, other = serve(client_requests_per_address=1, client_requests_seconds=LONG), await give_project(db)

    responses = [
        await visit(server, project, "203.0.113.1"),
        await visit(server, project, "203.0.113.2"),
        await visit(server, other, "203.0.113.1"),
        await visit(server, project, "2001:db8::1"),
        await visit(server, project, "2001:db8::2"),
        await visit(server, project, "203.0.113.1"),
    ]

    assert [response.status_code for response in responses] == [200, 200, 200, 200, 429, 429]


async def test_the_address_is_that_of_the_connection_unless_the_proxy_is_trusted(
    serve: Serve, project: ProjectKeys
) -> None:
    server = serve(client_requests_per_address=1, client_requests_seconds=LONG, trusted_proxies="192.0.2.1")

    responses = [await visit(server, project, f"203.0.113.{n}") for n in range(3)]

    assert [response.status_code for response in responses] == [200, 429, 429]


async def test_a_replayed_answer_counts_as_a_request(serve: Serve, db: Database) -> None:
    server = serve(client_requests_per_address=3, client_requests_seconds=LONG)
    project = await give_project(db, client_redeem_enabled=True)
    await give_coupon(server, project, "TEN")
    key = {"Idempotency-Key": "again"}

    responses = [await from_page(server, project, "POST", "/redemptions", cart("TEN"), **key) for _ in range(4)]

    assert [response.status_code for response in responses] == [200, 200, 200, 429]


async def test_server_keys_meet_no_limit_of_pages(serve: Serve, project: ProjectKeys) -> None:
    server = serve(client_requests_per_address=1, client_failures_per_address=1)

    for _ in range(5):
        answer = await ask(server, project, "POST", "/v1/validations", cart("NONE"))

        assert answer["redeemables"][0]["result"]["error"]["key"] == "not_found"


async def test_of_fifty_guesses_at_two_processes_exactly_as_many_are_answered_as_may_fail(
    serve: Serve, project: ProjectKeys
) -> None:
    limits = {"client_failures_per_address": 5, "client_failures_seconds": LONG}
    servers = [serve(**limits), serve(**limits)]

    responses = await asyncio.gather(*(guess(servers[n % 2], project, f"GUESS-{n}") for n in range(PAGES)))

    assert outcomes(responses) == {"ok": 5, "too_many_failed_lookups": PAGES - 5}


async def test_codes_that_can_be_used_cost_nothing_however_many_pages_use_them(
    serve: Serve, project: ProjectKeys
) -> None:
    server = serve(client_failures_per_address=PAGES, client_failures_per_customer=PAGES, client_failures_seconds=LONG)
    await give_coupon(server, project, "TEN")
    ada = {"customer": {"source_id": "ada"}}

    good = await asyncio.gather(*(guess(server, project, "TEN", **ada) for _ in range(PAGES)))
    more = await asyncio.gather(*(guess(server, project, "TEN", **ada) for _ in range(PAGES)))
    bad = await asyncio.gather(*(guess(server, project, "NONE", **ada) for _ in range(PAGES)))
    last = await guess(server, project, "TEN", **ada)

    assert outcomes([*good, *more, *bad]) == {"ok": 3 * PAGES}
    assert (last.status_code, last.json()["key"]) == (429, "too_many_failed_lookups")


async def test_what_is_neither_a_code_nor_a_look_up_costs_nothing(serve: Serve, project: ProjectKeys) -> None:
    server = serve(client_failures_per_address=1, client_failures_seconds=LONG)
    tier = await give_tier(server, project, active=False)
    await give_coupon(server, project, "TEN")

    await from_page(server, project, "POST", "/validations", tiers_cart(tier))
    await from_page(server, project, "POST", "/validations", cart("TEN", customer={"id": "cust_unknown"}))
    await from_page(server, project, "POST", "/validations", {"redeemables": [{"object": "voucher"}]})
    await from_page(server, project, "POST", "/qualifications", {"order": {"amount": 100}})

    assert (await from_page(server, project, "POST", "/validations", cart("TEN"))).status_code == 200


async def test_each_code_of_a_request_counts_and_none_is_told_when_there_are_more_than_may_be_tried(
    serve: Serve, db: Database
) -> None:
    server = serve(client_failures_per_address=5, client_failures_seconds=LONG)
    project = await give_project(db)
    await give_stacking_rules(db, project, redeemables_application_mode="PARTIAL")
    await give_coupon(server, project, "TEN")

    responses = [
        await guess(server, project, "TEN", "A", "B"),
        await guess(server, project, "TEN", "C", "D", "E"),
        await guess(server, project, "TEN", "C", "D"),
        await guess(server, project, "TEN", "F"),
        await guess(server, project, "G"),
        await guess(server, project, "H"),
    ]

    assert [each.status_code for each in responses] == [200, 429, 200, 429, 200, 429]


async def test_failed_look_ups_are_counted_for_the_key(serve: Serve, db: Database, project: ProjectKeys) -> None:
    server = serve(client_failures_per_key=2, client_failures_seconds=LONG)
    other = await give_key(db, project, "client")
    other_key = {"X-Client-Application-Id": other.id, "X-Client-Token": other.token}

    responses = [await guess(server, project, "NONE", address=f"203.0.113.{n}") for n in range(3)]
    elsewhere = await from_page(server, project, "POST", "/validations", cart("NONE"), **other_key)

    assert [each.status_code for each in responses] == [200, 200, 429]
    assert elsewhere.status_code == 200


async def test_failed_look_ups_are_counted_for_the_customer_by_whichever_id(serve: Serve, project: ProjectKeys) -> None:
    server = serve(client_failures_per_customer=2, client_failures_seconds=LONG)
    ada = await ask(server, project, "POST", "/v1/customers", {"source_id": "ada"})
    names = [{"source_id": "ada"}, {"id": ada["id"]}, {"source_id": "ada"}, {"source_id": "eve"}]

    responses = [
        await guess(server, project, "NONE", customer=name, address=f"203.0.113.{n}") for n, name in enumerate(names)
    ]
    nobody = [await guess(server, project, "NONE", customer={"source_id": "eve"}) for _ in range(2)]

    assert [each.status_code for each in responses] == [200, 200, 429, 200]
    assert [each.status_code for each in nobody] == [200, 429]


async def test_a_refused_guess_does_not_tell_good_codes_from_bad_and_takes_no_use(serve: Serve, db: Database) -> None:
    server = serve(client_failures_per_address=1, client_failures_seconds=LONG)
    project = await give_project(db, client_redeem_enabled=True)
    await give_coupon(server, project, "TEN", redemption={"quantity": 1})

    answers = [await from_page(server, project, "POST", "/redemptions", cart(code)) for code in ("NONE", "NONE", "TEN")]
    usual = await ask(server, project, "POST", "/v1/redemptions", cart("TEN"))

    assert [each.status_code for each in answers] == [404, 429, 429]
    refusals = [{**each.json(), "request_id": "", "details": "", "detail": ""} for each in answers[1:]]
    assert refusals[0] == refusals[1]
    assert usual["redemptions"][0]["result"] == "SUCCESS"


async def test_a_request_that_breaks_off_gives_back_what_it_took(serve: Serve, project: ProjectKeys) -> None:
    server = serve(client_failures_per_address=1, client_failures_seconds=LONG)
    await give_coupon(server, project, "TEN")

    unknown_order = await guess(server, project, "TEN", order={"id": "ord_unknown"})
    then = await guess(server, project, "TEN")

    assert [unknown_order.status_code, then.status_code] == [404, 200]


async def test_a_code_with_a_message_for_customers_is_no_failed_look_up(serve: Serve, project: ProjectKeys) -> None:
    server = serve(client_failures_per_address=1, client_failures_seconds=LONG)
    voucher = await give_coupon(server, project, "BIG")
    condition = {"name": "order.amount", "conditions": {"$more_than": [10**6]}, "error": {"message": "Buy more."}}
    rule = await give_rule(server, project, rules={"1": condition, "logic": "1"})
    await give_assignment(server, project, rule["id"], "voucher", voucher["id"])

    responses = [await guess(server, project, "BIG") for _ in range(3)]

    assert [each.status_code for each in responses] == [200, 200, 200]


async def test_what_is_taken_is_taken_from_all_limits_or_from_none(db: Database, project: ProjectKeys) -> None:
    await take(db, project.id, {"scarce": 1}, 1, LONG)

    refused = await take(db, project.id, {"plenty": 5, "scarce": 1}, 1, LONG)
    taken = await take(db, project.id, {"plenty": 5}, 5, LONG)

    assert refused.is_taken is False
    assert 0 < refused.seconds_left <= LONG
    assert taken.is_taken is True


async def test_what_is_given_back_after_the_window_has_ended_is_not_lent_to_the_next(
    db: Database, project: ProjectKeys
) -> None:
    first = await take(db, project.id, {"limit": 2}, 2, 0.05)
    await asyncio.sleep(0.06)
    await take(db, project.id, {"limit": 2}, 2, LONG)

    await give_back(db, project.id, first, 2)

    assert (await take(db, project.id, {"limit": 2}, 1, LONG)).is_taken is False


async def test_takers_of_the_same_limits_in_any_order_never_deadlock(db: Database, project: ProjectKeys) -> None:
    async def come_and_go(names: Sequence[str]) -> None:
        for _ in range(10):
            taken = await take(db, project.id, dict.fromkeys(names, 1000), 1, LONG)
            await give_back(db, project.id, taken, 1)

    await asyncio.gather(*(come_and_go(names) for names in [("a", "b", "c"), ("c", "b", "a"), ("b", "c", "a")] * 5))

    async with db.read() as session:
        used = await session.scalars(select(ClientAllowance.used).where(ClientAllowance.project_id == project.id))
        assert used.all() == [0, 0, 0]


async def test_nothing_in_the_counters_names_an_address_or_a_customer(serve: Serve, db: Database) -> None:
    project = await give_project(db)
    await guess(serve(), project, "NONE", customer={"source_id": "ada@example.com"}, address="203.0.113.7")

    async with db.read() as session:
        rows = (
            await session.scalars(select(ClientAllowance.subject).where(ClientAllowance.project_id == project.id))
        ).all()

    assert len(rows) == 4
    assert not any("203.0.113.7" in row or "ada" in row for row in rows)


async def test_the_worker_forgets_what_has_ended_and_nothing_else(db: Database, project: ProjectKeys) -> None:
    await take(db, project.id, {f"ended-{n}": 1 for n in range(5)}, 1, LONG)
    async with db.write() as session:
        earlier = clock.now() - timedelta(seconds=1)
        await session.execute(
            update(ClientAllowance).where(ClientAllowance.project_id == project.id).values(ends_at=earlier)
        )
    await take(db, project.id, {"current": 1}, 1, LONG)

    async with db.write() as session:
        first = await delete_ended(session, project.id, clock.now(), at_most=2)
    await forget_allowances(Work(db))

    async with db.read() as session:
        left = await session.scalar(
            select(func.count()).select_from(ClientAllowance).where(ClientAllowance.project_id == project.id)
        )
    assert (first, left) == (2, 1)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("not an address", "not an address"),
        (None, "unknown"),
    ],
)
def test_an_address_stands_for_itself_or_for_a_whole_household(address: str | None, network: str) -> None:
    assert network_of(address) == network
