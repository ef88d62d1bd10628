"""Taking rewards back when their redemption is rolled back: steps that run inside that transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.decisions.reward_redemptions.errors import RewardUsed
from app.incentives.vouchers import events
from app.incentives.vouchers.repository import VoucherRepository
from app.incentives.vouchers.service import read_all
from app.incentives.vouchers.standing import standings
from app.kit.outbox import announce
from app.models import Redemption


def gives_coupon(redemption: Redemption) -> bool:
    """Whether a code without a balance was given for it."""
    return (redemption.reward or {}).get("given", {}).get("is_coupon", False) is True


def moved_by(redemption: Redemption) -> Iterable[str]:
    """The owners of the accounts that a redemption moves: its card, the reward whose stock it takes from, and what was
    given for it."""
    reward = redemption.reward or {}
    named = (redemption.related_object_id, reward.get("id"), reward.get("given", {}).get("voucher_id"))
    return filter(None, named)


def used_already(redemptions: Sequence[Redemption]) -> RewardUsed:
    """The refusal where credits or points that were given are not all there any more."""
    given = next((each for each in redemptions if each.reward), redemptions[0])
    return RewardUsed(f"What was given in {given.id} is used already, wholly or in part.", resource_id=given.id)


async def take_coupons_back(
    session: AsyncSession, caller: Caller, redemptions: Sequence[Redemption], now: datetime
) -> None:
    """Switch off the coupons that were given, and tell that the rewards are taken back. Only after
    `change_configuration` where there are coupons.

    Raises RewardUsed when one was redeemed.
    """
    for redemption in redemptions:
        reward = redemption.reward
        if reward is None or reward["type"] == "COIN":
            continue
        if gives_coupon(redemption):
            await _switch_off(session, caller, redemption, reward["given"]["voucher_id"], now)
        data = {
            "redemption_id": redemption.id,
            "customer_id": redemption.customer_id,
            "reward": {"id": reward["id"], "type": reward["type"]},
        }
        announce(session, caller.project_id, "reward_redemptions.rolledback", redemption.id, data)


async def _switch_off(
    session: AsyncSession, caller: Caller, redemption: Redemption, voucher_id: str, now: datetime
) -> None:
    vouchers = VoucherRepository(session, caller.project_id, case_sensitive=caller.project.case_sensitive_codes)
    found = await vouchers.find_by_code(voucher_id)
    if found is None:
        return  # it was deleted, so nobody can use it
    voucher, campaign = found
    if (await standings(session, caller.project_id, [voucher.id]))[voucher.id].uses:
        raise used_already([redemption])
    if voucher.active:
        voucher.active, voucher.updated_at = False, now
        shown = (await read_all(session, caller, [(voucher, campaign)]))[0]
        events.changed(session, caller, "disabled", shown, campaign)
