"""Units that come back: what is told, what is given back, and what is refused."""

from typing import Any

import pytest
from httpx import AsyncClient, Client
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from voucherify import ApiClient
from voucherify.api import RedemptionsApi
from voucherify.models import RedemptionsRedeemRequestBody

from app.kit.db import Database
from app.ledger.doctor import examine
from app.models import AuditEntry, OutboxEvent, Redemption, Refund
from tests.factories.access import ProjectKeys, give_key, give_project, server_headers
from tests.factories.carts import cart, line, redeem, roll_back, try_to_redeem
from tests.factories.commerce import give_product
from tests.factories.gifts import gift_of, give_card, paid_with, transactions_of
from tests.factories.incentives import ask, give_coupon
from tests.factories.promotions import give_tier, tiers_cart
from tests.factories.refunds import preview, refund, try_to_refund
from tests.factories.rules import ORDER_OVER_50, give_assignment, give_rule

SHIRTS_AND_MUG = [line("shirt", 3000, 2), line("mug", 4000)]
TEN_OFF = {"type": "AMOUNT", "amount_off": 2000, "effect": "APPLY_TO_ORDER"}


async def healthy(db: Database, project: ProjectKeys) -> bool:
    return await examine(db, project.public_id) == []


async def stacked(client: AsyncClient, project: ProjectKeys, **members: Any) -> dict[str, Any]:
    """Two shirts and a mug for 100.00, ten percent off, 45.00 of the rest paid with a card; the answer."""
    await give_coupon(client, project, "TEN")
    await give_card(client, project, amount=4500)
    return await redeem(client, project, cart("TEN", "GIFT", items=SHIRTS_AND_MUG, **members))


def refused(response: Any) -> tuple[int, str, list[str]]:
    error = response.json()
    return response.status_code, error["key"], [problem["path"] for problem in error.get("errors", [])]


async def test_a_returned_unit_gives_back_what_it_cost_and_the_card_what_it_paid_for_it(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    done = await stacked(client, project)
    parent = done["parent_redemption"]["id"]

    shown = await preview(client, project, parent, (0, 1))
    given_back = await refund(client, project, parent, (0, 1), reason="Too small")

    assert (shown["amount"], shown["credits"], shown["adjustment_amount"]) == (1350, 1350, 0)
    assert shown["remaining"] == {"quantity": 2, "amount": 3150, "credits": 3150}
    assert shown["lines"] == [
        {
            "index": 0,
            "source_id": "shirt",
            "quantity": 1,
            "units": [{"first": 2, "last": 2}],
            "amount": 1350,
            "credits": 1350,
            "discount_amount": 300,
            "remaining_quantity": 1,
        }
    ]
    ten, card = shown["redeemables"]
    assert (ten["voucher_code"], ten["discount_amount"], ten["credits"]) == ("TEN", 300, 0)
    assert (card["voucher_code"], card["credits"], card["remaining_credits"]) == ("GIFT", 1350, 3150)
    apart = {"id", "object", "created_at", "metadata", "reason"}
    assert {name: given_back[name] for name in given_back.keys() - apart} == {
        name: shown[name] for name in shown.keys() - {"object"}
    }
    assert (await gift_of(client, project))["balance"] == 1350
    assert await healthy(db, project)


async def test_refunding_every_unit_in_parts_gives_back_exactly_what_was_paid(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]

    parts = [await refund(client, project, parent, *lines) for lines in ([(0, 1)], [(1, 1)], [(0, 1)])]

    assert sum(part["amount"] for part in parts) == 4500
    assert sum(part["credits"] for part in parts) == 4500
    assert parts[-1]["remaining"] == {"quantity": 0, "amount": 0, "credits": 0}
    assert (await gift_of(client, project))["balance"] == 4500
    assert await healthy(db, project)


async def test_a_refund_without_lines_takes_back_all_that_is_left(client: AsyncClient, project: ProjectKeys) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]
    await refund(client, project, parent, (1, 1))

    rest = await refund(client, project, parent)
    again = await try_to_refund(client, project, parent)

    assert [(each["index"], each["quantity"]) for each in rest["lines"]] == [(0, 2)]
    assert (rest["amount"], rest["credits"]) == (2700, 2700)
    assert refused(again) == (400, "nothing_to_refund", [])


