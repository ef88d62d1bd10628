"""One person under many names, all at once, over sockets: a limit per customer lets one through."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from httpx import AsyncClient, Limits, Response

from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, redeem, roll_back, try_to_redeem
from tests.factories.identities import ONCE_IN_CAMPAIGN, differences, give_limited_code, give_scopes, limit
from tests.factories.pools import give_pool, give_voucher
from tests.factories.rules import rule_of

CLIENTS = 50


@pytest.fixture
async def http(live_server: str) -> AsyncIterator[AsyncClient]:
    """A client with a connection for each of the racers."""
    limits = Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with AsyncClient(base_url=live_server, limits=limits, timeout=60) as client:
        yield client


async def race(http: AsyncClient, project: ProjectKeys, bodies: Sequence[dict[str, Any]]) -> list[Response]:
    return list(await asyncio.gather(*(try_to_redeem(http, project, body) for body in bodies)))


def outcomes(responses: Sequence[Response]) -> Counter[str]:
    return Counter("ok" if response.status_code == 200 else str(response.json().get("key")) for response in responses)


async def test_one_mailbox_under_fifty_accounts_redeems_once(http: AsyncClient, db: Database) -> None:
    project = await give_scopes(db, email="require")
    code = await give_limited_code(http, db, project)

    bodies = [
        cart(code, customer={"source_id": f"ann-{number}", "email": f"ann+{number}@example.com"})
        for number in range(CLIENTS)
    ]
    responses = await race(http, project, bodies)

    assert outcomes(responses) == {"ok": 1, "redemption_rules_violated": CLIENTS - 1}
    assert await differences(db, project) == []


async def test_fifty_guests_with_one_card_redeem_once(http: AsyncClient, db: Database) -> None:
    project = await give_scopes(db, account="allow", payment="require", device="allow")
    code = await give_limited_code(http, db, project)

    bodies = [cart(code, identity={"payment": "card-1", "device": f"d-{number}"}) for number in range(CLIENTS)]
    responses = await race(http, project, bodies)

    assert outcomes(responses) == {"ok": 1, "redemption_rules_violated": CLIENTS - 1}
    assert await differences(db, project) == []


async def test_a_limit_with_a_history_lets_one_mailbox_through_as_often_as_is_left(
    http: AsyncClient, db: Database
) -> None:
    project = await give_scopes(db, email="require")
    campaign = await give_pool(db, project, vouchers_count=1)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    for number in range(2):
        body = cart(voucher.code, customer={"source_id": f"before-{number}", "email": "ann@example.com"})
        taken = await redeem(http, project, body)
    await roll_back(http, project, taken["redemptions"][0]["id"])
    await limit(http, project, campaign.id, rule_of(ONCE_IN_CAMPAIGN, "$less_than_or_equal", 4))

    bodies = [
        cart(voucher.code, customer={"source_id": f"ann-{number}", "email": "ann@example.com"})
        for number in range(CLIENTS)
    ]
    responses = await race(http, project, bodies)

    assert outcomes(responses) == {"ok": 3, "redemption_rules_violated": CLIENTS - 3}
    assert await differences(db, project) == []
