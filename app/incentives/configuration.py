"""Campaigns, tiers and rules as the engine wants them: compiled once, kept in the process until something changes."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter

from app.commerce.orders.catalogues import Catalogues
from app.engine.applicability import Applicability, ApplicabilityDefinition, applicability_of
from app.engine.bundles import BundleRule, parse_bundle
from app.engine.candidates import CandidateIndex
from app.engine.effects import Discount, Effect
from app.engine.filters import parse_filter
from app.engine.postings import Counted
from app.engine.product_collections import CATALOGUE, Collection
from app.engine.redeemables import Redeemable
from app.engine.rules import Named, RuleSet, parse_rule_set
from app.engine.segments import CUSTOMER, Segment
from app.engine.validity import Validity, parse_validity
from app.kit.db import Connection
from app.kit.records import row_of
from app.ledger.errors import Outdated
from app.models import Campaign, Category, PromotionStack, PromotionTier

MOST_PROJECTS = 1_000
MOST_ENTRIES = 20_000

_discount: TypeAdapter[Effect] = TypeAdapter(Discount)

LOAD = """
WITH assigned AS (
    SELECT related_object_id, rule_id FROM validation_rule_assignments
    WHERE project_id = $1 AND related_object_id = ANY ($2)
)
SELECT
    (SELECT configuration_version FROM projects WHERE id = $1) AS version,
    ARRAY(SELECT campaign FROM campaigns AS campaign WHERE project_id = $1 AND id = ANY ($2)) AS campaigns,
    ARRAY(SELECT ROW(related_object_id, rule_id) FROM assigned ORDER BY rule_id) AS assignments,
    ARRAY(
        SELECT rule FROM validation_rules AS rule
        WHERE project_id = $1 AND id IN (SELECT rule_id FROM assigned UNION SELECT unnest($3::text[]))
    ) AS rules,
    ARRAY(
        SELECT category FROM categories AS category
        WHERE project_id = $1 AND id IN (
            SELECT category_id FROM campaigns WHERE project_id = $1 AND id = ANY ($2) UNION SELECT unnest($4::text[])
        )
    ) AS categories
"""

DEFINITIONS = """
SELECT
    (SELECT configuration_version FROM projects WHERE id = $1) AS version,
    ARRAY(SELECT segment FROM segments AS segment WHERE project_id = $1 AND ($2 OR id = ANY ($3))) AS segments,
    ARRAY(SELECT collection FROM product_collections AS collection WHERE project_id = $1 AND id = ANY ($4))
        AS collections
"""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A validation rule: its conditions, the lines it opens to discounts, and the bundle it asks for."""

    id: str
    rule_set: RuleSet
    applicability: Applicability | None
    bundle: BundleRule | None


@dataclass(frozen=True, slots=True)
class CompiledCampaign:
    """What a checkout needs of a campaign. `history` are the counts that began after there were redemptions."""

    row: Campaign
    is_active: bool
    validity: Validity
    effect: Effect | None
    rules: tuple[CompiledRule, ...]
    counted: frozenset[Counted]
    history: frozenset[Counted]


@dataclass(frozen=True)
class CompiledTier:
    """What a checkout needs of a promotion tier, read as `record`. `redeemable` lacks only what was counted, and what
    the catalogue says of things that it gives."""

    record: Mapping[str, Any]
    campaign: CompiledCampaign
    category: Category | None
    assignments: tuple[Mapping[str, Any], ...]
    redeemable: Redeemable
    history: frozenset[Counted]

    @property
    def id(self) -> str:
        return self.redeemable.object_id

    @cached_property
    def row(self) -> PromotionTier:
        """The tier as answers show it; made for those that are shown, because it costs more than all the rest."""
        return row_of(PromotionTier, self.record)


@dataclass(frozen=True, slots=True)
class LiveTiers:
    """The tiers that are switched on and have not ended, first in hierarchy first, and all that their rules name.

    `indexes` find those that may apply to a cart; one for each way of asking, made when it is first asked.
    """

    tiers: tuple[CompiledTier, ...]
    named: Named | None
    indexes: dict[str, CandidateIndex[CompiledTier]] = field(default_factory=dict)


@dataclass(slots=True)
class Configuration:
    """What this process keeps of one project, all of it read at `version`.

    A segment, collection or category that is named and the project does not have is None, so that it is not looked for
    again.
    """

    version: int
    campaigns: dict[str, CompiledCampaign] = field(default_factory=dict)
    rules: dict[str, CompiledRule] = field(default_factory=dict)
    categories: dict[str, Category | None] = field(default_factory=dict)
    segments: dict[str, Segment | None] = field(default_factory=dict)
    has_all_segments: bool = False
    collections: dict[str, Collection | None] = field(default_factory=dict)
    tiers: dict[str, CompiledTier] = field(default_factory=dict)
    stacks: dict[str, PromotionStack] = field(default_factory=dict)
    live: LiveTiers | None = None
    loading_live: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def size(self) -> int:
        """How much is kept, in entries."""
        return len(self.campaigns) + len(self.rules) + len(self.tiers)


