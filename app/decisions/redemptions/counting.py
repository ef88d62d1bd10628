"""What a stored redemption took from the accounts that count it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.postings import AccountKey, Counted, Posting, account_keys
from app.incentives.configuration import counts_of
from app.ledger.accounts import buyers_of
from app.models import Campaign, PromotionTier, Redemption, Voucher


@dataclass(frozen=True, slots=True)
class Taken:
    """`postings` that give back what was taken; `late` are accounts that began to count when there was a history and
    may have no row yet: they are opened before anything is posted to them."""

    postings: list[Posting]
    late: set[AccountKey]


async def taken_by(session: AsyncSession, project_id: int, redemptions: Sequence[Redemption], zone: ZoneInfo) -> Taken:
    """What these redemptions, parents of stacks apart, took from accounts that count; gift cards have entries."""
    counted, history = await _counts(session, project_id, redemptions)
    postings: list[Posting] = []
    late: set[AccountKey] = set()
    for redemption in redemptions:
        amounts = {
            "uses": 1,
            "ordered": redemption.ordered_amount or 0,
            "discounted": redemption.discounted_amount or 0,
        }
        accounts = {AccountKey(redemption.related_object_id, "uses")}
        for owner_id in (redemption.related_object_id, redemption.campaign_id):
            for kind in counted.get(owner_id or "", ()):
                keys = account_keys(
                    kind,
                    object_id=redemption.related_object_id,
                    campaign_id=redemption.campaign_id,
                    buyers=buyers_of(redemption),
                    api_key_id=redemption.api_key_id,
                    user_login=redemption.user_login,
                    now=redemption.created_at,
                    zone=zone,
                    foreign_currency=redemption.currency,
                )
                accounts.update(keys)
                if kind in history.get(owner_id or "", ()):
                    late.update(keys)
        postings += [Posting(account, amounts[account.measure]) for account in accounts if amounts[account.measure]]
        postings += [
            Posting(AccountKey(owner_id, "units", subject), units)
            for owner_id, counted_units in (redemption.units or {}).items()
            for subject, units in counted_units.items()
        ]
    return Taken(postings, late)


async def _counts(
    session: AsyncSession, project_id: int, redemptions: Sequence[Redemption]
) -> tuple[Mapping[str, frozenset[Counted]], Mapping[str, frozenset[Counted]]]:
    """By voucher, promotion tier and campaign: what is counted, and of that what began with a history."""
    ids = {redemption.related_object_id for redemption in redemptions}
    ids |= {redemption.campaign_id for redemption in redemptions if redemption.campaign_id}
    counts = {
        owner_id: counts_of(names)
        for owner in (Voucher, PromotionTier, Campaign)
        for owner_id, names in await session.execute(
            select(owner.id, owner.counted).where(owner.project_id == project_id, owner.id.in_(ids))
        )
    }
    return (
        {owner_id: counted for owner_id, (counted, _) in counts.items()},
        {owner_id: history for owner_id, (_, history) in counts.items()},
    )
