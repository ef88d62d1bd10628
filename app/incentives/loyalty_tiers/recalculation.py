"""Looking at many members: all of a program when its tiers have changed, and those whose time has come."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.incentives.loyalty_tiers.repository import StandingRepository
from app.incentives.loyalty_tiers.standings import Program, load_program, recalculate
from app.kit import clock
from app.kit.following import Follower, Happening
from app.kit.jobs import JobKind, Work, enqueue
from app.models import Campaign, LoyaltyStanding, LoyaltyTier, Voucher

LOOK: Final = "LOYALTY.TIERS"
ABOUT_VOUCHER: Final = frozenset({"voucher.published", "voucher.enabled"})
ROUND = 100
"""Members in one transaction."""
MOST_ROUNDS = 1_000


async def look_at_members(session: AsyncSession, campaign: Campaign, version: int, *, may_lower: bool = True) -> None:
    """Have it worked out anew, after this transaction, where the members of a program stand. `version` is that of the
    configuration that this transaction makes."""
    payload = {"project_id": campaign.project_id, "campaign_id": campaign.id, "may_lower": may_lower}
    await enqueue(session, LOOK, payload, key=f"{LOOK} {campaign.id} {version}")


async def look_again(work: Work, payload: Mapping[str, Any]) -> None:
    """Do what `look_at_members` asked for. Looking twice changes nothing."""
    last_id = ""
    while True:
        work.leave_if_stopping()
        async with work.db.write() as session:
            campaign = await session.scalar(
                select(Campaign).where(
                    Campaign.project_id == payload["project_id"],
                    Campaign.id == payload["campaign_id"],
                    Campaign.deleted_at.is_(None),
                )
            )
            if campaign is None:
                return
            program = await load_program(session, campaign)
            standings = StandingRepository(session, campaign.project_id)
            cards = await standings.cards_after(campaign.id, last_id, at_most=ROUND)
            for card in cards:
                await recalculate(session, program, card, clock.now(), may_lower=payload["may_lower"])
        if len(cards) < ROUND:
            return
        last_id = cards[-1].id


LOOKING = JobKind(LOOK, look_again)


async def move_due(work: Work, project_id: int) -> None:
    """Let tiers end and begin whose time has come."""
    for _ in range(MOST_ROUNDS):
        work.leave_if_stopping()
        async with work.db.write() as session:
            now = clock.now()
            standings = StandingRepository(session, project_id)
            card_ids = await standings.due(now, at_most=ROUND)
            programs: dict[str, Program] = {}
            for card_id in card_ids:
                await _move(session, project_id, card_id, programs)
        if len(card_ids) < ROUND:
            return


async def look_at_card(session: AsyncSession, happening: Happening) -> None:
    """Work out anew where a card stands of which something was heard; nothing for what is not a loyalty card."""
    card_id = happening.entity_id if happening.type in ABOUT_VOUCHER else happening.data["voucher_id"]
    await _move(session, happening.project_id, card_id, {})


async def has_tiers(session: AsyncSession, project_id: int) -> bool:
    """Whether there is any tier. When the first one is added, all members are looked at."""
    rows = select(LoyaltyTier.id).where(LoyaltyTier.project_id == project_id, LoyaltyTier.deleted_at.is_(None))
    return await session.scalar(rows.limit(1)) is not None


CARDS = Follower(
    "loyalty_tiers", ABOUT_VOUCHER | {"voucher.loyalty_card.transaction.created"}, look_at_card, is_of_use=has_tiers
)


async def _move(session: AsyncSession, project_id: int, card_id: str, programs: dict[str, Program]) -> None:
    """`programs` are those that were loaded for cards before, and this one's afterwards."""
    found = (
        await session.execute(
            select(Voucher, Campaign)
            .join(Campaign, (Campaign.project_id == Voucher.project_id) & (Campaign.id == Voucher.campaign_id))
            .where(
                Voucher.project_id == project_id,
                Voucher.id == card_id,
                Voucher.type == "LOYALTY_CARD",
                Voucher.deleted_at.is_(None),
                Campaign.deleted_at.is_(None),
            )
        )
    ).first()
    if found is None:
        await _forget(session, project_id, card_id)
        return
    card, campaign = found
    if campaign.id not in programs:
        programs[campaign.id] = await load_program(session, campaign)
    await recalculate(session, programs[campaign.id], card, clock.now())


async def _forget(session: AsyncSession, project_id: int, card_id: str) -> None:
    """A card that is gone stands nowhere."""
    row = await session.get(LoyaltyStanding, (project_id, card_id))
    if row is not None:
        await session.delete(row)
