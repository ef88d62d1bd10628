"""Codes by the thousand: asked for in a request, made by a worker, a chunk of them in each transaction."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.incentives.async_actions import service as actions
from app.incentives.async_actions.repository import AsyncActionRepository
from app.incentives.campaigns import events
from app.incentives.campaigns.errors import TooManyVouchers
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.codes.generation import Draws, draws
from app.incentives.codes.guessing import refuse_overflow, refuse_weakness
from app.incentives.codes.shapes import CodeShape, shape_of
from app.incentives.vouchers.drawing import batch_of
from app.incentives.vouchers.repository import Batch, VoucherRepository
from app.kit import clock
from app.kit.jobs import JobKind, Work
from app.models import AsyncAction, Campaign, Project

GENERATE = "CAMPAIGN.VOUCHERS_GENERATE"
CHUNK = 20_000
"""Codes per transaction: enough that its fixed cost does not show, few enough to hold locks only for a moment."""
TIGHT = 10
"""The codes that are taken are counted when the shape has less than so many times the room that is asked for."""
PATIENCE = 30
"""How many times the expected number of draws may be in vain: with a free code left, the chance of that is e^-30."""


async def check_room(
    session: AsyncSession, caller: Caller, campaign: Campaign, shape: CodeShape, wanted_count: int, limit: int
) -> list[str]:
    """Make sure that `wanted_count` more codes are allowed and possible; warnings to answer with.

    Raises TooManyVouchers, InvalidCodeConfig.
    """
    unfinished = await AsyncActionRepository(session, caller.project_id).unfinished_of(campaign.id)
    pending_count = sum(
        action.parameters["count"] - actions.done_count(action) for action in unfinished if action.type == GENERATE
    )
    existing_count = campaign.vouchers_count + pending_count
    require_allowed(wanted_count, existing_count, limit)
    taken_count = pending_count
    if shape.capacity < TIGHT * (existing_count + wanted_count):
        case_sensitive = caller.project.case_sensitive_codes
        vouchers = VoucherRepository(session, caller.project_id, case_sensitive=case_sensitive)
        taken_count += await vouchers.taken_count(shape.template)
    refuse_overflow(shape, wanted_count, taken_count)
    return refuse_weakness(
        shape,
        existing_count + wanted_count,
        holds_value=campaign.gift is not None or campaign.loyalty is not None,
        policy=caller.project.settings.weak_codes,
    )


def require_allowed(wanted_count: int, existing_count: int, limit: int) -> None:
    """Raises TooManyVouchers."""
    if existing_count + wanted_count > limit:
        raise TooManyVouchers(wanted_count, existing_count, limit)


async def start(
    session: AsyncSession,
    caller: Caller,
    campaign: Campaign,
    count: int,
    code_config: Mapping[str, Any],
    own: Mapping[str, Any] | None = None,
) -> AsyncAction:
    """Let a worker make `count` vouchers. `own` are columns that differ from the campaign's defaults."""
    batch = asdict(batch_of(campaign, own))
    parameters = {"campaign_id": campaign.id, "count": count, "code_config": dict(code_config), "batch": batch}
    for name in ("start_date", "expiration_date"):
        batch[name] = batch[name].isoformat() if batch[name] else None
    action = await actions.start(session, caller, GENERATE, parameters)
    campaign.generation_status = "IN_PROGRESS"
    events.generation(session, "started", campaign, count)
    return action


async def generate(work: Work, payload: Mapping[str, Any]) -> None:
    """Make what is missing of the codes of one async action.

    A chunk of codes, the action's count and the campaign's count commit together, under a lock on the action: after a
    crash it goes on where it was, and two workers on one action do not make one code too many.
    """
    generation: Generation | None = None
    try:
        while True:
            work.leave_if_stopping()
            async with work.db.write() as session:
                action = await _unfinished(session, payload)
                if action is None:
                    return
                if generation is None:
                    project = await session.get_one(Project, action.project_id)
                    generation = Generation(action, project.case_sensitive_codes)
                await generation.make_chunk(session, action)
    except CampaignGone:
        await _give_up(work, payload, "The campaign was deleted.")


