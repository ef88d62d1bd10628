"""Rules and segments that ask for loyalty tiers and points."""

from datetime import UTC, datetime, timedelta

from httpx import AsyncClient

from app.kit import clock
from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.audiences import asked, give_segment, segments_of
from tests.factories.carts import cart, validate
from tests.factories.incentives import ask, give_coupon
from tests.factories.loyalty_tiers import give_member, give_program, give_tiers, look, move_points
from tests.factories.promotions import give_promotion, tier_of
from tests.factories.rules import give_assignment, give_rule, rule_of

NOW = datetime(2027, 1, 1, tzinfo=UTC)


async def test_a_code_is_for_a_loyalty_tier_while_the_member_is_in_it(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project)
    ids = await give_tiers(client, project, program)
    card = await give_member(client, project, program)
    await give_member(client, project, program, "bob")
    await give_coupon(client, project, "GOLD")
    rule = await give_rule(client, project, rules=rule_of("customer.loyalty_tier", "$is", ids["Gold"]))
    await give_assignment(
        client, project, rule["id"], "voucher", (await ask(client, project, "GET", "/v1/vouchers/GOLD"))["id"]
    )

    async def seen(customer: str) -> bool:
        answer = await validate(client, project, cart("GOLD", customer={"source_id": customer}))
        valid: bool = answer["valid"]
        return valid

    before = await seen("ada")
    await move_points(db, project, card, 600, NOW)
    await look(db, project, card, NOW)
    member, other, newcomer = [await seen(name) for name in ("ada", "bob", "new")]
    nobody = await validate(client, project, cart("GOLD"))
    await ask(client, project, "POST", f"/v1/vouchers/{card['code']}/disable")
    disabled = await seen("ada")

    assert (before, member, other, newcomer, disabled) == (False, True, False, False, False)
    assert nobody["redeemables"][0]["result"]["error"]["key"] == "missing_customer"


async def test_a_promotion_for_a_loyalty_tier_is_found_for_its_members(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project)
    ids = await give_tiers(client, project, program)
    card = await give_member(client, project, program)
    await move_points(db, project, card, 150, NOW)
    await look(db, project, card, NOW)
    rule = await give_rule(client, project, rules=rule_of("customer.loyalty_tier", "$in", ids["Silver"], ids["Gold"]))
    promotion = await give_promotion(client, project, tier_of(500, validation_rules=[rule["id"]]))

    found = []
    for customer in ("ada", "bob"):
        question = {"customer": {"source_id": customer}, "order": {"amount": 5000}}
        answer = await ask(client, project, "POST", "/v1/qualifications", question)
        found.append([each["id"] for each in answer["redeemables"]["data"]])

    assert found == [[promotion["promotion"]["tiers"][0]["id"]], []]


async def test_a_segment_asks_for_points_and_tiers_by_the_name_of_the_program(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project, name="V.I.P. club")
    await give_tiers(client, project, program)
    card, other = await give_member(client, project, program), await give_member(client, project, program, "bob")
    await move_points(db, project, card, 150, clock.now())
    await move_points(db, project, card, -40, clock.now())
    await move_points(db, project, card, 1000, clock.now(), expires_at=clock.now() - timedelta(seconds=1))
    await look(db, project, card, clock.now())
    filters = [
        asked("loyalty_points.campaigns.V.I.P. club.points", "$is", 110),
        asked("loyalty.campaigns.V.I.P. club.loyalty_tier", "$is", "Silver"),
        asked("loyalty.points", "$less_than", 1),
        asked("summary.redemptions.loyalty_card.redeemed_points", "$is", 40),
        asked("summary.redemptions.loyalty_card.points_to_go", "$is", 110),
        asked("loyalty_points.campaigns.Other.points", "$more_than", 0),
    ]
    ids = [(await give_segment(client, project, each))["id"] for each in filters]

    async def places_of(customer_id: str) -> list[int]:
        return sorted(ids.index(each) for each in await segments_of(client, project, customer_id))

    assert await places_of(card["customer_id"]) == [0, 1, 3, 4]
    assert await places_of(other["customer_id"]) == [2]
