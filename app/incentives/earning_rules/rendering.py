"""How an earning rule looks on the wire."""

from typing import Any

from app.kit.wire import format_instant
from app.models import EarningRule

TARGETS = {"segment": ("segment", "id"), "tier": ("loyalty_tier", "id"), "custom_event": ("custom_event", "schema_id")}
"""The member that says which one a rule waits for, and the name of the id in it, by trigger."""


def earning_rule_read(rule: EarningRule, validation_rule_id: str | None) -> dict[str, Any]:
    """The contract's EarningRule as JSON values; members without a value are left out, but those it wants as null."""
    members: dict[str, Any] = {
        "id": rule.id,
        "event": rule.event,
        "loyalty": rule.loyalty,
        "pending_points": rule.pending_points,
        "expiration_rules": rule.expiration_rules,
        "limits": rule.limits or None,
        "source": source_of(rule),
        "active": rule.active,
        "start_date": format_instant(rule.start_date) if rule.start_date else None,
        "expiration_date": format_instant(rule.expiration_date) if rule.expiration_date else None,
        **rule.validity,
        "automation_id": rule.id,
        "metadata": rule.rule_metadata,
        "created_at": format_instant(rule.created_at),
        "object": "earning_rule",
    }
    if rule.target_id is not None:
        member, name = TARGETS[rule.trigger]
        members[member] = {name: rule.target_id}
    return {
        **{name: value for name, value in members.items() if value is not None},
        "validation_rule_id": validation_rule_id,
        "updated_at": format_instant(rule.updated_at) if rule.updated_at else None,
    }


def source_of(rule: EarningRule) -> dict[str, Any]:
    banner = {} if rule.banner is None else {"banner": rule.banner}
    return {**banner, "object_id": rule.campaign_id, "object_type": "campaign"}
