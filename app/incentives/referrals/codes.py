"""Finding referral codes."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import ProjectView
from app.incentives.referrals.errors import MemberNotFound
from app.incentives.vouchers.repository import VoucherRepository
from app.models import Campaign, Voucher

REFERRAL_PROGRAM = "REFERRAL_PROGRAM"


async def find_code(session: AsyncSession, project: ProjectView, code: str) -> tuple[Voucher, Campaign] | None:
    """The referral code with this text or id, and its program; None for other vouchers and unknown ones."""
    vouchers = VoucherRepository(session, project.id, case_sensitive=project.case_sensitive_codes)
    found = await vouchers.find_by_code(code)
    if found is None:
        return None
    voucher, campaign = found
    return None if campaign is None or campaign.campaign_type != REFERRAL_PROGRAM else (voucher, campaign)


async def get_member(
    session: AsyncSession, project: ProjectView, member: str, campaign: str | None = None
) -> tuple[Voucher, Campaign]:
    """The same, in the campaign of this id or name if one is named. Raises MemberNotFound."""
    found = await find_code(session, project, member)
    if found is None or (campaign is not None and campaign not in (found[1].id, found[1].name)):
        raise MemberNotFound(member)
    return found
