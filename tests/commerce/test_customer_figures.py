"""What a customer is told to have: points, payments with cards, referrals."""

from datetime import UTC, datetime, timedelta

from httpx import AsyncClient

from app.kit import clock
from app.kit.db import Database
from app.kit.ids import new_id
from app.models import Referral
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import redeem, roll_back
from tests.factories.gifts import give_card, paid_with
from tests.factories.incentives import Answer, ask
from tests.factories.loyalty_tiers import give_tiers, look
from tests.factories.referrals import give_code
from tests.factories.referrals import give_program as give_referral_program
from tests.factories.refunds import refund
from tests.factories.rewards import give_coin, give_member, give_points, give_program, offer, paid_with_points


async def figures(client: AsyncClient, project: ProjectKeys, source_id: str = "ann") -> Answer:
    return await ask(client, project, "GET", f"/v1/customers/{source_id}")


async def test_points_are_told_by_program_without_those_that_have_expired(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    first, second = [await give_program(client, project, name=name) for name in ("Club", "Crew")]
    card = await give_member(db, client, project, first, points=300)
    await give_member(db, client, project, second, points=40)
    await give_points(db, project, card["id"], 1000, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    await give_points(db, project, card["id"], 5, expires_at=datetime.now(UTC) + timedelta(days=1))

    ann = await figures(client, project)

    assert ann["loyalty"] == {
        "points": 345,
        "referred_customers": 0,
        "campaigns": {
            "Club": {"points": 305, "referred_customers": 0},
            "Crew": {"points": 40, "referred_customers": 0},
        },
    }
    assert ann["summary"]["redemptions"]["loyalty_card"] == {"redeemed_points": 0, "points_to_go": 345}


async def test_the_tier_of_a_program_is_told_by_its_name(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program = await give_program(client, project, name="Club")
    await give_tiers(client, project, program)
    card = await give_member(db, client, project, program, points=150)
    await look(db, project, card, clock.now())

    ann = await figures(client, project)

    assert ann["loyalty"]["campaigns"] == {"Club": {"points": 150, "loyalty_tier": "Silver", "referred_customers": 0}}


async def test_what_points_and_gift_cards_paid_is_told_without_what_came_back(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program, coin = await give_program(client, project), await give_coin(client, project)
    await offer(client, project, program["id"], coin["id"], None)
    card = await give_member(db, client, project, program, points=1000)
    await give_card(client, project, "GIFT")
    ann = {"customer": {"source_id": "ann"}}

    by_points = await redeem(client, project, paid_with_points(card["code"], coin["id"], 200, **ann))
    by_gift = await redeem(client, project, paid_with("GIFT", 500, **ann))
    undone = await redeem(client, project, paid_with_points(card["code"], coin["id"], 30, **ann))
    paid = (await figures(client, project))["summary"]["redemptions"]
    await roll_back(client, project, undone["redemptions"][0]["id"])
    await refund(client, project, by_points["redemptions"][0]["id"])
    await refund(client, project, by_gift["redemptions"][0]["id"])
    left = (await figures(client, project))["summary"]["redemptions"]

    assert paid["loyalty_card"] == {"redeemed_points": 230, "points_to_go": 770}
    assert paid["gift"]["redeemed_amount"] == 500
    assert left["loyalty_card"] == {"redeemed_points": 0, "points_to_go": 1000}
    assert left["gift"]["redeemed_amount"] == 0
    assert (left["total_redeemed"], left["total_rolled_back"]) == (3, 1)


async def test_who_came_by_whose_code_is_told_of_both(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    program = await give_referral_program(client, project)
    code = (await give_code(client, project, program))["code"]
    voucher = await ask(client, project, "GET", f"/v1/vouchers/{code}")
    rita = await figures(client, project, "rita")
    friends = [await ask(client, project, "POST", "/v1/customers", {"source_id": name}) for name in ("max", "moritz")]
    now = clock.now()
    async with db.write() as session:
        for friend, status in zip(friends, ("COOLING", "REJECTED"), strict=True):
            session.add(
                Referral(
                    project_id=project.id,
                    id=new_id("rf"),
                    campaign_id=program["id"],
                    voucher_id=voucher["id"],
                    referrer_id=rita["id"],
                    referee_id=friend["id"],
                    status=status,
                    source="redemption",
                    attributed_at=now,
                    created_at=now,
                )
            )

    rita, came, rejected = [await figures(client, project, name) for name in ("rita", "max", "moritz")]

    assert rita["loyalty"]["referred_customers"] == 1
    assert rita["loyalty"]["campaigns"] == {program["name"]: {"points": 0, "referred_customers": 1}}
    assert came["referrals"]["total"] == 1
    (by,) = came["referrals"]["campaigns"]
    assert (by["campaign_id"], by["referrer_id"], by["related_object_type"]) == (program["id"], rita["id"], "voucher")
    assert rejected["referrals"] == {"total": 0, "campaigns": []}


async def test_another_project_s_customer_with_the_same_name_has_nothing_of_it(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_member(db, client, project, await give_program(client, project), points=10)
    stranger = await give_project(db)
    await ask(client, stranger, "POST", "/v1/customers", {"source_id": "ann"})

    assert (await figures(client, stranger))["loyalty"] == {"points": 0, "referred_customers": 0, "campaigns": {}}
