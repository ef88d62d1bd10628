"""From a request to the columns of a campaign; pure."""

from collections.abc import Mapping
from typing import Any

from app.access.callers import ProjectView
from app.incentives.campaigns.errors import InvalidCampaign
from app.incentives.campaigns.schemas import CampaignCreate, CampaignUpdate, VoucherDefinition
from app.incentives.codes.shapes import code_config_of
from app.incentives.schedule import DATES, RECURRING, require_duration, schedule_of
from app.incentives.vouchers.definitions import COLUMNS, WORTHS
from app.incentives.vouchers.drawing import TYPES
from app.kit.metadata import merged_metadata
from app.models import Campaign

NO_TIERS = "Only a campaign of the type LOYALTY_PROGRAM has loyalty_tiers_expiration."
TYPE_OF_VOUCHER = {
    "DISCOUNT_VOUCHER": "DISCOUNT_COUPONS",
    "GIFT_VOUCHER": "GIFT_VOUCHERS",
    "LOYALTY_CARD": "LOYALTY_PROGRAM",
}


def campaign_type_of(body: CampaignCreate) -> str:
    """The type that was given, or that the rest of the request means.

    Raises InvalidCampaign when nothing tells.
    """
    if body.campaign_type is not None:
        return body.campaign_type
    if body.promotion is not None:
        return "PROMOTION"
    if body.voucher is None:
        raise InvalidCampaign("A campaign needs a voucher, which says what its codes are worth.")
    if body.voucher.is_referral_code:
        return "REFERRAL_PROGRAM"
    return TYPE_OF_VOUCHER[voucher_type_of(body.voucher)]


def voucher_type_of(voucher: VoucherDefinition) -> str:
    if voucher.type is not None:
        return voucher.type
    if voucher.gift is not None:
        return "GIFT_VOUCHER"
    return "LOYALTY_CARD" if voucher.loyalty_card is not None else "DISCOUNT_VOUCHER"


def columns_of(body: CampaignCreate, project: ProjectView) -> dict[str, Any]:
    """The columns that define the new campaign.

    Raises InvalidCampaign, InvalidPayload.
    """
    campaign_type, voucher = campaign_type_of(body), body.voucher
    if body.loyalty_tiers_expiration is not None and campaign_type != "LOYALTY_PROGRAM":
        raise InvalidCampaign(NO_TIERS)
    if campaign_type == "PROMOTION":
        return _promotion_columns(body)
    if body.promotion is not None:
        raise InvalidCampaign(f"A campaign of the type {campaign_type} has no promotion; leave it out.")
    if campaign_type not in TYPES:
        raise InvalidCampaign(f"Campaigns of the type {campaign_type} are not available yet.")
    name = WORTHS[TYPES[campaign_type]]
    if voucher is None or getattr(voucher, name) is None:
        raise InvalidCampaign(f"A campaign of the type {campaign_type} needs voucher.{name}.")
    others = [other for other in WORTHS.values() if other != name and getattr(voucher, other) is not None]
    if voucher_type_of(voucher) != TYPES[campaign_type] or others:
        raise InvalidCampaign(
            f"In a campaign of the type {campaign_type} voucher.type is {TYPES[campaign_type]}, with a {name} only."
        )
    is_program = campaign_type == "LOYALTY_PROGRAM"
    if is_program and body.type == "STANDALONE":
        raise InvalidCampaign("Every member of a loyalty program has a card: it is AUTO_UPDATE or STATIC.")
    if is_program and body.validation_rules:
        raise InvalidCampaign("A loyalty program has no validation rules; those of its earning rules and rewards do.")
    is_referral = campaign_type == "REFERRAL_PROGRAM"
    if not is_referral and (voucher.is_referral_code or body.referral_program is not None):
        raise InvalidCampaign(f"A campaign of the type {campaign_type} has no referral codes and no referral_program.")
    if is_referral and body.type == "STANDALONE":
        raise InvalidCampaign("Every code of a campaign of the type REFERRAL_PROGRAM belongs to one referrer.")
    if (voucher.code is not None) != (body.type == "STANDALONE"):
        raise InvalidCampaign("voucher.code is the public code of a STANDALONE campaign: one needs the other.")
    require_duration("activity_duration_after_publishing", body.activity_duration_after_publishing)
    default = project.settings.default_code_config
    code_config = voucher.code_config.model_dump(exclude_none=True)
    return {
        "name": body.name,
        "description": body.description,
        "campaign_type": campaign_type,
        "type": body.type,
        "join_once": is_program or (body.join_once and body.type != "STANDALONE"),
        "auto_join": body.auto_join,
        "use_voucher_metadata_schema": body.use_voucher_metadata_schema,
        **schedule_of(body.model_dump()),
        "activity_duration_after_publishing": body.activity_duration_after_publishing,
        COLUMNS.get(name, name): getattr(voucher, name).model_dump(mode="json", exclude_none=True),
        "loyalty_tiers_expiration": _tiers_expiration(body),
        "redemption_quantity": voucher.redemption.quantity,
        "code_config": code_config_of(code_config, default.charset, default.length),
        "campaign_metadata": merged_metadata({}, body.metadata),
    }


