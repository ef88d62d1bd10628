"""`guerdon doctor`: what does not add up is found and named."""

import asyncio
import os
import sys

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from app.kit.db import Database
from app.kit.migrations import migrate
from app.ledger.doctor import Difference, examine
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, redeem, roll_back
from tests.factories.databases import empty_database
from tests.factories.pools import give_pool, give_redemption, give_voucher
from tests.factories.rules import give_assignment, give_rule, rule_of

LIMITS = (
    "campaign.redemptions.count",
    "campaign.redemptions.count.daily",
    "campaign.redemptions.customers_count.monthly",
    "redemption.count.per_customer.weekly",
    "redemption.count.per_api_key",
    "campaign.orders.amount_discounted",
    "campaign.orders.amount",
)


async def found_in(db: Database, project: ProjectKeys) -> list[Difference]:
    return [difference for difference in await examine(db, project.public_id) if isinstance(difference, Difference)]


@pytest.fixture
async def redeemed_campaign(client: AsyncClient, db: Database, project: ProjectKeys) -> tuple[str, str]:
    """A campaign with every kind of limit and its code, redeemed three times, once taken back."""
    campaign = await give_pool(db, project, vouchers_count=1)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    for limit in LIMITS:
        rule = await give_rule(client, project, rules=rule_of(limit, "$less_than_or_equal", 10**9))
        await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    for _ in range(3):
        answer = await redeem(client, project, cart(voucher.code, customer={"source_id": "ann"}))
    await roll_back(client, project, answer["redemptions"][0]["id"])
    return campaign.id, voucher.id


async def test_a_healthy_project_has_no_differences(
    db: Database, project: ProjectKeys, redeemed_campaign: tuple[str, str]
) -> None:
    async with db.read() as session:
        accounts = await session.scalar(
            text("SELECT count(*) FROM accounts WHERE project_id = :id").bindparams(id=project.id)
        )

    assert accounts == 1 + len(LIMITS)
    assert await found_in(db, project) == []


@pytest.mark.parametrize(
    "account",
    [
        "measure = 'uses' AND subject = '' AND period = '' AND owner_id LIKE 'v_%'",
        "measure = 'uses' AND subject = '' AND period LIKE '____-__-__'",
        "subject LIKE 'customer:%' AND period LIKE '%W%'",
        "subject LIKE 'customer:%' AND period LIKE '____-__'",
        "subject LIKE 'api_key:%'",
        "measure = 'discounted'",
        "measure = 'ordered'",
    ],
)
async def test_an_account_edited_by_hand_is_named_with_both_figures(
    db: Database, project: ProjectKeys, redeemed_campaign: tuple[str, str], account: str
) -> None:
    async with db.write() as session:
        edit = f"UPDATE accounts SET balance = balance - 1 WHERE project_id = :id AND {account} RETURNING owner_id"
        (owner_id,) = (await session.execute(text(edit), {"id": project.id})).scalars().all()

    (difference,) = await found_in(db, project)

    assert difference.what.startswith(f"account {owner_id}/")
    assert difference.stored == difference.counted + 1


async def test_a_use_that_no_account_knows_is_found(
    db: Database, project: ProjectKeys, redeemed_campaign: tuple[str, str]
) -> None:
    _, voucher_id = redeemed_campaign
    async with db.write() as session:
        delete = text("DELETE FROM accounts WHERE project_id = :id AND owner_id = :owner AND subject = ''")
        await session.execute(delete, {"id": project.id, "owner": voucher_id})

    (difference,) = await found_in(db, project)

    assert (difference.what, difference.stored, difference.counted) == (f"account {voucher_id}/uses", 0, 2)


async def test_a_campaign_that_miscounts_its_vouchers_is_found(
    db: Database, project: ProjectKeys, redeemed_campaign: tuple[str, str]
) -> None:
    campaign_id, _ = redeemed_campaign
    async with db.write() as session:
        edit = text("UPDATE campaigns SET vouchers_count = 7 WHERE project_id = :id AND id = :campaign")
        await session.execute(edit, {"id": project.id, "campaign": campaign_id})

    (difference,) = await found_in(db, project)

    assert (difference.what, difference.stored, difference.counted) == (f"vouchers of campaign {campaign_id}", 7, 1)


async def test_an_order_whose_lines_carry_other_discounts_than_its_sum_is_found(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    order = {"items": [{"source_id": "hat", "price": 100, "quantity": 1}]}
    created = (await client.post("/v1/orders", json=order, headers=project.server)).json()
    async with db.write() as session:
        edit = text("UPDATE orders SET items_discount_amount = 5 WHERE project_id = :id AND id = :order")
        await session.execute(edit, {"id": project.id, "order": created["id"]})

    (difference,) = await found_in(db, project)

    assert (difference.stored, difference.counted) == (5, 0)
    assert created["id"] in difference.what


async def test_the_command_says_what_it_found_and_exits_with_1(postgres_url: str) -> None:
    async with empty_database(postgres_url) as url:
        await migrate(url)
        healthy = await run_doctor(url)
        own_db = Database(url, pool_size=2)
        project = await give_project(own_db)
        voucher = await give_voucher(own_db, project)
        await give_redemption(own_db, project, voucher.id, None)
        await own_db.close()
        ill = await run_doctor(url)

    assert healthy == (0, "Everything adds up.\n")
    assert ill == (1, f"{project.public_id}: account {voucher.id}/uses: 0 stored, 1 counted\n")


async def run_doctor(url: str) -> tuple[int | None, str]:
    environment = {**os.environ, "GUERDON_DATABASE_URL": url}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", "doctor", env=environment, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()
