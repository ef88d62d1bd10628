"""Deleting a campaign's vouchers, a batch in each transaction."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.incentives.async_actions import service as actions
from app.incentives.async_actions.repository import AsyncActionRepository
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.validation_rules.assignments import unassign_all
from app.incentives.vouchers.repository import VoucherRepository
from app.kit import clock
from app.kit.jobs import JobKind, Work
from app.models import AsyncAction

DELETE = "CAMPAIGN.VOUCHERS_DELETE"
BATCH = 5_000


async def delete_vouchers(work: Work, payload: Mapping[str, Any]) -> None:
    """Delete what is left of the vouchers of a campaign that is itself deleted already.

    Into the bin, where their codes stay taken; with `force` for good, but for those that were ever redeemed or topped
    up: their rows stay, without the code being taken, so that redemptions and entries can be read.
    """
    while True:
        work.leave_if_stopping()
        async with work.db.write() as session:
            action = await AsyncActionRepository(session, payload["project_id"]).lock_unfinished(payload["action_id"])
            if action is None:
                return
            await _delete_batch(session, action)


async def _delete_batch(session: AsyncSession, action: AsyncAction) -> None:
    began_at = now = clock.now()
    campaign_id, force = action.parameters["campaign_id"], action.parameters["force"]
    vouchers = VoucherRepository(session, action.project_id, case_sensitive=True)
    batch = await vouchers.batch_of_campaign(campaign_id, action.parameters.get("after", ""), BATCH)
    ids = [voucher_id for voucher_id, _ in batch]
    done = actions.done_count(action) + len(batch)
    await unassign_all(session, action.project_id, ids)
    if force:
        await vouchers.release([voucher_id for voucher_id, was_used in batch if was_used], now)
        await vouchers.remove([voucher_id for voucher_id, was_used in batch if not was_used])
    else:
        await vouchers.bin(ids, now)
    if len(batch) == BATCH:
        action.parameters = action.parameters | {"after": ids[-1]}
        actions.advance(action, done, action.parameters["count"], began_at)
        return
    campaigns = CampaignRepository(session, action.project_id)
    if force and not await campaigns.was_used(campaign_id):
        await campaigns.remove(campaign_id)
    actions.finish(action, done, began_at)


async def give_up(work: Work, payload: Mapping[str, Any], error: Exception) -> None:
    """Mark the action as failed after its last attempt; the campaign stays deleted, so its codes stay useless."""
    began_at = clock.now()
    async with work.db.write() as session:
        action = await AsyncActionRepository(session, payload["project_id"]).lock_unfinished(payload["action_id"])
        if action is not None:
            left_count = max(0, action.parameters["count"] - actions.done_count(action))
            actions.fail(action, "The server could not finish this; its log says why.", left_count, began_at)


DELETION = JobKind(DELETE, delete_vouchers, give_up)
