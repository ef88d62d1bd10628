"""Wire shapes of stacking rules."""

from typing import Annotated, Literal

from pydantic import Field

from app.engine.effects import DiscountCalculationMode
from app.engine.money import READ_WHOLE
from app.engine.stacking import StackingRules
from app.kit.lists import ListBody
from app.kit.wire import Instant, WirePatch

UpTo5 = Annotated[int, Field(ge=1, le=5), READ_WHOLE]
UpTo10 = Annotated[int, Field(ge=1, le=10), READ_WHOLE]
UpTo30 = Annotated[int, Field(ge=1, le=30), READ_WHOLE]
CategoryIds = list[str]


class StackingRulesIn(WirePatch):
    """A member that is left out stays as it is, null brings back the default. Lists and maps are replaced whole."""

    redeemables_limit: Annotated[UpTo30 | None, Field(description="Redeemables in one request.")] = None
    applicable_redeemables_limit: Annotated[
        UpTo30 | None, Field(description="Redeemables that apply at once; not above `redeemables_limit`.")
    ] = None
    applicable_redeemables_per_category_limit: Annotated[
        UpTo30 | None, Field(description="Redeemables of one category that apply at once.")
    ] = None
    applicable_redeemables_category_limits: Annotated[
        dict[str, UpTo10] | None, Field(description="The same for single categories, by id; replaces the former.")
    ] = None
    applicable_exclusive_redeemables_limit: Annotated[
        UpTo5 | None, Field(description="Redeemables of exclusive categories that apply at once.")
    ] = None
    applicable_exclusive_redeemables_per_category_limit: Annotated[
        UpTo5 | None, Field(description="Redeemables of one exclusive category that apply at once.")
    ] = None
    exclusive_categories: Annotated[
        CategoryIds | None, Field(description="Ids of categories that go with their like and with joint ones only.")
    ] = None
    joint_categories: Annotated[CategoryIds | None, Field(description="Ids of categories that go with all others.")] = (
        None
    )
    redeemables_application_mode: Annotated[
        Literal["ALL", "PARTIAL"] | None, Field(description="Whether one failure keeps all others from applying.")
    ] = None
    redeemables_sorting_rule: Annotated[
        Literal["CATEGORY_HIERARCHY", "REQUESTED_ORDER"] | None,
        Field(description="Lower hierarchies first, or as requested. What has no category has the hierarchy 1."),
    ] = None
    grouped_redeemables_sorting_rule: Annotated[
        Literal["JOINT_ALWAYS_LAST", "REDEEMABLES_SORTING_RULE"] | None,
        Field(description="Whether joint redeemables come after all others or are sorted with them."),
    ] = None
    tenders_sorting_rule: Annotated[
        Literal["AFTER_DISCOUNTS", "AS_REDEEMABLES"] | None,
        Field(description="Whether gift cards and points pay what discounts leave or are sorted with them."),
    ] = None
    redeemables_products_application_mode: Annotated[
        Literal["STACK", "ONCE"] | None, Field(description="ONCE: a product is discounted by one redeemable only.")
    ] = None
    redeemables_no_effect_rule: Annotated[
        Literal["REDEEM_ANYWAY", "SKIP"] | None, Field(description="What becomes of redeemables that change nothing.")
    ] = None
    no_effect_skip_categories: CategoryIds | None = None
    no_effect_redeem_anyway_categories: CategoryIds | None = None
    discount_calculation_mode: Annotated[
        DiscountCalculationMode | None, Field(description="What percentages are a share of.")
    ] = None
    initial_amount_mode_categories: CategoryIds | None = None
    discounted_amount_mode_categories: CategoryIds | None = None
    redeemables_rollback_order_mode: Annotated[
        Literal["WITH_ORDER", "WITHOUT_ORDER"] | None,
        Field(description="Whether a rollback takes the discount off the order and cancels it, or leaves it alone."),
    ] = None


class StackingRulesRead(StackingRules):
    id: Annotated[str, Field(examples=["stk_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    created_at: Instant
    updated_at: Annotated[Instant | None, Field(description="Absent until the first change.")] = None


class StackingRulesList(ListBody[StackingRulesRead]):
    """The project's rules, or nothing while it goes by the defaults."""
