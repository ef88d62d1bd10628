"""Use cases of campaigns, one transaction each."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.incentives.async_actions import service as actions
from app.incentives.campaigns import events, generation
from app.incentives.campaigns.definitions import changed_columns, check_metadata, columns_of
from app.incentives.campaigns.deletion import DELETE
from app.incentives.campaigns.errors import CampaignNotFound, NameTaken
from app.incentives.campaigns.listing import CampaignQuery
from app.incentives.campaigns.rendering import campaign_read
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.campaigns.schemas import CampaignCreate, CampaignUpdate
from app.incentives.categories.repository import CategoryRepository
from app.incentives.categories.resolution import category_column, resolve_category
from app.incentives.codes.errors import inside
from app.incentives.codes.shapes import shape_of
from app.incentives.currencies import check_currencies
from app.incentives.earning_rules.repository import EarningRuleRepository
from app.incentives.loyalty_tiers.recalculation import look_at_members
from app.incentives.promotions.creation import add_tier, read_promotion
from app.incentives.promotions.repository import PromotionStackRepository, PromotionTierRepository
from app.incentives.referrals.programs import program_column
from app.incentives.units import with_known_units
from app.incentives.validation_rules.assignments import assign, assignments_of, unassign_all
from app.incentives.vouchers.creation import add_voucher
from app.incentives.vouchers.drawing import create_codes
from app.incentives.vouchers.repository import VoucherRepository
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.lists import fetch_page
from app.models import AsyncAction, Campaign, Voucher


async def create(db: Database, caller: Caller, body: CampaignCreate, *, codes_limit: int) -> dict[str, Any]:
    """Create a campaign; one code is made at once, more are made by a worker.

    Raises NameTaken, InvalidCampaign, InvalidPayload, InvalidCodeConfig, TooManyVouchers, ValidationRuleNotFound,
    CategoryNotFound, CodeTaken.
    """
    columns = columns_of(body, caller.project)
    check_metadata(caller.project, columns["use_voucher_metadata_schema"], columns["campaign_metadata"] or None)
    shape = None
    if body.voucher is not None:
        with inside("voucher"):
            shape = shape_of(columns["code_config"], caller.project.case_sensitive_codes)
    warnings: list[str] = []
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        check_currencies(caller.project, columns, "voucher.")
        columns = await with_known_units(session, caller.project_id, columns, "voucher.discount")
        if columns["campaign_type"] == "REFERRAL_PROGRAM":
            columns["referral_program"] = await program_column(session, caller.project_id, body.referral_program)
        category = await resolve_category(session, caller.project_id, body.category, body.category_id)
        campaign = Campaign(
            project_id=caller.project_id,
            id=new_id("camp"),
            active=True,
            vouchers_count=0,
            generation_status="DONE",
            category_id=category.id if category else None,
            counted={},
            created_at=clock.now(),
            updated_at=None,
            deleted_at=None,
            **columns,
        )
        await _insert(session, campaign)
        for rule_id in dict.fromkeys(body.validation_rules):
            await assign(session, caller, rule_id, "campaign", campaign.id)
        for place, tier in enumerate(body.promotion.tiers if body.promotion else ()):
            await add_tier(session, caller, campaign, tier, f"promotion.tiers[{place}].")
        if body.voucher is not None and body.voucher.code is not None:
            await add_voucher(session, caller, campaign, body.voucher.code)
        elif shape is not None:
            count = body.vouchers_count
            with inside("voucher"):
                warnings = await generation.check_room(session, caller, campaign, shape, count, codes_limit)
            if count == 1:
                await create_codes(session, caller.project, campaign)
            elif count > 1:
                await generation.start(session, caller, campaign, count, campaign.code_config)
        campaign_as_read = await _read(session, campaign)
        events.changed(session, caller, "created", campaign_as_read, body.model_dump(mode="json", exclude_unset=True))
    return campaign_as_read | ({"warnings": warnings} if warnings else {})


async def get(db: Database, caller: Caller, name_or_id: str, *, of_type: str | None = None) -> dict[str, Any]:
    """Raises CampaignNotFound."""
    async with db.read() as session:
        return await _read(session, await get_campaign(session, caller, name_or_id, of_type=of_type))


async def update(
    db: Database, caller: Caller, name_or_id: str, body: CampaignUpdate, *, of_type: str | None = None
) -> dict[str, Any]:
    """Change the members that were sent.

    A new discount or gift is for codes to come and for codes still in the pool: those published, redeemed or topped up
    keep the old one.

    Raises CampaignNotFound, CategoryNotFound, InvalidCampaign, InvalidPayload.
    """
    async with db.write() as session:
        version = await change_configuration(session, caller.project_id)
        campaign = await get_campaign(session, caller, name_or_id, of_type=of_type)
        columns = changed_columns(campaign, body)
        check_currencies(caller.project, columns)
        columns = await with_known_units(session, caller.project_id, columns)
        columns |= await category_column(session, caller.project_id, body.changes())
        if body.referral_program is not None:
            columns["referral_program"] = await program_column(session, caller.project_id, body.referral_program)
        vouchers = VoucherRepository(session, caller.project_id, case_sensitive=caller.project.case_sensitive_codes)
        if campaign.discount is not None and columns.get("discount", campaign.discount) != campaign.discount:
            await vouchers.keep_worth(campaign.id, Voucher.discount, campaign.discount)
        if campaign.gift is not None and columns.get("gift", campaign.gift) != campaign.gift:
            await vouchers.keep_worth(campaign.id, Voucher.gift, campaign.gift)
        if "campaign_metadata" in columns:
            check_metadata(caller.project, campaign.use_voucher_metadata_schema, columns["campaign_metadata"])
        for name, value in columns.items():
            setattr(campaign, name, value)
        campaign.updated_at = clock.now()
        if body.options is not None and body.options.recalculate_tiers:
            await look_at_members(session, campaign, version, may_lower=False)
        campaign_as_read = await _read(session, campaign)
        events.changed(session, caller, "updated", campaign_as_read, body.model_dump(mode="json", exclude_unset=True))
    return campaign_as_read


async def switch(db: Database, caller: Caller, name_or_id: str, *, active: bool) -> dict[str, Any]:
    """Enable or disable: when this returns, no redemption that thinks otherwise is recorded any more.

    Raises CampaignNotFound.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        campaign = await get_campaign(session, caller, name_or_id)
        if campaign.active != active:
            campaign.active = active
            campaign.updated_at = clock.now()
            campaign_as_read = await _read(session, campaign)
            events.changed(session, caller, "enabled" if active else "disabled", campaign_as_read)
            return campaign_as_read
        return await _read(session, campaign)


