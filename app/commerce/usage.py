"""Whether validation rules still name a resource: it cannot be deleted then, or the rules would mean something else."""

from sqlalchemy import Text, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.errors import AppError
from app.models import ValidationRule


class ResourceInUse(AppError):
    """400: validation rules name the resource; change or delete them first."""

    key = "resource_in_use"
    message = "Resource in use"

    def __init__(self, resource_type: str, resource_id: str, rules_count: int) -> None:
        rules = "1 validation rule" if rules_count == 1 else f"{rules_count} validation rules"
        super().__init__(
            f"The {resource_type.replace('_', ' ')} is named by {rules}; change or delete them first.",
            resource_id=resource_id,
            resource_type=resource_type,
        )


async def refuse_while_in_use(session: AsyncSession, project_id: int, resource_type: str, resource_id: str) -> None:
    """Only certain after `change_configuration`, which keeps rules as they are.

    Raises ResourceInUse.
    """
    quoted = f'"{resource_id}"'
    parts = (ValidationRule.rules, ValidationRule.applicable_to, ValidationRule.bundle_rules)
    rules_count = await session.scalar(
        select(func.count())
        .select_from(ValidationRule)
        .where(
            ValidationRule.project_id == project_id,
            or_(*(cast(part, Text).contains(quoted, autoescape=True) for part in parts)),
        )
    )
    if rules_count:
        raise ResourceInUse(resource_type, resource_id, rules_count)
