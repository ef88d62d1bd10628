"""Loyalty programs with tiers for tests, and members with points."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from httpx import AsyncClient
from sqlalchemy import select

from app.engine.postings import Posting
from app.incentives.loyalty_tiers.repository import LoyaltyTierRepository, StandingRepository
from app.incentives.loyalty_tiers.standings import load_program, recalculate, standing_of
from app.kit.db import Database
from app.kit.ids import new_id
from app.ledger.apply import apply
from app.ledger.movements import Cause, Counterpart, Movement, points_account
from app.models import Campaign, OutboxEvent, Voucher
from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer, ask

TIERS = (("Bronze", 0, 99), ("Silver", 100, 499), ("Gold", 500, None))


async def give_program(client: AsyncClient, project: ProjectKeys, **members: Any) -> Answer:
    """A loyalty program without tiers, unless the arguments say otherwise, as answered."""
    body = {
        "name": f"Program {new_id('n')}",
        "campaign_type": "LOYALTY_PROGRAM",
        "voucher": {"type": "LOYALTY_CARD", "loyalty_card": {"points": 0}},
        **members,
    }
    return await ask(client, project, "POST", "/v1/campaigns", body)


def tier(name: str, start: int, end: int | None = None, **members: Any) -> Answer:
    """A tier as it is created."""
    return {"name": name, "points": {"from": start} | ({} if end is None else {"to": end}), **members}


async def give_tiers(
    client: AsyncClient,
    project: ProjectKeys,
    program: Answer,
    tiers: Sequence[tuple[str, int, int | None]] = TIERS,
) -> dict[str, str]:
    """Tiers of the program; their ids by name."""
    body = [tier(*each) for each in tiers]
    made: Any = await ask(client, project, "POST", f"/v1/loyalties/{program['id']}/tiers", body)
    return {each["name"]: each["id"] for each in made}


async def give_member(client: AsyncClient, project: ProjectKeys, program: Answer, customer: str = "ada") -> Answer:
    """A customer with a card of the program; the card."""
    body = {"campaign": {"name": program["name"]}, "customer": {"source_id": customer}}
    published = await ask(client, project, "POST", "/v1/publications", body)
    return {
        "id": published["voucher"]["id"],
        "code": published["voucher"]["code"],
        "customer_id": published["customer_id"],
    }


async def member_tiers(client: AsyncClient, project: ProjectKeys, card: Answer) -> list[Answer]:
    """The tiers that the member is in and will be in, as answered."""
    listed = await ask(client, project, "GET", f"/v1/loyalties/members/{card['id']}/tiers")
    assert listed["total"] == len(listed["data"])
    data: list[Answer] = listed["data"]
    return data


async def move_points(
    db: Database,
    project: ProjectKeys,
    card: Answer,
    points: int,
    at: datetime,
    counterpart: Counterpart | None = None,
    expires_at: datetime | None = None,
) -> None:
    """Points onto the card, or off it, at that instant."""
    movement = Movement(
        Posting(points_account(card["id"]), points, 0),
        counterpart or ("earned" if points > 0 else "redeemed"),
        Cause("adjustment", new_id("n")),
        effective_at=at,
        expires_at=expires_at,
    )
    async with db.write() as session:
        await apply(session, project.id, (), [movement])


async def look(
    db: Database, project: ProjectKeys, card: Answer, now: datetime, *, may_lower: bool = True
) -> tuple[str | None, list[tuple[str, datetime | None]]]:
    """Work out where the card stands at that instant: what changed, and the tiers it is in and will be in, by name,
    with their ends."""
    async with db.write() as session:
        row = await session.get(Voucher, (project.id, card["id"]))
        assert row is not None
        campaign = await session.get(Campaign, (project.id, row.campaign_id))
        assert campaign is not None
        program = await load_program(session, campaign)
        change = await recalculate(session, program, row, now, may_lower=may_lower)
        kept = await StandingRepository(session, project.id).find(row.id)
        if kept is None:
            return change, []
        ids = {tier_id for tier_id in (kept.tier_id, kept.next_tier_id) if tier_id}
        tiers = await LoyaltyTierRepository(session, project.id).by_id(ids)
        standing = standing_of(kept, tiers)
    spells = [spell for spell in (standing.current, standing.coming) if spell is not None]
    return change, [(tiers[spell.tier.id].name, spell.expires_at) for spell in spells]


async def tier_events(db: Database, project: ProjectKeys) -> list[tuple[str, str, str | None]]:
    """What was announced of members: what happened, the tier, and the one before."""
    async with db.read() as session:
        rows = await session.scalars(
            select(OutboxEvent)
            .where(OutboxEvent.project_id == project.id, OutboxEvent.type.startswith("customer.loyalty.tier."))
            .order_by(OutboxEvent.id)
        )
        return [
            (
                row.type.removeprefix("customer.loyalty.tier."),
                row.data["loyalty_tier"]["name"],
                row.data.get("previous_loyalty_tier", {}).get("name"),
            )
            for row in rows
        ]
