"""Use cases of earning rules, one transaction each."""

from collections.abc import Sequence

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.commerce.custom_events.repository import EventSchemaRepository
from app.commerce.segments.repository import SegmentRepository
from app.engine.earning import Earning, Loyalty
from app.incentives.earning_rules import events
from app.incentives.earning_rules.definitions import Wait, check_earning, stored, wait_of
from app.incentives.earning_rules.errors import EarningRuleNotFound, InvalidEarningRule, TooManyEarningRules
from app.incentives.earning_rules.rendering import earning_rule_read
from app.incentives.earning_rules.repository import EarningRuleRepository
from app.incentives.earning_rules.schemas import (
    MOST_RULES,
    Answer,
    EarningRuleCreate,
    EarningRuleQuery,
    EarningRuleUpdate,
)
from app.incentives.rewards.assignments import get_program
from app.incentives.schedule import DATES, RECURRING, schedule_of
from app.incentives.validation_rules.assignments import assign, assignments_of, unassign_all
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.lists import fetch_page
from app.kit.metadata import merged_metadata
from app.models import Campaign, EarningRule

loyalty_of: TypeAdapter[Earning] = TypeAdapter(Loyalty)


async def create(db: Database, caller: Caller, campaign_id: str, bodies: Sequence[EarningRuleCreate]) -> list[Answer]:
    """Add rules to a loyalty program, all or none.

    Raises CampaignNotFound, NoLoyaltyProgram, InvalidEarningRule, InvalidPayload, TooManyEarningRules,
    ValidationRuleNotFound, LimitsBindNoEarning.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        campaign = await get_program(session, caller, campaign_id)
        if await EarningRuleRepository(session, caller.project_id).count() + len(bodies) > MOST_RULES:
            raise TooManyEarningRules(MOST_RULES)
        return [await _add(session, caller, campaign, body, f"[{place}].") for place, body in enumerate(bodies)]


async def search(db: Database, caller: Caller, campaign_id: str, query: EarningRuleQuery) -> Answer:
    """A page of the rules of a program. Raises CampaignNotFound, NoLoyaltyProgram, InvalidQuery."""
    async with db.read() as session:
        campaign = await get_program(session, caller, campaign_id)
        rows = select(EarningRule).where(
            EarningRule.project_id == caller.project_id,
            EarningRule.campaign_id == campaign.id,
            EarningRule.deleted_at.is_(None),
        )
        page = await fetch_page(session, rows, query, When(clock.now(), caller.project.zone))
        shown = await read_rules(session, caller.project_id, page.rows)
    return {"object": "list", "data_ref": "data", "data": shown, "total": page.total}


async def get(db: Database, caller: Caller, campaign_id: str, rule_id: str) -> Answer:
    """Raises CampaignNotFound, NoLoyaltyProgram, EarningRuleNotFound."""
    async with db.read() as session:
        rule, _ = await _get(session, caller, campaign_id, rule_id)
        return await _read(session, rule)


async def update(db: Database, caller: Caller, campaign_id: str, rule_id: str, body: EarningRuleUpdate) -> Answer:
    """Change the members that were sent. What was earned stays as it is.

    Raises CampaignNotFound, NoLoyaltyProgram, EarningRuleNotFound, InvalidEarningRule, InvalidPayload,
    ValidationRuleNotFound, LimitsBindNoEarning.
    """
    given = body.changes()
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        rule, campaign = await _get(session, caller, campaign_id, rule_id)
        for name in ("loyalty", "pending_points", "expiration_rules"):
            if name in given and (given[name] is not None or name != "loyalty"):
                setattr(rule, name, stored(given[name]))
        if "source" in given:
            rule.banner = body.source.banner if body.source else None
        if body.active is not None:
            rule.active = body.active
        if "limits" in given:
            rule.limits = [stored(limit) for limit in body.limits or ()]
        if any(name in given for name in (*DATES, *RECURRING)):
            own = {"start_date": rule.start_date, "expiration_date": rule.expiration_date, **rule.validity}
            for name, value in schedule_of(own | given).items():
                setattr(rule, name, value)
        if "metadata" in given:
            kept = {} if body.metadata is None else rule.rule_metadata
            rule.rule_metadata = merged_metadata(kept, body.metadata or {})
            caller.project.check_metadata("earning_rule", rule.rule_metadata)
        _check(rule, "")
        if "validation_rule_id" in given:
            await unassign_all(session, caller.project_id, [rule.id])
            if body.validation_rule_id is not None:
                await assign(session, caller, body.validation_rule_id, "earning_rule", rule.id)
        rule.updated_at = clock.now()
        shown = await _read(session, rule)
        events.rule_changed(
            session, caller, "updated", shown, campaign, body.model_dump(mode="json", exclude_unset=True)
        )
    return shown


async def switch(db: Database, caller: Caller, campaign_id: str, rule_id: str, *, active: bool) -> Answer:
    """Enable or disable. Raises CampaignNotFound, NoLoyaltyProgram, EarningRuleNotFound."""
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        rule, campaign = await _get(session, caller, campaign_id, rule_id)
        if rule.active == active:
            return await _read(session, rule)
        rule.active = active
        rule.updated_at = clock.now()
        shown = await _read(session, rule)
        events.rule_changed(session, caller, "enabled" if active else "disabled", shown, campaign)
    return shown


async def delete(db: Database, caller: Caller, campaign_id: str, rule_id: str) -> None:
    """Delete a rule; what it earned stays, and is still taken back when an order is.

    Raises CampaignNotFound, NoLoyaltyProgram, EarningRuleNotFound.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        rule, campaign = await _get(session, caller, campaign_id, rule_id)
        shown = await _read(session, rule)
        rule.deleted_at = clock.now()
        await unassign_all(session, caller.project_id, [rule.id])
        events.rule_changed(session, caller, "deleted", shown, campaign)


