"""Use cases of assignments: which loyalty program offers which reward at which price."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.incentives.campaigns.service import get_campaign
from app.incentives.rewards import events
from app.incentives.rewards.errors import NoLoyaltyProgram, RewardAlreadyAssigned, RewardAssignmentNotFound
from app.incentives.rewards.rendering import assignment_read
from app.incentives.rewards.repository import RewardAssignmentRepository
from app.incentives.rewards.schemas import (
    Answer,
    AssignmentOfReward,
    AssignmentPatch,
    AssignmentToCampaign,
    LoyaltyPrice,
    Offer,
    RewardAssignmentQuery,
)
from app.incentives.rewards.service import get_reward, read_all
from app.incentives.validation_rules.assignments import assign, assignments_of, unassign_all
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import InvalidPayload
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.jobs import enqueue
from app.kit.lists import fetch_page
from app.models import Campaign, Reward, RewardAssignment

LOYALTY = "LOYALTY_PROGRAM"
REDEEM_BY_THEMSELVES = "REWARDS.AUTO_REDEEM"
"""The job that gives members what is offered without asking, once it is offered so."""


async def create(db: Database, caller: Caller, reward_id: str, body: AssignmentToCampaign) -> Answer:
    """Offer a reward in a loyalty program.

    Raises RewardNotFound, CampaignNotFound, NoLoyaltyProgram, RewardAlreadyAssigned, InvalidPayload,
    ValidationRuleNotFound.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        reward = await get_reward(session, caller.project_id, reward_id)
        campaign = await get_program(session, caller, body.campaign)
        return await _add(session, caller, campaign, reward, body, "")


async def create_many(
    db: Database, caller: Caller, campaign_id: str, offers: Sequence[AssignmentOfReward]
) -> list[Answer]:
    """Offer rewards in a loyalty program, all or none. Raises what `create` raises."""
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        campaign = await get_program(session, caller, campaign_id)
        added = []
        for index, offer in enumerate(offers):
            reward = await get_reward(session, caller.project_id, offer.reward)
            added.append(await _add(session, caller, campaign, reward, offer, f"[{index}]."))
    return added


async def search_reward(db: Database, caller: Caller, reward_id: str, query: RewardAssignmentQuery) -> Answer:
    """Where a reward is offered. Raises RewardNotFound, InvalidQuery."""
    async with db.read() as session:
        reward = await get_reward(session, caller.project_id, reward_id)
        return await _page(session, caller, query, RewardAssignment.reward_id == reward.id)


async def search_campaign(db: Database, caller: Caller, campaign_id: str, query: RewardAssignmentQuery) -> Answer:
    """What a loyalty program offers. Raises CampaignNotFound, NoLoyaltyProgram, InvalidQuery."""
    async with db.read() as session:
        campaign = await get_program(session, caller, campaign_id)
        return await _page(session, caller, query, RewardAssignment.campaign_id == campaign.id)


async def get_of_reward(db: Database, caller: Caller, reward_id: str, assignment_id: str) -> Answer:
    """Raises RewardNotFound, RewardAssignmentNotFound."""
    async with db.read() as session:
        return await _read(session, await _of_reward(session, caller, reward_id, assignment_id))


async def get_of_campaign(db: Database, caller: Caller, campaign_id: str, assignment_id: str) -> Answer:
    """Raises CampaignNotFound, NoLoyaltyProgram, RewardAssignmentNotFound."""
    async with db.read() as session:
        return await _read(session, await _of_campaign(session, caller, campaign_id, assignment_id))


async def get_offered_reward(db: Database, caller: Caller, campaign_id: str, assignment_id: str) -> Answer:
    """The reward of an assignment. Raises CampaignNotFound, NoLoyaltyProgram, RewardAssignmentNotFound."""
    async with db.read() as session:
        assignment = await _of_campaign(session, caller, campaign_id, assignment_id)
        reward = await get_reward(session, caller.project_id, assignment.reward_id)
        return (await read_all(session, caller.project_id, [reward]))[0]