def _promotion_columns(body: CampaignCreate) -> dict[str, Any]:
    if body.voucher is not None or body.vouchers_count:
        raise InvalidCampaign("A campaign of the type PROMOTION has tiers, and no vouchers.")
    if body.type == "STANDALONE":
        raise InvalidCampaign("A campaign of the type PROMOTION has no public code.")
    return {
        "name": body.name,
        "description": body.description,
        "campaign_type": "PROMOTION",
        "type": "STATIC",
        "join_once": False,
        "auto_join": False,
        "use_voucher_metadata_schema": False,
        **schedule_of(body.model_dump()),
        "code_config": {},
        "campaign_metadata": merged_metadata({}, body.metadata),
    }


def changed_columns(campaign: Campaign, body: CampaignUpdate) -> dict[str, Any]:
    """The columns that the request changes, with their new values.

    Raises InvalidCampaign, InvalidPayload.
    """
    given = body.changes()
    columns: dict[str, Any] = {}
    for name in ("description", "activity_duration_after_publishing"):
        if name in given:
            columns[name] = given[name]
    require_duration("activity_duration_after_publishing", columns.get("activity_duration_after_publishing"))
    if any(name in given for name in (*DATES, *RECURRING)):
        columns |= schedule_of(_schedule(campaign) | given)
    for name in ("join_once", "auto_join"):
        if name in given:
            columns[name] = bool(given[name]) and not (name == "join_once" and campaign.type == "STANDALONE")
    if campaign.campaign_type == "LOYALTY_PROGRAM":
        columns.pop("join_once", None)
        if body.loyalty_tiers_expiration is not None:
            columns["loyalty_tiers_expiration"] = _tiers_expiration(body)
    elif body.loyalty_tiers_expiration is not None:
        raise InvalidCampaign(NO_TIERS)
    if given.get("type") is not None:
        if campaign.type == "STANDALONE":
            raise InvalidCampaign("A STANDALONE campaign has one public code and cannot become another type.")
        columns["type"] = given["type"]
    if body.referral_program is not None and campaign.campaign_type != "REFERRAL_PROGRAM":
        raise InvalidCampaign(f"A campaign of the type {campaign.campaign_type} has no referral_program.")
    if campaign.campaign_type == "PROMOTION":
        if body.discount is not None or body.gift is not None or body.loyalty_card is not None:
            raise InvalidCampaign("The discounts of a campaign of the type PROMOTION are those of its tiers.")
        columns.pop("type", None)
    for name in WORTHS.values():
        column, worth = COLUMNS.get(name, name), getattr(body, name)
        if name in given and (worth is not None or getattr(campaign, column) is not None):
            if worth is None or getattr(campaign, column) is None:
                needed = WORTHS[TYPES[campaign.campaign_type]]
                raise InvalidCampaign(f"A campaign of the type {campaign.campaign_type} has a {needed}, always.")
            columns[column] = worth.model_dump(mode="json", exclude_none=True)
    if "metadata" in given or body.unset_metadata_fields:
        cleared = "metadata" in given and body.metadata is None
        kept = {} if cleared else campaign.campaign_metadata
        unset = set(body.unset_metadata_fields or ())
        merged = merged_metadata(kept, body.metadata or {})
        columns["campaign_metadata"] = {name: value for name, value in merged.items() if name not in unset}
    return columns


def _tiers_expiration(body: CampaignCreate | CampaignUpdate) -> dict[str, Any] | None:
    rules = body.loyalty_tiers_expiration
    return None if rules is None else rules.model_dump(mode="json", exclude_none=True)


def _schedule(campaign: Campaign) -> dict[str, Any]:
    return {
        "start_date": campaign.start_date,
        "expiration_date": campaign.expiration_date,
        **campaign.validity,
    }


def check_metadata(project: ProjectView, as_voucher: bool, metadata: Mapping[str, Any] | None) -> None:
    """A campaign may say that its metadata is that of its vouchers.

    Raises MetadataValidationFailed.
    """
    project.check_metadata("voucher" if as_voucher else "campaign", metadata)
