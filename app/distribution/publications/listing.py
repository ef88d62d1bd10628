"""What the list of publications can be asked."""

from typing import ClassVar, Literal

from sqlalchemy import ColumnElement, Select, exists, false, or_, select

from app.access.callers import Caller
from app.commerce.customers.repository import OWN_ID
from app.kit.conditions import Filterable
from app.kit.filters import array, flag, text
from app.kit.lists import ListQuery
from app.models import Campaign, Customer, Publication, Voucher

_campaign_name = (
    select(Campaign.name)
    .where(Campaign.project_id == Publication.project_id, Campaign.id == Publication.campaign_id)
    .scalar_subquery()
)
_voucher_type = (
    select(Voucher.type)
    .where(Voucher.project_id == Publication.project_id, Voucher.id == Publication.voucher_ids[0].astext)
    .scalar_subquery()
)
_is_referral_code = exists().where(
    Campaign.project_id == Publication.project_id,
    Campaign.id == Publication.campaign_id,
    Campaign.campaign_type == "REFERRAL_PROGRAM",
)

VOUCHER_TYPES = {"discount": "DISCOUNT_VOUCHER", "loyalty": "LOYALTY_CARD"}


class PublicationQuery(ListQuery):
    max_page: ClassVar = 1000
    orders: ClassVar = {
        "created_at": Publication.created_at,
        "id": Publication.id,
        "voucher_code": Publication.voucher_codes[0].astext.collate("C"),
        "tracking_id": Publication.tracking_id,
        "customer_id": Publication.customer_id,
        "channel": Publication.channel,
    }
    filterable: ClassVar = Filterable(
        {
            "failure_code": text(Publication.failure_code),
            "result": text(Publication.result, ("SUCCESS", "FAILURE")),
            "customer_id": text(Publication.customer_id),
            "campaign_name": text(_campaign_name),
            "voucher_type": text(_voucher_type, ("DISCOUNT_VOUCHER", "GIFT_VOUCHER", "LOYALTY_CARD")),
            "is_referral_code": flag(_is_referral_code),
            "parent_object_id": text(Publication.campaign_id),
            "related_object_id": {**text(Publication.voucher_ids[0].astext), **array(Publication.voucher_ids)},
            "source_id": text(Publication.source_id),
        },
        Publication.publication_metadata,
    )

    campaign: str | None = None
    customer: str | None = None
    voucher: str | None = None
    source_id: str | None = None
    result: Literal["SUCCESS", "FAILURE"] | None = None
    voucher_type: Literal["discount", "loyalty"] | None = None
    is_referral_code: bool | None = None


def publications_of(caller: Caller, query: PublicationQuery, voucher: Voucher | None) -> Select[Publication]:
    """The publications that the plain parameters of `query` name; `voucher` is the one it names, if there is such."""
    rows = select(Publication).where(Publication.project_id == caller.project_id)
    return rows.where(*_conditions(caller, query, voucher))


def _conditions(caller: Caller, query: PublicationQuery, voucher: Voucher | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.campaign is not None:
        campaigns = select(Campaign.id).where(
            Campaign.project_id == caller.project_id,
            or_(Campaign.id == query.campaign, Campaign.name == query.campaign),
        )
        conditions.append(Publication.campaign_id.in_(campaigns))
    if query.customer is not None:
        customers = select(OWN_ID).where(
            Customer.project_id == caller.project_id,
            or_(Customer.id == query.customer, Customer.source_id == query.customer),
        )
        conditions.append(Publication.customer_id.in_(customers))
    if query.voucher is not None:
        conditions.append(false() if voucher is None else _gave(voucher))
    if query.source_id is not None:
        conditions.append(Publication.source_id == query.source_id)
    if query.result is not None:
        conditions.append(Publication.result == query.result)
    if query.voucher_type is not None:
        conditions.append(_voucher_type == VOUCHER_TYPES[query.voucher_type])
    if query.is_referral_code:
        conditions.append(_is_referral_code)
    return conditions


def _gave(voucher: Voucher) -> ColumnElement[bool]:
    """Found through an index: a held code is with its holder, a public one all its campaign has."""
    gave = Publication.voucher_ids.contains([voucher.id])
    if voucher.holder_id is not None:
        return gave & (Publication.customer_id == voucher.holder_id)
    return gave & (Publication.campaign_id == voucher.campaign_id)
