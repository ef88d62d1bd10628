"""From when on campaigns and vouchers count what their rules limit."""

import asyncio
from collections.abc import Sequence
from typing import Any

from httpx import AsyncClient
from sqlalchemy import select, text

from app.engine.postings import Counted
from app.incentives.validation_rules.counting import begin_counting
from app.kit.db import Database
from app.models import Campaign, Voucher
from tests.factories.access import ProjectKeys, give_project
from tests.factories.pools import give_pool, give_redemption, give_voucher
from tests.factories.rules import (
    ONCE_PER_CUSTOMER,
    ORDER_OVER_50,
    TEN_PER_CAMPAIGN,
    give_assignment,
    give_rule,
    rule_of,
)

PER_CAMPAIGN = Counted("uses", "campaign").name
PER_CUSTOMER = Counted("uses", "redeemable", per="customer").name
DISCOUNTED = Counted("discounted", "campaign").name


async def counted_of(db: Database, row: Campaign | Voucher) -> Any:
    async with db.read() as session:
        counted = select(type(row).counted).where(type(row).project_id == row.project_id, type(row).id == row.id)
        return await session.scalar(counted)


async def test_an_assigned_limit_is_counted_from_then_on(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    rule = await give_rule(client, project, rules=TEN_PER_CAMPAIGN)

    await give_assignment(client, project, rule["id"], "campaign", campaign.id)

    assert await counted_of(db, campaign) == {PER_CAMPAIGN: False}


async def test_a_count_that_begins_after_redemptions_knows_that_it_must_recount(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    other_campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    await give_redemption(db, project, voucher.id, campaign.id)
    limit = await give_rule(client, project, rules=TEN_PER_CAMPAIGN)
    own_limit = await give_rule(client, project, rules=ONCE_PER_CUSTOMER)

    await give_assignment(client, project, limit["id"], "campaign", campaign.id)
    await give_assignment(client, project, limit["id"], "campaign", other_campaign.id)
    await give_assignment(client, project, own_limit["id"], "voucher", voucher.id)

    assert await counted_of(db, campaign) == {PER_CAMPAIGN: True}
    assert await counted_of(db, other_campaign) == {PER_CAMPAIGN: False}
    assert await counted_of(db, voucher) == {PER_CUSTOMER: True}


async def test_redemptions_of_another_project_are_no_history(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    other_project = await give_project(db)
    await give_redemption(db, other_project, "v_1", campaign.id)
    rule = await give_rule(client, project, rules=TEN_PER_CAMPAIGN)

    await give_assignment(client, project, rule["id"], "campaign", campaign.id)

    assert await counted_of(db, campaign) == {PER_CAMPAIGN: False}


async def test_what_is_counted_stays_counted_and_keeps_its_beginning(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    rule = await give_rule(client, project, rules=TEN_PER_CAMPAIGN)
    url = f"/v1/validation-rules/{rule['id']}"
    assignment = await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    await give_redemption(db, project, "v_1", campaign.id)

    budget = rule_of("campaign.orders.amount_discounted", "$less_than_or_equal", 100000)
    both = {"1": TEN_PER_CAMPAIGN["1"], "2": budget["1"], "logic": "1 and 2"}
    await client.put(url, json={"rules": both}, headers=project.server)
    with_both = await counted_of(db, campaign)
    await client.put(url, json={"rules": ORDER_OVER_50}, headers=project.server)
    await client.delete(f"{url}/assignments/{assignment['id']}", headers=project.server)

    assert with_both == {PER_CAMPAIGN: False, DISCOUNTED: True}
    assert await counted_of(db, campaign) == with_both


async def test_a_vouchers_limit_on_the_whole_campaign_is_counted_by_the_campaign(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    rules = {"1": TEN_PER_CAMPAIGN["1"], "2": ONCE_PER_CUSTOMER["1"], "logic": "1 and 2"}
    rule = await give_rule(client, project, rules=rules)

    await give_assignment(client, project, rule["id"], "voucher", voucher.id)

    assert await counted_of(db, campaign) == {PER_CAMPAIGN: False}
    assert await counted_of(db, voucher) == {PER_CUSTOMER: False}


async def test_a_voucher_without_a_campaign_can_have_campaign_limits(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project)
    rule = await give_rule(client, project, rules=TEN_PER_CAMPAIGN)

    await give_assignment(client, project, rule["id"], "voucher", voucher.id)

    assert await counted_of(db, voucher) is None


async def test_a_rule_without_limits_counts_nothing(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    campaign = await give_pool(db, project)
    rule = await give_rule(client, project)

    await give_assignment(client, project, rule["id"], "campaign", campaign.id)

    assert await counted_of(db, campaign) == {}


async def test_one_statement_begins_counting_for_any_number_of_vouchers(db: Database, project: ProjectKeys) -> None:
    vouchers = [await give_voucher(db, project) for _ in range(3)]
    await give_redemption(db, project, vouchers[1].id, None)
    voucher_ids: Sequence[str] = [voucher.id for voucher in vouchers]

    async with db.write() as session:
        await begin_counting(
            session, project.id, [Counted("uses", "redeemable")], campaign_ids=[], voucher_ids=voucher_ids
        )

    history = [(await counted_of(db, voucher))["uses.redeemable.."] for voucher in vouchers]
    assert history == [False, True, False]


async def test_an_assignment_waits_for_the_redemption_that_is_being_recorded(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project)
    rule = await give_rule(client, project, rules=TEN_PER_CAMPAIGN)

    async with db.write() as session:  # a redemption in flight holds the configuration shared
        await session.execute(text("SELECT pg_advisory_xact_lock_shared(1, :project)"), {"project": project.id})
        assigning = asyncio.create_task(give_assignment(client, project, rule["id"], "campaign", campaign.id))
        await asyncio.sleep(0.2)
        was_waiting = not assigning.done()
        await give_redemption(db, project, "v_1", campaign.id)
    await assigning

    assert was_waiting
    assert await counted_of(db, campaign) == {PER_CAMPAIGN: True}


async def test_every_change_of_what_binds_moves_the_configuration_version(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    async def version() -> int:
        async with db.read() as session:
            statement = text("SELECT configuration_version FROM projects WHERE id = :project")
            return int(await session.scalar(statement, {"project": project.id}) or 0)

    campaign = await give_pool(db, project)
    rule = await give_rule(client, project)
    url = f"/v1/validation-rules/{rule['id']}"

    versions = [await version()]
    assignment = await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    versions.append(await version())
    await client.put(url, json={"rules": TEN_PER_CAMPAIGN}, headers=project.server)
    versions.append(await version())
    await client.delete(f"{url}/assignments/{assignment['id']}", headers=project.server)
    versions.append(await version())
    await client.delete(url, headers=project.server)
    versions.append(await version())

    assert versions == sorted(set(versions))
