"""Many clients and the same money, over sockets: never below zero, never a cent too many or too few."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest
from httpx import AsyncClient, Limits, Response
from sqlalchemy import func, select, text

from app.kit.db import Database
from app.ledger.chains import value_faults
from app.models import Entry, Redemption
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, redeem, roll_back, try_to_redeem
from tests.factories.gifts import change_balance, gift_of, give_card, paid_with, transactions_of

CLIENTS = 50


@pytest.fixture
async def http(live_server: str) -> AsyncIterator[AsyncClient]:
    """A client with a connection for each of the racers."""
    limits = Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with AsyncClient(base_url=live_server, limits=limits, timeout=60) as client:
        yield client


def outcomes(responses: Sequence[Response]) -> Counter[str]:
    """How many succeeded, and how many were refused with which key. A 5xx has no key of these and would show."""
    return Counter("ok" if response.status_code == 200 else str(response.json().get("key")) for response in responses)


async def money(db: Database, project: ProjectKeys) -> tuple[int, int]:
    """What the stored redemptions say was paid, and what the entries say."""
    async with db.read() as session:
        assert await value_faults(session, project.id) == []
        redeemed = await session.scalar(
            select(func.sum(Redemption.amount)).where(
                Redemption.project_id == project.id, Redemption.status == "SUCCEEDED", Redemption.object == "redemption"
            )
        )
        entered = await session.scalar(
            select(func.sum(Entry.amount)).where(Entry.project_id == project.id, Entry.counterpart == "redeemed")
        )
    return int(redeemed or 0), -int(entered or 0)


async def test_two_carts_and_credits_for_one(http: AsyncClient, db: Database, project: ProjectKeys) -> None:
    for round_number in range(5):
        code = f"GIFT-{round_number}"
        await give_card(http, project, code, amount=2000)

        responses = await asyncio.gather(*(try_to_redeem(http, project, paid_with(code, 2000)) for _ in range(2)))

        assert outcomes(responses) == {"ok": 1, "gift_amount_exceeded": 1}
        assert (await gift_of(http, project, code))["balance"] == 0
    assert await money(db, project) == (10_000, 10_000)


async def test_fifty_clients_drain_a_card_with_odd_amounts_to_the_last_cent(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(http, project, amount=10_007)
    prices = [101 + 13 * n for n in range(CLIENTS)]

    responses = await asyncio.gather(
        *(try_to_redeem(http, project, paid_with("GIFT", price=price)) for price in prices)
    )

    paid = [response.json()["redemptions"][0]["amount"] for response in responses if response.is_success]
    assert set(outcomes(responses)) == {"ok", "gift_amount_exceeded"}
    assert sum(paid) == 10_007
    assert all(0 < amount <= price for amount, price in zip(sorted(paid), sorted(prices)[-len(paid) :], strict=True))
    assert (await gift_of(http, project))["balance"] == 0
    assert await money(db, project) == (10_007, 10_007)
    balances = [transaction["details"]["balance"]["balance"] for transaction in await transactions_of(http, project)]
    assert balances == sorted(balances)
    assert min(balances) == 0


async def test_credits_asked_for_exactly_are_never_paid_by_halves(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(http, project, amount=1000)

    responses = await asyncio.gather(*(try_to_redeem(http, project, paid_with("GIFT", 300)) for _ in range(CLIENTS)))

    assert outcomes(responses) == {"ok": 3, "gift_amount_exceeded": CLIENTS - 3}
    assert (await gift_of(http, project))["balance"] == 100
    assert await money(db, project) == (900, 900)


async def test_money_put_on_while_it_is_spent_is_neither_lost_nor_spent_twice(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(http, project, amount=500)
    tops = [change_balance(http, project, "GIFT", 100) for _ in range(20)]
    removals = [change_balance(http, project, "GIFT", -50) for _ in range(10)]
    spends = [try_to_redeem(http, project, paid_with("GIFT", 150)) for _ in range(CLIENTS - 30)]

    responses = await asyncio.gather(*tops, *removals, *spends)

    added, removed, spent = outcomes(responses[:20]), outcomes(responses[20:30]), outcomes(responses[30:])
    gift = await gift_of(http, project)
    assert added == {"ok": 20}
    assert set(removed) <= {"ok", "invalid_amount"}
    assert set(spent) <= {"ok", "gift_amount_exceeded"}
    assert gift["amount"] == 2500
    assert gift["subtracted_amount"] == 50 * removed["ok"]
    assert gift["redeemed_amount"] == 150 * spent["ok"]
    assert gift["balance"] == 2500 - 50 * removed["ok"] - 150 * spent["ok"] >= 0
    assert await money(db, project) == (150 * spent["ok"], 150 * spent["ok"])


async def test_of_fifty_rollbacks_one_gives_the_money_back(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(http, project, amount=5000)
    redemption_id = (await redeem(http, project, paid_with("GIFT", 1234)))["redemptions"][0]["id"]

    responses = await asyncio.gather(*(roll_back(http, project, redemption_id) for _ in range(CLIENTS)))

    assert outcomes(responses) == {"ok": 1, "already_rolled_back": CLIENTS - 1}
    assert (await gift_of(http, project))["balance"] == 5000
    assert await money(db, project) == (0, 0)


async def test_one_change_of_a_balance_sent_fifty_times_is_made_once(
    http: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(http, project, amount=100)

    responses = await asyncio.gather(
        *(change_balance(http, project, "GIFT", 25, source_id="crm-1") for _ in range(CLIENTS))
    )

    assert outcomes(responses) == {"ok": CLIENTS}
    assert {response.text for response in responses} == {responses[0].text}
    assert responses[0].json()["balance"] == 125
    assert (await gift_of(http, project))["balance"] == 125
    assert len(await transactions_of(http, project)) == 1


async def deadlocks(db: Database) -> int:
    """How many deadlocks Postgres has broken up in this database. What connections count is told when they rest."""
    await asyncio.sleep(1.1)
    async with db.read() as session:
        count = await session.scalar(text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
    return int(count or 0)


async def test_two_cards_in_either_order_never_deadlock(http: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_card(http, project, "ONE", amount=10_000)
    await give_card(http, project, "TWO", amount=10_000)
    stacks = [cart(*(("ONE", "TWO") if n % 2 else ("TWO", "ONE"))) for n in range(CLIENTS)]
    for n, stack in enumerate(stacks):
        for card in stack["redeemables"]:
            card["gift"] = {"credits": 100 + n}
    before = await deadlocks(db)

    responses = await asyncio.gather(*(try_to_redeem(http, project, stack) for stack in stacks))

    spent = sum(2 * (100 + n) for n in range(CLIENTS))
    assert outcomes(responses) == {"ok": CLIENTS}
    assert await money(db, project) == (spent, spent)
    assert await deadlocks(db) == before
