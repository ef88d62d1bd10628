"""Rewards and their assignments on the wire."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.engine.money import json_number
from app.incentives.rewards.schemas import Answer
from app.incentives.rewards.stock import stock_of
from app.kit.wire import format_instant
from app.ledger.movements import Holdings
from app.models import Reward, RewardAssignment


def reward_read(reward: Reward, stock: Holdings | None) -> Answer:
    """The contract's Reward as JSON values; `stock` is None where there is no end."""
    return {
        **reward_members(reward),
        "stock": None if stock is None else stock_of(stock),
        "redeemed": None if stock is None else stock.redeemed_amount,
        **({"attributes": reward.attributes} if reward.attributes else {}),
    }


def reward_members(reward: Reward) -> Answer:
    """What a reward is, without what is left of it."""
    return {
        "id": reward.id,
        **({} if reward.name is None else {"name": reward.name}),
        "type": reward.type,
        "parameters": parameters_read(reward.parameters),
        "metadata": reward.reward_metadata,
        "created_at": format_instant(reward.created_at),
        "updated_at": format_instant(reward.updated_at) if reward.updated_at else None,
        "object": "reward",
    }


def parameters_read(parameters: Mapping[str, Any]) -> Answer:
    """The stored parameters; the ratio of a coin is kept as text, which is exact."""
    coin = parameters.get("coin")
    if coin is None:
        return dict(parameters)
    return {"coin": {**coin, "exchange_ratio": json_number(Decimal(coin["exchange_ratio"]))}}


def assignment_read(assignment: RewardAssignment, rule_ids: Sequence[str] = ()) -> Answer:
    """The contract's RewardAssignment as JSON values; `rule_ids` are the rules that bind it."""
    shown: Answer = {
        "id": assignment.id,
        "reward_id": assignment.reward_id,
        "related_object_id": assignment.campaign_id,
        "related_object_type": "campaign",
        "created_at": format_instant(assignment.created_at),
        "updated_at": format_instant(assignment.updated_at) if assignment.updated_at else None,
        "object": "reward_assignment",
    }
    if assignment.points is not None:
        shown["parameters"] = {"loyalty": {"points": assignment.points, "auto_redeem": assignment.auto_redeem}}
    return shown | ({"validation_rules": list(rule_ids)} if rule_ids else {})
