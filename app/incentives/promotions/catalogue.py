"""Promotion tiers as a checkout wants them, kept with the rest of the project's configuration."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from app.engine.applicability import narrowed
from app.engine.candidates import Candidate, CandidateIndex, needs_of
from app.engine.redeemables import DEFAULT_HIERARCHY, Redeemable, named_by
from app.incentives.configuration import (
    CompiledRule,
    CompiledTier,
    Configuration,
    ConfigurationCache,
    LiveTiers,
    compile_effect,
    compile_validity,
    counts_of,
)
from app.kit.db import Connection
from app.kit.records import row_of
from app.ledger.errors import Outdated
from app.models import PromotionStack

TIERS = """
WITH stack AS MATERIALIZED (
    SELECT known, tier_ids FROM promotion_stacks AS known WHERE project_id = $1 AND id = ANY ($3)
), tier AS MATERIALIZED (
    SELECT known, id FROM promotion_tiers AS known
    WHERE project_id = $1 AND deleted_at IS NULL
        AND id = ANY ($2 || ARRAY(SELECT jsonb_array_elements_text(tier_ids) FROM stack))
    UNION ALL
    SELECT known, id FROM promotion_tiers AS known
    WHERE $4 AND project_id = $1 AND active AND deleted_at IS NULL AND (expiration_date IS NULL OR expiration_date > $5)
)
SELECT
    (SELECT configuration_version FROM projects WHERE id = $1) AS version,
    ARRAY(SELECT known FROM tier) AS tiers,
    ARRAY(SELECT known FROM stack) AS stacks,
    ARRAY(SELECT known FROM validation_rule_assignments AS known
        WHERE project_id = $1 AND related_object_id = ANY (ARRAY(SELECT id FROM tier)) ORDER BY id) AS assignments