async def test_a_preview_changes_nothing(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]

    shown = [await preview(client, project, parent, (0, 2)) for _ in range(2)]

    assert shown[0] == shown[1]
    assert (await gift_of(client, project))["balance"] == 0
    assert (await ask(client, project, "GET", f"/x/v1/redemptions/{parent}/refunds"))["data"] == []


async def test_an_order_of_nothing_but_an_amount_is_given_back_as_a_whole(
    client: AsyncClient, project: ProjectKeys
) -> None:
    await give_coupon(client, project, "TEN")
    done = await redeem(client, project, {**cart("TEN"), "order": {"amount": 5000}})

    given_back = await refund(client, project, done["redemptions"][0]["id"])

    assert (given_back["amount"], given_back["lines"], given_back["adjustment_amount"]) == (4500, [], 4500)


async def test_units_can_be_named_and_come_back_once(client: AsyncClient, project: ProjectKeys) -> None:
    await give_coupon(client, project, "TEN")
    redemption = (await redeem(client, project, cart("TEN", items=[line("shirt", 1000, 5)])))["redemptions"][0]["id"]

    given_back = await refund(client, project, redemption, lines=[{"index": 0, "units": [2, 4]}])
    again = await try_to_refund(client, project, redemption, lines=[{"index": 0, "units": [3, 4]}])

    assert given_back["lines"][0]["units"] == [{"first": 2, "last": 2}, {"first": 4, "last": 4}]
    assert given_back["amount"] == 1800
    assert refused(again) == (400, "refund_exceeded", ["lines[0].units[1]"])


