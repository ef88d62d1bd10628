"""Many clients at once: no code is given twice, and nobody gets more than was asked for."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from httpx import AsyncClient, Limits, Response
from sqlalchemy import select

from app.kit.db import Database
from app.models import Campaign, Publication, Voucher
from tests.factories.access import ProjectKeys
from tests.factories.pools import give_pool, give_voucher

CLIENTS = 50


@pytest.fixture
async def socket_client(live_server: str) -> AsyncIterator[AsyncClient]:
    """A client that opens as many connections as there are requests at once."""
    limits = Limits(max_connections=CLIENTS)
    async with AsyncClient(base_url=live_server, limits=limits, timeout=60) as http:
        yield http


async def publish_at_once(
    client: AsyncClient, project: ProjectKeys, bodies: list[Mapping[str, Any]], query: str = ""
) -> list[Response]:
    posts = [client.post(f"/v1/publications{query}", json=body, headers=project.server) for body in bodies]
    return list(await asyncio.gather(*posts))


def outcomes(answers: list[Response]) -> Counter[tuple[int, str | None]]:
    return Counter((answer.status_code, answer.json().get("key")) for answer in answers)


def given_codes(answers: list[Response]) -> list[str]:
    return [answer.json()["voucher"]["code"] for answer in answers if answer.status_code == 200]


def for_customers(campaign: Campaign, **members: Any) -> list[Mapping[str, Any]]:
    """One request for each of many customers."""
    return [
        {"campaign": {"name": campaign.name}, "customer": {"source_id": f"customer-{number}"}, **members}
        for number in range(CLIENTS)
    ]


async def published_vouchers(db: Database, project: ProjectKeys) -> list[Voucher]:
    async with db.read() as session:
        rows = select(Voucher).where(Voucher.project_id == project.id, Voucher.publish_count > 0)
        return list(await session.scalars(rows))


async def test_a_pool_of_twenty_codes_serves_twenty_of_fifty_customers(
    socket_client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=20)

    answers = await publish_at_once(socket_client, project, for_customers(campaign))

    assert outcomes(answers) == {(200, None): 20, (400, "no_voucher_suitable_for_publication"): 30}
    assert len(set(given_codes(answers))) == 20
    holders = {voucher.code: voucher.holder_id for voucher in await published_vouchers(db, project)}
    assert {
        answer.json()["voucher"]["code"]: answer.json()["customer_id"]
        for answer in answers
        if answer.status_code == 200
    } == holders


async def test_fifty_requests_with_one_source_id_are_one_publication(
    socket_client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=CLIENTS)
    body = {"campaign": {"name": campaign.name}, "customer": {"source_id": "ada"}, "source_id": "order-17"}

    answers = await publish_at_once(socket_client, project, [body] * CLIENTS)

    assert outcomes(answers) == {(200, None): CLIENTS}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await published_vouchers(db, project)) == 1


async def test_one_source_id_claimed_by_fifty_customers_goes_to_one(
    socket_client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=CLIENTS)

    answers = await publish_at_once(socket_client, project, for_customers(campaign, source_id="order-17"))

    assert outcomes(answers) == {(200, None): 1, (400, "duplicate_source_id"): CLIENTS - 1}
    assert len(await published_vouchers(db, project)) == 1


@pytest.mark.parametrize("type_", ["STATIC", "AUTO_UPDATE"])
async def test_a_customer_who_joins_fifty_times_at_once_gets_one_code(
    socket_client: AsyncClient, db: Database, project: ProjectKeys, type_: str
) -> None:
    campaign = await give_pool(db, project, codes=CLIENTS if type_ == "STATIC" else 0, type=type_)
    body = {"campaign": {"name": campaign.name}, "customer": {"source_id": "ada"}}

    answers = await publish_at_once(socket_client, project, [body] * CLIENTS, "?join_once=true")

    assert outcomes(answers) == {(200, None): CLIENTS}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(set(given_codes(answers))) == 1
    assert len(await published_vouchers(db, project)) == 1


async def test_a_campaign_that_is_joined_once_lets_a_customer_in_once(
    socket_client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=CLIENTS, join_once=True)
    body = {"campaign": {"name": campaign.name}, "customer": {"source_id": "ada"}}

    answers = await publish_at_once(socket_client, project, [body] * CLIENTS)

    assert outcomes(answers) == {(200, None): 1, (400, "voucher_cannot_be_published"): CLIENTS - 1}


async def test_codes_made_on_the_spot_are_never_given_twice(
    socket_client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=10, type="AUTO_UPDATE")

    answers = await publish_at_once(socket_client, project, for_customers(campaign))

    assert outcomes(answers) == {(200, None): CLIENTS}
    assert len(set(given_codes(answers))) == CLIENTS
    async with db.read() as session:
        stored = await session.get(Campaign, (project.id, campaign.id))
        vouchers = (await session.scalars(select(Voucher).where(Voucher.project_id == project.id))).all()
    assert stored is not None
    assert stored.vouchers_count == len(vouchers) >= CLIENTS


async def test_a_shape_with_twenty_codes_makes_exactly_twenty(
    socket_client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    shape = {"pattern": "FEW-#", "charset": "ABCDEFGHJKLMNPQRSTUV"}
    campaign = await give_pool(db, project, type="AUTO_UPDATE", code_config=shape)

    answers = await publish_at_once(socket_client, project, for_customers(campaign))

    assert outcomes(answers) == {(200, None): 20, (400, "no_voucher_suitable_for_publication"): 30}
    assert len(set(given_codes(answers))) == 20


async def test_one_voucher_wanted_by_fifty_customers_goes_to_one(
    socket_client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project)
    bodies: list[Mapping[str, Any]] = [
        {"voucher": voucher.code, "customer": {"source_id": f"customer-{number}"}} for number in range(CLIENTS)
    ]

    answers = await publish_at_once(socket_client, project, bodies)

    assert outcomes(answers) == {(200, None): 1, (400, "voucher_already_published"): CLIENTS - 1}


async def test_a_public_code_counts_every_publication(
    socket_client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=1, type="STANDALONE")

    answers = await publish_at_once(socket_client, project, for_customers(campaign))

    assert outcomes(answers) == {(200, None): CLIENTS}
    assert [voucher.publish_count for voucher in await published_vouchers(db, project)] == [CLIENTS]


async def test_every_attempt_is_kept(socket_client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    campaign = await give_pool(db, project, codes=20)

    await publish_at_once(socket_client, project, for_customers(campaign))

    async with db.read() as session:
        kept = (await session.scalars(select(Publication).where(Publication.project_id == project.id))).all()
    assert Counter(publication.result for publication in kept) == {"SUCCESS": 20, "FAILURE": 30}


async def test_giving_from_a_pool_does_not_wait_for_who_else_gives_from_it(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, codes=2)
    body = {"campaign": {"name": campaign.name}, "customer": {"source_id": "ada"}}

    async with db.write() as session:  # somebody is just giving the first code away, and takes their time
        rows = select(Voucher).where(Voucher.project_id == project.id).order_by(Voucher.id).limit(1)
        first = await session.scalar(rows.with_for_update())
        answer = await asyncio.wait_for(client.post("/v1/publications", json=body, headers=project.server), 5)

    assert first is not None
    assert answer.status_code == 200
    assert answer.json()["voucher"]["code"] != first.code
