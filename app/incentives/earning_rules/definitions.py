"""What an earning rule waits for, and whether its parts go together; pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.engine.earning import Earning, Trigger
from app.incentives.earning_rules.errors import InvalidEarningRule
from app.incentives.earning_rules.schemas import EarningRuleCreate

ORDER_PAID = "order.paid"
SEGMENT_ENTERED = "customer.segment.entered"
TIER_CHANGES = tuple(
    f"customer.loyalty.tier.{change}" for change in ("joined", "left", "upgraded", "downgraded", "prolonged")
)
TRIGGERS: Mapping[str, Trigger] = {
    ORDER_PAID: "order",
    SEGMENT_ENTERED: "segment",
    **dict.fromkeys(TIER_CHANGES, "tier"),
}
"""What is no custom event. The names of custom events are the shop's, but for those that begin like ours."""
OURS = ("order.", "customer.")
ANY_TIER = "__ANY__"


class Wait(NamedTuple):
    """What a rule waits for: a kind of thing, and which one of them, where there are several."""

    trigger: Trigger
    target_id: str | None


def wait_of(body: EarningRuleCreate, path: str) -> Wait:
    """What the rule waits for. `path` leads the paths of what is wrong.

    Raises InvalidEarningRule.
    """
    trigger = _trigger_of(body, path)
    targets: dict[Trigger, str | None] = {
        "segment": body.segment.id if body.segment else None,
        "tier": body.loyalty_tier.id if body.loyalty_tier else None,
        "custom_event": body.custom_event.schema_id if body.custom_event else None,
    }
    members = {"segment": "segment", "tier": "loyalty_tier", "custom_event": "custom_event"}
    for kind, target_id in targets.items():
        if target_id is not None and kind != trigger:
            raise InvalidEarningRule(f"{path}{members[kind]}", f"This does not go with the event {body.event}.")
    if trigger in ("segment", "tier") and targets[trigger] is None:
        raise InvalidEarningRule(f"{path}{members[trigger]}", f"The event {body.event} needs this, with an id.")
    return Wait(trigger, targets.get(trigger))


def _trigger_of(body: EarningRuleCreate, path: str) -> Trigger:
    if body.custom_event is not None:
        return "custom_event"
    trigger = TRIGGERS.get(body.event)
    if trigger is None and body.event.startswith(OURS):
        known = ", ".join(TRIGGERS)
        message = f"There is no such event. Events of ours that earn are {known}; a custom event of that name needs "
        raise InvalidEarningRule(f"{path}event", f"{message}`custom_event.schema_id`.")
    return trigger or "custom_event"


def check_earning(trigger: Trigger, loyalty: Earning, has_pending: bool, path: str) -> None:
    """Refuse what never happens together. Raises InvalidEarningRule."""
    if trigger not in loyalty.triggers:
        kind = getattr(loyalty, "calculation_type", loyalty.__class__.__name__)
        raise InvalidEarningRule(
            f"{path}loyalty.calculation_type", f"There is no {kind} where the rule waits for a {trigger}."
        )
    if has_pending and trigger != "order":
        raise InvalidEarningRule(f"{path}pending_points", "Only points for paid orders are held back.")


def stored(value: Any) -> Any:
    """A member in the shape in which it is kept: that of the wire, without what is empty."""
    return None if value is None else value.model_dump(mode="json", exclude_none=True)
