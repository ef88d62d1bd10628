"""Adding vouchers to a campaign: one in the request, many in the background."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.incentives.async_actions.schemas import AsyncActionStarted
from app.incentives.campaigns import generation
from app.incentives.campaigns.schemas import VouchersAdd
from app.incentives.campaigns.service import get_campaign
from app.incentives.categories.resolution import resolve_category
from app.incentives.codes.shapes import code_config_of, shape_of
from app.incentives.schedule import DATES
from app.incentives.vouchers import events as voucher_events
from app.incentives.vouchers.creation import add_voucher
from app.incentives.vouchers.definitions import require_room_for_codes, schedule_columns
from app.incentives.vouchers.drawing import create_codes
from app.incentives.vouchers.service import read_all
from app.kit.db import Database
from app.kit.metadata import merged_metadata
from app.models import Campaign, Voucher


async def add(
    db: Database,
    caller: Caller,
    name_or_id: str,
    body: VouchersAdd,
    count: int,
    code: str | None = None,
    *,
    codes_limit: int,
) -> dict[str, Any] | AsyncActionStarted:
    """Add vouchers to a campaign: one is made and given back, more are left to a worker.

    Raises CampaignNotFound, InvalidCampaign, InvalidVoucher, InvalidPayload, InvalidCode, InvalidCodeConfig, CodeTaken,
    NoCodeLeft, TooManyVouchers, CategoryNotFound.
    """
    async with db.write() as session:
        # Locked, so that the room is still there when the codes are, and so that a generation ending now sees this one.
        campaign = await get_campaign(session, caller, name_or_id, lock=True)
        require_room_for_codes(campaign)
        category = await resolve_category(session, caller.project_id, body.category, body.category_id)
        own = _own_columns(body, campaign) | ({"category_id": category.id} if category else {})
        caller.project.check_metadata("voucher", own.get("voucher_metadata"))
        code = code or body.code
        if code is not None and count == 1:
            generation.require_allowed(1, campaign.vouchers_count, codes_limit)
            voucher = await add_voucher(session, caller, campaign, code, own)
            return await _created(session, caller, campaign, voucher, body, [])
        default = caller.project.settings.default_code_config
        config = body.code_config.model_dump(exclude_none=True) if body.code_config else None
        code_config = code_config_of(config, default.charset, default.length) if config else campaign.code_config
        shape = shape_of(code_config, caller.project.case_sensitive_codes)
        warnings = await generation.check_room(session, caller, campaign, shape, count, codes_limit)
        if count == 1:
            (voucher,) = await create_codes(session, caller.project, campaign, own=own, shape=shape)
            return await _created(session, caller, campaign, voucher, body, warnings)
        action = await generation.start(session, caller, campaign, count, code_config, own)
        record(session, caller, "campaign.vouchers.added", "campaign", campaign.id, {"count": count})
    return AsyncActionStarted(async_action_id=action.id, warnings=warnings or None)


async def _created(
    session: AsyncSession, caller: Caller, campaign: Campaign, voucher: Voucher, body: VouchersAdd, warnings: list[str]
) -> dict[str, Any]:
    voucher_as_read = (await read_all(session, caller, [(voucher, campaign)]))[0]
    changes = body.model_dump(mode="json", exclude_unset=True)
    voucher_events.changed(session, caller, "created", voucher_as_read, campaign, changes)
    return voucher_as_read | ({"warnings": warnings} if warnings else {})


def _own_columns(body: VouchersAdd, campaign: Campaign) -> dict[str, Any]:
    """The columns in which the new vouchers differ from the campaign's defaults.

    Raises InvalidVoucher, InvalidPayload.
    """
    schedule = schedule_columns(body.model_dump(), campaign)
    columns: dict[str, Any] = {name: schedule[name] for name in DATES if schedule.get(name)}
    if body.redemption is not None:
        columns["redemption_quantity"] = body.redemption.quantity
    if body.additional_info is not None:
        columns["additional_info"] = body.additional_info
    if body.metadata:
        columns["voucher_metadata"] = merged_metadata({}, body.metadata)
    return columns
