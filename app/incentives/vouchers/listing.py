"""What the list of vouchers can be asked."""

from typing import ClassVar

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, true

from app.access.callers import Caller
from app.commerce.customers.repository import OWN_ID
from app.incentives.codes.normal_form import normalise
from app.kit.conditions import Filterable
from app.kit.filters import Filter, flag, moment, number, text
from app.kit.lists import Between, ListQuery, Values
from app.models import Account, Campaign, Category, Customer, Voucher

_campaign = select(Campaign).where(Campaign.project_id == Voucher.project_id, Campaign.id == Voucher.campaign_id)
_start_date = func.coalesce(Voucher.start_date, _campaign.with_only_columns(Campaign.start_date).scalar_subquery())
_expiration_date = func.coalesce(
    Voucher.expiration_date, _campaign.with_only_columns(Campaign.expiration_date).scalar_subquery()
)
_has_ended = and_(_expiration_date.is_not(None), _expiration_date <= func.now())
_uses = func.coalesce(
    select(-Account.balance)
    .where(
        Account.project_id == Voucher.project_id,
        Account.owner_id == Voucher.id,
        Account.measure == "uses",
        Account.subject == "",
        Account.period == "",
    )
    .scalar_subquery(),
    0,
)
# The voucher's own category while there is such a category, else its campaign's: vouchers.rendering.category_of in SQL.
_campaigns_category_id = _campaign.with_only_columns(Campaign.category_id).correlate(Voucher).scalar_subquery()
_category = (
    select(Category)
    .where(
        Category.project_id == Voucher.project_id,
        Category.id.in_([Voucher.category_id, _campaigns_category_id]),
    )
    .order_by((Category.id == Voucher.category_id).desc().nulls_last())
    .limit(1)
)
_category_id = _category.with_only_columns(Category.id).correlate(Voucher).scalar_subquery()
_category_name = _category.with_only_columns(Category.name).correlate(Voucher).scalar_subquery()

ACTIVE: Filter = {
    "$active": lambda *_: and_(Voucher.active, ~_has_ended, or_(_start_date.is_(None), _start_date <= func.now())),
    "$expired": lambda *_: _has_ended,
    "$enabled": lambda *_: Voucher.active.is_(true()),
    "$disabled": lambda *_: Voucher.active.is_(false()),
}


_is_referral_code = exists().where(
    Campaign.project_id == Voucher.project_id,
    Campaign.id == Voucher.campaign_id,
    Campaign.campaign_type == "REFERRAL_PROGRAM",
)


class VoucherQuery(ListQuery):
    """Filters of the list of vouchers."""

    max_page: ClassVar = 99
    orders: ClassVar = {
        "created_at": Voucher.created_at,
        "updated_at": Voucher.updated_at,
        "code": Voucher.code,
    }
    filterable: ClassVar = Filterable(
        {
            "active": {**flag(Voucher.active), **ACTIVE},
            "redemption.redeemed_quantity": number(_uses),
            "redemption.quantity": number(Voucher.redemption_quantity),
            "is_referral_code": flag(_is_referral_code),
            "expiration_date": moment(_expiration_date),
            "start_date": moment(_start_date),
            "created_at": moment(Voucher.created_at),
            "updated_at": moment(Voucher.updated_at),
            "published_at": moment(Voucher.published_at),
            "code": text(Voucher.code),
            "id": text(Voucher.id),
            "holder_id": text(Voucher.holder_id),
            "campaign_ids": text(Voucher.campaign_id),
            "campaign_id": text(Voucher.campaign_id),
            "category": text(_category_name),
            "category_id": text(_category_id),
            "type": text(Voucher.type, ("GIFT_VOUCHER", "DISCOUNT_VOUCHER", "LOYALTY_CARD")),
        },
        Voucher.voucher_metadata,
    )

    campaign_id: str | None = None
    campaign: str | None = None
    category: str | None = None
    customer: str | None = None
    code: str | None = None
    ids: Values | None = None
    created_at: Between | None = None
    updated_at: Between | None = None


def vouchers_of(caller: Caller, query: VoucherQuery) -> Select[Voucher]:
    """The vouchers that the plain parameters of `query` name; not the deleted ones, nor those of deleted campaigns."""
    is_of_deleted = exists().where(
        Campaign.project_id == caller.project_id, Campaign.id == Voucher.campaign_id, Campaign.deleted_at.is_not(None)
    )
    rows = select(Voucher).where(Voucher.project_id == caller.project_id, Voucher.deleted_at.is_(None), ~is_of_deleted)
    return rows.where(*_conditions(caller, query))


def _conditions(caller: Caller, query: VoucherQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.campaign_id is not None:
        conditions.append(Voucher.campaign_id == query.campaign_id)
    if query.campaign is not None:
        named = select(Campaign.id).where(Campaign.project_id == caller.project_id, Campaign.name == query.campaign)
        conditions.append(Voucher.campaign_id.in_(named))
    if query.category is not None:
        conditions.append(or_(_category_name == query.category, _category_id == query.category))
    if query.customer is not None:
        holders = select(OWN_ID).where(
            Customer.project_id == caller.project_id,
            or_(Customer.id == query.customer, Customer.source_id == query.customer),
        )
        conditions.append(Voucher.holder_id.in_(holders))
    if query.code is not None:
        conditions.append(Voucher.normal_code == normalise(query.code, caller.project.case_sensitive_codes))
    if query.ids is not None:
        conditions.append(Voucher.id.in_(query.ids))
    return conditions
