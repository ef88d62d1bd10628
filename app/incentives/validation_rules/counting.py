"""From when on a campaign, voucher or promotion tier counts: the moment a rule with a limit binds it."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, exists, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.engine.postings import Counted
from app.incentives.validation_rules.repository import Ids
from app.models import Campaign, PromotionTier, Redemption, Voucher


async def begin_counting(
    session: AsyncSession,
    project_id: int,
    counted: Iterable[Counted],
    *,
    campaign_ids: Ids,
    voucher_ids: Ids,
    tier_ids: Ids = (),
) -> None:
    """Make these campaigns, vouchers and promotion tiers count `counted` from now on, if they do not yet.

    What a voucher's rule limits for the whole campaign is counted by the campaign: the campaign's other vouchers use it
    up too. What a campaign's rule limits per voucher is remembered at the campaign and holds for all its vouchers.
    Tiers are like vouchers.

    A count that begins when there have been redemptions is marked true, so that its first posting recounts them;
    a count once begun is never changed or removed. Only correct after `change_configuration` in the same transaction:
    with a redemption in flight, "have there been any" would have two answers.
    """
    names = frozenset(kind.name for kind in counted)
    of_campaign = frozenset(kind.name for kind in counted if kind.scope == "campaign")
    if names:
        await _begin(session, project_id, Campaign, names, campaign_ids)
    for owner, ids in ((Voucher, voucher_ids), (PromotionTier, tier_ids)):
        if names - of_campaign:
            await _begin(session, project_id, owner, names - of_campaign, ids)
        if of_campaign:
            campaigns_of_owners = select(owner.campaign_id).where(
                owner.project_id == project_id, owner.id.in_(ids), owner.campaign_id.is_not(None)
            )
            await _begin(session, project_id, Campaign, of_campaign, campaigns_of_owners)


async def _begin(
    session: AsyncSession,
    project_id: int,
    owner: type[Campaign] | type[Voucher] | type[PromotionTier],
    names: Collection[str],
    ids: Any,
) -> None:
    counted: ColumnElement[Any] = func.coalesce(owner.counted, cast({}, JSONB))
    wanted = cast(sorted(names), ARRAY(Text))
    redeemed_id = Redemption.campaign_id if owner is Campaign else Redemption.related_object_id
    was_redeemed = (
        exists()
        .where(Redemption.project_id == project_id, redeemed_id == owner.id, Redemption.object == "redemption")
        .correlate(owner)
    )
    name = func.unnest(wanted).column_valued("name")
    begun = select(func.jsonb_object_agg(name, was_redeemed)).correlate(owner).scalar_subquery()
    await session.execute(
        update(owner)
        .where(owner.project_id == project_id, owner.id.in_(ids), ~counted.bool_op("?&")(wanted))
        .values(counted=begun.op("||")(counted))
        .execution_options(synchronize_session=False)
    )
