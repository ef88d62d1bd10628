"""Redeeming rewards: points for what a program offers, all of it or nothing, and back again."""

from datetime import UTC, datetime, timedelta
from typing import Any

from httpx import AsyncClient, Response
from sqlalchemy import select

from app.kit.db import Database
from app.ledger.doctor import examine
from app.models import OutboxEvent
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, redeem, roll_back
from tests.factories.gifts import gift_of, give_gift_campaign, paid_with
from tests.factories.incentives import Answer, ask
from tests.factories.rewards import (
    give_coin,
    give_coupon_reward,
    give_member,
    give_mug,
    give_points,
    give_program,
    offer,
)


async def want(client: AsyncClient, project: ProjectKeys, code: str, reward_id: str, **members: Any) -> Response:
    body = {"reward": {"id": reward_id, **members.pop("reward", {})}, **members}
    return await client.post(f"/v1/loyalties/members/{code}/redemption", json=body, headers=project.server)


async def get_reward(client: AsyncClient, project: ProjectKeys, code: str, reward_id: str, **members: Any) -> Answer:
    """The redemption, which must succeed."""
    response = await want(client, project, code, reward_id, **members)
    assert response.status_code == 200, response.text
    answer: Answer = response.json()
    return answer


async def points_of(client: AsyncClient, project: ProjectKeys, code: str) -> int:
    balance: int = (await ask(client, project, "GET", f"/v1/vouchers/{code}"))["loyalty_card"]["balance"]
    return balance


async def adds_up(db: Database, project: ProjectKeys) -> bool:
    return await examine(db, project.view.public_id) == []


