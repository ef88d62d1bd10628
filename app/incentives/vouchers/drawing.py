"""Making vouchers of a campaign under codes drawn at random."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import ProjectView
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.codes.generation import Draws, draws, generate
from app.incentives.codes.normal_form import normalise
from app.incentives.codes.shapes import CodeShape, shape_of
from app.incentives.vouchers.errors import NoCodeLeft
from app.incentives.vouchers.repository import Batch, VoucherRepository
from app.kit import clock
from app.models import Campaign, Voucher

TYPES = {
    "DISCOUNT_COUPONS": "DISCOUNT_VOUCHER",
    "GIFT_VOUCHERS": "GIFT_VOUCHER",
    "LOYALTY_PROGRAM": "LOYALTY_CARD",
    "REFERRAL_PROGRAM": "DISCOUNT_VOUCHER",
}
"""The type of the vouchers of each type of campaign."""

ROUNDS, TRIES = 64, 4096
"""Enough to try every code of a shape with few possibilities."""


def batch_of(campaign: Campaign, own: Mapping[str, Any] | None = None) -> Batch:
    """What vouchers generated in `campaign` have in common: its defaults, changed by the columns in `own`."""
    columns = {"redemption_quantity": campaign.redemption_quantity, **(own or {})}
    return Batch(campaign_id=campaign.id, type=TYPES[campaign.campaign_type], **columns)


async def create_codes(
    session: AsyncSession,
    project: ProjectView,
    campaign: Campaign,
    count: int = 1,
    *,
    own: Mapping[str, Any] | None = None,
    shape: CodeShape | None = None,
) -> Sequence[Voucher]:
    """Make `count` (a few) new vouchers of the campaign with random codes of its shape, and count them.

    `own` are columns that differ from the campaign's defaults. The campaign's row stays locked until the transaction
    ends. All or none are made.

    Raises NoCodeLeft.
    """
    shape = shape or shape_of(campaign.code_config, project.case_sensitive_codes)
    vouchers = VoucherRepository(session, project.id, case_sensitive=project.case_sensitive_codes)
    batch, now = batch_of(campaign, own), clock.now()
    # Nearly always the first draw is free. Later ones are larger, for shapes that are almost used up.
    ids, made = await vouchers.insert_codes(generate(shape, count), batch, now)
    source = draws(shape) if made < count else None
    for _ in range(ROUNDS):
        if source is None or made == count:
            break
        more_ids, more = await vouchers.insert_codes(source.take(TRIES), batch, now, most=count - made)
        ids, made = ids + more_ids, made + more
    if made < count:
        raise NoCodeLeft(shape.template, shape.capacity)
    await CampaignRepository(session, project.id).count_vouchers(campaign.id, made)
    await session.refresh(campaign, ["vouchers_count"])
    return (await session.scalars(vouchers.rows().where(Voucher.id.in_(ids)))).all()


async def free_code(session: AsyncSession, project: ProjectView, shape: CodeShape) -> str:
    """A random code that no voucher of the project has at this moment.

    Raises NoCodeLeft.
    """
    vouchers = VoucherRepository(session, project.id, case_sensitive=project.case_sensitive_codes)
    codes = generate(shape, 8)
    source: Draws | None = None
    for _ in range(ROUNDS):
        taken = await vouchers.taken_among(codes)
        free = (code for code in codes if normalise(code, project.case_sensitive_codes) not in taken)
        found = next(free, None)
        if found is not None:
            return found
        source = source or draws(shape)
        codes = source.take(TRIES)
    raise NoCodeLeft(shape.template, shape.capacity)
