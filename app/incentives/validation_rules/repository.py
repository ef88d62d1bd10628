"""SQL of validation rules and assignments, always inside one project."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Delete, Select, delete, func, or_, select

from app.kit.repository import Repository
from app.models import (
    Campaign,
    EarningRule,
    PromotionTier,
    RewardAssignment,
    ValidationRule,
    ValidationRuleAssignment,
    Voucher,
)

Ids = Collection[str] | Select[Any]
"""Ids, or a query that gives them."""

BINDABLE: dict[
    str, type[Campaign] | type[Voucher] | type[PromotionTier] | type[EarningRule] | type[RewardAssignment]
] = {
    "campaign": Campaign,
    "voucher": Voucher,
    "promotion_tier": PromotionTier,
    "earning_rule": EarningRule,
    "reward_assignment": RewardAssignment,
}


class ValidationRuleRepository(Repository[ValidationRule]):
    model = ValidationRule

    async def by_id(self, rule_ids: Collection[str]) -> dict[str, ValidationRule]:
        """These rules; no statement when none is asked for."""
        if not rule_ids:
            return {}
        rows = await self.session.scalars(self.rows().where(ValidationRule.id.in_(rule_ids)))
        return {rule.id: rule for rule in rows}


class AssignmentRepository(Repository[ValidationRuleAssignment]):
    model = ValidationRuleAssignment

    async def find_of_rule(self, rule_id: str, assignment_id: str) -> ValidationRuleAssignment | None:
        rows = self.rows().where(
            ValidationRuleAssignment.rule_id == rule_id, ValidationRuleAssignment.id == assignment_id
        )
        return await self.session.scalar(rows)

    async def to_objects(self, object_ids: Collection[str]) -> Sequence[ValidationRuleAssignment]:
        """What binds these objects, oldest first."""
        rows = self.rows().where(ValidationRuleAssignment.related_object_id.in_(object_ids))
        return (await self.session.scalars(rows.order_by(ValidationRuleAssignment.id))).all()

    async def counts(self, rule_ids: Collection[str]) -> dict[str, int]:
        """How many objects each rule binds; a rule that binds nothing is left out."""
        counted = await self.session.execute(
            select(ValidationRuleAssignment.rule_id, func.count())
            .where(
                ValidationRuleAssignment.project_id == self.project_id,
                ValidationRuleAssignment.rule_id.in_(rule_ids),
            )
            .group_by(ValidationRuleAssignment.rule_id)
        )
        return {rule_id: count for rule_id, count in counted}

    async def count(self, rule_id: str) -> int:
        """How many objects the rule binds."""
        return (await self.counts([rule_id])).get(rule_id, 0)

    def object_ids(self, rule_id: str, related_object_type: str) -> Select[Any]:
        """A query for the ids of the objects of this type that the rule binds."""
        return select(ValidationRuleAssignment.related_object_id).where(
            ValidationRuleAssignment.project_id == self.project_id,
            ValidationRuleAssignment.rule_id == rule_id,
            ValidationRuleAssignment.related_object_type == related_object_type,
        )

    async def binds_earning(self, rule_id: str) -> bool:
        """Whether the rule binds an earning rule."""
        return await self.session.scalar(self.object_ids(rule_id, "earning_rule").limit(1)) is not None

    def counting_campaign_ids(self, rule_id: str) -> Select[Any]:
        """A query for the campaigns that count what the rule limits: those it binds, and the loyalty programs in whose
        offers to pay with points it has a say."""
        offering = select(RewardAssignment.campaign_id).where(
            RewardAssignment.project_id == self.project_id,
            RewardAssignment.id.in_(self.object_ids(rule_id, "reward_assignment")),
        )
        return select(Campaign.id).where(
            Campaign.project_id == self.project_id,
            or_(Campaign.id.in_(self.object_ids(rule_id, "campaign")), Campaign.id.in_(offering)),
        )

    async def is_bindable(self, related_object_type: str, object_id: str) -> bool:
        """Whether there is such a campaign, voucher, promotion tier or earning rule, not deleted, or such an offer to
        pay with points: the only reward that is taken at a checkout."""
        model = BINDABLE[related_object_type]
        is_there = model.points.is_(None) if issubclass(model, RewardAssignment) else model.deleted_at.is_(None)
        found = select(model.id).where(model.project_id == self.project_id, model.id == object_id, is_there)
        return await self.session.scalar(found) is not None

    def delete_to(self, object_ids: Ids) -> Delete:
        return delete(ValidationRuleAssignment).where(
            ValidationRuleAssignment.project_id == self.project_id,
            ValidationRuleAssignment.related_object_id.in_(object_ids),
        )