async def read_rules(session: AsyncSession, project_id: int, rules: Sequence[EarningRule]) -> list[Answer]:
    """The rules as they are answered; at most one statement."""
    bound = await assignments_of(session, project_id, [rule.id for rule in rules])
    return [earning_rule_read(rule, bound[rule.id][0].rule_id if bound[rule.id] else None) for rule in rules]


async def _add(session: AsyncSession, caller: Caller, campaign: Campaign, body: EarningRuleCreate, path: str) -> Answer:
    """Only after `change_configuration`."""
    wait = wait_of(body, path)
    await _require_target(session, caller.project_id, body, wait, path)
    caller.project.check_metadata("earning_rule", body.metadata or None, f"{path}metadata")
    rule = EarningRule(
        project_id=caller.project_id,
        id=new_id("ern"),
        campaign_id=campaign.id,
        event=body.event,
        trigger=wait.trigger,
        target_id=wait.target_id,
        loyalty=stored(body.loyalty),
        banner=body.source.banner if body.source else None,
        active=body.active,
        **schedule_of(body.model_dump(), path),
        pending_points=stored(body.pending_points),
        expiration_rules=stored(body.expiration_rules),
        limits=[stored(limit) for limit in body.limits],
        rule_metadata=merged_metadata({}, body.metadata),
        created_at=clock.now(),
        updated_at=None,
        deleted_at=None,
    )
    _check(rule, path)
    session.add(rule)
    await session.flush()
    if body.validation_rule_id is not None:
        await assign(session, caller, body.validation_rule_id, "earning_rule", rule.id)
    shown = await _read(session, rule)
    changes = body.model_dump(mode="json", exclude_unset=True)
    events.rule_changed(session, caller, "assigned", shown, campaign, changes)
    return shown


def _check(rule: EarningRule, path: str) -> None:
    """Raises InvalidEarningRule where the parts of the rule do not go together."""
    loyalty = loyalty_of.validate_python(rule.loyalty)
    check_earning(rule.trigger, loyalty, rule.pending_points is not None, path)  # type: ignore[arg-type]  # stored


async def _require_target(
    session: AsyncSession, project_id: int, body: EarningRuleCreate, wait: Wait, path: str
) -> None:
    """Raises InvalidEarningRule for a segment or an event schema that the project does not have."""
    if wait.target_id is None:
        return
    if wait.trigger == "segment" and await SegmentRepository(session, project_id).find(wait.target_id) is None:
        raise InvalidEarningRule(f"{path}segment.id", f"There is no segment {wait.target_id} in this project.")
    if wait.trigger == "custom_event":
        schema = await EventSchemaRepository(session, project_id).find(wait.target_id)
        if schema is None or schema.name != body.event:
            message = f"There is no schema {wait.target_id} of an event named {body.event} in this project."
            raise InvalidEarningRule(f"{path}custom_event.schema_id", message)


async def _get(session: AsyncSession, caller: Caller, campaign_id: str, rule_id: str) -> tuple[EarningRule, Campaign]:
    campaign = await get_program(session, caller, campaign_id)
    rule = await EarningRuleRepository(session, caller.project_id).find_in(campaign.id, rule_id)
    if rule is None:
        raise EarningRuleNotFound(rule_id)
    return rule, campaign


async def _read(session: AsyncSession, rule: EarningRule) -> Answer:
    return (await read_rules(session, rule.project_id, [rule]))[0]
