"""Projects that tell buyers apart by more than the account, and codes that each buyer may use once."""

from typing import Any

from httpx import AsyncClient

from app.kit.db import Database
from app.ledger.doctor import examine
from tests.factories.access import ProjectKeys, give_project
from tests.factories.pools import give_pool, give_voucher
from tests.factories.rules import ONCE_PER_CUSTOMER, give_assignment, give_rule

ONCE_IN_CAMPAIGN = "campaign.redemptions.customers_count"


async def give_scopes(db: Database, **scopes: str) -> ProjectKeys:
    """A project with these `identity_scopes`; the account counts and has to be given unless they say otherwise."""
    return await give_project(db, dial_code="49", identity_scopes=scopes)


async def give_limited_code(
    client: AsyncClient, db: Database, project: ProjectKeys, rules: dict[str, Any] | None = None
) -> str:
    """A code of a campaign, which each customer may use once unless the rules say otherwise."""
    campaign = await give_pool(db, project, vouchers_count=1)
    voucher = await give_voucher(db, project, campaign_id=campaign.id)
    await limit(client, project, campaign.id, rules or ONCE_PER_CUSTOMER)
    return voucher.code


async def limit(client: AsyncClient, project: ProjectKeys, campaign_id: str, rules: dict[str, Any]) -> None:
    rule = await give_rule(client, project, rules=rules)
    await give_assignment(client, project, rule["id"], "campaign", campaign_id)


async def differences(db: Database, project: ProjectKeys) -> list[str]:
    """What the doctor finds in this project."""
    return [f"{each.what}: {each.problem}" for each in await examine(db, project.public_id)]
