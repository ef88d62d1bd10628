"""How several redeemables of one request get along: the project's settings and what they decide."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.engine.application import Application
from app.engine.cart import Cart
from app.engine.effects import DiscountCalculationMode
from app.engine.money import READ_WHOLE
from app.engine.stored import Stored

SkipReason = Literal["applicable_redeemables_limit_exceeded", "preceding_validation_failed", "no_effect"]

SKIP_MESSAGES: dict[SkipReason, str] = {
    "applicable_redeemables_limit_exceeded": "Applicable redeemables limit exceeded",
    "preceding_validation_failed": "Redeemable cannot be applied due to preceding validation failure",
    "no_effect": "Redeemable has no effect on the order",
}

CategoryIds = tuple[str, ...]


class StackingRules(Stored):
    """The project's stacking rules, stored and shown as they are here; the defaults are those of a project without any.

    Redeemables have no categories here, so what names categories decides nothing; those settings, the sorting by
    category and `redeemables_products_application_mode` are kept and shown, and applied by the release that brings
    categories.
    """

    redeemables_limit: Annotated[int, Field(ge=1, le=30), READ_WHOLE] = 30
    applicable_redeemables_limit: Annotated[int, Field(ge=1, le=30), READ_WHOLE] = 5
    applicable_redeemables_per_category_limit: Annotated[int, Field(ge=1, le=30), READ_WHOLE] = 1
    applicable_redeemables_category_limits: dict[str, Annotated[int, Field(ge=1, le=10), READ_WHOLE]] = Field(
        default_factory=dict
    )
    applicable_exclusive_redeemables_limit: Annotated[int, Field(ge=1, le=5), READ_WHOLE] = 1
    applicable_exclusive_redeemables_per_category_limit: Annotated[int, Field(ge=1, le=5), READ_WHOLE] = 1
    exclusive_categories: CategoryIds = ()
    joint_categories: CategoryIds = ()
    redeemables_application_mode: Literal["ALL", "PARTIAL"] = "ALL"
    redeemables_sorting_rule: Literal["CATEGORY_HIERARCHY", "REQUESTED_ORDER"] = "REQUESTED_ORDER"
    grouped_redeemables_sorting_rule: Literal["JOINT_ALWAYS_LAST"] = "JOINT_ALWAYS_LAST"
    redeemables_products_application_mode: Literal["STACK", "ONCE"] = "STACK"
    redeemables_no_effect_rule: Literal["REDEEM_ANYWAY", "SKIP"] = "REDEEM_ANYWAY"
    no_effect_skip_categories: CategoryIds = ()
    no_effect_redeem_anyway_categories: CategoryIds = ()
    discount_calculation_mode: DiscountCalculationMode = "DISCOUNTED_AMOUNT"
    initial_amount_mode_categories: CategoryIds = ()
    discounted_amount_mode_categories: CategoryIds = ()
    redeemables_rollback_order_mode: Literal["WITH_ORDER", "WITHOUT_ORDER"] = "WITH_ORDER"

    @model_validator(mode="before")
    @classmethod
    def _with_dependent_defaults(cls, values: Any) -> Any:
        """Whoever only lowers the number of redeemables per request lowers the number of applicable ones with it."""
        if isinstance(values, dict) and values.get("applicable_redeemables_limit") is None:
            limit = values.get("redeemables_limit")
            if isinstance(limit, int) and 1 <= limit < 5:
                return {**values, "applicable_redeemables_limit": limit}
        return values

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "StackingRules":
        if self.applicable_redeemables_limit > self.redeemables_limit:
            raise PydanticCustomError(
                "stacking_rules", "applicable_redeemables_limit must not be above redeemables_limit."
            )
        for first, second in (
            ("exclusive_categories", "joint_categories"),
            ("no_effect_skip_categories", "no_effect_redeem_anyway_categories"),
            ("initial_amount_mode_categories", "discounted_amount_mode_categories"),
        ):
            if shared := set(getattr(self, first)) & set(getattr(self, second)):
                raise PydanticCustomError(
                    "stacking_rules",
                    "A category cannot be in both {first} and {second}: {shared}.",
                    {"first": first, "second": second, "shared": ", ".join(sorted(shared))},
                )
        return self

    @property
    def stops_at_failure(self) -> bool:
        """Whether one redeemable that does not apply keeps all others from applying."""
        return self.redeemables_application_mode == "ALL"

    def reason_to_skip(self, application: Application, cart: Cart, applied_count: int) -> SkipReason | None:
        """Why a redeemable that could apply to `cart` is left out, None when it applies.

        A discount without an order to take it from has no effect yet, which is not the same as having none.
        """
        if applied_count >= self.applicable_redeemables_limit:
            return "applicable_redeemables_limit_exceeded"
        has_effect = application.total_discount_amount > 0 or any(application.item_discount_quantities)
        if self.redeemables_no_effect_rule == "SKIP" and cart.amount is not None and not has_effect:
            return "no_effect"
        return None


DEFAULT_STACKING_RULES = StackingRules()