async def test_what_a_discount_gave_comes_back_first_and_is_worth_nothing(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    hat = await give_product(db, project, name="Hat", source_id="hat", price=1500)
    free = {"type": "UNIT", "unit_off": 1, "unit_type": hat.id, "effect": "ADD_NEW_ITEMS"}
    await give_coupon(client, project, "HAT", discount=free)
    items = [{"product_id": hat.id, "quantity": 2, "price": 1500}]
    redemption = (await redeem(client, project, cart("HAT", items=items)))["redemptions"][0]["id"]

    amounts = [(await refund(client, project, redemption, (0, 1)))["amount"] for _ in range(3)]

    assert amounts == [0, 1500, 1500]


async def test_redemptions_on_one_order_are_refunded_together(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_coupon(client, project, "TEN")
    await give_card(client, project, amount=4500)
    first = await redeem(client, project, cart("TEN", items=SHIRTS_AND_MUG))
    second = await redeem(client, project, {**cart("GIFT"), "order": {"id": first["order"]["id"]}})
    ids = [done["redemptions"][0]["id"] for done in (first, second)]

    mug = await refund(client, project, ids[0], (1, 1))
    shirts = await refund(client, project, ids[1], (0, 2))
    listed = await ask(client, project, "GET", f"/x/v1/redemptions/{ids[0]}/refunds?limit=1")

    assert (mug["amount"], mug["credits"]) == (1800, 1800)
    assert (shirts["amount"], shirts["credits"]) == (2700, 2700)
    assert [each["id"] for each in listed["data"]] == [shirts["id"]]
    assert (listed["has_more"], listed["more_starting_after"]) == (True, shirts["id"])
    assert (await gift_of(client, project))["balance"] == 4500
    assert await healthy(db, project)


async def test_one_card_that_paid_twice_has_one_entry_for_a_refund(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_card(client, project, amount=4500)
    first = await redeem(client, project, paid_with("GIFT", 500))
    second = await redeem(client, project, {**paid_with("GIFT", 700), "order": {"id": first["order"]["id"]}})

    given_back = await refund(client, project, second["redemptions"][0]["id"])

    newest = (await transactions_of(client, project))[0]
    assert (given_back["amount"], given_back["credits"]) == (800, 1200)
    assert (newest["type"], newest["details"]["balance"]["amount"]) == ("CREDITS_REFUND", 1200)
    assert newest["details"]["refund"] == {"id": given_back["id"]}
    assert newest["details"]["redemption"] == {"id": given_back["redemption_id"]}
    assert newest["details"]["order"]["id"] == given_back["order_id"]
    assert await healthy(db, project)


@pytest.mark.parametrize(
    ("lines", "key", "path"),
    [
        ([{"index": 0, "quantity": 3}], "refund_exceeded", "lines[0].quantity"),
        ([{"index": 1}, {"index": 0, "units": [1, 9]}], "refund_exceeded", "lines[1].units[1]"),
        ([{"index": 2}], "invalid_payload", "lines[0].index"),
        ([{"index": 0, "quantity": 1}, {"index": 0, "quantity": 1}], "invalid_payload", "lines[1].index"),
        ([{"index": 0, "units": [1, 1]}], "invalid_payload", "lines[0].units"),
        ([{"index": 0, "quantity": 0}], "invalid_payload", "lines[0].quantity"),
        ([{"index": 0, "quantity": 1, "units": [1]}], "invalid_payload", "lines[0]"),
        ([{"index": -1}], "invalid_payload", "lines[0].index"),
        ([{"index": 0, "quantity": "many"}], "invalid_payload", "lines[0].quantity"),
        ([], "invalid_payload", "lines"),
    ],
)
@pytest.mark.parametrize("action", ["refund", "refund-preview"])
async def test_what_cannot_come_back_is_refused_at_its_place(
    client: AsyncClient, project: ProjectKeys, action: str, lines: Any, key: str, path: str
) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]
    url = f"/x/v1/redemptions/{parent}/{action}"

    response = await client.post(url, json={"lines": lines}, headers=project.server)

    assert refused(response) == (400, key, [path])


async def test_parts_rollbacks_failures_and_strangers_are_not_refunded(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    done = await stacked(client, project)
    part = done["redemptions"][0]["id"]
    failed = (await try_to_redeem(client, project, paid_with("GIFT", 99_999))).status_code
    without_order = (await redeem(client, project, {"redeemables": [{"id": "TEN"}]}))["redemptions"][0]["id"]
    listed = await ask(client, project, "GET", "/v1/redemptions?result=FAILURE")
    stranger = await give_project(db)

    answers = [
        refused(await try_to_refund(client, project, part)),
        refused(await try_to_refund(client, project, listed["redemptions"][0]["id"])),
        refused(await try_to_refund(client, project, without_order)),
        refused(await try_to_refund(client, project, "r_nobody")),
        refused(await try_to_refund(client, stranger, done["parent_redemption"]["id"])),
    ]

    assert failed == 400
    assert [answer[:2] for answer in answers] == [
        (400, "invalid_redemption_parent"),
        (400, "invalid_redemption"),
        (400, "not_refundable"),
        (404, "not_found"),
        (404, "not_found"),
    ]


async def test_what_was_rolled_back_is_not_refunded(client: AsyncClient, project: ProjectKeys) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]
    rolled_back = await roll_back(client, project, parent, "rollbacks")

    assert refused(await try_to_refund(client, project, parent)) == (400, "already_rolled_back", [])
    assert refused(await try_to_refund(client, project, rolled_back.json()["parent_rollback"]["id"])) == (
        400,
        "invalid_redemption",
        [],
    )


async def test_an_order_that_a_rollback_changed_is_not_refunded(client: AsyncClient, project: ProjectKeys) -> None:
    await give_coupon(client, project, "TEN")
    await give_card(client, project)
    first = await redeem(client, project, cart("TEN", items=SHIRTS_AND_MUG))
    second = await redeem(client, project, {**cart("GIFT"), "order": {"id": first["order"]["id"]}})
    await roll_back(client, project, first["redemptions"][0]["id"])

    response = await try_to_refund(client, project, second["redemptions"][0]["id"])

    assert refused(response) == (400, "not_refundable", [])


async def test_a_rollback_after_refunds_gives_cards_only_the_rest(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]
    await refund(client, project, parent, (0, 2))
    before = (await gift_of(client, project))["balance"]

    rolled_back = (await roll_back(client, project, parent, "rollbacks")).json()

    assert before == 2700
    assert [rollback.get("amount") for rollback in rolled_back["rollbacks"]] == [None, -1800]
    assert (await gift_of(client, project))["balance"] == 4500
    assert (await ask(client, project, "GET", "/v1/vouchers/TEN"))["redemption"]["redeemed_quantity"] == 0
    assert await healthy(db, project)


async def test_a_rollback_after_everything_was_refunded_frees_uses_and_moves_nothing(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]
    await refund(client, project, parent)
    used = (await ask(client, project, "GET", "/v1/vouchers/TEN"))["redemption"]["redeemed_quantity"]

    rolled_back = (await roll_back(client, project, parent, "rollbacks")).json()

    assert used == 1
    assert rolled_back["rollbacks"][1]["amount"] == 0
    assert len(await transactions_of(client, project)) == 2
    assert (await ask(client, project, "GET", "/v1/vouchers/TEN"))["redemption"]["redeemed_quantity"] == 0
    assert await healthy(db, project)


async def test_requalifying_charges_back_a_discount_that_the_rest_does_not_earn(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    rule = await give_rule(client, project, rules=ORDER_OVER_50)
    voucher = await give_coupon(client, project, "OVER50", discount=TEN_OFF)
    await give_assignment(client, project, rule["id"], "voucher", voucher["id"])
    done = await redeem(client, project, cart("OVER50", items=[line("coat", 4000), line("hat", 3000)]))
    redemption = done["redemptions"][0]["id"]

    by_share = await preview(client, project, redemption, (1, 1))
    requalified = await refund(client, project, redemption, (1, 1), policy="requalify")
    mixed = await try_to_refund(client, project, redemption, policy="paid_share")
    rest = await refund(client, project, redemption)

    assert by_share["amount"] == 2143
    assert (requalified["amount"], requalified["adjustment_amount"]) == (1000, -1143)
    assert refused(mixed) == (400, "refund_policy_mixed", [])
    assert (rest["policy"], rest["amount"], rest["adjustment_amount"]) == ("requalify", 4000, 1143)
    assert await healthy(db, project)


async def test_requalifying_never_takes_more_than_the_refund(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    rule = await give_rule(client, project, rules=ORDER_OVER_50)
    voucher = await give_coupon(client, project, "OVER50", discount={**TEN_OFF, "amount_off": 4000})
    await give_assignment(client, project, rule["id"], "voucher", voucher["id"])
    done = await redeem(client, project, cart("OVER50", items=[line("coat", 5000), line("sock", 100)]))
    redemption = done["redemptions"][0]["id"]

    sock = await refund(client, project, redemption, (1, 1), policy="requalify")
    coat = await refund(client, project, redemption, (0, 1))

    assert (sock["amount"], coat["amount"]) == (0, 1100)


async def test_requalifying_does_not_ask_again_for_uses_dates_and_what_is_active(
    client: AsyncClient, project: ProjectKeys
) -> None:
    await give_coupon(client, project, "ONCE", redemption={"quantity": 1})
    await give_card(client, project, amount=4500)
    done = await redeem(client, project, cart("ONCE", "GIFT", items=SHIRTS_AND_MUG, customer={"source_id": "ann"}))
    await ask(client, project, "POST", "/v1/vouchers/ONCE/disable")

    given_back = await refund(client, project, done["parent_redemption"]["id"], (1, 1), policy="requalify")

    assert (given_back["amount"], given_back["credits"], given_back["adjustment_amount"]) == (3600, 0, 0)


async def test_requalifying_works_for_promotion_tiers(client: AsyncClient, project: ProjectKeys) -> None:
    tier = await give_tier(client, project, amount_off=700)
    goods = {"items": [line("a", 5000), line("b", 5000)]}
    done = await redeem(client, project, {**tiers_cart(tier), "order": goods})

    given_back = await refund(client, project, done["redemptions"][0]["id"], (0, 1), policy="requalify")

    assert (given_back["amount"], given_back["adjustment_amount"]) == (5000, 350)


async def test_a_gift_that_is_kept_is_paid_when_what_it_came_with_goes_back(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    hat = await give_product(db, project, name="Hat", source_id="hat", price=1500)
    rule = await give_rule(client, project, rules=ORDER_OVER_50)
    free = {"type": "UNIT", "unit_off": 1, "unit_type": hat.id, "effect": "ADD_NEW_ITEMS"}
    voucher = await give_coupon(client, project, "HAT", discount=free)
    await give_assignment(client, project, rule["id"], "voucher", voucher["id"])
    items = [line("coat", 4000, 2), line("mug", 1000)]
    redemptions = [(await redeem(client, project, cart("HAT", items=items)))["redemptions"][0]["id"] for _ in range(2)]

    still_earned = await refund(client, project, redemptions[0], (1, 1), policy="requalify")
    lost = await refund(client, project, redemptions[0], (0, 2))
    hat_too = await refund(client, project, redemptions[0])
    with_the_hat = await refund(client, project, redemptions[1], (0, 1), (2, 1), policy="requalify")

    assert (still_earned["amount"], still_earned["adjustment_amount"]) == (1000, 0)
    assert (lost["amount"], lost["adjustment_amount"]) == (6500, -1500)
    assert (hat_too["amount"], hat_too["adjustment_amount"]) == (1500, 1500)
    assert (with_the_hat["amount"], with_the_hat["adjustment_amount"]) == (4000, 0)
    assert await healthy(db, project)


async def test_requalifying_is_refused_where_units_were_replaced_or_a_code_is_gone(
    plain_client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    hat = await give_product(db, project, name="Hat", source_id="hat", price=1500)
    upgrade = {"type": "UNIT", "unit_off": 1, "unit_type": hat.id, "effect": "REPLACE_ITEMS"}
    rule = await give_rule(
        plain_client, project, rules={"logic": ""}, applicable_to={"included": [], "included_all": True}
    )
    voucher = await give_coupon(plain_client, project, "UPGRADE", discount=upgrade)
    await give_assignment(plain_client, project, rule["id"], "voucher", voucher["id"])
    upgraded = await redeem(plain_client, project, cart("UPGRADE", items=[line("cap", 1000, 2)]))
    await give_coupon(plain_client, project, "TEN")
    gone = await redeem(plain_client, project, cart("TEN", items=SHIRTS_AND_MUG))
    await ask(plain_client, project, "DELETE", "/v1/vouchers/TEN")
    redemptions = [done["redemptions"][0]["id"] for done in (upgraded, gone)]

    answers = [await try_to_refund(plain_client, project, id_, (0, 1), policy="requalify") for id_ in redemptions]
    by_share = [await try_to_refund(plain_client, project, id_, (0, 1)) for id_ in redemptions]

    assert any(each.get("applied_quantity", 0) < 0 for each in upgraded["order"]["items"])
    assert [refused(answer)[:2] for answer in answers] == [(400, "refund_policy_unavailable")] * 2
    assert [answer.status_code for answer in by_share] == [200, 200]


async def test_a_repeated_request_is_answered_as_the_first_and_gives_back_once(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]
    headers = {"Idempotency-Key": "return-1"}

    first, again = [await refund(client, project, parent, (0, 1), headers=headers) for _ in range(2)]
    requalified = await try_to_refund(client, project, parent, (0, 1), policy="requalify", headers=headers)

    assert first == again
    assert requalified.status_code == 422
    assert (await gift_of(client, project))["balance"] == 1350
    assert len((await ask(client, project, "GET", f"/x/v1/redemptions/{parent}/refunds"))["data"]) == 1


async def test_a_refund_is_announced_and_in_the_audit_log(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]
    given_back = await refund(client, project, parent, (0, 1))

    async with db.read() as session:
        events = (
            await session.scalars(
                select(OutboxEvent)
                .where(OutboxEvent.project_id == project.id, OutboxEvent.data["redemption_id"].astext == parent)
                .order_by(OutboxEvent.id.desc())
                .limit(2)
            )
        ).all()
        entry = (
            await session.scalars(
                select(AuditEntry).where(
                    AuditEntry.project_id == project.id, AuditEntry.action == "redemption.refunded"
                )
            )
        ).one()

    told = {event.type: event for event in events}
    assert told["redemption.refund.succeeded"].data["refund_id"] == given_back["id"]
    assert told["redemption.refund.succeeded"].data["amount"] == 1350
    assert told["voucher.gift.transaction.created"].entity_id == (await transactions_of(client, project))[0]["id"]
    assert (entry.resource_id, entry.changes["refund_id"]) == (parent, given_back["id"])


async def test_a_viewer_may_look_and_a_support_key_may_refund(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]
    viewer = server_headers(await give_key(db, project, "viewer"))
    support = server_headers(await give_key(db, project, "support"))
    path = f"/x/v1/redemptions/{parent}"

    assert (await client.post(f"{path}/refund-preview", json={}, headers=viewer)).status_code == 200
    assert (await client.post(f"{path}/refund", json={}, headers=viewer)).status_code == 403
    assert (await client.get(f"{path}/refunds", headers=viewer)).status_code == 200
    assert (await client.post(f"{path}/refund", json={}, headers=support)).status_code == 200


async def test_refunds_are_only_added(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]
    await refund(client, project, parent, (0, 1))

    for statement in ("UPDATE refunds SET amount = 0", "DELETE FROM refunds"):
        with pytest.raises(DBAPIError, match="only ever added to"):
            async with db.write() as session:
                await session.execute(text(f"{statement} WHERE project_id = {project.id}"))


async def test_ten_lines_with_one_code_are_kept_in_less_than_two_hundred_bytes(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_coupon(client, project, "TEN")
    items = [line(f"p{n}", 1999 + n, 1 + n % 3) for n in range(10)]
    redemption = (await redeem(client, project, cart("TEN", items=items)))["redemptions"][0]["id"]

    async with db.read() as session:
        bytes_kept = await session.scalar(
            select(func.length(Redemption.allocation) + func.length(Redemption.unit_amounts)).where(
                Redemption.project_id == project.id, Redemption.id == redemption
            )
        )

    assert bytes_kept is not None
    assert bytes_kept < 200


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("UPDATE refunds SET lines = jsonb_set(lines, '{0,units,0}', '{\"first\": 1, \"last\": 9}')", "last unit"),
        ("UPDATE refunds SET amount = amount + 9000", "given back for order"),
        ("UPDATE refunds SET credits = credits + 1", "credits of refund"),
        ("UPDATE refunds SET position = 7", "refunds of order"),
        (
            "UPDATE refunds SET redeemables = jsonb_set(redeemables, '{1,credits}', '9000')",
            "credits given back for redemption",
        ),
        (
            'INSERT INTO refunds SELECT (jsonb_populate_record(refunds, \'{"id": "rfd_2", "position": 2}\')).*'
            " FROM refunds",
            "units returned of order",
        ),
    ],
)
async def test_the_doctor_finds_refunds_that_do_not_add_up(
    client: AsyncClient, db: Database, project: ProjectKeys, change: str, what: str
) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]
    await refund(client, project, parent, (0, 1))
    async with db.write() as session:
        await session.execute(text("ALTER TABLE refunds DISABLE TRIGGER refunds_are_only_added"))
        await session.execute(text(f"{change} WHERE project_id = {project.id}"))
        await session.execute(text("ALTER TABLE refunds ENABLE TRIGGER refunds_are_only_added"))

    found = [each.what for each in await examine(db, project.public_id)]

    assert any(each.startswith(what) for each in found), found


def test_what_the_official_client_redeems_can_be_refunded(
    voucherify_client: ApiClient, live_server: str, project: ProjectKeys
) -> None:
    with Client(base_url=live_server, headers=project.server) as http:
        http.post("/v1/vouchers/TEN", json={"discount": {"type": "PERCENT", "percent_off": 10}}).raise_for_status()
        body = RedemptionsRedeemRequestBody.from_dict(cart("TEN", items=SHIRTS_AND_MUG))
        assert body is not None
        done = RedemptionsApi(voucherify_client).redeem_stacked_discounts(body)
        assert done.redemptions is not None
        redemption_id = done.redemptions[0].id

        given_back = http.post(
            f"/x/v1/redemptions/{redemption_id}/refund", json={"lines": [{"index": 0, "quantity": 2}]}
        ).json()

    assert (given_back["amount"], given_back["remaining"]["amount"]) == (5400, 3600)


async def test_a_refund_is_kept_with_the_project(client: AsyncClient, db: Database, project: ProjectKeys) -> None:
    parent = (await stacked(client, project))["parent_redemption"]["id"]
    given_back = await refund(client, project, parent, (0, 1), metadata={"desk": 4})

    async with db.read() as session:
        row = await session.get_one(Refund, (project.id, given_back["id"]))

    assert (row.position, row.refund_metadata, row.policy) == (1, {"desk": 4}, "paid_share")


@pytest.mark.parametrize("policy", ["paid_share", "requalify"])
async def test_an_order_in_another_currency_is_given_back_in_it(client: AsyncClient, db: Database, policy: str) -> None:
    project = await give_project(db, currency="EUR")
    await give_coupon(client, project, "TEN")
    dollars = cart("TEN", items=SHIRTS_AND_MUG, order={"currency": "USD"})
    redemption = (await redeem(client, project, dollars))["redemptions"][0]["id"]

    given_back = await refund(client, project, redemption, (0, 1), policy=policy)

    assert (given_back["currency"], given_back["amount"], given_back["adjustment_amount"]) == ("USD", 2700, 0)
