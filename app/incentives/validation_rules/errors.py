"""What can go wrong with validation rules and their assignments."""

from app.kit.errors import AppError, DuplicateFound, NotFound


class ValidationRuleNotFound(NotFound):
    """404: the project has no such validation rule."""

    def __init__(self, rule_id: str) -> None:
        super().__init__("validation_rule", rule_id)


class AssignmentNotFound(NotFound):
    """404: this rule has no such assignment."""

    def __init__(self, assignment_id: str) -> None:
        super().__init__("validation_rules_assignment", assignment_id)


class RelatedObjectNotFound(NotFound):
    """404: the project has no such campaign, voucher or promotion tier to bind a rule to."""


class InvalidValidationRules(AppError):
    """400: the rule means nothing. `errors` names the JSON path of what is wrong."""

    key = "invalid_validation_rules"
    message = "Invalid validation rules"

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path} {message}", errors=[{"path": path, "message": message}])


class RuleInUse(AppError):
    """400: the rule still binds something; delete its assignments first."""

    key = "resource_in_use"
    message = "Resource in use"

    def __init__(self, rule_id: str, assignments_count: int) -> None:
        objects = "1 object" if assignments_count == 1 else f"{assignments_count} objects"
        super().__init__(
            f"The validation rule is assigned to {objects}; delete its assignments first.",
            resource_id=rule_id,
            resource_type="validation_rule",
        )


class RuleAlreadyAssigned(DuplicateFound):
    """409: the rule already binds this object. Repeat with `force=true` to replace the assignment."""

    def __init__(self, rule_id: str, related_object_id: str) -> None:
        super().__init__(
            f"The validation rule {rule_id} is already assigned to {related_object_id}.",
            resource_id=rule_id,
            resource_type="validation_rule",
        )


class TooManyRules(AppError):
    """400: one object can have only so many rules."""

    key = "invalid_validation_rules"
    message = "Invalid validation rules"

    def __init__(self, related_object_id: str, most: int) -> None:
        super().__init__(
            f"{related_object_id} already has {most} validation rules, the most there can be; "
            "put further conditions into one of them.",
            resource_id=related_object_id,
        )


class LimitsBindNoEarning(AppError):
    """400: the rule limits redemptions, and earning points is none."""

    key = "invalid_validation_rules"
    message = "Invalid validation rules"

    def __init__(self, rule_id: str) -> None:
        super().__init__(
            f"The validation rule {rule_id} counts redemptions, so it cannot say what earns points; the `limits` of "
            "the earning rule can.",
            resource_id=rule_id,
            resource_type="validation_rule",
        )


class NothingToBind(AppError):
    """400: rules cannot be assigned to objects of this type."""

    key = "invalid_payload"
    message = "Invalid payload"

    def __init__(self, related_object_type: str) -> None:
        sentence = (
            "Rules can be assigned to vouchers, campaigns, promotion tiers, earning rules and offers to pay with "
            f"points; this project has no {related_object_type} objects."
        )
        super().__init__(
            f"related_object_type: {sentence}", errors=[{"path": "related_object_type", "message": sentence}]
        )
