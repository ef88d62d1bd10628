"""Making one voucher, under a given code or one drawn at random."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.incentives.campaigns.repository import CampaignRepository
from app.incentives.codes.errors import InvalidCode
from app.incentives.codes.normal_form import normalise, problem_of
from app.incentives.codes.shapes import CodeShape
from app.incentives.vouchers.drawing import TYPES, free_code
from app.incentives.vouchers.errors import CodeTaken
from app.kit import clock
from app.kit.ids import new_id
from app.models import Campaign, Voucher


async def add_voucher(
    session: AsyncSession,
    caller: Caller,
    campaign: Campaign | None,
    code: str,
    own: Mapping[str, Any] | None = None,
) -> Voucher:
    """Make a voucher, in `campaign` if there is one. `own` are the columns that differ from the defaults.

    The campaign's row stays locked until the transaction ends.

    Raises InvalidCode, CodeTaken.
    """
    problem = problem_of(code)
    if problem is not None:
        raise InvalidCode(problem)
    defaults = {
        "campaign_id": campaign.id if campaign else None,
        "type": TYPES[campaign.campaign_type] if campaign else "DISCOUNT_VOUCHER",
        "redemption_quantity": campaign.redemption_quantity if campaign else None,
        "active": True,
        "publish_count": 0,
    }
    voucher = Voucher(
        project_id=caller.project_id,
        id=new_id("v"),
        code=code,
        normal_code=normalise(code, caller.project.case_sensitive_codes),
        created_at=clock.now(),
        **{**defaults, **(own or {})},
    )
    await session.flush()
    session.add(voucher)
    try:
        await session.flush()  # of this row alone, so that the code is the only thing that can be taken
    except IntegrityError as error:
        raise CodeTaken(code) from error
    if campaign is not None:
        await CampaignRepository(session, caller.project_id).count_vouchers(campaign.id, 1)
        await session.refresh(campaign, ["vouchers_count"])
    return voucher


async def draw_voucher(
    session: AsyncSession,
    caller: Caller,
    campaign: Campaign | None,
    shape: CodeShape,
    own: Mapping[str, Any] | None = None,
) -> Voucher:
    """Make a voucher under a random code of this shape.

    Raises NoCodeLeft.
    """
    while True:
        code = await free_code(session, caller.project, shape)
        try:
            async with session.begin_nested():
                return await add_voucher(session, caller, campaign, code, own)
        except CodeTaken:  # since we looked; the next look will see it
            continue