async def update_of_reward(
    db: Database, caller: Caller, reward_id: str, assignment_id: str, body: AssignmentPatch
) -> Answer:
    """Raises RewardNotFound, RewardAssignmentNotFound, InvalidPayload, ValidationRuleNotFound."""
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        return await _change(session, caller, await _of_reward(session, caller, reward_id, assignment_id), body)


async def update_of_campaign(
    db: Database, caller: Caller, campaign_id: str, assignment_id: str, body: AssignmentPatch
) -> Answer:
    """Raises CampaignNotFound, NoLoyaltyProgram, RewardAssignmentNotFound, InvalidPayload, ValidationRuleNotFound."""
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        return await _change(session, caller, await _of_campaign(session, caller, campaign_id, assignment_id), body)


async def delete_of_reward(db: Database, caller: Caller, reward_id: str, assignment_id: str) -> None:
    """Raises RewardNotFound, RewardAssignmentNotFound."""
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        await _delete(session, caller, await _of_reward(session, caller, reward_id, assignment_id))


async def delete_of_campaign(db: Database, caller: Caller, campaign_id: str, assignment_id: str) -> None:
    """Raises CampaignNotFound, NoLoyaltyProgram, RewardAssignmentNotFound."""
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        await _delete(session, caller, await _of_campaign(session, caller, campaign_id, assignment_id))


async def get_program(session: AsyncSession, caller: Caller, name_or_id: str) -> Campaign:
    """The loyalty program with this id or name. Raises CampaignNotFound, NoLoyaltyProgram."""
    campaign = await get_campaign(session, caller, name_or_id)
    if campaign.campaign_type != LOYALTY:
        raise NoLoyaltyProgram(campaign.name, campaign.campaign_type)
    return campaign


async def _add(
    session: AsyncSession, caller: Caller, campaign: Campaign, reward: Reward, offer: Offer, path: str
) -> Answer:
    """Only after `change_configuration`."""
    price = _price_of(reward, offer, path)
    if await RewardAssignmentRepository(session, caller.project_id).offered(campaign.id, reward.id) is not None:
        raise RewardAlreadyAssigned(reward.id, campaign.name)
    assignment = RewardAssignment(
        project_id=caller.project_id,
        id=new_id("rewa"),
        reward_id=reward.id,
        campaign_id=campaign.id,
        points=price.points if price else None,
        auto_redeem=bool(price and price.auto_redeem),
        created_at=clock.now(),
        updated_at=None,
    )
    session.add(assignment)
    await session.flush()
    for rule_id in dict.fromkeys(offer.validation_rules):
        await assign(session, caller, rule_id, "reward_assignment", assignment.id)
    shown = await _read(session, assignment)
    changes = offer.model_dump(mode="json", exclude_unset=True)
    events.assignment_changed(session, caller, "created", shown, campaign, changes)
    if assignment.auto_redeem:
        await _have_it_redeemed(session, assignment)
    return shown


async def _have_it_redeemed(session: AsyncSession, assignment: RewardAssignment) -> None:
    """Members who have the points already have the reward, once this transaction has ended."""
    payload = {"project_id": assignment.project_id, "campaign_id": assignment.campaign_id}
    await enqueue(session, REDEEM_BY_THEMSELVES, payload, key=f"{REDEEM_BY_THEMSELVES} {new_id('job')}")


def _price_of(reward: Reward, offer: Offer, path: str) -> LoyaltyPrice | None:
    """What the offer says the reward costs; a COIN has no price, everything else needs one. Raises InvalidPayload."""
    price = offer.parameters.loyalty if offer.parameters else None
    if reward.type == "COIN":
        if price is not None and price.auto_redeem:
            raise InvalidPayload(
                f"{path}parameters.loyalty.auto_redeem", "Points are paid at the checkout, never by themselves."
            )
        return None
    if offer.validation_rules:
        raise InvalidPayload(f"{path}validation_rules", "Only paying with points can depend on rules.")
    if price is None:
        raise InvalidPayload(f"{path}parameters.loyalty.points", "Say how many points the reward costs.")
    return price


