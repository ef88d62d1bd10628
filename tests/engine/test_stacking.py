import pytest
from pydantic import ValidationError
from voucherify.models.stacking_rules import StackingRules as OfficialStackingRules

from app.engine.stacking import StackingRules


def test_the_defaults_are_those_of_the_contract_and_are_read_by_the_official_client() -> None:
    wire = StackingRules().model_dump(mode="json")

    assert OfficialStackingRules.model_validate(wire).redeemables_limit == 30
    assert wire == {
        "redeemables_limit": 30,
        "applicable_redeemables_limit": 5,
        "applicable_redeemables_per_category_limit": 1,
        "applicable_redeemables_category_limits": {},
        "applicable_exclusive_redeemables_limit": 1,
        "applicable_exclusive_redeemables_per_category_limit": 1,
        "exclusive_categories": [],
        "joint_categories": [],
        "redeemables_application_mode": "ALL",
        "redeemables_sorting_rule": "REQUESTED_ORDER",
        "grouped_redeemables_sorting_rule": "JOINT_ALWAYS_LAST",
        "tenders_sorting_rule": "AFTER_DISCOUNTS",
        "redeemables_products_application_mode": "STACK",
        "redeemables_no_effect_rule": "REDEEM_ANYWAY",
        "no_effect_skip_categories": [],
        "no_effect_redeem_anyway_categories": [],
        "discount_calculation_mode": "DISCOUNTED_AMOUNT",
        "initial_amount_mode_categories": [],
        "discounted_amount_mode_categories": [],
        "redeemables_rollback_order_mode": "WITH_ORDER",
    }


def test_stacking_rules_survive_being_stored() -> None:
    rules = StackingRules(applicable_redeemables_limit=3, joint_categories=("cat_1",))

    assert StackingRules.model_validate_json(rules.model_dump_json()) == rules


def test_fewer_redeemables_per_request_mean_fewer_applicable_ones_unless_said_otherwise() -> None:
    assert StackingRules.model_validate({"redeemables_limit": 3}).applicable_redeemables_limit == 3


@pytest.mark.parametrize(
    "settings",
    [
        {"redeemables_limit": 31},
        {"redeemables_limit": 0},
        {"applicable_redeemables_limit": 1.5},
        {"redeemables_limit": 3, "applicable_redeemables_limit": 4},
        {"applicable_exclusive_redeemables_limit": 6},
        {"applicable_redeemables_category_limits": {"cat_1": 11}},
        {"redeemables_application_mode": "SOME"},
        {"exclusive_categories": ["cat_1"], "joint_categories": ["cat_1"]},
        {"no_effect_skip_categories": ["cat_1"], "no_effect_redeem_anyway_categories": ["cat_1"]},
        {"initial_amount_mode_categories": ["cat_1"], "discounted_amount_mode_categories": ["cat_1"]},
    ],
)
def test_stacking_rules_outside_their_ranges_or_at_odds_with_themselves_are_refused(
    settings: dict[str, object],
) -> None:
    with pytest.raises(ValidationError):
        StackingRules.model_validate(settings)
