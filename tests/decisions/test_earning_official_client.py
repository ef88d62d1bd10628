"""The official client: a program, a member, points earned by an order and taken back when it is canceled."""

import asyncio
import time
from typing import Any

import pytest
from voucherify import ApiClient, LoyaltiesApi, OrdersApi
from voucherify.models.loyalties_create_campaign_request_body import LoyaltiesCreateCampaignRequestBody
from voucherify.models.loyalties_earning_rules_create_request_body_item import (
    LoyaltiesEarningRulesCreateRequestBodyItem,
)
from voucherify.models.loyalties_members_create_request_body import LoyaltiesMembersCreateRequestBody
from voucherify.models.orders_create_request_body import OrdersCreateRequestBody
from voucherify.models.orders_update_request_body import OrdersUpdateRequestBody

from tests.factories.earning import POINT_FOR_EVERY_UNIT


@pytest.mark.usefixtures("worker")
@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # the official client says so of all loyalty
async def test_the_official_client_sees_an_order_earn_and_give_back(voucherify_client: ApiClient) -> None:
    await asyncio.to_thread(_run, LoyaltiesApi(voucherify_client), OrdersApi(voucherify_client))


def _run(loyalties: LoyaltiesApi, orders: OrdersApi) -> None:
    voucher = {"type": "LOYALTY_CARD", "loyalty_card": {"points": 0}}
    program = loyalties.create_loyalty_program(
        LoyaltiesCreateCampaignRequestBody.from_dict({"name": "Club", "type": "AUTO_UPDATE", "voucher": voucher})
    )
    rule = LoyaltiesEarningRulesCreateRequestBodyItem.from_dict(
        {"event": "order.paid", "loyalty": POINT_FOR_EVERY_UNIT}
    )
    loyalties.create_earning_rule(program.id, [rule])
    member = loyalties.add_member(
        program.id, LoyaltiesMembersCreateRequestBody.from_dict({"customer": {"source_id": "ann"}})
    )
    assert member.code is not None

    order = orders.create_order(
        OrdersCreateRequestBody.from_dict({"status": "PAID", "amount": 4250, "customer": {"source_id": "ann"}})
    )
    earned = _until(loyalties, member.code, 42)
    orders.update_order(order.id, OrdersUpdateRequestBody.from_dict({"status": "CANCELED"}))
    given_back = _until(loyalties, member.code, 0)

    assert (earned, given_back) == (42, 0)


def _until(loyalties: LoyaltiesApi, code: str, balance: int) -> Any:
    """What the card has, once it is that, or after a while."""
    end = time.monotonic() + 30
    while True:
        card = loyalties.get_member(code).loyalty_card
        found = None if card is None else card.balance
        if found == balance or time.monotonic() > end:
            return found
        time.sleep(0.1)
