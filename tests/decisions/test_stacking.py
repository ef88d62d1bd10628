"""Stacking rules and categories at the checkout, over HTTP."""

import asyncio
from typing import Any

from httpx import AsyncClient
from voucherify import ApiClient, RedemptionsApi, ValidationsApi
from voucherify.models import (
    RedemptionsRedeemRequestBody,
    ValidationsValidateRequestBody,
    ValidationsValidateResponseBody,
)

from app.access.stacking_rules import service
from app.access.stacking_rules.schemas import StackingRulesIn
from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.carts import cart, line, redeem, roll_back, try_to_redeem, validate
from tests.factories.incentives import ask, give_campaign, give_coupon
from tests.factories.stacking import give_category, give_stacking_rules

HUNDRED = [line("shirt", 10_000)]


def amount(minor_units: int) -> dict[str, Any]:
    return {"type": "AMOUNT", "amount_off": minor_units, "effect": "APPLY_TO_ORDER"}


def percent(percent_off: int) -> dict[str, Any]:
    return {"type": "PERCENT", "percent_off": percent_off, "effect": "APPLY_TO_ORDER"}


def by_id(redeemables: list[dict[str, Any]]) -> dict[str, Any]:
    """Reason or status of each redeemable."""
    return {
        each["id"]: each["result"]["details"]["key"] if each["status"] == "SKIPPED" else each["status"]
        for each in redeemables
    }


