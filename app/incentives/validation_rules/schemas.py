"""The wire shapes of validation rules and assignments."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.engine.applicability import ApplicabilityDefinition
from app.kit.wire import Instant, WireIn, WireOut, WirePatch

RuleType = Literal["expression", "basic", "advanced", "complex"]
Name = Annotated[str, StringConstraints(max_length=255), Field(examples=["Loyal customers in Berlin"])]

_ON_ORDER_OR_ITEMS = (
    "apply_to_order",
    "apply_to_items",
    "apply_to_items_proportionally",
    "apply_to_items_proportionally_by_quantity",
    "apply_to_items_by_quantity",
    "fixed.apply_to_items",
    "percent.apply_to_items",
)
_DISCOUNTED = (
    "campaign.discount_coupons",
    "campaign.promotion",
    "campaign.referral_program",
    "voucher.discount_voucher",
)
_GIFTED = ("campaign.gift_vouchers", "voucher.gift_voucher")
CONTEXT_TYPES = (
    "global",
    *(name for kind in _DISCOUNTED for name in (kind, *(f"{kind}.discount.{part}" for part in _ON_ORDER_OR_ITEMS))),
    *(name for kind in _GIFTED for name in (kind, f"{kind}.gift.apply_to_order", f"{kind}.gift.apply_to_items")),
    "campaign.loyalty_program",
    "voucher.loyalty_card",
    "earning_rule.order.paid",
    "earning_rule.custom_event",
    "earning_rule.customer.segment.entered",
    *(f"earning_rule.customer.tier.{change}" for change in ("joined", "left", "upgraded", "downgraded", "prolonged")),
    "distribution.custom_event",
    *(f"distribution.order.{change}" for change in ("paid", "created", "canceled", "updated")),
    "reward_assignment.pay_with_points",
)
"""Where a rule is meant to be used. Kept for the editor's sake; a rule may be assigned wherever it can be evaluated."""


def _is_context_type(value: str) -> str:
    if value not in CONTEXT_TYPES:
        raise PydanticCustomError("context_type", "There is no such context type.")
    return value


ContextType = Annotated[str, AfterValidator(_is_context_type), Field(json_schema_extra={"enum": list(CONTEXT_TYPES)})]
Rules = Annotated[
    dict[str, Any],
    Field(
        description="Numbered conditions and, under `logic`, how they are joined. Conditions on amounts of money are "
        "in the project's currency; beside them "
        '`"currencies": {"USD": {"conditions": {"$more_than": [6000]}}}` has those for orders in others. '
        "To an order in a currency that has none the rule does not hold, with the key "
        "`currency_mismatch`.",
        examples=[
            {
                "1": {"name": "order.amount", "conditions": {"$more_than": [5000]}, "rules": {}},
                "2": {
                    "name": "redemption.count.per_customer",
                    "conditions": {"$less_than_or_equal": [1]},
                    "rules": {},
                    "error": {"message": "You have used this code before."},
                },
                "logic": "1 and 2",
            }
        ],
    ),
]
BundleRules = Annotated[
    dict[str, Any],
    Field(
        description="What must be in the order together: numbered things with their units, joined by and, and how many "
        "bundles of one order count (`limit`, 1 to 100). A discount other than FIXED is given once for each.",
        examples=[
            {
                "1": {
                    "name": "order.items.any",
                    "conditions": {"$is": [{"id": "prod_shirt", "type": "product_or_sku", "object": "product"}]},
                    "rules": {
                        "1": {"name": "order.items.aggregated_quantity", "conditions": {"$is": [1]}, "rules": {}},
                        "logic": "1",
                    },
                },
                "logic": "1",
                "limit": 1,
            }
        ],
    ),
]


class RuleError(WireIn):
    """What a buyer is told when the rules do not hold and no single condition has words of its own."""

    message: Annotated[str, StringConstraints(max_length=1000)] | None = None


class ValidationRuleCreate(WireIn):
    name: Name | None = None
    rules: Rules = Field(default_factory=lambda: {"logic": ""})
    bundle_rules: BundleRules | None = None
    error: RuleError | None = None
    applicable_to: ApplicabilityDefinition | None = None
    type: RuleType = "expression"
    context_type: ContextType = "global"


class ValidationRuleUpdate(WirePatch):
    name: Name | None = None
    rules: Rules | None = None
    bundle_rules: BundleRules | None = None
    error: RuleError | None = None
    applicable_to: ApplicabilityDefinition | None = None
    type: RuleType | None = None
    context_type: ContextType | None = None


class ValidationRuleRead(WireOut):
    id: Annotated[str, Field(examples=["val_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    name: str | None
    rules: dict[str, Any]
    bundle_rules: dict[str, Any] | None = None
    error: RuleError | None
    applicable_to: dict[str, Any]
    type: RuleType
    context_type: str
    assignments_count: Annotated[
        int, Field(description="How many campaigns, vouchers and promotion tiers the rule binds.")
    ]
    created_at: Instant
    updated_at: Instant | None
    object: Literal["validation_rules"] = "validation_rules"


class AssignmentCreate(WireIn):
    related_object_type: Literal[
        "voucher", "campaign", "promotion_tier", "earning_rule", "distribution", "reward_assignment"
    ] = "voucher"
    related_object_id: Annotated[str, Field(min_length=1, max_length=512, description="Id of what it binds.")]


class AssignmentRead(WireOut):
    id: Annotated[str, Field(examples=["asgm_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    rule_id: str
    related_object_id: str
    related_object_type: Literal["voucher", "campaign", "promotion_tier", "earning_rule", "reward_assignment"]
    created_at: Instant
    object: Literal["validation_rules_assignment"] = "validation_rules_assignment"


class AssignmentList(WireOut):
    """The assignments of one campaign, voucher or promotion tier, as its own answer carries them."""

    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[AssignmentRead]
    total: int
