"""How several redeemables of one request get along: the project's settings and what they decide.

Contract: surface.md section 8.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.engine.effects import DiscountCalculationMode
from app.engine.money import READ_WHOLE
from app.engine.redeemables import DEFAULT_HIERARCHY, Redeemable, Unresolved
from app.engine.stored import Stored

ContractSkipReason = Literal[
    "applicable_redeemables_limit_exceeded",
    "applicable_redeemables_per_category_limit_exceeded",
    "applicable_exclusive_redeemables_limit_exceeded",
    "applicable_exclusive_redeemables_per_category_limit_exceeded",
    "exclusion_rules_not_met",
    "preceding_validation_failed",
    "no_effect",
]
SkipReason = ContractSkipReason | Literal["saves_less"]
"""Why a redeemable is left out. `saves_less` is ours: the best deal goes without it."""

SKIP_MESSAGES: dict[SkipReason, str] = {
    "applicable_redeemables_limit_exceeded": "Applicable redeemables limit exceeded",
    "applicable_redeemables_per_category_limit_exceeded": "Applicable redeemables limit per category exceeded",
    "applicable_exclusive_redeemables_limit_exceeded": "Applicable exclusive redeemables limit exceeded",
    "applicable_exclusive_redeemables_per_category_limit_exceeded": (
        "Applicable exclusive redeemables limit per category exceeded"
    ),
    "exclusion_rules_not_met": "Redeemable cannot be combined with a redeemable of an exclusive category",
    "preceding_validation_failed": "Redeemable cannot be applied due to preceding validation failure",
    "no_effect": "Redeemable has no effect on the order",
    "saves_less": "Another combination of redeemables saves at least as much",
}

CategoryIds = tuple[str, ...]
CATEGORY_LISTS = (
    "exclusive_categories",
    "joint_categories",
    "no_effect_skip_categories",
    "no_effect_redeem_anyway_categories",
    "initial_amount_mode_categories",
    "discounted_amount_mode_categories",
)
StackingType = Literal["JOINT", "EXCLUSIVE"]
AnyRedeemable = TypeVar("AnyRedeemable", bound=Redeemable | Unresolved)


Rank = tuple[bool, bool, int]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many redeemables apply so far: in all, with exclusive categories, and by category."""

    applied_count: int = 0
    exclusive_count: int = 0
    by_category: Mapping[str, int] = field(default_factory=dict)


NONE_APPLIED = Tally()


