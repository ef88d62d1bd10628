"""Many clients and the same units, over sockets: each comes back once, and no cent too many is given back."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest
from httpx import AsyncClient, Limits, Response

from app.kit.db import Database
from app.ledger.doctor import examine
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, line, redeem, roll_back
from tests.factories.gifts import gift_of, give_card
from tests.factories.incentives import ask, give_coupon
from tests.factories.refunds import try_to_refund

CLIENTS = 20


@pytest.fixture
async def http(live_server: str) -> AsyncIterator[AsyncClient]:
    """A client with a connection for each of the racers."""
    limits = Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with AsyncClient(base_url=live_server, limits=limits, timeout=60) as client:
        yield client


def outcomes(responses: Sequence[Response]) -> Counter[str]:
    """How many succeeded, and how many were refused with which key."""
    return Counter("ok" if response.status_code == 200 else str(response.json().get("key")) for response in responses)


async def bought(http: AsyncClient, project: ProjectKeys, shirts: int) -> str:
    """So many shirts for 10.00 each, with ten percent off and half of it paid with a card; the redemption."""
    await give_coupon(http, project, "TEN")
    await give_card(http, project, amount=450 * shirts)
    done = await redeem(http, project, cart("TEN", "GIFT", items=[line("shirt", 1000, shirts)]))
    redemption_id: str = done["parent_redemption"]["id"]
    return redemption_id


async def healthy(db: Database, project: ProjectKeys) -> bool:
    return await examine(db, project.public_id) == []


async def test_twenty_clients_return_the_same_unit_and_one_succeeds(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    redemption = await bought(http, project, 2)
    second = [{"index": 0, "units": [2]}]

    responses = await asyncio.gather(*(try_to_refund(http, project, redemption, lines=second) for _ in range(CLIENTS)))

    assert outcomes(responses) == {"ok": 1, "refund_exceeded": CLIENTS - 1}
    assert {response.json()["errors"][0]["path"] for response in responses if response.status_code == 400} == {
        "lines[0].units[0]"
    }
    assert (await gift_of(http, project))["balance"] == 450
    assert await healthy(db, project)


async def test_twenty_clients_return_one_of_seven_units_each_and_seven_succeed(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    redemption = await bought(http, project, 7)

    responses = await asyncio.gather(
        *(try_to_refund(http, project, redemption, (0, 1), policy="requalify") for _ in range(CLIENTS))
    )

    assert outcomes(responses) == {"ok": 7, "refund_exceeded": CLIENTS - 7}
    assert sum(response.json()["amount"] for response in responses if response.status_code == 200) == 3150
    assert (await gift_of(http, project))["balance"] == 3150
    assert len((await ask(http, project, "GET", f"/x/v1/redemptions/{redemption}/refunds?limit=100"))["data"]) == 7
    assert await healthy(db, project)


async def test_twenty_clients_with_one_idempotency_key_give_back_once(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    redemption = await bought(http, project, CLIENTS)
    headers = {"Idempotency-Key": "return-1"}

    responses = await asyncio.gather(
        *(try_to_refund(http, project, redemption, (0, 1), headers=headers) for _ in range(CLIENTS))
    )

    done = [response for response in responses if response.status_code == 200]
    assert len({response.json()["id"] for response in done}) == 1
    assert outcomes(responses).keys() <= {"ok", "idempotency_key_in_use"}
    assert (await gift_of(http, project))["balance"] == 450


async def test_a_rollback_among_refunds_leaves_the_card_with_what_it_paid(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    redemption = await bought(http, project, CLIENTS)
    refunds = [try_to_refund(http, project, redemption, (0, 1)) for _ in range(CLIENTS)]

    responses = await asyncio.gather(
        *refunds[: CLIENTS // 2], roll_back(http, project, redemption, "rollbacks"), *refunds[CLIENTS // 2 :]
    )

    assert outcomes(responses).keys() <= {"ok", "already_rolled_back"}
    assert responses[CLIENTS // 2].status_code == 200
    assert (await gift_of(http, project))["balance"] == 450 * CLIENTS
    assert await healthy(db, project)