"""


async def load_tiers(
    connection: Connection,
    cache: ConfigurationCache,
    project_id: int,
    version: int,
    *,
    tier_ids: Collection[str] = (),
    stack_ids: Collection[str] = (),
) -> Configuration:
    """The configuration at `version` with these tiers, and these stacks with all of theirs, as far as there are any;
    up to two statements when some are missing.

    Raises Outdated when the database has moved on from `version`.
    """
    known = cache.at(project_id, version)
    missing_tiers = [id_ for id_ in tier_ids if id_ not in known.tiers]
    missing_stacks = [id_ for id_ in stack_ids if id_ not in known.stacks]
    if not missing_tiers and not missing_stacks:
        return known
    row = await _fetch(connection, project_id, version, missing_tiers, missing_stacks)
    known = await _keep(connection, cache, project_id, version, row)
    known.stacks.update((stack["id"], row_of(PromotionStack, stack)) for stack in row["stacks"])
    return known


async def load_live(
    connection: Connection, cache: ConfigurationCache, project_id: int, version: int, now: datetime
) -> LiveTiers:
    """The tiers that may apply without being named: switched on with their campaign, and not over at `now`. Up to two
    statements the first time at a version.

    Raises Outdated when the database has moved on from `version`.
    """
    known = cache.at(project_id, version)
    if known.live is not None:
        return known.live
    async with known.loading_live:
        if known.live is None:
            row = await _fetch(connection, project_id, version, (), (), live_at=now)
            kept = await _keep(connection, cache, project_id, version, row)
            known.live = live_tiers(kept.tiers[tier["id"]] for tier in row["tiers"])
        return known.live


def live_tiers(tiers: Iterable[CompiledTier]) -> LiveTiers:
    """Those of the tiers that are switched on with their campaigns."""
    live = sorted(
        (tier for tier in tiers if tier.redeemable.is_active and tier.redeemable.campaign_is_active),
        key=lambda tier: (tier.record["hierarchy"], tier.id),
    )
    return LiveTiers(tuple(live), named_by(tier.redeemable for tier in live))


def index_of(
    live: LiveTiers, name: str, asked: Callable[[Redeemable], Redeemable], *, with_effect: bool
) -> CandidateIndex[CompiledTier]:
    """The index of the live tiers under `name`, which stands for what the other arguments are: `asked` gives a tier as
    it is asked about; with `with_effect` tiers that have no line to touch are left out."""
    key = f"{name} {with_effect}"
    if key not in live.indexes:
        live.indexes[key] = CandidateIndex(
            _candidate(tier, asked(tier.redeemable), with_effect=with_effect) for tier in live.tiers
        )
    return live.indexes[key]


def compile_tier(
    record: Mapping[str, Any], configuration: Configuration, assignments: Iterable[Mapping[str, Any]]
) -> CompiledTier:
    """A stored tier, whose campaign, rules and category `configuration` has. All rules of both must hold."""
    campaign = configuration.campaigns[record["campaign_id"]]
    own = tuple(assignments)
    rules: tuple[CompiledRule, ...] = (
        *campaign.rules,
        *(configuration.rules[assignment["rule_id"]] for assignment in own),
    )
    category = configuration.categories.get(record["category_id"] or "")
    stacked_as = category or configuration.categories.get(campaign.row.category_id or "")
    counted, history = counts_of(record["counted"])
    effect = compile_effect(record["discount"])
    assert effect is not None  # a tier cannot be saved without a discount
    redeemable = Redeemable(
        kind="promotion_tier",
        id=record["id"],
        object_id=record["id"],
        effect=effect,
        campaign_id=record["campaign_id"],
        campaign_name=campaign.row.name,
        applicability=narrowed(rule.applicability for rule in rules),
        is_active=record["active"],
        campaign_is_active=campaign.is_active,
        validities=(campaign.validity, compile_validity(record)),
        rules=tuple((rule.id, rule.rule_set) for rule in rules),
        counted=counted | campaign.counted,
        metadata=record["metadata"],
        category_id=stacked_as.id if stacked_as else None,
        hierarchy=stacked_as.hierarchy if stacked_as else DEFAULT_HIERARCHY,
        bundles=tuple((rule.id, rule.bundle) for rule in rules if rule.bundle is not None),
    )
    return CompiledTier(record, campaign, category, own, redeemable, history | campaign.history)


def _candidate(tier: CompiledTier, asked: Redeemable, *, with_effect: bool) -> Candidate[CompiledTier]:
    rule_sets = [rule_set for _, rule_set in asked.rules]
    needs = needs_of(asked.effect, asked.applicability, rule_sets, asked.validities, with_effect=with_effect)
    return Candidate.of(tier, needs, asked.validities)


async def _fetch(
    connection: Connection,
    project_id: int,
    version: int,
    tier_ids: Collection[str],
    stack_ids: Collection[str],
    *,
    live_at: datetime | None = None,
) -> Mapping[str, Any]:
    row: Mapping[str, Any] = await connection.fetchrow(
        TIERS, project_id, tier_ids, stack_ids, live_at is not None, live_at
    )
    if row["version"] != version:
        raise Outdated
    return row


async def _keep(
    connection: Connection, cache: ConfigurationCache, project_id: int, version: int, row: Mapping[str, Any]
) -> Configuration:
    """Compile the tiers that were read, once their campaigns, rules and categories are there."""
    assignments: dict[str, list[Mapping[str, Any]]] = {}
    for assignment in row["assignments"]:
        assignments.setdefault(assignment["related_object_id"], []).append(assignment)
    known = await cache.load(
        connection,
        project_id,
        version,
        {tier["campaign_id"] for tier in row["tiers"]},
        {assignment["rule_id"] for assignment in row["assignments"]},
        {tier["category_id"] for tier in row["tiers"] if tier["category_id"]},
    )
    for tier in row["tiers"]:
        if tier["id"] not in known.tiers:
            known.tiers[tier["id"]] = compile_tier(tier, known, assignments.get(tier["id"], ()))
    return known