async def give_up(work: Work, payload: Mapping[str, Any], error: Exception) -> None:
    """Mark the action as failed after its last attempt."""
    await _give_up(work, payload, "The server could not finish this; its log says why.")


class Generation:
    """One worker's run through one action: the shape, and what earlier chunks taught about how full it is."""

    def __init__(self, action: AsyncAction, case_sensitive: bool) -> None:
        parameters = action.parameters
        self.case_sensitive = case_sensitive
        self.total: int = parameters["count"]
        self.batch = _batch(parameters["batch"])
        self.shape = shape_of(parameters["code_config"], case_sensitive)
        self.source: Draws = draws(self.shape)
        self.hit_rate = 1.0
        self.vain_draws = 0

    async def make_chunk(self, session: AsyncSession, action: AsyncAction) -> None:
        """One transaction's worth of codes, or the end of the action."""
        began_at = clock.now()
        done = actions.done_count(action)
        missing = self.total - done
        drawn = self.source.take(self._draw_count(missing))
        if not drawn or self.vain_draws > PATIENCE * self.shape.capacity / missing:
            message = f"Only {done:,} codes of the form {self.shape.template} were made; no free one is left."
            await _fail(session, action, message, began_at)
            return
        vouchers = VoucherRepository(session, action.project_id, case_sensitive=self.case_sensitive)
        _, made = await vouchers.insert_codes(drawn, self.batch, clock.now(), most=missing)
        self.hit_rate = made / len(drawn)
        self.vain_draws = 0 if made else self.vain_draws + len(drawn)
        done += made
        if done < self.total:
            actions.advance(action, done, self.total, began_at)
        else:
            actions.finish(action, done, began_at)
        campaigns = CampaignRepository(session, action.project_id)
        if not await campaigns.count_vouchers(self.batch.campaign_id, made):
            raise CampaignGone(self.batch.campaign_id)
        if done >= self.total:
            await _settle(session, action, "completed")

    def _draw_count(self, missing: int) -> int:
        """As many draws as should hit what is missing."""
        return CHUNK if self.hit_rate == 0 else min(CHUNK, math.ceil(missing / self.hit_rate))


class CampaignGone(Exception):
    """The campaign was deleted while its codes were being made; the chunk is undone."""


async def _unfinished(session: AsyncSession, payload: Mapping[str, Any]) -> AsyncAction | None:
    return await AsyncActionRepository(session, payload["project_id"]).lock_unfinished(payload["action_id"])


async def _give_up(work: Work, payload: Mapping[str, Any], message: str) -> None:
    async with work.db.write() as session:
        action = await _unfinished(session, payload)
        if action is not None:
            await _fail(session, action, message, clock.now())


async def _fail(session: AsyncSession, action: AsyncAction, message: str, began_at: datetime) -> None:
    actions.fail(action, message, action.parameters["count"] - actions.done_count(action), began_at)
    await _settle(session, action, "failed")


async def _settle(session: AsyncSession, action: AsyncAction, stage: Any) -> None:
    """Say at the campaign that this generation has ended, and whether another is still going on."""
    await session.flush()
    campaign_id = action.parameters["campaign_id"]
    campaign = await CampaignRepository(session, action.project_id).find_by_name(campaign_id, lock=True)
    if campaign is None:
        return
    others = await AsyncActionRepository(session, action.project_id).unfinished_of(campaign_id)
    if any(other.type == GENERATE for other in others):
        campaign.generation_status = "IN_PROGRESS"
    else:
        campaign.generation_status = "DONE" if stage == "completed" else "FAILED"
    events.generation(session, stage, campaign, actions.done_count(action))


def _batch(columns: Mapping[str, Any]) -> Batch:
    dates = {
        name: datetime.fromisoformat(columns[name]) if columns[name] else None
        for name in ("start_date", "expiration_date")
    }
    return Batch(**{**columns, **dates})


GENERATION = JobKind(GENERATE, generate, give_up)
