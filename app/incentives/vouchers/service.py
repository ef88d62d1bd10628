"""Use cases of vouchers, one transaction each."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.incentives.campaigns.errors import CampaignNotFound, TooManyVouchers
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.categories.resolution import category_column, resolve_category
from app.incentives.codes.guessing import refuse_weakness
from app.incentives.codes.shapes import code_config_of, shape_of
from app.incentives.currencies import check_currencies
from app.incentives.units import with_known_units
from app.incentives.validation_rules.assignments import assign, assignments_of, unassign_all
from app.incentives.vouchers import events
from app.incentives.vouchers.creation import add_voucher, draw_voucher
from app.incentives.vouchers.definitions import changed_columns, own_columns, require_room_for_codes
from app.incentives.vouchers.errors import VoucherNotFound
from app.incentives.vouchers.listing import VoucherQuery, vouchers_of
from app.incentives.vouchers.rendering import categories_of, voucher_read
from app.incentives.vouchers.repository import VoucherRepository
from app.incentives.vouchers.schemas import VoucherCreate, VoucherUpdate
from app.incentives.vouchers.standing import standings
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.lists import fetch_page
from app.models import Campaign, Voucher


async def create(
    db: Database, caller: Caller, body: VoucherCreate, code: str | None = None, *, codes_limit: int
) -> dict[str, Any]:
    """Create one voucher, under a code of the caller's choice or one drawn at random.

    Raises CodeTaken, NoCodeLeft, InvalidCode, InvalidCodeConfig, InvalidVoucher, InvalidCampaign, InvalidPayload,
    CampaignNotFound, TooManyVouchers, ValidationRuleNotFound, CategoryNotFound.
    """
    async with db.write() as session:
        if body.validation_rules:
            await change_configuration(session, caller.project_id)
        campaign = await _campaign_of(session, caller, body, codes_limit)
        category = await resolve_category(session, caller.project_id, body.category, body.category_id)
        own = own_columns(body, campaign) | ({"category_id": category.id} if category else {})
        caller.project.check_metadata("voucher", own.get("voucher_metadata"))
        check_currencies(caller.project, own)
        own = await with_known_units(session, caller.project_id, own)
        code = code or body.code
        warnings: list[str] = []
        if code is None:
            voucher, warnings = await _draw(session, caller, campaign, body, own)
        else:
            voucher = await add_voucher(session, caller, campaign, code, own)
        for rule_id in dict.fromkeys(body.validation_rules):
            await assign(session, caller, rule_id, "voucher", voucher.id)
        voucher_as_read = (await read_all(session, caller, [(voucher, campaign)]))[0]
        events.changed(
            session, caller, "created", voucher_as_read, campaign, body.model_dump(mode="json", exclude_unset=True)
        )
    return voucher_as_read | ({"warnings": warnings} if warnings else {})


async def get(db: Database, caller: Caller, code: str) -> dict[str, Any]:
    """Raises VoucherNotFound."""
    async with db.read() as session:
        return (await read_all(session, caller, [await _get(session, caller, code)]))[0]


async def update(db: Database, caller: Caller, code: str, body: VoucherUpdate) -> dict[str, Any]:
    """Change the members that were sent.

    Raises VoucherNotFound, CategoryNotFound, InvalidVoucher, InvalidPayload.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        voucher, campaign = await _get(session, caller, code)
        columns = changed_columns(voucher, campaign, body)
        check_currencies(caller.project, columns)
        columns = await with_known_units(session, caller.project_id, columns)
        columns |= await category_column(session, caller.project_id, body.changes())
        if "voucher_metadata" in columns:
            caller.project.check_metadata("voucher", columns["voucher_metadata"] or {})
        for name, value in columns.items():
            setattr(voucher, name, value)
        voucher.updated_at = clock.now()
        voucher_as_read = (await read_all(session, caller, [(voucher, campaign)]))[0]
        events.changed(
            session, caller, "updated", voucher_as_read, campaign, body.model_dump(mode="json", exclude_unset=True)
        )
    return voucher_as_read


