"""Referral programs and their codes for tests, made over HTTP."""

from typing import Any

from httpx import AsyncClient
from sqlalchemy import text

from app.decisions.referrals.settling import settle_due
from app.kit.db import Database
from app.kit.jobs import Work
from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer, ask, give_campaign


async def give_program(client: AsyncClient, project: ProjectKeys, **program: Any) -> Answer:
    """A referral program whose referees have ten percent off; `program` is its `referral_program`."""
    return await give_campaign(
        client,
        project,
        campaign_type="REFERRAL_PROGRAM",
        voucher={"is_referral_code": True},
        referral_program={"conversion_event_type": "redemption", **program} if "conversion" not in program else program,
    )


async def give_code(client: AsyncClient, project: ProjectKeys, campaign: Answer, referrer: str = "rita") -> Answer:
    """A code of the program, published to the customer with this source id; as the publication shows it."""
    body = {"campaign": {"name": campaign["name"]}, "customer": {"source_id": referrer}}
    published = await ask(client, project, "POST", "/v1/publications", body)
    voucher: Answer = published["voucher"]
    return voucher


async def end_cooling_off(db: Database, project: ProjectKeys) -> None:
    """Have the worker's job look at referrals as if whatever they wait for was over."""
    async with db.write() as session:
        await session.execute(
            text("UPDATE referrals SET due_at = created_at WHERE project_id = :id AND due_at IS NOT NULL"),
            {"id": project.id},
        )
    await settle_due(Work(db), project.id)
