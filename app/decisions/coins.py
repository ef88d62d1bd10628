"""What points are worth at the checkout: the rewards that loyalty cards pay with, and the points they can use."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from app.access.callers import ProjectView
from app.engine.effects import Coin, PayWithPoints
from app.engine.redeemables import Redeemable, Unresolved
from app.incentives.configuration import CompiledRule, ConfigurationCache
from app.kit.db import Connection

Row = Mapping[str, Any]

# What is left in lots that have expired is on the account until it is entered as expired, and no more to be used than
# the session at hand has held of it in time.
COINS: Final = """
SELECT asked.voucher_id, asked.reward_id, reward, assignment.id AS assignment_id,
    greatest(0, expired_points($1, asked.voucher_id, 'points', '', '', $5) - (
        SELECT coalesce(sum(amount), 0) FROM holds
        WHERE project_id = $1 AND session_key = $6 AND owner_id = asked.voucher_id AND measure = 'points'
            AND subject = '' AND period = '' AND expires_at > statement_timestamp()
    ))::bigint AS lapsed_points,
    ARRAY(
        SELECT rule_id FROM validation_rule_assignments
        WHERE project_id = $1 AND related_object_id = assignment.id ORDER BY id
    ) AS rule_ids
FROM unnest($2::text[], $3::text[], $4::text[]) AS asked (voucher_id, campaign_id, reward_id)
LEFT JOIN rewards AS reward ON reward.project_id = $1 AND reward.id = asked.reward_id
LEFT JOIN reward_assignments AS assignment
    ON assignment.project_id = $1 AND assignment.campaign_id = asked.campaign_id AND assignment.reward_id = reward.id
"""


async def with_coins(
    connection: Connection,
    cache: ConfigurationCache,
    project: ProjectView,
    redeemables: Sequence[Redeemable | Unresolved],
    now: datetime,
    session_key: str | None,
) -> tuple[list[Redeemable | Unresolved], dict[str, Row]]:
    """The redeemables, loyalty cards with what their points are worth and the rules of that offer, and those offers by
    card; one statement where there are cards, and one more for rules that this process lacks.

    Raises Outdated when the configuration has changed since the caller's project was read.
    """
    cards = [each for each in redeemables if isinstance(each, Redeemable) and isinstance(each.effect, PayWithPoints)]
    if not cards:
        return list(redeemables), {}
    rows = await connection.fetch(
        COINS,
        project.id,
        [card.object_id for card in cards],
        [card.campaign_id for card in cards],
        [card.effect.reward_id if isinstance(card.effect, PayWithPoints) else None for card in cards],
        now,
        session_key,
    )
    rule_ids = {rule_id for row in rows for rule_id in row["rule_ids"]}
    rules = (await cache.load(connection, project.id, project.version, (), rule_ids)).rules
    found = {(row["voucher_id"], row["reward_id"]): row for row in rows}
    shown = [
        _with_coin(each, each.effect, found[each.object_id, each.effect.reward_id], rules)
        if isinstance(each, Redeemable) and isinstance(each.effect, PayWithPoints)
        else each
        for each in redeemables
    ]
    return shown, {row["voucher_id"]: row for row in rows}


def _with_coin(card: Redeemable, effect: PayWithPoints, row: Row, rules: Mapping[str, CompiledRule]) -> Redeemable:
    """The card as it pays for what the row says; the rules of the offer must hold, too."""
    known: dict[str, Any] = {"balance": max(0, effect.balance - row["lapsed_points"])}
    if effect.reward_id is not None:
        known |= _coin_or_problem(effect.reward_id, row)
    own = [rules[rule_id] for rule_id in row["rule_ids"]]
    return replace(
        card,
        effect=effect.model_copy(update=known),
        rules=(*card.rules, *((rule.id, rule.rule_set) for rule in own)),
        bundles=(*card.bundles, *((rule.id, rule.bundle) for rule in own if rule.bundle is not None)),
    )


def _coin_or_problem(reward_id: str, row: Row) -> dict[str, Any]:
    """What a point is worth, or why nothing says so."""
    if row["assignment_id"] is None:
        return {"problem": f"The loyalty program of the card does not offer the reward {reward_id}."}
    if row["reward"]["type"] != "COIN":
        return {"problem": f"The reward {reward_id} is not for paying with points; members redeem it by itself."}
    return {"coin": Coin(**row["reward"]["parameters"]["coin"])}