async def _change(session: AsyncSession, caller: Caller, assignment: RewardAssignment, body: AssignmentPatch) -> Answer:
    price = body.parameters.loyalty if body.parameters else None
    if assignment.points is None:
        if price is not None and price.auto_redeem:
            raise InvalidPayload(
                "parameters.loyalty.auto_redeem", "Points are paid at the checkout, never by themselves."
            )
        if body.validation_rules is not None:
            await unassign_all(session, caller.project_id, [assignment.id])
            for rule_id in dict.fromkeys(body.validation_rules):
                await assign(session, caller, rule_id, "reward_assignment", assignment.id)
    elif body.validation_rules:
        raise InvalidPayload("validation_rules", "Only paying with points can depend on rules.")
    elif price is not None:
        assignment.points = assignment.points if price.points is None else price.points
        assignment.auto_redeem = assignment.auto_redeem if price.auto_redeem is None else price.auto_redeem
    assignment.updated_at = clock.now()
    await session.flush()
    if assignment.auto_redeem:
        await _have_it_redeemed(session, assignment)
    shown = await _read(session, assignment)
    campaign = await get_program(session, caller, assignment.campaign_id)
    changes = body.model_dump(mode="json", exclude_unset=True)
    events.assignment_changed(session, caller, "updated", shown, campaign, changes)
    return shown


async def _delete(session: AsyncSession, caller: Caller, assignment: RewardAssignment) -> None:
    shown = await _read(session, assignment)
    campaign = await get_program(session, caller, assignment.campaign_id)
    await unassign_all(session, caller.project_id, [assignment.id])
    await session.delete(assignment)
    events.assignment_changed(session, caller, "deleted", shown, campaign)


async def _of_reward(session: AsyncSession, caller: Caller, reward_id: str, assignment_id: str) -> RewardAssignment:
    reward = await get_reward(session, caller.project_id, reward_id)
    return await _get(session, caller, RewardAssignment.reward_id == reward.id, assignment_id)


async def _of_campaign(session: AsyncSession, caller: Caller, campaign_id: str, assignment_id: str) -> RewardAssignment:
    campaign = await get_program(session, caller, campaign_id)
    return await _get(session, caller, RewardAssignment.campaign_id == campaign.id, assignment_id)


async def _get(
    session: AsyncSession, caller: Caller, owner: ColumnElement[bool], assignment_id: str
) -> RewardAssignment:
    assignment = await RewardAssignmentRepository(session, caller.project_id).find_in(owner, assignment_id)
    if assignment is None:
        raise RewardAssignmentNotFound(assignment_id)
    return assignment


async def _read(session: AsyncSession, assignment: RewardAssignment) -> Answer:
    return (await read_assignments(session, assignment.project_id, [assignment]))[0]


async def read_assignments(
    session: AsyncSession, project_id: int, assignments: Sequence[RewardAssignment]
) -> list[Answer]:
    """The assignments as answers, with the rules that bind them; at most one statement."""
    bindable = [assignment.id for assignment in assignments if assignment.points is None]
    bound: dict[str, list[Any]] = await assignments_of(session, project_id, bindable) if bindable else {}
    return [
        assignment_read(assignment, [each.rule_id for each in bound.get(assignment.id, [])])
        for assignment in assignments
    ]


async def _page(
    session: AsyncSession, caller: Caller, query: RewardAssignmentQuery, owner: ColumnElement[bool]
) -> Answer:
    rows = select(RewardAssignment).where(RewardAssignment.project_id == caller.project_id, owner)
    page = await fetch_page(session, rows, query, When(clock.now(), caller.project.zone))
    shown = await read_assignments(session, caller.project_id, page.rows)
    return {"object": "list", "data_ref": "data", "data": shown, "total": page.total}
