"""Sessions: what a validation holds is taken for everybody else, until it is redeemed, released or expires."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select, text

from app.kit.db import Database
from app.kit.jobs import Work
from app.ledger.doctor import examine
from app.models import Account, Hold
from app.worker import clear_holds
from tests.factories.access import ProjectKeys, give_project
from tests.factories.carts import cart, line, redeem, roll_back, try_to_redeem, validate
from tests.factories.gifts import change_balance, gift_of, give_card, paid_with
from tests.factories.incentives import ask
from tests.factories.pools import give_pool, give_voucher
from tests.factories.promotions import give_tier, tiers_cart
from tests.factories.rules import give_assignment, give_rule, rule_of

ADA, BEN = {"session": {"key": "ada"}}, {"session": {"key": "ben"}}


def key_of(answer: dict[str, Any]) -> str:
    """Why the only redeemable of a validation does not apply."""
    assert answer["valid"] is False
    key: str = answer["redeemables"][0]["result"]["error"]["key"]
    return key


async def release(client: AsyncClient, project: ProjectKeys, code: str, key: str) -> int:
    response = await client.delete(f"/v1/vouchers/{code}/sessions/{key}", headers=project.server)
    return response.status_code


async def held_by(db: Database, project: ProjectKeys) -> dict[str, int]:
    """What is held of each kind of account, and that `accounts` know of it."""
    async with db.read() as session:
        holds = (await session.scalars(select(Hold).where(Hold.project_id == project.id))).all()
        accounts = (await session.scalars(select(Account).where(Account.project_id == project.id))).all()
    held: dict[str, int] = {}
    for hold in holds:
        held[hold.measure] = held.get(hold.measure, 0) + hold.amount
    assert sum(account.held for account in accounts) == sum(held.values())
    return held


async def expire(db: Database, project: ProjectKeys) -> None:
    """Let the time of all holds of the project be over."""
    async with db.write() as session:
        await session.execute(
            text("UPDATE holds SET expires_at = now() - interval '1 second' WHERE project_id = :id"), {"id": project.id}
        )


@pytest.fixture
async def once(db: Database, project: ProjectKeys) -> str:
    """A code that works once."""
    return (await give_voucher(db, project, redemption_quantity=1)).code


async def test_a_session_without_a_key_gets_one_and_lasts_seven_days(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    answer = await validate(client, project, cart(once, session={"type": "LOCK"}))

    session = answer["session"]
    async with db.read() as rows:
        days = await rows.scalar(
            text("SELECT extract(epoch FROM expires_at - now()) / 86400 FROM holds WHERE session_key = :key"),
            {"key": session["key"]},
        )
    assert session == {"key": session["key"], "type": "LOCK", "ttl": 7, "ttl_unit": "DAYS"}
    assert session["key"].startswith("ssn_")
    assert 6.99 < float(days) <= 7


@pytest.mark.parametrize(
    ("ttl", "unit", "seconds"),
    [(2, "HOURS", 7200), (1.5, "MINUTES", 90), (40_000, "MILLISECONDS", 40), ("30", "SECONDS", 30)],
)
async def test_a_session_lasts_as_long_as_it_says(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str, ttl: Any, unit: str, seconds: float
) -> None:
    body = cart(once, session={"type": "LOCK", "key": "k", "ttl": ttl, "ttl_unit": unit})

    answer = await validate(client, project, body)

    async with db.read() as rows:
        left = await rows.scalar(
            text("SELECT extract(epoch FROM expires_at - now()) FROM holds WHERE project_id = :id"), {"id": project.id}
        )
    assert answer["session"] == {"key": "k", "type": "LOCK", "ttl": float(ttl), "ttl_unit": unit}
    assert seconds - 5 < float(left) <= seconds


async def test_what_is_held_is_taken_for_others_and_free_for_its_owner(
    client: AsyncClient, project: ProjectKeys, once: str
) -> None:
    await validate(client, project, cart(once, **ADA))

    assert key_of(await validate(client, project, cart(once))) == "quantity_exceeded"
    assert key_of(await validate(client, project, cart(once, **BEN))) == "quantity_exceeded"
    refused = await try_to_redeem(client, project, cart(once, **BEN))
    assert (refused.status_code, refused.json()["key"]) == (400, "quantity_exceeded")
    assert (await try_to_redeem(client, project, cart(once))).json()["key"] == "quantity_exceeded"
    assert (await validate(client, project, cart(once, **ADA)))["valid"] is True
    assert (await try_to_redeem(client, project, cart(once, **ADA))).status_code == 200


async def test_redeeming_with_the_key_uses_what_was_held_once_and_ends_the_session(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    await validate(client, project, cart(once, **ADA))

    done = await redeem(client, project, cart(once, **ADA))
    again = await try_to_redeem(client, project, cart(once, **ADA))

    assert done["redemptions"][0]["session"] == {"key": "ada"}
    assert done["redemptions"][0]["voucher"]["redemption"]["redeemed_quantity"] == 1
    assert (again.status_code, again.json()["key"]) == (400, "quantity_exceeded")
    assert await held_by(db, project) == {}


async def test_a_session_ends_with_all_that_it_held_whatever_part_of_it_is_redeemed(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    other = (await give_voucher(db, project, redemption_quantity=1)).code
    await give_card(client, project, "GIFT", 5000)
    body = cart(once, other, **ADA)
    body["redeemables"].append({"object": "voucher", "id": "GIFT"})
    await validate(client, project, body)
    assert await held_by(db, project) == {"uses": 2, "balance": 1620}

    await redeem(client, project, cart(once, **ADA))

    assert await held_by(db, project) == {}
    assert (await validate(client, project, cart(other)))["valid"] is True


async def test_validating_again_with_the_key_replaces_what_the_session_holds(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    other = (await give_voucher(db, project, redemption_quantity=1)).code
    await validate(client, project, cart(once, **ADA))

    await validate(client, project, cart(other, **ADA))

    assert (await validate(client, project, cart(once)))["valid"] is True
    assert key_of(await validate(client, project, cart(other))) == "quantity_exceeded"
    assert await held_by(db, project) == {"uses": 1}


async def test_a_validation_that_is_not_valid_leaves_the_session_as_it_is(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    await validate(client, project, cart(once, **ADA))

    answer = await validate(client, project, cart(once, "NO-SUCH-CODE", **ADA))

    assert answer["valid"] is False
    assert "session" not in answer
    assert await held_by(db, project) == {"uses": 1}


async def test_a_validation_that_is_sent_again_answers_the_same_session(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    body = cart(once, session={"type": "LOCK"})

    first, second = [await validate(client, project, body, **{"Idempotency-Key": "pay-17"}) for _ in range(2)]

    assert first == second
    assert await held_by(db, project) == {"uses": 1}
    assert (await redeem(client, project, cart(once, session=first["session"])))["redemptions"]


async def test_a_refused_redemption_leaves_the_session_as_it_is(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    await validate(client, project, cart(once, **ADA))

    assert (await try_to_redeem(client, project, cart(once, "NO-SUCH-CODE", **ADA))).status_code == 404

    assert await held_by(db, project) == {"uses": 1}
    assert (await redeem(client, project, cart(once, **ADA)))["redemptions"]


async def test_what_has_expired_counts_for_nothing_though_nobody_cleared_it_away(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    await give_card(client, project, "GIFT", 1000)
    await validate(client, project, cart(once, **ADA))
    await validate(client, project, paid_with("GIFT", 1000, session={"key": "card"}))
    await expire(db, project)
    assert await held_by(db, project) == {"uses": 1, "balance": 1000}

    assert (await validate(client, project, cart(once)))["valid"] is True
    assert (await validate(client, project, paid_with("GIFT", 1000)))["valid"] is True
    assert (await redeem(client, project, cart(once)))["redemptions"]
    assert (await redeem(client, project, paid_with("GIFT", 1000)))["redemptions"][0]["amount"] == 1000
    assert await held_by(db, project) == {}


async def test_an_expired_session_redeems_like_anybody_else(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    two = (await give_voucher(db, project, redemption_quantity=1)).code
    await validate(client, project, cart(once, two, **ADA))
    await expire(db, project)
    await redeem(client, project, cart(once))

    assert (await try_to_redeem(client, project, cart(once, **ADA))).json()["key"] == "quantity_exceeded"
    assert (await redeem(client, project, cart(two, **ADA)))["redemptions"]
    assert await held_by(db, project) == {}


async def test_released_is_free_at_once_and_only_for_that_voucher(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    other = await give_voucher(db, project, redemption_quantity=1)
    await validate(client, project, cart(once, other.code, **ADA))

    assert await release(client, project, once, "ben") == 204
    assert key_of(await validate(client, project, cart(once))) == "quantity_exceeded"
    assert await release(client, project, once, "ada") == 204
    assert await release(client, project, once, "ada") == 204

    assert (await redeem(client, project, cart(once)))["redemptions"]
    assert key_of(await validate(client, project, cart(other.code))) == "quantity_exceeded"
    assert await release(client, project, other.id, "ada") == 204
    assert await held_by(db, project) == {}


async def test_a_session_is_ended_with_all_that_it_holds(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    other = (await give_voucher(db, project, redemption_quantity=1)).code
    await give_card(client, project, "GIFT", 5000)
    body = cart(once, other, **ADA)
    body["redeemables"].append({"object": "voucher", "id": "GIFT"})
    await validate(client, project, body)
    await validate(client, project, paid_with("GIFT", 100, **BEN))

    await ask(client, project, "DELETE", "/x/v1/sessions/ada")
    await ask(client, project, "DELETE", "/x/v1/sessions/ada")

    assert await held_by(db, project) == {"balance": 100}


async def test_expired_holds_are_cleared_away_and_live_ones_are_not(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    other = (await give_voucher(db, project, redemption_quantity=1)).code
    await give_card(client, project, "GIFT", 5000)
    await validate(client, project, cart(once, **ADA))
    await validate(client, project, paid_with("GIFT", 100, session={"key": "eve"}))
    await expire(db, project)
    await validate(client, project, cart(other, **BEN))

    await clear_holds(Work(db))

    assert await held_by(db, project) == {"uses": 1}
    assert key_of(await validate(client, project, cart(other))) == "quantity_exceeded"


async def test_a_session_of_a_voucher_that_the_project_does_not_have_is_404(
    client: AsyncClient, project: ProjectKeys
) -> None:
    response = await client.delete("/v1/vouchers/NOBODY/sessions/ada", headers=project.server)

    assert (response.status_code, response.json()["key"]) == (404, "not_found")


async def test_a_key_with_slashes_and_other_letters_is_released(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    await validate(client, project, cart(once, session={"key": "cart/7 ☃"}))

    assert await release(client, project, once, "cart%2F7%20%E2%98%83") == 204

    assert await held_by(db, project) == {}


async def test_another_project_neither_sees_nor_ends_a_session(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    stranger = await give_project(db)
    for each in (project, stranger):
        await give_voucher(db, each, code="SAME", redemption_quantity=1)
    await validate(client, project, cart("SAME", **ADA))

    assert (await validate(client, stranger, cart("SAME", **ADA)))["valid"] is True
    assert await release(client, stranger, "SAME", "ada") == 204

    assert key_of(await validate(client, project, cart("SAME"))) == "quantity_exceeded"


LIMITS = (
    ("campaign.redemptions.count", 1, "uses"),
    ("campaign.redemptions.count.daily", 1, "uses"),
    ("campaign.redemptions.customers_count", 1, "uses"),
    ("redemption.count.per_customer", 1, "uses"),
    ("redemption.count.per_customer.monthly", 1, "uses"),
    ("redemption.count.per_api_key", 1, "uses"),
    ("campaign.orders.amount_discounted", 399, "discounted"),
    ("campaign.orders.amount", 3999, "ordered"),
)


@pytest.mark.parametrize(("limit", "most", "measure"), LIMITS)
async def test_every_limit_that_counts_is_held(
    client: AsyncClient, db: Database, project: ProjectKeys, limit: str, most: int, measure: str
) -> None:
    campaign = await give_pool(db, project, vouchers_count=2)
    one, two = [await give_voucher(db, project, campaign_id=campaign.id) for _ in range(2)]
    second = one if limit.startswith("redemption.") else two
    rule = await give_rule(client, project, rules=rule_of(limit, "$less_than_or_equal", most))
    await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    await ask(client, project, "POST", "/v1/customers", {"source_id": "ann"})
    ann = {"customer": {"source_id": "ann"}}

    answer = await validate(client, project, cart(one.code, **ann, **ADA))

    assert answer["valid"] is True
    assert set(await held_by(db, project)) == {measure}
    assert key_of(await validate(client, project, cart(second.code, **ann)))
    assert (await try_to_redeem(client, project, cart(second.code, **ann))).status_code == 400
    assert (await redeem(client, project, cart(one.code, **ann, **ADA)))["redemptions"]
    assert await held_by(db, project) == {}


async def test_what_can_not_run_out_is_not_held(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    voucher = await give_voucher(db, project)

    answer = await validate(client, project, cart(voucher.code, **ADA))

    assert answer["session"]["key"] == "ada"
    assert await held_by(db, project) == {}


async def test_one_session_counts_for_what_it_holds_of_one_campaign_with_two_codes(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    campaign = await give_pool(db, project, vouchers_count=3)
    codes = [(await give_voucher(db, project, campaign_id=campaign.id)).code for _ in range(3)]
    rule = await give_rule(client, project, rules=rule_of("campaign.redemptions.count", "$less_than_or_equal", 2))
    await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    await validate(client, project, cart(*codes[:2], **ADA))

    assert key_of(await validate(client, project, cart(codes[2])))
    assert await release(client, project, codes[0], "ada") == 204

    assert await held_by(db, project) == {"uses": 1}
    assert (await redeem(client, project, cart(codes[2])))["redemptions"]
    assert key_of(await validate(client, project, cart(codes[0])))
    assert (await redeem(client, project, cart(codes[1], **ADA)))["redemptions"]


async def test_credits_of_a_card_are_held_and_the_rest_is_free(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project, "GIFT", 5000)
    await validate(client, project, paid_with("GIFT", 1500, **ADA))

    other = (await validate(client, project, paid_with("GIFT", price=9000)))["redeemables"][0]["result"]["gift"]
    own = (await validate(client, project, paid_with("GIFT", price=9000, **ADA)))["redeemables"][0]["result"]["gift"]
    await validate(client, project, paid_with("GIFT", 1500, **ADA))

    assert other == {"balance": 5000, "credits": 3500, "locked_credits": 1500}
    assert own == {"balance": 5000, "credits": 5000}
    assert key_of(await validate(client, project, paid_with("GIFT", 3501, price=9000))) == "gift_amount_exceeded"
    assert (await redeem(client, project, paid_with("GIFT", 3500, price=9000)))["redemptions"][0]["amount"] == 3500
    assert key_of(await validate(client, project, paid_with("GIFT"))) == "gift_amount_exceeded"
    assert (await redeem(client, project, paid_with("GIFT", 1500, **ADA)))["redemptions"][0]["amount"] == 1500
    assert (await gift_of(client, project))["balance"] == 0


async def test_held_credits_can_not_be_taken_off_the_card_by_hand(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(client, project, "GIFT", 1000)
    await validate(client, project, paid_with("GIFT", 600, **ADA))

    refused = await change_balance(client, project, "GIFT", -401)
    taken = await change_balance(client, project, "GIFT", -400)

    assert (refused.status_code, refused.json()["key"]) == (400, "invalid_amount")
    assert taken.status_code == 200
    await expire(db, project)
    assert (await change_balance(client, project, "GIFT", -600)).status_code == 200


async def test_less_may_be_redeemed_than_was_held_and_more_while_there_is_more(
    client: AsyncClient, project: ProjectKeys
) -> None:
    for code, held, wanted, status in (("A", 600, 100, 200), ("B", 600, 900, 200), ("C", 600, 1001, 400)):
        await give_card(client, project, code, 1000)
        await validate(client, project, paid_with(code, held, session={"key": code}))

        response = await try_to_redeem(client, project, paid_with(code, wanted, session={"key": code}))

        assert response.status_code == status


async def test_a_refund_reaches_a_card_that_is_held_to_the_last_cent(client: AsyncClient, project: ProjectKeys) -> None:
    await give_card(client, project, "GIFT", 1000)
    spent = await redeem(client, project, paid_with("GIFT", 400))
    await validate(client, project, paid_with("GIFT", 600, **ADA))

    assert (await roll_back(client, project, spent["redemptions"][0]["id"])).status_code == 200

    assert (await gift_of(client, project))["balance"] == 1000


async def test_a_use_given_back_by_a_rollback_is_free_beside_one_that_is_held(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    voucher = await give_voucher(db, project, redemption_quantity=2)
    spent = await redeem(client, project, cart(voucher.code))
    await validate(client, project, cart(voucher.code, **ADA))
    assert key_of(await validate(client, project, cart(voucher.code))) == "quantity_exceeded"

    await roll_back(client, project, spent["redemptions"][0]["id"])

    assert (await redeem(client, project, cart(voucher.code)))["redemptions"]
    assert key_of(await validate(client, project, cart(voucher.code))) == "quantity_exceeded"
    assert (await redeem(client, project, cart(voucher.code, **ADA)))["redemptions"]


async def test_the_answer_explains_that_a_session_is_in_the_way(
    client: AsyncClient, project: ProjectKeys, once: str
) -> None:
    await validate(client, project, cart(once, **ADA))

    answer = await validate(client, project, cart(once), **{"X-Guerdon-Explain": "true"})

    (finding,) = answer["trace"][0]["findings"]
    assert finding["counterfactual"] == "once a session that holds a use is released or expires"


async def test_a_held_code_does_not_qualify_except_for_its_session(
    client: AsyncClient, project: ProjectKeys, once: str
) -> None:
    await give_card(client, project, "GIFT", 5000)
    order = {"items": [line("shirt", 2000)]}
    body = cart(once, **ADA)
    body["redeemables"].append({"object": "voucher", "id": "GIFT"})
    await validate(client, project, body)

    async def qualified(**members: Any) -> dict[str, Any]:
        answer = await ask(client, project, "POST", "/v1/qualifications", {"order": order, **members})
        return {each["id"]: each["result"] for each in answer["redeemables"]["data"]}

    others = await qualified(session={"type": "LOCK"})
    assert set(others) == {"GIFT"}
    assert others["GIFT"]["gift"] == {"balance": 5000, "credits": 2000, "locked_credits": 1800}
    assert set(await qualified(**ADA)) == {"GIFT", once}


async def test_units_that_a_campaign_may_discount_are_held(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    discount = {"type": "PERCENT", "percent_off": 50, "effect": "APPLY_TO_ITEMS"}
    campaign = await give_pool(db, project, vouchers_count=2)
    one, two = [await give_voucher(db, project, campaign_id=campaign.id, discount=discount) for _ in range(2)]
    hats = {"object": "product", "id": "hat", "effect": "APPLY_TO_EVERY", "product_campaign_quantity_limit": 3}
    rule = await give_rule(client, project, rules={"logic": ""}, applicable_to={"included": [hats]})
    await give_assignment(client, project, rule["id"], "campaign", campaign.id)
    items = [line("hat", 1000, 2)]

    await validate(client, project, cart(one.code, items=items, **ADA))
    other = await validate(client, project, cart(two.code, items=items))

    assert await held_by(db, project) == {"units": 2}
    assert other["order"]["total_applied_discount_amount"] == 500
    own = await redeem(client, project, cart(one.code, items=items, **ADA))
    assert own["order"]["total_applied_discount_amount"] == 1000


async def test_the_uses_of_a_promotion_tier_are_held(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    tier = await give_tier(client, project)
    rule = await give_rule(client, project, rules=rule_of("campaign.redemptions.count", "$less_than_or_equal", 1))
    await give_assignment(client, project, rule["id"], "promotion_tier", tier["id"])
    body = tiers_cart(tier)

    await validate(client, project, body | ADA)

    assert key_of(await validate(client, project, body))
    assert (await redeem(client, project, body | ADA))["redemptions"]
    assert await held_by(db, project) == {}


async def test_a_deleted_voucher_leaves_no_hold_behind(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    await validate(client, project, cart(once, **ADA))

    await ask(client, project, "DELETE", f"/v1/vouchers/{once}?force=true")

    assert await held_by(db, project) == {}


async def test_the_doctor_finds_what_is_held_by_nobody(
    client: AsyncClient, db: Database, project: ProjectKeys, once: str
) -> None:
    async def differences() -> list[tuple[str, str]]:
        return [(each.what.split("/")[-1], each.problem) for each in await examine(db, project.public_id)]

    await validate(client, project, cart(once, **ADA))
    assert await differences() == []
    async with db.write() as session:
        await session.execute(text("UPDATE accounts SET held = 3 WHERE project_id = :id"), {"id": project.id})

    assert await differences() == [("uses is held", "3 stored, 1 counted")]