async def delete(
    db: Database, caller: Caller, name_or_id: str, *, force: bool, of_type: str | None = None
) -> AsyncAction:
    """Delete the campaign now and its vouchers in the background.

    Into the bin: name and codes stay taken. With `force` they are free, the name now and the codes when the action is
    done; what was ever redeemed stays stored for the sake of its redemptions.

    Raises CampaignNotFound.
    """
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        campaign = await get_campaign(session, caller, name_or_id, of_type=of_type)
        campaign_as_read = await _read(session, campaign)
        campaign.deleted_at = clock.now()
        if force:
            campaign.name = f"{campaign.name} (deleted {campaign.id})"
        tier_ids = await PromotionTierRepository(session, caller.project_id).delete_of_campaign(
            campaign.id, clock.now()
        )
        await PromotionStackRepository(session, caller.project_id).delete_of_campaign(campaign.id)
        rule_ids = await EarningRuleRepository(session, caller.project_id).delete_of_campaign(campaign.id, clock.now())
        await unassign_all(session, caller.project_id, [campaign.id, *tier_ids, *rule_ids])
        events.changed(session, caller, "deleted", campaign_as_read, {"force": force})
        parameters = {"campaign_id": campaign.id, "force": force, "count": campaign.vouchers_count}
        return await actions.start(session, caller, DELETE, parameters)


async def get_campaign(
    session: AsyncSession, caller: Caller, name_or_id: str, *, lock: bool = False, of_type: str | None = None
) -> Campaign:
    """The campaign with this id or name; `of_type` says which type it must have. Raises CampaignNotFound."""
    campaign = await CampaignRepository(session, caller.project_id).find_by_name(name_or_id, lock=lock)
    if campaign is None or of_type not in (None, campaign.campaign_type):
        raise CampaignNotFound(name_or_id)
    return campaign


async def _insert(session: AsyncSession, campaign: Campaign) -> None:
    session.add(campaign)
    try:
        await session.flush()
    except IntegrityError as error:
        raise NameTaken(campaign.name) from error


async def _read(session: AsyncSession, campaign: Campaign) -> dict[str, Any]:
    assignments = await assignments_of(session, campaign.project_id, [campaign.id])
    categories = await CategoryRepository(session, campaign.project_id).by_id([campaign.category_id])
    shown = campaign_read(campaign, assignments[campaign.id], category=categories.get(campaign.category_id))
    if campaign.campaign_type == "PROMOTION":
        shown["promotion"] = await read_promotion(session, campaign)
    return shown


async def search(db: Database, caller: Caller, query: CampaignQuery) -> tuple[list[dict[str, Any]], int]:
    """A page of campaigns as they are answered, and how many there are.

    Raises InvalidQuery.
    """
    statement = select(Campaign).where(Campaign.project_id == caller.project_id, Campaign.deleted_at.is_(None))
    if query.campaign_type is not None:
        statement = statement.where(Campaign.campaign_type == query.campaign_type)
    if query.campaign_status is not None:
        statement = statement.where(Campaign.generation_status == query.campaign_status)
    if query.is_referral_code:
        statement = statement.where(Campaign.campaign_type == "REFERRAL_PROGRAM")
    async with db.read() as session:
        page = await fetch_page(session, statement, query, When(clock.now(), caller.project.zone))
        assignments = await assignments_of(session, caller.project_id, [campaign.id for campaign in page.rows])
        categories = CategoryRepository(session, caller.project_id)
        known = await categories.by_id([campaign.category_id for campaign in page.rows])
        campaigns = [
            campaign_read(campaign, assignments[campaign.id], category=known.get(campaign.category_id))
            for campaign in page.rows
        ]
    return campaigns, page.total
