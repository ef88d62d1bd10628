"""SQL of validation rules and assignments, always inside one project."""

from collections.abc import Collection, Sequence

from sqlalchemy import Delete, Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Campaign, ValidationRule, ValidationRuleAssignment, Voucher

BINDABLE: dict[str, type[Campaign] | type[Voucher]] = {"campaign": Campaign, "voucher": Voucher}


class ValidationRuleRepository:
    """Rules of one project and what they bind."""

    def __init__(self, session: AsyncSession, project_id: int) -> None:
        self.session = session
        self.project_id = project_id

    def rules(self) -> Select[ValidationRule]:
        return select(ValidationRule).where(ValidationRule.project_id == self.project_id)

    def assignments(self) -> Select[ValidationRuleAssignment]:
        return select(ValidationRuleAssignment).where(ValidationRuleAssignment.project_id == self.project_id)

    async def find(self, rule_id: str, *, lock: bool = False) -> ValidationRule | None:
        rows = self.rules().where(ValidationRule.id == rule_id)
        return await self.session.scalar(rows.with_for_update() if lock else rows)

    async def assignment_counts(self, rule_ids: Collection[str]) -> dict[str, int]:
        """How many objects each rule binds; a rule that binds nothing is left out."""
        rows = await self.session.execute(
            select(ValidationRuleAssignment.rule_id, func.count())
            .where(
                ValidationRuleAssignment.project_id == self.project_id,
                ValidationRuleAssignment.rule_id.in_(rule_ids),
            )
            .group_by(ValidationRuleAssignment.rule_id)
        )
        return {rule_id: count for rule_id, count in rows}

    async def assignments_count(self, rule_id: str) -> int:
        """How many objects the rule binds."""
        return (await self.assignment_counts([rule_id])).get(rule_id, 0)

    async def assignments_to(self, object_ids: Collection[str]) -> Sequence[ValidationRuleAssignment]:
        """What binds these objects, oldest first."""
        rows = self.assignments().where(ValidationRuleAssignment.related_object_id.in_(object_ids))
        return (await self.session.scalars(rows.order_by(ValidationRuleAssignment.id))).all()

    async def find_assignment(self, rule_id: str, assignment_id: str) -> ValidationRuleAssignment | None:
        rows = self.assignments().where(
            ValidationRuleAssignment.rule_id == rule_id, ValidationRuleAssignment.id == assignment_id
        )
        return await self.session.scalar(rows)

    def assigned_ids(self, rule_id: str, related_object_type: str) -> Select[str]:
        """A query for the ids of the objects of this type that the rule binds."""
        return select(ValidationRuleAssignment.related_object_id).where(
            ValidationRuleAssignment.project_id == self.project_id,
            ValidationRuleAssignment.rule_id == rule_id,
            ValidationRuleAssignment.related_object_type == related_object_type,
        )

    async def is_bindable(self, related_object_type: str, object_id: str) -> bool:
        """Whether there is such a campaign or voucher, not deleted."""
        model = BINDABLE[related_object_type]
        found = select(model.id).where(
            model.project_id == self.project_id, model.id == object_id, model.deleted_at.is_(None)
        )
        return await self.session.scalar(found) is not None

    def unassign(self, object_ids: Collection[str] | Select[str]) -> Delete:
        return delete(ValidationRuleAssignment).where(
            ValidationRuleAssignment.project_id == self.project_id,
            ValidationRuleAssignment.related_object_id.in_(object_ids),
        )
