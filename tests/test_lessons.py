"""One test for each bug that shops filed against other engines and that this one could have too.

Most live beside the code they protect; `ELSEWHERE` says where, and a test sees to it that they are there.
"""

import ast
import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from app.decisions.loyalty_day import pass_day
from app.decisions.schemas import CheckoutIn
from app.decisions.snapshot import load
from app.incentives.configuration import ConfigurationCache
from app.kit import clock
from app.kit.db import Database
from app.kit.jobs import Work
from tests.decisions.test_loyalty_day import earn, hold_back
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, line, redeem, try_to_redeem, validate
from tests.factories.clocks import later
from tests.factories.incentives import give_coupon
from tests.factories.loyalties import card_figures, change_points, give_member, give_program
from tests.factories.rules import ONCE_PER_CUSTOMER, give_rule, rule_of

TESTS = Path(__file__).parent

ELSEWHERE = {
    # Limits: checked, then written later, ten uses become eleven.
    "vendure#4660, medusa#13760, saleor#15855, litemall#581": (
        "decisions/test_races.py::test_a_voucher_with_seven_uses_is_redeemed_seven_times",
        "decisions/test_races.py::test_a_limit_of_seven_lets_seven_through",
        "decisions/test_races.py::test_a_budget_is_never_overspent",
    ),
    # When a use counts: a payment that fails must not eat the coupon.
    "thelia#2195, woocommerce#27673, saleor#7588": (
        "decisions/test_redemptions.py::test_a_stack_with_one_bad_code_uses_none_of_them",
        "decisions/test_redemptions.py::test_a_rolled_back_redemption_gives_its_use_and_its_discount_back",
        "decisions/test_holds.py::test_redeeming_with_the_key_uses_what_was_held_once_and_ends_the_session",
        "decisions/test_hold_races.py::test_fifty_sessions_get_seven_uses_and_each_of_the_seven_can_redeem",
    ),
    # Who is one customer.
    "vendure#4353": (
        "decisions/test_races.py::test_one_new_customer_asked_for_fifty_times_is_one_customer_with_one_limit",
        "commerce/test_customers.py::test_fifty_parallel_upserts_of_a_source_id_make_one_customer_and_lose_no_key",
    ),
    # Cents: 25 % of 19.99 came out at 15.00; 10.00 over three lines gave 9.99; 100 % left 0.01.
    "saleor#12040": ("engine/test_effects.py::test_25_percent_off_19_99_is_5_00_and_leaves_14_99",),
    "statamic-cargo#168": (
        "engine/test_effects.py::test_10_00_over_three_equal_lines_is_10_00",
        "engine/test_allocation.py::test_the_parts_sum_to_the_whole",
    ),
    "odoo#271032": (
        "engine/test_effects.py::test_100_percent_leaves_exactly_nothing",
        "engine/test_effects.py::test_100_percent_off_every_line_leaves_exactly_nothing",
    ),
    # Stacking: a percentage of the wrong base; below zero; the result depended on how the cart was built.
    "saleor#17453": (
        "engine/test_evaluate.py::test_two_percentages_never_give_the_order_away",
        "engine/test_evaluate.py::test_each_redeemable_works_on_what_the_earlier_ones_left",
    ),
    "vendure#2385, odoo#63106": (
        "engine/test_evaluate.py::test_no_stack_of_discounts_exceeds_the_cart",
        "engine/test_effects.py::test_neither_order_nor_line_falls_below_zero",
    ),
    # Refunds: shares were computed anew after a return, 40 % became 4 %.
    "vendure#4811, vendure#5127": (
        "engine/test_returns.py::test_a_share_of_40_percent_stays_40_percent_after_a_return",
        "decisions/test_refunds.py::test_refunding_every_unit_in_parts_gives_back_exactly_what_was_paid",
    ),
    # Scale: a batch died on one duplicate.
    "solidus#5383": (
        "incentives/campaigns/test_generation.py::"
        "test_a_hundred_thousand_codes_fill_a_shape_to_its_last_code_where_case_is_ignored",
        "incentives/campaigns/test_generation.py::test_two_generations_at_once_make_the_codes_of_both",
    ),
    # Codes: the number of possible ones overflowed.
    "Sylius#10912": (
        "incentives/codes/test_generation.py::test_capacity_is_counted_beyond_64_bits",
        "test_bad_input.py::test_a_pattern_with_three_possible_codes_is_refused_ten_before_anything_is_made",
    ),
    # Dates: days that end at midnight of another zone, and hours that a clock change moves.
    "mitxpro#991": (
        "engine/rules/test_operators.py::test_a_span_that_ends_on_a_day_includes_that_day",
        "engine/rules/test_operators.py::test_days_ago_and_ahead_are_calendar_days_in_the_project_zone",
        "engine/test_validity.py::test_a_daily_hour_keeps_its_local_time_through_both_clock_changes",
        "distribution/publications/test_publishing.py::test_a_code_ends_so_long_after_it_was_given_on_the_projects_calendar",
    ),
    # Answers: an oracle for those who guess codes.
    "SyliusGiftCardPlugin#297": (
        "decisions/test_validations.py::test_an_unknown_code_is_answered_like_another_projects_code",
        "test_bad_input.py::test_a_foreign_projects_code_is_as_unknown_as_one_that_nobody_has",
    ),
}


