"""Publications as they are answered."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.commerce.customers.rendering import customer_read
from app.commerce.customers.repository import CustomerRepository
from app.commerce.customers.schemas import CustomerRead
from app.commerce.customers.summaries import load_summaries
from app.incentives.publications.repository import PoolRepository
from app.incentives.publications.schemas import PublicationEntry, PublicationRead, PublishedVoucher
from app.incentives.validation_rules.assignments import assignments_of
from app.incentives.vouchers.rendering import categories_of, discount_of, voucher_read
from app.incentives.vouchers.standing import (
    Standing,
    figures_of,
    gift_of,
    gift_read,
    loyalty_of,
    loyalty_read,
    standings,
)
from app.kit.wire import WireOut
from app.models import Campaign, Customer, Publication, Voucher


async def read_publication(session: AsyncSession, caller: Caller, publication: Publication) -> dict[str, Any]:
    """A publication that succeeded as a PublicationRead in JSON values, with voucher and customer as they are now."""
    customers = await _customers(session, caller.project_id, [publication.customer_id])
    voucher = None
    if len(publication.voucher_ids) == 1:
        (voucher_id,) = publication.voucher_ids
        found = await PoolRepository(session, caller.project_id).with_campaigns([voucher_id])
        standing = (await standings(session, caller.project_id, [voucher_id]))[voucher_id]
        assignments = await assignments_of(session, caller.project_id, [voucher_id])
        categories = await categories_of(session, caller.project_id, found.values())
        voucher = voucher_read(*found[voucher_id], standing, assignments[voucher_id], categories=categories)
    read = PublicationRead(
        id=publication.id,
        created_at=publication.created_at,
        customer_id=publication.customer_id,
        tracking_id=publication.tracking_id,
        metadata=publication.publication_metadata,
        source_id=publication.source_id,
        customer=customers.get(publication.customer_id),
        vouchers_id=publication.voucher_ids,
        vouchers=None if voucher else publication.voucher_codes,
    )
    return _with_voucher(read, voucher)


async def list_entries(
    session: AsyncSession, project_id: int, publications: Sequence[Publication]
) -> list[dict[str, Any]]:
    """Publications as PublicationEntry in JSON values; a fixed number of statements for any number of them."""
    customers = await _customers(session, project_id, {publication.customer_id for publication in publications})
    first_ids = {publication.voucher_ids[0] for publication in publications if len(publication.voucher_ids) == 1}
    vouchers = await PoolRepository(session, project_id).with_campaigns(first_ids)
    standing = await standings(session, project_id, first_ids)
    return [_entry(publication, customers, vouchers, standing) for publication in publications]


def _entry(
    publication: Publication,
    customers: Mapping[str, CustomerRead],
    vouchers: Mapping[str, tuple[Voucher, Campaign | None]],
    standing: Mapping[str, Standing],
) -> dict[str, Any]:
    found = vouchers.get(publication.voucher_ids[0]) if len(publication.voucher_ids) == 1 else None
    entry = PublicationEntry(
        id=publication.id,
        created_at=publication.created_at,
        customer_id=publication.customer_id,
        tracking_id=publication.tracking_id,
        metadata=publication.publication_metadata,
        channel=publication.channel,
        source_id=publication.source_id,
        result=publication.result,
        failure_code=publication.failure_code,
        failure_message=publication.failure_message,
        customer=customers.get(publication.customer_id),
        vouchers=publication.voucher_codes,
        vouchers_id=publication.voucher_ids,
    )
    return _with_voucher(entry, None if found is None else _in_short(*found, standing[found[0].id]))


def _in_short(voucher: Voucher, campaign: Campaign | None, standing: Standing) -> dict[str, Any]:
    short = PublishedVoucher(
        code=voucher.code,
        campaign=campaign.name if campaign else None,
        is_referral_code=campaign is not None and campaign.campaign_type == "REFERRAL_PROGRAM",
    )
    gift, loyalty = gift_of(voucher, campaign), loyalty_of(voucher, campaign)
    worth: dict[str, Any] = {"discount": discount_of(voucher, campaign)}
    if gift is not None:
        worth = {"gift": gift_read(gift, standing)}
    elif loyalty is not None:
        worth = {"loyalty_card": loyalty_read(figures_of(voucher, loyalty, standing), standing)}
    return {**short.model_dump(mode="json"), **worth}


def _with_voucher(publication: WireOut, voucher: dict[str, Any] | None) -> dict[str, Any]:
    """The voucher as it is stored and answered elsewhere: its schema would fill it up with nulls."""
    members: dict[str, Any] = publication.model_dump(mode="json")
    return members if voucher is None else {**members, "voucher": voucher}


async def _customers(
    session: AsyncSession, project_id: int, customer_ids: Sequence[str] | set[str]
) -> dict[str, CustomerRead]:
    """The customers with these ids that have not been erased."""
    rows = CustomerRepository(session, project_id).rows().where(Customer.id.in_(customer_ids))
    customers = (await session.scalars(rows)).all()
    summaries = await load_summaries(session, project_id, [customer.id for customer in customers])
    return {customer.id: customer_read(customer, summaries[customer.id]) for customer in customers}
