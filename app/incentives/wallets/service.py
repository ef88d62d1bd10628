"""What can be asked about a customer's redeemables."""

from typing import Any

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.commerce.customers.repository import CustomerRepository
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.validation_rules.assignments import assignments_of
from app.incentives.vouchers.rendering import categories_of, voucher_read
from app.incentives.vouchers.standing import standings
from app.incentives.wallets.queries import WalletQuery, held_by, holder_id_of
from app.incentives.wallets.standing import status_of
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.lists import fetch_slice
from app.kit.wire import format_instant
from app.models import Voucher


async def search(db: Database, caller: Caller, reference: str, query: WalletQuery) -> dict[str, Any]:
    """The wire's list of what a customer holds, newest first, and whether each can still be used.

    Raises NotFound for an unknown customer, InvalidQuery.
    """
    async with db.read() as session:
        customer = await CustomerRepository(session, caller.project_id).get(reference)
        return await wallet_of(session, caller, customer.id, query)


async def wallet_of(session: AsyncSession, caller: Caller, customer_id: str, query: WalletQuery) -> dict[str, Any]:
    """The same for a customer's id, in the caller's transaction.

    Raises InvalidQuery.
    """
    when = When(clock.now(), caller.project.zone)
    held = held_by(caller.project_id, customer_id)
    page = await fetch_slice(session, held, query, when)
    total = await session.scalar(held.where(*query.where(when)).with_only_columns(func.count()))
    campaign_ids = {voucher.campaign_id for voucher in page.rows if voucher.campaign_id}
    campaigns = await CampaignRepository(session, caller.project_id).by_id(campaign_ids)
    ids = [voucher.id for voucher in page.rows]
    standing = await standings(session, caller.project_id, ids)
    assignments = await assignments_of(session, caller.project_id, ids)
    held_with = [(voucher, campaigns.get(voucher.campaign_id or "")) for voucher in page.rows]
    categories = await categories_of(session, caller.project_id, held_with)
    data = []
    for voucher, campaign in held_with:
        shown = voucher_read(voucher, campaign, standing[voucher.id], assignments[voucher.id], categories=categories)
        status = status_of(voucher, campaign, standing[voucher.id], when.now)
        data.append(_held(voucher, campaign.campaign_type if campaign else None, shown, status))
    answer: dict[str, Any] = {
        "object": "list",
        "data_ref": "data",
        "data": data,
        "total": total or 0,
        "has_more": page.has_more,
    }
    if page.more_starting_after is not None:
        answer["more_starting_after"] = holder_id_of(page.more_starting_after)
    return answer


def _held(voucher: Voucher, campaign_type: str | None, shown: dict[str, Any], status: str) -> dict[str, Any]:
    return {
        "id": holder_id_of(voucher.id),
        "created_at": format_instant(voucher.published_at or voucher.created_at),
        "redeemable_id": voucher.id,
        "redeemable_object": "voucher",
        "customer_id": voucher.holder_id,
        "holder_role": "REFERRER" if campaign_type == "REFERRAL_PROGRAM" else "OWNER",
        "campaign_id": voucher.campaign_id,
        "campaign_type": campaign_type,
        "voucher_type": voucher.type,
        "redeemable": {"type": "voucher", "voucher": shown, "status": status},
    }
