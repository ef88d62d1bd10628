"""The official client offers rewards and redeems points for them; every answer is parsed by its models."""

import asyncio

import pytest
from httpx import AsyncClient
from voucherify import ApiClient, LoyaltiesApi, RedemptionsApi, RewardsApi
from voucherify.models import (
    LoyaltiesMembersRedemptionRedeemRequestBody,
    RedemptionsRedeemRequestBody,
    RewardsAssignmentsCreateRequestBody,
    RewardsCreateRequestBody,
)

from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.rewards import give_member, give_program


@pytest.mark.filterwarnings("ignore:.* is deprecated:DeprecationWarning")  # so the client says of much of v1
async def test_the_official_client_redeems_points_for_a_prize_and_pays_with_the_rest(
    client: AsyncClient, db: Database, project: ProjectKeys, voucherify_client: ApiClient
) -> None:
    program = await give_program(client, project)
    card = await give_member(db, client, project, program, points=150)

    await asyncio.to_thread(_redeem, voucherify_client, program["id"], card["code"])


def _redeem(client: ApiClient, program_id: str, code: str) -> None:
    rewards, loyalties, redemptions = RewardsApi(client), LoyaltiesApi(client), RedemptionsApi(client)
    coin = rewards.create_reward(
        RewardsCreateRequestBody.from_dict(
            {"name": "Pay", "parameters": {"coin": {"exchange_ratio": 1, "points_ratio": "10"}}}
        )
    )
    rewards.create_reward_assignment(coin.id, RewardsAssignmentsCreateRequestBody(campaign=program_id))
    other = rewards.create_reward(
        RewardsCreateRequestBody.from_dict(
            {"name": "Points", "parameters": {"campaign": {"id": program_id, "balance": 5}}}
        )
    )
    rewards.create_reward_assignment(
        other.id,
        RewardsAssignmentsCreateRequestBody.from_dict(
            {"campaign": program_id, "parameters": {"loyalty": {"points": 55}}}
        ),
    )

    prize = loyalties.redeem_reward(
        code, LoyaltiesMembersRedemptionRedeemRequestBody.from_dict({"reward": {"id": other.id}})
    )
    paid = redemptions.redeem_stacked_discounts(
        RedemptionsRedeemRequestBody.from_dict(
            {
                "redeemables": [{"object": "voucher", "id": code, "reward": {"id": coin.id, "points": 100}}],
                "order": {"amount": 5000},
            }
        )
    )

    assert prize.loyalty_card.points == 55
    assert paid.redemptions[0].loyalty_card.points == 100
    assert paid.order.total_amount == 4000
    assert {each.id for each in rewards.list_rewards().data} == {coin.id, other.id}