class ConfigurationCache:
    """Compiled configurations by project, and what is kept of their catalogues. Nothing is ever changed in place: a new
    version starts empty."""

    def __init__(self) -> None:
        self.catalogues = Catalogues()
        self._projects: dict[int, Configuration] = {}

    async def load(
        self,
        connection: Connection,
        project_id: int,
        version: int,
        campaign_ids: Iterable[str],
        rule_ids: Iterable[str],
        category_ids: Iterable[str] = (),
    ) -> Configuration:
        """The configuration at `version` with at least these campaigns, rules and categories, and the categories of
        these campaigns; one statement when some are missing.

        Raises Outdated when the database has moved on from `version`.
        """
        known = self.at(project_id, version)
        missing_campaigns = [id_ for id_ in campaign_ids if id_ not in known.campaigns]
        missing_rules = [id_ for id_ in rule_ids if id_ not in known.rules]
        missing_categories = [id_ for id_ in category_ids if id_ not in known.categories]
        if missing_campaigns or missing_rules or missing_categories:
            row = await connection.fetchrow(LOAD, project_id, missing_campaigns, missing_rules, missing_categories)
            if row["version"] != version:
                raise Outdated
            known.categories.update(dict.fromkeys(missing_categories))
            known.categories.update((category["id"], row_of(Category, category)) for category in row["categories"])
            known.rules.update((rule["id"], compile_rule(rule)) for rule in row["rules"])
            for campaign in row["campaigns"]:
                rules = [known.rules[rule_id] for owner_id, rule_id in row["assignments"] if owner_id == campaign["id"]]
                known.campaigns[campaign["id"]] = compile_campaign(campaign, rules)
        return known

    async def load_named(self, connection: Connection, project_id: int, version: int, named: Named) -> Configuration:
        """The configuration at `version` with the segments and collections in `named`; one statement when some are
        missing.

        Raises Outdated when the database has moved on from `version`.
        """
        known = self.at(project_id, version)
        wants_all = named.asks_all_segments and not known.has_all_segments
        segment_ids = [] if known.has_all_segments else [id_ for id_ in named.segment_ids if id_ not in known.segments]
        collection_ids = [id_ for id_ in named.collection_ids if id_ not in known.collections]
        if wants_all or segment_ids or collection_ids:
            row = await connection.fetchrow(DEFINITIONS, project_id, wants_all, segment_ids, collection_ids)
            if row["version"] != version:
                raise Outdated
            known.segments.update(dict.fromkeys(segment_ids))
            known.segments.update((segment["id"], compile_segment(segment)) for segment in row["segments"])
            known.has_all_segments = known.has_all_segments or wants_all
            known.collections.update(dict.fromkeys(collection_ids))
            known.collections.update((each["id"], compile_collection(each)) for each in row["collections"])
        return known

    def at(self, project_id: int, version: int) -> Configuration:
        """What is kept at `version`, which others may fill."""
        known = self._projects.get(project_id)
        if known is None or known.version != version or known.size > MOST_ENTRIES:
            known = Configuration(version)
            if len(self._projects) >= MOST_PROJECTS:
                self._projects.clear()
            self._projects[project_id] = known
        return known


def compile_rule(row: Mapping[str, Any]) -> CompiledRule:
    """A stored rule, which was parsed once before when it was saved."""
    targets = row["applicable_to"]
    return CompiledRule(
        id=row["id"],
        rule_set=parse_rule_set({"rules": row["rules"], "error": row["error"]}),
        applicability=applicability_of(ApplicabilityDefinition.model_validate(targets) if targets else None),
        bundle=parse_bundle(row["bundle_rules"]),
    )


def compile_segment(row: Mapping[str, Any]) -> Segment:
    """A stored segment, whose filter was parsed once before when it was saved."""
    return Segment(row["id"], parse_filter(row["filter"], CUSTOMER) if row["filter"] else None)


def compile_collection(row: Mapping[str, Any]) -> Collection:
    """A stored product collection, whose filter was parsed once before when it was saved."""
    return Collection(row["id"], parse_filter(row["filter"], CATALOGUE) if row["filter"] else None)


def compile_campaign(record: Mapping[str, Any], rules: Sequence[CompiledRule]) -> CompiledCampaign:
    row = row_of(Campaign, record)
    counted, history = counts_of(row.counted)
    return CompiledCampaign(
        row=row,
        is_active=row.active and row.deleted_at is None,
        validity=compile_validity(record),
        effect=compile_effect(row.discount),
        rules=tuple(rules),
        counted=counted,
        history=history,
    )


def compile_effect(discount: Mapping[str, Any] | None) -> Effect | None:
    return _discount.validate_python(discount) if discount else None


def compile_validity(row: Mapping[str, Any]) -> Validity:
    """The time limits of the row of a campaign, voucher or promotion tier."""
    return parse_validity(
        {
            "start_date": row["start_date"],
            "expiration_date": row["expiration_date"],
            **(row["validity"] or {}),
        }
    )


def counts_of(names: Mapping[str, bool] | None) -> tuple[frozenset[Counted], frozenset[Counted]]:
    """The stored `counted` of a campaign, voucher or tier: all its counts, and those that began with a history."""
    if not names:
        return frozenset(), frozenset()
    return (
        frozenset(Counted.named(name) for name in names),
        frozenset(Counted.named(name) for name, has_history in names.items() if has_history),
    )