async def give_stack_with_exclusive_category(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    """COMMON without a category, ONLY in an exclusive and WITH in a joint one; 10, 20 and 5 off."""
    only, joint = await give_category(client, project, "only", 1), await give_category(client, project, "with", 2)
    await give_stacking_rules(db, project, exclusive_categories=[only["id"]], joint_categories=[joint["id"]])
    campaign = await give_campaign(client, project, category="only", voucher={"discount": amount(2000)})
    await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/ONLY", {})
    await give_coupon(client, project, "WITH", category="with", discount=amount(500))
    await give_coupon(client, project, "COMMON", discount=amount(1000))


async def test_a_stack_of_three_with_an_exclusive_category_is_validated_and_redeemed_by_the_official_client(
    client: AsyncClient, db: Database, project: ProjectKeys, voucherify_client: ApiClient
) -> None:
    await give_stack_with_exclusive_category(client, db, project)
    body = cart("WITH", "COMMON", "ONLY", items=HUNDRED, options={"expand": ["category"]})

    validated, redeemed = await asyncio.to_thread(_validate_and_redeem, voucherify_client, body)

    applied = validated.redeemables
    assert [each.id for each in applied] == ["ONLY", "WITH"]
    assert [each.categories[0].stacking_rules_type for each in applied] == ["EXCLUSIVE", "JOINT"]
    assert validated.order.total_applied_discount_amount == 2500
    assert [each.id for each in validated.skipped_redeemables] == ["COMMON"]
    assert validated.skipped_redeemables[0].result.details.key == "exclusion_rules_not_met"
    assert [each.voucher.code for each in redeemed.redemptions] == ["ONLY", "WITH"]
    assert redeemed.order.total_amount == 7500


def _validate_and_redeem(client: ApiClient, body: dict[str, Any]) -> tuple[Any, Any]:
    validated = ValidationsApi(client).validate_stacked_discounts(ValidationsValidateRequestBody.from_dict(body))
    redeemed = RedemptionsApi(client).redeem_stacked_discounts(RedemptionsRedeemRequestBody.from_dict(body))
    return validated, redeemed


async def test_what_a_stack_leaves_out_is_not_used_up(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    await give_stack_with_exclusive_category(client, db, project)

    answer = await redeem(client, project, cart("COMMON", "ONLY", items=HUNDRED))

    assert by_id(answer["skipped_redeemables"]) == {"COMMON": "exclusion_rules_not_met"}
    assert "parent_redemption" not in answer
    common = await ask(client, project, "GET", "/v1/vouchers/COMMON")
    assert common["redemption"]["redeemed_quantity"] == 0


async def test_the_hierarchy_of_categories_sorts_a_stack_and_a_changed_hierarchy_counts_at_once(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    first, second = await give_category(client, project, "first", 5), await give_category(client, project, "second", 6)
    await give_stacking_rules(db, project, redeemables_sorting_rule="CATEGORY_HIERARCHY")
    await give_coupon(client, project, "HALF", category_id=second["id"], discount=percent(50))
    await give_coupon(client, project, "TEN", category_id=first["id"], discount=amount(1000))
    body = cart("HALF", "TEN", items=HUNDRED)

    before = await validate(client, project, body)
    await ask(client, project, "PUT", f"/v1/categories/{second['id']}", {"hierarchy": 0})
    after = await validate(client, project, body)

    assert [each["id"] for each in before["redeemables"]] == ["TEN", "HALF"]
    assert before["order"]["total_amount"] == 4500
    assert [each["id"] for each in after["redeemables"]] == ["HALF", "TEN"]
    assert after["order"]["total_amount"] == 4000
    assert [each["order"]["total_amount"] for each in after["redeemables"]] == [5000, 4000]


async def test_limits_and_modes_of_the_project_hold_from_the_moment_they_are_saved(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    category = await give_category(client, project, "one")
    for code in ("A", "B"):
        await give_coupon(client, project, code, category_id=category["id"], discount=amount(1000))
    body = cart("A", "NOBODYS", "B", items=HUNDRED)

    by_default = await validate(client, project, body)
    rules = await give_stacking_rules(db, project, redeemables_application_mode="PARTIAL")
    partial = await validate(client, project, body)
    limits = {"applicable_redeemables_category_limits": {category["id"]: 2}}
    await service.update(db, project.caller(), rules["id"], StackingRulesIn.model_validate(limits))
    two = await validate(client, project, body)

    assert by_default["valid"] is False
    assert by_id(by_default["redeemables"]) == {
        "A": "APPLICABLE",
        "NOBODYS": "INAPPLICABLE",
        "B": "preceding_validation_failed",
    }
    assert partial["valid"] is True
    assert by_id(partial["skipped_redeemables"]) == {"B": "applicable_redeemables_per_category_limit_exceeded"}
    assert [each["id"] for each in two["redeemables"]] == ["A", "B"]
    for answer in (by_default, partial, two):
        assert ValidationsValidateResponseBody.from_dict(answer) is not None


async def test_more_redeemables_than_one_request_may_have_are_refused(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_stacking_rules(db, project, redeemables_limit=2)
    for code in "ABC":
        await give_coupon(client, project, code)

    for path in ("/v1/validations", "/v1/redemptions"):
        refused = await client.post(path, json=cart("A", "B", "C"), headers=project.server)
        assert (refused.status_code, refused.json()["key"]) == (400, "invalid_redeemables")
    assert (await validate(client, project, cart("A", "B")))["valid"] is True


async def test_qualification_goes_by_the_rules_and_shows_categories(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    category = await give_category(client, project, "one")
    await give_stacking_rules(
        db, project, joint_categories=[category["id"]], no_effect_skip_categories=[category["id"]]
    )
    await give_coupon(client, project, "GOOD", category="one", discount=amount(100))
    fixed = {"type": "FIXED", "fixed_amount": 99_000, "effect": "APPLY_TO_ORDER"}
    await give_coupon(client, project, "USELESS", category="one", discount=fixed)
    question = {"order": {"items": HUNDRED}, "options": {"expand": ["category"]}}

    answer = await ask(client, project, "POST", "/v1/qualifications", question)

    assert [each["id"] for each in answer["redeemables"]["data"]] == ["GOOD"]
    assert answer["redeemables"]["data"][0]["categories"] == [category | {"stacking_rules_type": "JOINT"}]
    assert answer["stacking_rules"]["joint_categories"] == [category["id"]]


async def test_a_rollback_leaves_the_order_alone_where_the_rules_say_so(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_coupon(client, project, "TEN", discount=amount(1000), redemption={"quantity": 1})
    rules = await give_stacking_rules(db, project, redeemables_rollback_order_mode="WITHOUT_ORDER")
    redeemed = await redeem(client, project, cart("TEN", items=HUNDRED, order={"source_id": "o-1"}))

    done = (await roll_back(client, project, redeemed["redemptions"][0]["id"])).json()
    order = await ask(client, project, "GET", "/v1/orders/o-1")

    assert (order["status"], order["discount_amount"], order["total_amount"]) == ("PAID", 1000, 9000)
    assert order["redemptions"][redeemed["redemptions"][0]["id"]]["rollback_id"] == done["id"]
    assert done["order"]["status"] == "PAID"
    mode = StackingRulesIn(redeemables_rollback_order_mode="WITH_ORDER")
    await service.update(db, project.caller(), rules["id"], mode)
    again = await redeem(client, project, cart("TEN", items=HUNDRED, order={"source_id": "o-2"}))
    await roll_back(client, project, again["redemptions"][0]["id"])
    canceled = await ask(client, project, "GET", "/v1/orders/o-2")
    assert (canceled["status"], canceled["total_amount"]) == ("CANCELED", 10_000)


async def give_choice(client: AsyncClient, project: ProjectKeys) -> dict[str, Any]:
    """A request with a percentage named after an amount, a code that saves nothing more, and one nobody knows."""
    for code, discount in (("TEN", amount(1000)), ("HALF", percent(50)), ("REST", amount(100))):
        await give_coupon(client, project, code, discount=discount, redemption={"quantity": 1})
    return cart("TEN", "HALF", "REST", "NOBODYS", items=HUNDRED, options={"best_deal": True})


async def test_the_best_deal_is_chosen_among_the_codes_of_a_request(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    body = await give_choice(client, project)
    await give_stacking_rules(db, project, applicable_redeemables_limit=2)

    answer = await validate(client, project, body)

    assert answer["valid"] is True
    assert [each["id"] for each in answer["redeemables"]] == ["HALF", "TEN"]
    assert answer["order"]["total_amount"] == 4000
    assert by_id(answer["skipped_redeemables"]) == {"REST": "applicable_redeemables_limit_exceeded"}
    assert by_id(answer["inapplicable_redeemables"]) == {"NOBODYS": "INAPPLICABLE"}
    assert answer["best_deal"]["is_optimal"] is True
    assert answer["best_deal"]["considered"] > 3
    assert ValidationsValidateResponseBody.from_dict(answer) is not None


async def test_only_the_codes_of_the_best_deal_are_used_up(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    body = await give_choice(client, project)
    await give_stacking_rules(db, project, applicable_redeemables_limit=2)

    first = await redeem(client, project, body)
    second = await redeem(client, project, body)

    assert [each["voucher"]["code"] for each in first["redemptions"]] == ["HALF", "TEN"]
    assert first["best_deal"]["is_optimal"] is True
    assert first["order"]["total_amount"] == 4000
    assert [each["voucher"]["code"] for each in second["redemptions"]] == ["REST"]
    spent = await try_to_redeem(client, project, body)
    assert (spent.status_code, spent.json()["key"]) == (400, "quantity_exceeded")


async def test_a_code_that_another_combination_beats_is_told_so_in_words_that_official_clients_read(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_stack_with_exclusive_category(client, db, project)
    await give_coupon(client, project, "THIRTY", discount=amount(3000))

    answer = await validate(
        client, project, cart("ONLY", "COMMON", "THIRTY", items=HUNDRED, options={"best_deal": True})
    )

    assert [each["id"] for each in answer["redeemables"]] == ["COMMON", "THIRTY"]
    (skipped,) = answer["skipped_redeemables"]
    assert skipped["result"]["details"] == {
        "key": "exclusion_rules_not_met",
        "message": "Another combination of redeemables saves at least as much",
    }
    assert ValidationsValidateResponseBody.from_dict(answer) is not None
