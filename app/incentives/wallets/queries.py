"""What the list of a customer's redeemables can be asked."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field
from sqlalchemy import Select, Text, case, cast, exists, func, literal, select

from app.kit.conditions import Filterable
from app.kit.filters import moment, text
from app.kit.lists import CursorQuery
from app.models import Campaign, Voucher

HOLDER, VOUCHER = "rh_", "v_"
CAMPAIGN_TYPES = ("LOYALTY_PROGRAM", "GIFT_VOUCHERS", "DISCOUNT_COUPONS", "PROMOTION", "REFERRAL_PROGRAM")
VOUCHER_TYPES = ("GIFT_VOUCHER", "DISCOUNT_VOUCHER", "LOYALTY_CARD")

_campaign = select(Campaign).where(Campaign.project_id == Voucher.project_id, Campaign.id == Voucher.campaign_id)
_campaign_type = _campaign.with_only_columns(Campaign.campaign_type).scalar_subquery()
_role = case((_campaign_type == "REFERRAL_PROGRAM", "REFERRER"), else_=cast(literal("OWNER"), Text))
_holder_id = literal(HOLDER) + func.substr(Voucher.id, len(VOUCHER) + 1)


def holder_id_of(voucher_id: str) -> str:
    """The id of a voucher's being held: a voucher has one holder, so it is the voucher's id under another prefix."""
    return f"{HOLDER}{voucher_id.removeprefix(VOUCHER)}"


def _voucher_id_of(holder_id: str) -> str:
    return f"{VOUCHER}{holder_id.removeprefix(HOLDER)}"


class WalletQuery(CursorQuery):
    filterable: ClassVar = Filterable(
        {
            "id": text(_holder_id),
            "created_at": moment(func.coalesce(Voucher.published_at, Voucher.created_at)),
            "redeemable_id": text(Voucher.id),
            "redeemable_object": text(literal("voucher", Text()), ("voucher",)),
            "holder_role": text(_role, ("OWNER", "REFERRER", "REFEREE")),
            "campaign_id": text(Voucher.campaign_id),
            "campaign_type": text(_campaign_type, CAMPAIGN_TYPES),
            "voucher_type": text(Voucher.type, VOUCHER_TYPES),
        }
    )

    starting_after_id: Annotated[
        str | None, AfterValidator(_voucher_id_of), Field(description="`more_starting_after` of the page before.")
    ] = None


def held_by(project_id: int, customer_id: str) -> Select[Voucher]:
    """What was published to the customer; not what was deleted, itself or with its campaign."""
    is_of_deleted = exists().where(
        Campaign.project_id == project_id, Campaign.id == Voucher.campaign_id, Campaign.deleted_at.is_not(None)
    )
    return select(Voucher).where(
        Voucher.project_id == project_id,
        Voucher.holder_id == customer_id,
        Voucher.deleted_at.is_(None),
        ~is_of_deleted,
    )
