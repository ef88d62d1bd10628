"""Where customers stand in loyalty and referral programs."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.commerce.customers.schemas import CustomerLoyalty, CustomerReferrals, ProgramStanding, ReferredBy
from app.kit import clock

# A card whose program was deleted counts for nothing, like the card of a customer who is gone.
_CARDS = text("""
SELECT card.holder_id, campaign.name, (
    SELECT coalesce(sum(lot.left_points), 0)::bigint FROM lots AS lot
    WHERE lot.project_id = card.project_id AND lot.owner_id = card.id
        AND lot.measure = 'points' AND lot.subject = '' AND lot.period = ''
        AND (lot.expires_at IS NULL OR lot.expires_at > :now)
) AS points, (
    SELECT tier.name FROM loyalty_standings AS standing
    JOIN loyalty_tiers AS tier ON tier.project_id = standing.project_id AND tier.id = standing.tier_id
    WHERE standing.project_id = card.project_id AND standing.voucher_id = card.id
        AND standing.starts_at <= :now AND coalesce(standing.expires_at > :now, true)
) AS tier_name
FROM vouchers AS card
JOIN campaigns AS campaign ON campaign.project_id = card.project_id AND campaign.id = card.campaign_id
WHERE card.project_id = :project_id AND card.holder_id = ANY (:customer_ids) AND card.type = 'LOYALTY_CARD'
    AND card.deleted_at IS NULL AND campaign.deleted_at IS NULL
""")

_REFERRED = text("""
SELECT referral.referrer_id, campaign.name, count(*)
FROM referrals AS referral
JOIN campaigns AS campaign ON campaign.project_id = referral.project_id AND campaign.id = referral.campaign_id
WHERE referral.project_id = :project_id AND referral.referrer_id = ANY (:customer_ids)
    AND referral.attributed_at IS NOT NULL AND referral.status <> 'REJECTED'
GROUP BY referral.referrer_id, campaign.name
""")

_CAME_BY = text("""
SELECT referee_id, campaign_id, referrer_id, voucher_id, attributed_at FROM referrals
WHERE project_id = :project_id AND referee_id = ANY (:customer_ids)
    AND attributed_at IS NOT NULL AND status <> 'REJECTED'
ORDER BY id
""")


async def load_loyalties(
    session: AsyncSession, project_id: int, customer_ids: Sequence[str]
) -> Mapping[str, CustomerLoyalty]:
    """The points of each customer by program, and how many customers came by their codes."""
    asked = {"project_id": project_id, "customer_ids": list(customer_ids)}
    standings: defaultdict[str, dict[str, ProgramStanding]] = defaultdict(dict)
    for customer_id, name, points, tier_name in await session.execute(_CARDS, {**asked, "now": clock.now()}):
        standing = standings[customer_id].setdefault(name, ProgramStanding())
        standing.points += points
        standing.loyalty_tier = tier_name or standing.loyalty_tier
    for customer_id, name, count in await session.execute(_REFERRED, asked):
        standing = standings[customer_id].setdefault(name, ProgramStanding())
        standing.referred_customers = count
    return {customer_id: _loyalty(standings[customer_id]) for customer_id in customer_ids}


async def load_referrals(
    session: AsyncSession, project_id: int, customer_ids: Sequence[str]
) -> Mapping[str, CustomerReferrals]:
    """By whom the customers were referred; nothing for those who were not."""
    found: defaultdict[str, list[ReferredBy]] = defaultdict(list)
    rows = await session.execute(_CAME_BY, {"project_id": project_id, "customer_ids": list(customer_ids)})
    for row in rows:
        came = ReferredBy(
            campaign_id=row.campaign_id,
            referrer_id=row.referrer_id,
            related_object_id=row.voucher_id,
            date=row.attributed_at,
        )
        found[row.referee_id].append(came)
    return {customer_id: CustomerReferrals(total=len(came), campaigns=came) for customer_id, came in found.items()}


def _loyalty(standings: Mapping[str, ProgramStanding]) -> CustomerLoyalty:
    return CustomerLoyalty(
        points=sum(standing.points for standing in standings.values()),
        referred_customers=sum(standing.referred_customers for standing in standings.values()),
        campaigns=dict(standings),
    )