class StackingRules(Stored):
    """The project's stacking rules, stored and shown as they are here; the defaults are those of a project without any.

    `tenders_sorting_rule` is ours. Gift cards and points are money: they pay what discounts leave
    (AFTER_DISCOUNTS), unless the project wants them sorted like everything else (AS_REDEEMABLES).
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
    grouped_redeemables_sorting_rule: Literal["JOINT_ALWAYS_LAST", "REDEEMABLES_SORTING_RULE"] = "JOINT_ALWAYS_LAST"
    tenders_sorting_rule: Literal["AFTER_DISCOUNTS", "AS_REDEEMABLES"] = "AFTER_DISCOUNTS"
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

    @cached_property
    def wire(self) -> dict[str, Any]:
        """The rules as answers show them, made once."""
        return self.model_dump(mode="json")

    @property
    def category_ids(self) -> frozenset[str]:
        """Every category that the rules name."""
        named = (getattr(self, name) for name in CATEGORY_LISTS)
        return frozenset(self.applicable_redeemables_category_limits).union(*named)

    def without_category(self, category_id: str) -> "StackingRules":
        """The rules as they are when nothing names this category any more."""
        limits = {
            id_: limit for id_, limit in self.applicable_redeemables_category_limits.items() if id_ != category_id
        }
        lists = {name: tuple(id_ for id_ in getattr(self, name) if id_ != category_id) for name in CATEGORY_LISTS}
        return StackingRules(**{**self.model_dump(), "applicable_redeemables_category_limits": limits, **lists})

    @property
    def stops_at_failure(self) -> bool:
        """Whether one redeemable that does not apply keeps all others from applying."""
        return self.redeemables_application_mode == "ALL"

    @property
    def discounts_products_once(self) -> bool:
        """Whether what one redeemable discounted is closed to the others."""
        return self.redeemables_products_application_mode == "ONCE"

    def type_of(self, category_id: str | None) -> StackingType | None:
        """How the category gets along with others; None for a common one, and for none at all."""
        if category_id is None:
            return None
        if category_id in self.exclusive_categories:
            return "EXCLUSIVE"
        return "JOINT" if category_id in self.joint_categories else None

    def mode_of(self, category_id: str | None) -> DiscountCalculationMode:
        """What shares are computed on for redeemables of the category."""
        if category_id is not None:
            if category_id in self.initial_amount_mode_categories:
                return "INITIAL_AMOUNT"
            if category_id in self.discounted_amount_mode_categories:
                return "DISCOUNTED_AMOUNT"
        return self.discount_calculation_mode

    def rank_of(self, redeemable: Redeemable | Unresolved) -> Rank:
        """What is applied first has the lower rank; equal ranks are applied as they were requested.

        Discounts come before tenders, common and exclusive ones before joint ones, lower hierarchies before higher:
        each only where the project's sorting rules say so. What was not found has the rank of what has no category.
        """
        by_hierarchy = self.redeemables_sorting_rule == "CATEGORY_HIERARCHY"
        if isinstance(redeemable, Unresolved):
            return False, False, DEFAULT_HIERARCHY if by_hierarchy else 0
        is_last_tender = redeemable.is_tender and self.tenders_sorting_rule == "AFTER_DISCOUNTS"
        joint_last = self.grouped_redeemables_sorting_rule == "JOINT_ALWAYS_LAST"
        is_last_joint = joint_last and self.type_of(redeemable.category_id) == "JOINT"
        return is_last_tender, is_last_joint, redeemable.hierarchy if by_hierarchy else 0

    def arranged(self, redeemables: Sequence[AnyRedeemable]) -> Sequence[AnyRedeemable]:
        """The redeemables in the order in which they are applied."""
        return sorted(redeemables, key=self.rank_of) if len(redeemables) > 1 else redeemables

    def limit_reached(self, redeemable: Redeemable, tally: Tally) -> SkipReason | None:
        """The limit that keeps one more redeemable like this from applying, None when there is room for it.

        What has no category counts against the global limit only. A limit of one category replaces the limit for each
        category; exclusive categories have limits of their own instead of the latter, and obey both theirs and the
        one that names them.
        """
        if tally.applied_count >= self.applicable_redeemables_limit:
            return "applicable_redeemables_limit_exceeded"
        category_id = redeemable.category_id
        if category_id is None:
            return None
        count = tally.by_category.get(category_id, 0)
        own_limit = self.applicable_redeemables_category_limits.get(category_id)
        if category_id in self.exclusive_categories:
            if tally.exclusive_count >= self.applicable_exclusive_redeemables_limit:
                return "applicable_exclusive_redeemables_limit_exceeded"
            if count >= self.applicable_exclusive_redeemables_per_category_limit:
                return "applicable_exclusive_redeemables_per_category_limit_exceeded"
        elif own_limit is None:
            own_limit = self.applicable_redeemables_per_category_limit
        if own_limit is not None and count >= own_limit:
            return "applicable_redeemables_per_category_limit_exceeded"
        return None

    def tally_with(self, tally: Tally, redeemable: Redeemable) -> Tally:
        """The tally once this redeemable applies, too."""
        category_id, by_category = redeemable.category_id, tally.by_category
        if category_id is None:
            return Tally(tally.applied_count + 1, tally.exclusive_count, by_category)
        is_exclusive = category_id in self.exclusive_categories
        return Tally(
            tally.applied_count + 1,
            tally.exclusive_count + is_exclusive,
            {**by_category, category_id: by_category.get(category_id, 0) + 1},
        )

    def needs_effect(self, category_id: str | None) -> bool:
        """Whether a redeemable of the category is left out when it changes nothing."""
        if self.redeemables_no_effect_rule == "SKIP":
            return category_id is None or category_id not in self.no_effect_redeem_anyway_categories
        return category_id is not None and category_id in self.no_effect_skip_categories


DEFAULT_STACKING_RULES = StackingRules()