def test_the_lessons_that_are_tested_elsewhere_are_tested_there() -> None:
    named = {name for names in ELSEWHERE.values() for name in names}

    assert named <= {
        f"{file}::{test}" for file in {name.partition("::")[0] for name in named} for test in names_in(file)
    }


def names_in(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


async def give_once_per_customer(client: AsyncClient, project: ProjectKeys) -> None:
    rule = await give_rule(client, project, rules=ONCE_PER_CUSTOMER)
    await give_coupon(client, project, "ONCE-EACH", validation_rules=[rule["id"]])


async def test_a_customer_with_another_email_is_still_the_same_customer(
    client: AsyncClient, project: ProjectKeys
) -> None:
    """woocommerce#26108: whoever changed the e-mail address could use a coupon again."""
    await give_once_per_customer(client, project)
    await redeem(client, project, cart("ONCE-EACH", customer={"source_id": "ada", "email": "ada@example.com"}))

    again = await try_to_redeem(
        client, project, cart("ONCE-EACH", customer={"source_id": "ada", "email": "countess@example.com"})
    )

    assert (again.status_code, again.json()["key"]) == (400, "redemption_rules_violated")


async def test_a_guest_cannot_use_what_is_limited_per_customer(client: AsyncClient, project: ProjectKeys) -> None:
    """saleor#18563: a limit per customer did not hold for those who checked out as guests."""
    await give_once_per_customer(client, project)

    guest = await try_to_redeem(client, project, cart("ONCE-EACH"))

    assert (guest.status_code, guest.json()["key"]) == (400, "missing_customer")


async def test_the_total_does_not_depend_on_how_the_cart_was_built(client: AsyncClient, project: ProjectKeys) -> None:
    """medusa#14432: the same goods cost more or less, depending on the order in which they were put into the cart."""
    rule = await give_rule(client, project, rules={}, applicable_to={"included": [], "included_all": True})
    spread = {"type": "AMOUNT", "amount_off": 1000, "effect": "APPLY_TO_ITEMS_PROPORTIONALLY"}
    await give_coupon(client, project, "SPREAD", discount=spread, validation_rules=[rule["id"]])
    third = {"type": "PERCENT", "percent_off": 33.33, "effect": "APPLY_TO_ORDER"}
    await give_coupon(client, project, "THIRD", discount=third)
    goods = [line("shirt", 1999, 2), line("mug", 333), line("tin", 101, 3)]

    answers = [await validate(client, project, cart("SPREAD", "THIRD", items=list(g))) for g in permutations(goods)]

    assert len({answer["order"]["total_amount"] for answer in answers}) == 1
    assert {answer["order"]["items_discount_amount"] for answer in answers} == {1000}


async def test_a_checkout_reads_as_much_among_100_000_codes_as_among_one(
    db: Database, client: AsyncClient, project: ProjectKeys
) -> None:
    """craftcms/commerce#3202: carts took twelve seconds once there were 100,000 codes."""
    voucher = await give_coupon(client, project, "MINE")
    crowded = await give_project(db)
    among_many = await give_coupon(client, crowded, "MINE")
    await give_copies(db, crowded, among_many["id"], 100_000)

    alone = await pages_read(db, project, cart("MINE", customer={"source_id": "ada"}))
    crowd = await pages_read(db, crowded, cart("MINE", customer={"source_id": "ada"}))

    assert voucher["code"] == among_many["code"]
    assert crowd <= alone + 10, "an index of 100,000 codes is at most a few levels deeper"


async def give_copies(db: Database, project: ProjectKeys, voucher_id: str, count: int) -> None:
    """So many more codes like this one, and what the planner wants to know about them."""
    async with db.connection() as connection:
        await connection.execute(
            """
            INSERT INTO vouchers SELECT (jsonb_populate_record(known, jsonb_build_object(
                'id', known.id || n, 'code', known.code || n, 'normal_code', known.normal_code || n))).*
            FROM vouchers AS known, generate_series(1, $3::int) AS n WHERE known.project_id = $1 AND known.id = $2
            """,
            project.id,
            voucher_id,
            count,
            timeout=120,
        )
        await connection.execute("ANALYZE vouchers", timeout=120)


async def pages_read(db: Database, project: ProjectKeys, body: dict[str, Any]) -> int:
    """Database pages that the reading half of a checkout touches."""
    async with db.connection() as connection:
        counting = PageCount(connection)
        await load(
            counting,
            ConfigurationCache(),
            project.caller(),
            CheckoutIn.model_validate(body),
            clock.now(),
        )
    return counting.pages


class PageCount:
    """A connection that also has every statement explained, and adds up the pages."""

    def __init__(self, connection: Any) -> None:
        self.connection, self.pages = connection, 0

    def is_in_transaction(self) -> bool:
        return False

    async def fetchrow(self, statement: str, *values: Any) -> Any:
        await self._count(statement, *values)
        return await self.connection.fetchrow(statement, *values)

    async def fetch(self, statement: str, *values: Any) -> Any:
        await self._count(statement, *values)
        return await self.connection.fetch(statement, *values)

    async def _count(self, statement: str, *values: Any) -> None:
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        plan = (await self.connection.fetchval(explain, *values))[0]["Plan"]
        self.pages += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@pytest.mark.parametrize("typed", ["SPRING-Ä1", "spring-ä1", "Spring-A\u03081"])
async def test_a_code_is_found_however_it_is_typed_where_case_does_not_matter(
    client: AsyncClient, db: Database, typed: str
) -> None:
    """vendure#1604, spree#2012: a code that was made in upper case was not found in lower case."""
    project = await give_project(db, case_sensitive_codes=False)
    await give_coupon(client, project, "Spring-Ä1")

    answer = await validate(client, project, cart(typed))

    assert answer["valid"] is True


async def test_an_end_without_a_time_is_refused_rather_than_read_as_midnight_somewhere(
    client: AsyncClient, project: ProjectKeys
) -> None:
    """mitxpro#991: "ends on the 6th" ended when the 6th began in London."""
    discount = {"type": "PERCENT", "percent_off": 10}

    response = await client.post(
        "/v1/vouchers/SIXTH", json={"discount": discount, "expiration_date": "2027-05-06"}, headers=project.server
    )

    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")
    assert [problem["path"] for problem in response.json()["errors"]] == ["expiration_date"]


async def test_every_reason_has_a_key_of_its_own(client: AsyncClient, project: ProjectKeys) -> None:
    """checkout-sdk-js#1303: whatever was wrong with a coupon, the answer was "invalid code"."""
    now = datetime.now(UTC)
    codes: dict[str, dict[str, Any]] = {
        "voucher_expired": {"expiration_date": (now - timedelta(days=1)).isoformat()},
        "voucher_not_active": {"start_date": (now + timedelta(days=1)).isoformat()},
        "voucher_not_active_now": {"validity_day_of_week": [(now.isoweekday() + 3) % 7]},
        "voucher_disabled": {"active": False},
        "order_rules_violated": rule_of("order.amount", "$more_than", 10**9),
        "customer_rules_violated": rule_of("customer.metadata", "$is", "gold", property="level"),
        "redemption_rules_violated": rule_of("redemption.metadata", "$is", "app", property="channel"),
        "missing_customer": ONCE_PER_CUSTOMER,
        "quantity_exceeded": {"redemption": {"quantity": 1}},
    }
    for key, members in codes.items():
        if "logic" in members:
            rule = await give_rule(client, project, rules=members)
            members = {"validation_rules": [rule["id"]]}
        await give_coupon(client, project, key, **members)
    await redeem(client, project, cart("quantity_exceeded"))

    answered = {}
    for key in [*codes, "not_found"]:
        someone: dict[str, Any] = {} if key == "missing_customer" else {"customer": {"source_id": "ada"}}
        refusal = (await try_to_redeem(client, project, cart(key, **someone))).json()
        shown = (await validate(client, project, cart(key, **someone)))["redeemables"][0]["result"]["error"]
        answered[key] = (refusal["key"], shown["key"])

    assert answered == {key: (key, key) for key in answered}


async def test_old_points_that_expire_take_no_newer_ones_with_them(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    """FloCafe#78: expired earnings were filtered out of a sum that spending stayed in, and balances collapsed."""
    await give_program(client, project)
    code = (await give_member(client, project))["code"]
    await earn(db, project, code, 100, clock.now() + timedelta(days=1))
    await change_points(client, project, code, -80)
    await earn(db, project, code, 50, None)

    with later(timedelta(days=2)):
        at_once = await card_figures(client, project, code)
        await pass_day(Work(db), project.id)
    entered = await card_figures(client, project, code)

    assert entered == at_once
    assert (at_once["balance"], at_once["expired_points"], at_once["subtracted_points"]) == (50, 20, 80)


async def test_points_that_are_confirmed_twice_come_once(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    """odoo#222372: confirming an order a second time doubled its points."""
    await give_program(client, project)
    code = (await give_member(client, project))["code"]
    pending_id = await hold_back(db, project, code, 40, clock.now() + timedelta(days=3))
    path = f"/v1/loyalties/members/{code}/pending-points/{pending_id}/activate"

    responses = await asyncio.gather(*(client.post(path, headers=project.server) for _ in range(5)))

    assert sorted(response.status_code for response in responses) == [200, 400, 400, 400, 400]
    assert (await card_figures(client, project, code))["balance"] == 40