async def switch(db: Database, caller: Caller, code: str, *, active: bool) -> dict[str, Any]:
    """Enable or disable: when this returns, no redemption that thinks otherwise is recorded any more.

    Raises VoucherNotFound.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        voucher, campaign = await _get(session, caller, code)
        is_change = voucher.active != active
        if is_change:
            voucher.active = active
            voucher.updated_at = clock.now()
        voucher_as_read = (await read_all(session, caller, [(voucher, campaign)]))[0]
        if is_change:
            events.changed(session, caller, "enabled" if active else "disabled", voucher_as_read, campaign)
    return voucher_as_read


async def delete(db: Database, caller: Caller, code: str, *, force: bool) -> None:
    """Delete a voucher: into the bin, where the code stays taken, or with `force` for good.

    One that was ever redeemed or topped up stays stored for the sake of what its records say, without its code being
    taken.

    Raises VoucherNotFound.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        voucher, campaign = await _get(session, caller, code)
        voucher_as_read = (await read_all(session, caller, [(voucher, campaign)]))[0]
        vouchers = repository(session, caller)
        await unassign_all(session, caller.project_id, [voucher.id])
        if not force:
            await vouchers.bin([voucher.id], clock.now())
        elif await vouchers.was_used(voucher.id):
            await vouchers.release([voucher.id], clock.now())
        else:
            await vouchers.remove([voucher.id])
        events.changed(session, caller, "deleted", voucher_as_read, campaign, {"force": force})
        if campaign is not None:
            await CampaignRepository(session, caller.project_id).count_vouchers(campaign.id, -1)


async def read_all(
    session: AsyncSession, caller: Caller, vouchers: Sequence[tuple[Voucher, Campaign | None]]
) -> list[dict[str, Any]]:
    """The vouchers as they are answered; three statements however many they are."""
    ids = [voucher.id for voucher, _ in vouchers]
    standing = await standings(session, caller.project_id, ids)
    assignments = await assignments_of(session, caller.project_id, ids)
    categories = await categories_of(session, caller.project_id, vouchers)
    return [
        voucher_read(voucher, campaign, standing[voucher.id], assignments[voucher.id], categories=categories)
        for voucher, campaign in vouchers
    ]


def repository(session: AsyncSession, caller: Caller) -> VoucherRepository:
    return VoucherRepository(session, caller.project_id, case_sensitive=caller.project.case_sensitive_codes)


async def _get(session: AsyncSession, caller: Caller, code: str) -> tuple[Voucher, Campaign | None]:
    found = await repository(session, caller).find_by_code(code)
    if found is None:
        raise VoucherNotFound(code)
    return found


async def _campaign_of(session: AsyncSession, caller: Caller, body: VoucherCreate, codes_limit: int) -> Campaign | None:
    """The campaign that the new voucher joins, locked until the transaction ends.

    Raises CampaignNotFound, InvalidCampaign, TooManyVouchers.
    """
    name_or_id = body.campaign_id or body.campaign
    if name_or_id is None:
        return None
    campaign = await CampaignRepository(session, caller.project_id).find_by_name(name_or_id, lock=True)
    if campaign is None:
        raise CampaignNotFound(name_or_id)
    require_room_for_codes(campaign)
    if campaign.vouchers_count >= codes_limit:
        raise TooManyVouchers(1, campaign.vouchers_count, codes_limit)
    return campaign


async def _draw(
    session: AsyncSession, caller: Caller, campaign: Campaign | None, body: VoucherCreate, own: Mapping[str, Any]
) -> tuple[Voucher, list[str]]:
    """A voucher under a random code, and warnings about the shape of it.

    Raises NoCodeLeft, InvalidCodeConfig.
    """
    default = caller.project.settings.default_code_config
    config = body.code_config.model_dump(exclude_none=True) if body.code_config else {}
    if campaign is not None and not config:
        config = campaign.code_config
    shape = shape_of(code_config_of(config, default.charset, default.length), caller.project.case_sensitive_codes)
    live_count = 1 + (campaign.vouchers_count if campaign else 0)
    holds_value = own.get("type") in ("GIFT_VOUCHER", "LOYALTY_CARD")
    warnings = refuse_weakness(shape, live_count, holds_value=holds_value, policy=caller.project.settings.weak_codes)
    return await draw_voucher(session, caller, campaign, shape, own), warnings


async def search(db: Database, caller: Caller, query: VoucherQuery) -> tuple[list[dict[str, Any]], int]:
    """A page of vouchers as they are answered, and how many there are.

    Raises InvalidQuery.
    """
    async with db.read() as session:
        when = When(clock.now(), caller.project.zone)
        page = await fetch_page(session, vouchers_of(caller, query), query, when)
        campaign_ids = {voucher.campaign_id for voucher in page.rows if voucher.campaign_id}
        campaigns = await CampaignRepository(session, caller.project_id).by_id(campaign_ids)
        rows = [(voucher, campaigns.get(voucher.campaign_id or "")) for voucher in page.rows]
        return await read_all(session, caller, rows), page.total