async def test_a_coupon_is_had_for_points(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    program, reward = await give_program(client, project), await give_coupon_reward(client, project)
    assignment = await offer(client, project, program["id"], reward["id"], 150)
    ann = await give_member(db, client, project, program, points=200)

    redemption = await get_reward(client, project, ann["code"], reward["id"], metadata={"till": 4})

    coupon = redemption["reward"]["voucher"]
    assert redemption["amount"] == 150
    assert redemption["loyalty_card"] == {"points": 150}
    assert redemption["metadata"] == {"till": 4}
    assert redemption["voucher"]["loyalty_card"]["balance"] == 50
    assert redemption["voucher"]["holder"]["source_id"] == "ann"
    assert redemption["reward"]["assignment_id"] == assignment["id"]
    assert coupon["holder_id"] == ann["holder_id"]
    paid = await redeem(client, project, cart(coupon["code"], customer={"source_id": "ann"}))
    assert paid["order"]["total_amount"] == 1800
    assert await ask(client, project, "GET", f"/v1/redemptions/{redemption['id']}") == redemption | {
        "reward": redemption["reward"]
        | {"voucher": await ask(client, project, "GET", f"/v1/vouchers/{coupon['code']}")}
    }
    assert await adds_up(db, project)


async def test_credits_are_had_for_points(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    program = await give_program(client, project)
    gifts = await give_gift_campaign(client, project, amount=0, type="AUTO_UPDATE")
    body = {"name": "Five euros", "parameters": {"campaign": {"id": gifts["id"], "balance": 500}}}
    reward = await ask(client, project, "POST", "/v1/rewards", body)
    await offer(client, project, program["id"], reward["id"], 50)
    ann = await give_member(db, client, project, program, points=50)

    redemption = await get_reward(client, project, ann["code"], reward["id"])

    assert redemption["reward"]["voucher"]["gift"]["balance"] == 500
    assert await points_of(client, project, ann["code"]) == 0
    assert await adds_up(db, project)


async def test_points_of_another_program_are_had_for_points(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program, other = await give_program(client, project), await give_program(client, project)
    body = {"name": "Miles", "parameters": {"campaign": {"id": other["id"], "balance": 30}}}
    reward = await ask(client, project, "POST", "/v1/rewards", body)
    await offer(client, project, program["id"], reward["id"], 50)
    ann = await give_member(db, client, project, program, points=120)

    first = await get_reward(client, project, ann["code"], reward["id"])
    second = await get_reward(client, project, ann["code"], reward["id"])

    assert first["reward"]["voucher"]["id"] == second["reward"]["voucher"]["id"]
    assert second["reward"]["voucher"]["loyalty_card"]["balance"] == 60
    assert await points_of(client, project, ann["code"]) == 20
    assert await adds_up(db, project)


async def test_a_thing_leaves_the_stock(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    program, mug = await give_program(client, project), await give_mug(client, project, stock=1)
    await offer(client, project, program["id"], mug["id"], 10)
    ann = await give_member(db, client, project, program, points=100)

    redemption = await get_reward(client, project, ann["code"], mug["id"])
    refused = await want(client, project, ann["code"], mug["id"])
    too_few = await client.put(f"/v1/rewards/{mug['id']}", json={"stock": 0}, headers=project.server)

    assert redemption["reward"]["product"]["id"] == mug["parameters"]["product"]["id"]
    assert refused.status_code == 400
    assert refused.json()["key"] == "reward_out_of_stock"
    assert await points_of(client, project, ann["code"]) == 90
    shown = await ask(client, project, "GET", f"/v1/rewards/{mug['id']}")
    assert (shown["stock"], shown["redeemed"]) == (1, 1)
    assert too_few.status_code == 400
    assert await adds_up(db, project)


async def test_without_the_points_nothing_is_given(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    program, reward = await give_program(client, project), await give_coupon_reward(client, project)
    await offer(client, project, program["id"], reward["id"], 150)
    ann = await give_member(db, client, project, program, points=149)

    refused = await want(client, project, ann["code"], reward["id"])

    assert refused.status_code == 400
    assert refused.json()["key"] == "loyalty_card_points_exceeded"
    campaign = reward["parameters"]["campaign"]["id"]
    listed = await ask(client, project, "GET", f"/v1/vouchers?campaign_id={campaign}")
    assert listed["vouchers"] == []


async def test_who_cannot_have_a_reward_is_told_why(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    program, mug = await give_program(client, project), await give_mug(client, project)
    await offer(client, project, program["id"], mug["id"], 10)
    elsewhere = await give_project(db)
    ann = await give_member(db, client, project, program, points=100)

    async def refusal(response: Response) -> tuple[int, str]:
        return response.status_code, response.json()["key"]

    other = await give_mug(client, project)
    assert await refusal(await want(client, project, ann["code"], other["id"])) == (404, "not_found")
    assert await refusal(await want(client, project, "NOBODY", mug["id"])) == (404, "not_found")
    assert await refusal(await want(client, elsewhere, ann["code"], mug["id"])) == (404, "not_found")
    path = f"/v1/loyalties/{(await give_program(client, project))['id']}/members/{ann['code']}/redemption"
    wrong_program = await client.post(path, json={"reward": {"id": mug["id"]}}, headers=project.server)
    assert await refusal(wrong_program) == (404, "not_found")
    await ask(client, project, "POST", f"/v1/vouchers/{ann['code']}/disable")
    assert await refusal(await want(client, project, ann["code"], mug["id"])) == (400, "voucher_disabled")


async def test_a_body_without_a_reward_is_refused_with_its_path(client: AsyncClient, project: ProjectKeys) -> None:
    for body, path in (({}, "reward"), ({"reward": {}}, "reward.id"), ({"reward": {"id": 5}}, "reward.id")):
        refused = await client.post("/v1/loyalties/members/x/redemption", json=body, headers=project.server)

        assert refused.status_code == 400
        assert refused.json()["errors"][0]["path"] == path


async def test_an_order_is_paid_with_points_as_at_the_checkout(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program, coin = await give_program(client, project), await give_coin(client, project)
    await offer(client, project, program["id"], coin["id"], None)
    ann = await give_member(db, client, project, program, points=100)
    path = f"/v1/loyalties/{program['id']}/members/{ann['code']}/redemption"

    body = {"reward": {"id": coin["id"], "points": 30}, "order": {"amount": 1000}}
    redemption = await ask(client, project, "POST", path, body)
    without_order = await want(client, project, ann["code"], coin["id"])

    assert redemption["order"]["total_amount"] == 700
    assert redemption["loyalty_card"] == {"points": 30}
    assert without_order.json()["key"] == "missing_amount"


async def test_a_rollback_takes_the_coupon_and_gives_the_points_back(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program, reward = await give_program(client, project), await give_coupon_reward(client, project)
    await offer(client, project, program["id"], reward["id"], 150)
    ann = await give_member(db, client, project, program, points=100)
    await give_points(db, project, ann["id"], 100, datetime.now(UTC) + timedelta(days=1))
    redemption = await get_reward(client, project, ann["code"], reward["id"])

    rolled_back = await roll_back(client, project, redemption["id"])
    again = await roll_back(client, project, redemption["id"])

    coupon = await ask(client, project, "GET", f"/v1/vouchers/{redemption['reward']['voucher']['code']}")
    card = (await ask(client, project, "GET", f"/v1/vouchers/{ann['code']}"))["loyalty_card"]
    assert rolled_back.status_code == 200, rolled_back.text
    assert rolled_back.json()["amount"] == -150
    assert again.json()["key"] == "already_rolled_back"
    assert coupon["active"] is False
    assert (card["balance"], card["next_expiration_points"]) == (200, 100)
    assert await adds_up(db, project)


async def test_what_was_given_and_is_used_cannot_be_taken_back(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program, coupons = await give_program(client, project), await give_coupon_reward(client, project)
    gifts = await give_gift_campaign(client, project, amount=0, type="AUTO_UPDATE")
    body = {"name": "Five euros", "parameters": {"campaign": {"id": gifts["id"], "balance": 500}}}
    credits = await ask(client, project, "POST", "/v1/rewards", body)
    ann = await give_member(db, client, project, program, points=100)
    redemptions = []
    for reward in (coupons, credits):
        await offer(client, project, program["id"], reward["id"], 50)
        redemptions.append(await get_reward(client, project, ann["code"], reward["id"]))
    coupon, card = (redemption["reward"]["voucher"]["code"] for redemption in redemptions)
    await redeem(client, project, cart(coupon))
    await redeem(client, project, paid_with(card, 100))

    refused = [await roll_back(client, project, redemption["id"]) for redemption in redemptions]

    assert [each.status_code for each in refused] == [400, 400]
    assert {each.json()["key"] for each in refused} == {"invalid_redemption"}
    assert (await gift_of(client, project, card))["balance"] == 400
    assert await points_of(client, project, ann["code"]) == 0
    assert await adds_up(db, project)


async def test_a_rollback_puts_things_back_into_the_stock_and_takes_credits_and_points_back(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    program, other = await give_program(client, project), await give_program(client, project)
    gifts = await give_gift_campaign(client, project, amount=0, type="AUTO_UPDATE")
    rewards = [
        await give_mug(client, project, stock=1),
        *[
            await ask(client, project, "POST", "/v1/rewards", {"parameters": {"campaign": {"id": id_, "balance": 70}}})
            for id_ in (gifts["id"], other["id"])
        ],
    ]
    ann = await give_member(db, client, project, program, points=100)
    for reward in rewards:
        await offer(client, project, program["id"], reward["id"], 20)
    redemptions = [await get_reward(client, project, ann["code"], reward["id"]) for reward in rewards]

    for redemption in redemptions:
        rolled_back = await roll_back(client, project, redemption["id"])
        assert rolled_back.status_code == 200, rolled_back.text

    shown = await ask(client, project, "GET", f"/v1/rewards/{rewards[0]['id']}")
    assert (shown["stock"], shown["redeemed"]) == (1, 0)
    assert (await gift_of(client, project, redemptions[1]["reward"]["voucher"]["code"]))["balance"] == 0
    assert await points_of(client, project, redemptions[2]["reward"]["voucher"]["code"]) == 0
    assert await points_of(client, project, ann["code"]) == 100
    assert await adds_up(db, project)


async def test_a_reward_is_told_to_whoever_listens(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    program, reward = await give_program(client, project), await give_coupon_reward(client, project)
    await offer(client, project, program["id"], reward["id"], 10)
    ann = await give_member(db, client, project, program, points=10)

    redemption = await get_reward(client, project, ann["code"], reward["id"])
    await roll_back(client, project, redemption["id"])

    async with db.read() as session:
        told = await session.scalars(select(OutboxEvent.type).where(OutboxEvent.project_id == project.id))
        assert {
            "redemption.succeeded",
            "reward_redemptions.completed",
            "customer.rewarded",
            "publication.succeeded",
            "voucher.loyalty_card.transaction.created",
            "reward_redemptions.rolledback",
            "voucher.disabled",
        } <= set(told)
