"""From a request to the columns of a voucher; pure."""

from typing import Any

from app.incentives.campaigns.errors import InvalidCampaign
from app.incentives.schedule import DATES, RECURRING, schedule_of
from app.incentives.vouchers.drawing import TYPES
from app.incentives.vouchers.errors import InvalidVoucher
from app.incentives.vouchers.rendering import discount_of
from app.incentives.vouchers.schemas import VoucherCreate, VoucherOptions, VoucherUpdate
from app.kit.metadata import merged_metadata
from app.models import Campaign, Voucher

WORTHS = {"DISCOUNT_VOUCHER": "discount", "GIFT_VOUCHER": "gift", "LOYALTY_CARD": "loyalty_card"}
"""The member that says what vouchers of a type are worth."""
COLUMNS = {"loyalty_card": "loyalty"}
"""The columns of those that are kept under another name."""


def own_columns(body: VoucherCreate, campaign: Campaign | None) -> dict[str, Any]:
    """The columns in which the new voucher differs from its campaign, or from the defaults without one.

    Raises InvalidVoucher, InvalidPayload.
    """
    voucher_type = _type_of(body, campaign)
    if voucher_type == "LOYALTY_CARD" and campaign is None:
        raise InvalidVoucher("A loyalty card belongs to a program: name its campaign.")
    if campaign is not None and TYPES[campaign.campaign_type] != voucher_type:
        raise InvalidVoucher(f"The vouchers of {campaign.name} are of the type {TYPES[campaign.campaign_type]}.")
    worths = {"discount": body.discount, "gift": body.gift, "loyalty_card": body.loyalty_card}
    name = WORTHS[voucher_type]
    worth = worths.pop(name)
    if any(other is not None for other in worths.values()):
        raise InvalidVoucher(f"A voucher of the type {voucher_type} has a {name} only.")
    if campaign is None and worth is None:
        raise InvalidVoucher(f"A voucher of the type {voucher_type} needs a {name}, or a campaign that has one.")
    columns: dict[str, Any] = {"active": body.active, "type": voucher_type, **option_columns(body, campaign)}
    if worth is not None:
        columns[COLUMNS.get(name, name)] = worth.model_dump(mode="json", exclude_none=True)
    return columns


def option_columns(body: VoucherOptions, campaign: Campaign | None) -> dict[str, Any]:
    """The columns of what can be said of any new voucher.

    Raises InvalidVoucher, InvalidPayload.
    """
    columns: dict[str, Any] = schedule_columns(body.model_dump(), campaign)
    if body.additional_info is not None:
        columns["additional_info"] = body.additional_info
    if body.metadata:
        columns["voucher_metadata"] = merged_metadata({}, body.metadata)
    if "redemption" in body.model_fields_set:
        columns["redemption_quantity"] = body.redemption.quantity
    return columns


def schedule_columns(fields: dict[str, Any], campaign: Campaign | None) -> dict[str, Any]:
    """The time limits among `fields`, checked together with those that the campaign has where they are silent.

    Raises InvalidPayload.
    """
    inherited = {name: getattr(campaign, name) for name in DATES} if campaign else {}
    recurring = campaign.validity if campaign and not any(fields.get(name) for name in RECURRING) else {}
    given = {name: fields[name] for name in (*DATES, *RECURRING) if fields.get(name) is not None}
    if not given:
        return {}
    columns = schedule_of({**inherited, **recurring, **given})
    return {
        "start_date": columns["start_date"] if "start_date" in given else None,
        "expiration_date": columns["expiration_date"] if "expiration_date" in given else None,
        "validity": columns["validity"] if not recurring and columns["validity"] else None,
    }


def changed_columns(voucher: Voucher, campaign: Campaign | None, body: VoucherUpdate) -> dict[str, Any]:
    """The columns that the request changes, with their new values; null lifts the voucher's own, so that its campaign's
    holds again.

    Raises InvalidVoucher, InvalidPayload.
    """
    given = body.changes()
    if voucher.type == "GIFT_VOUCHER" and (given.get("gift") is not None or given.get("discount") is not None):
        raise InvalidVoucher("A gift card has no discount, and its money is changed at /v1/vouchers/{code}/balance.")
    if voucher.type == "LOYALTY_CARD" and any(given.get(name) is not None for name in WORTHS.values()):
        raise InvalidVoucher(
            "A loyalty card has no discount, and its points are changed at /v1/loyalties/members/{memberId}/balance."
        )
    if given.get("gift") is not None or given.get("loyalty_card") is not None:
        raise InvalidVoucher(f"A voucher of the type {voucher.type} has a discount only.")
    columns: dict[str, Any] = {}
    if any(name in given for name in (*DATES, *RECURRING)):
        own = {"start_date": voucher.start_date, "expiration_date": voucher.expiration_date, **(voucher.validity or {})}
        lifted = {"start_date": None, "expiration_date": None, "validity": None}
        columns |= lifted | schedule_columns({**own, **given}, campaign)
    if given.get("active") is not None:
        columns["active"] = given["active"]
    if "additional_info" in given:
        columns["additional_info"] = given["additional_info"]
    if "metadata" in given:
        kept = {} if body.metadata is None else voucher.voucher_metadata or {}
        columns["voucher_metadata"] = merged_metadata(kept, body.metadata or {}) or None
    if body.discount is not None:
        discount = discount_of(voucher, campaign)
        if discount is not None and discount["type"] != body.discount.type:
            raise InvalidVoucher(f"The type of a discount cannot change; it is {discount['type']}.")
        columns["discount"] = body.discount.model_dump(mode="json", exclude_none=True)
    return columns


def require_room_for_codes(campaign: Campaign) -> None:
    """Raises InvalidCampaign for a campaign that has one public code, or none at all."""
    if campaign.campaign_type not in TYPES:
        raise InvalidCampaign(f"{campaign.name} is of the type {campaign.campaign_type}, which has no vouchers.")
    if campaign.type == "STANDALONE":
        raise InvalidCampaign(f"{campaign.name} has one public code; vouchers cannot be added to it.")


def _type_of(body: VoucherCreate, campaign: Campaign | None) -> str:
    if body.type is not None:
        return body.type
    if body.gift is not None:
        return "GIFT_VOUCHER"
    if body.loyalty_card is not None:
        return "LOYALTY_CARD"
    return TYPES[campaign.campaign_type] if campaign and body.discount is None else "DISCOUNT_VOUCHER"
