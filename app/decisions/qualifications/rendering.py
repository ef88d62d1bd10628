"""What qualifies, on the wire."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from app.decisions.qualifications.candidates import Candidate
from app.decisions.qualifications.schemas import QualificationIn
from app.decisions.rendering import (
    Wire,
    bundle_result,
    categories_read,
    identity_of,
    result_read,
    snapshot_order,
    targets_read,
    wire_list,
)
from app.decisions.snapshot import Snapshot
from app.engine.application import NOTHING
from app.engine.decision import Outcome
from app.engine.order_calculation import order_calculated
from app.engine.redeemables import Redeemable
from app.incentives.categories.rendering import stacked_categories
from app.kit.db import Connection
from app.kit.wire import format_instant

ASSIGNMENTS = """
SELECT id, rule_id, related_object_id, related_object_type, created_at FROM validation_rule_assignments
WHERE project_id = $1 AND related_object_id = ANY ($2) ORDER BY id
"""

Assignments = Mapping[str, list[Wire]]


async def assignments_of(connection: Connection, project_id: int, object_ids: Iterable[str]) -> Assignments:
    """The rules of these objects, as `validation_rules_assignments` shows them, by object."""
    assignments: dict[str, list[Wire]] = {}
    for row in await connection.fetch(ASSIGNMENTS, project_id, list(object_ids)):
        shown = {
            "id": row["id"],
            "rule_id": row["rule_id"],
            "related_object_id": row["related_object_id"],
            "related_object_type": row["related_object_type"],
            "created_at": format_instant(row["created_at"]),
            "object": "validation_rules_assignment",
        }
        assignments.setdefault(row["related_object_id"], []).append(shown)
    return assignments


def qualified_read(
    candidate: Candidate,
    outcomes: Sequence[Outcome],
    snapshot: Snapshot,
    request: QualificationIn,
    assignments: Assignments,
) -> Wire:
    """A candidate with what it would do; a stack shows what each of its tiers would, on what earlier ones left."""
    if candidate.kind != "promotion_stack":
        return _identity(candidate) | _effect(candidate.id, outcomes[0], snapshot, request, assignments)
    tiers = [
        _tier_identity(outcome, snapshot) | _effect(_object_id(outcome), outcome, snapshot, request, assignments)
        for outcome in outcomes
    ]
    shown = _identity(candidate) | {"campaign_id": candidate.campaign_id, "redeemables": tiers}
    campaign_name = _redeemable(outcomes[0]).campaign_name
    if campaign_name is not None:
        shown["campaign_name"] = campaign_name
    if request.order is not None:
        application = NOTHING
        for outcome in outcomes:
            application += outcome.application
        shown["order"] = identity_of(snapshot) | order_calculated(outcomes[-1].cart, application)
    if "category" in request.options.expand:
        category = snapshot.categories.get(candidate.category_id or "")
        shown["categories"] = stacked_categories(category, snapshot.stacking)
    return shown


def format_position(position: datetime) -> str:
    """ISO 8601 in UTC with microseconds, which tell those apart that were created in one millisecond."""
    return position.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _identity(candidate: Candidate) -> Wire:
    shown: Wire = {
        "id": candidate.code or candidate.id,
        "object": candidate.kind,
        "created_at": format_instant(candidate.created_at),
    }
    named = {"name": candidate.name, "banner": candidate.banner}
    return shown | {name: value for name, value in named.items() if value is not None}


def _tier_identity(outcome: Outcome, snapshot: Snapshot) -> Wire:
    tier = snapshot.tiers[_object_id(outcome)].row
    shown: Wire = {"id": tier.id, "object": "promotion_tier", "created_at": format_instant(tier.created_at)}
    named = {"name": tier.name, "banner": tier.banner}
    return shown | {name: value for name, value in named.items() if value is not None}


def _effect(
    object_id: str,
    outcome: Outcome,
    snapshot: Snapshot,
    request: QualificationIn,
    assignments: Assignments,
) -> Wire:
    """What a redeemable does, and the details that were asked for."""
    redeemable = _redeemable(outcome)
    shown: Wire = {
        "result": result_read(redeemable.effect, outcome.application) | bundle_result(outcome.bundle),
        **targets_read(redeemable.applicability, outcome.cart_before or outcome.cart, outcome.application),
    }
    if request.order is not None:
        shown["order"] = snapshot_order(outcome, snapshot, with_items=True)
    if redeemable.campaign_id is not None:
        shown |= {"campaign_id": redeemable.campaign_id, "campaign_name": redeemable.campaign_name}
    if "redeemable" in request.options.expand:
        shown["metadata"] = dict(redeemable.metadata)
    if "category" in request.options.expand:
        shown["categories"] = categories_read(redeemable, snapshot)
    if "validation_rules" in request.options.expand:
        shown["validation_rules_assignments"] = wire_list(assignments.get(object_id, []))
    return shown


def _redeemable(outcome: Outcome) -> Redeemable:
    assert isinstance(outcome.redeemable, Redeemable)  # only what exists was asked about
    return outcome.redeemable


def _object_id(outcome: Outcome) -> str:
    return _redeemable(outcome).object_id
