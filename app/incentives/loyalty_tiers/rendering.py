"""How loyalty tiers look on the wire."""

from typing import Any

from app.engine.loyalty_tiers import Spell
from app.kit.wire import format_instant
from app.models import LoyaltyStanding, LoyaltyTier, Voucher


def tier_read(tier: LoyaltyTier) -> dict[str, Any]:
    """The contract's LoyaltyTier as JSON values."""
    points = {"from": tier.points_from} | ({} if tier.points_to is None else {"to": tier.points_to})
    members = {
        "id": tier.id,
        "campaign_id": tier.campaign_id,
        "name": tier.name,
        "points": points,
        "config": {"points": points},
        "earning_rules": tier.earning_rules,
        "rewards": tier.rewards,
        "metadata": tier.tier_metadata,
        "created_at": format_instant(tier.created_at),
        "updated_at": format_instant(tier.updated_at) if tier.updated_at else None,
        "object": "loyalty_tier",
    }
    return {name: value for name, value in members.items() if value is not None}


def spell_read(spell: Spell, card: Voucher, row: LoyaltyStanding) -> dict[str, Any]:
    """The contract's `expiration` of a tier, which says when a member is in it."""
    members = {
        "customer_id": card.holder_id,
        "campaign_id": row.campaign_id,
        "tier_id": spell.tier.id,
        "start_date": format_instant(spell.starts_at),
        "expiration_date": format_instant(spell.expires_at) if spell.expires_at else None,
        "created_at": format_instant(row.created_at),
        "updated_at": format_instant(row.updated_at) if row.updated_at else None,
    }
    return {name: value for name, value in members.items() if value is not None}
