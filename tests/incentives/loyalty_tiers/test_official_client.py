"""The official client runs a program with tiers when only host and keys are changed."""

import asyncio
import time
from datetime import datetime
from typing import Any

import pytest
from voucherify import ApiClient, LoyaltiesApi
from voucherify.models import (
    LoyaltiesCreateCampaignRequestBody,
    LoyaltiesEarningRulesCreateRequestBodyItem,
    LoyaltiesMembersBalanceUpdateRequestBody,
    LoyaltiesMembersCreateRequestBody,
    LoyaltiesTiersCreateInBulkRequestBodyItem,
    LoyaltiesUpdateCampaignRequestBody,
)

from app.kit import clock

EXPIRATION = {
    "qualification_type": "POINTS_IN_PERIOD",
    "qualification_period": "YEAR",
    "start_date": {"type": "IMMEDIATE"},
    "expiration_date": {"type": "END_OF_NEXT_PERIOD", "extend": "P1M"},
}
PER_EURO = {
    "type": "PROPORTIONAL",
    "calculation_type": "ORDER_AMOUNT",
    "order": {"amount": {"every": 100, "points": 1}},
}


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
async def test_the_official_client_sees_a_member_rise(voucherify_client: ApiClient, worker: None) -> None:
    await asyncio.to_thread(_run, LoyaltiesApi(voucherify_client))


def _run(loyalties: LoyaltiesApi) -> None:
    program = loyalties.create_loyalty_program(
        LoyaltiesCreateCampaignRequestBody.from_dict(
            {
                "name": "Tiered club",
                "campaign_type": "LOYALTY_PROGRAM",
                "voucher": {"type": "LOYALTY_CARD", "loyalty_card": {"points": 0}},
            }
        )
    )
    loyalties.update_loyalty_program(
        program.id, LoyaltiesUpdateCampaignRequestBody.from_dict({"loyalty_tiers_expiration": EXPIRATION})
    )
    (rule,) = loyalties.create_earning_rule(
        program.id,
        [LoyaltiesEarningRulesCreateRequestBodyItem.from_dict({"event": "order.paid", "loyalty": PER_EURO})],
    )
    tiers = loyalties.create_in_bulk_loyalty_tiers(
        program.id,
        [
            _tier("Bronze", {"from": 0, "to": 99}),
            _tier("Silver", {"from": 100, "to": 499}, {rule.id: {"type": "MULTIPLY", "multiplier": 2}}),
            _tier("Gold", {"from": 500}),
        ],
    )
    member = loyalties.add_member(
        program.id, LoyaltiesMembersCreateRequestBody.from_dict({"customer": {"source_id": "ada"}})
    )

    joined = _in_tier(loyalties, member.code, "Bronze")
    _give(loyalties, member.code, 120)
    risen = _in_tier(loyalties, member.code, "Silver")
    updated = loyalties.update_loyalty_program(
        program.id, LoyaltiesUpdateCampaignRequestBody.from_dict({"options": {"recalculate_tiers": True}})
    )
    listed = loyalties.list_loyalty_tiers(program.id)
    rules = loyalties.list_loyalty_tier_earning_rules(program.id, risen.id)
    rewards = loyalties.list_loyalty_tier_rewards(program.id, risen.id)

    assert updated.loyalty_tiers_expiration.expiration_date.extend == "P1M"
    assert [tier.name for tier in listed.data] == [tier.name for tier in tiers] == ["Bronze", "Silver", "Gold"]
    assert loyalties.get_loyalty_tier(program.id, tiers[1].id).points.var_from == 100
    assert risen.id == tiers[1].id
    assert risen.earning_rules == {rule.id: {"type": "MULTIPLY", "multiplier": 2.0}}
    assert (joined.expiration.campaign_id, risen.expiration.tier_id) == (program.id, tiers[1].id)
    end = datetime.fromisoformat(risen.expiration.expiration_date)
    assert (end.year, end.month, end.day) == (clock.now().year + 2, 2, 1)
    assert [each.id for each in rules.data] == [rule.id]
    assert rewards.total == 0


def _tier(name: str, points: dict[str, int], earning_rules: dict[str, Any] | None = None) -> Any:
    body = {"name": name, "points": points, "earning_rules": earning_rules or {}, "rewards": {}, "metadata": {}}
    return LoyaltiesTiersCreateInBulkRequestBodyItem.from_dict(body)


def _give(loyalties: LoyaltiesApi, code: str, points: int) -> None:
    body = LoyaltiesMembersBalanceUpdateRequestBody.from_dict({"points": points})
    assert loyalties.update_loyalty_card_balance(code, body).points == points


def _in_tier(loyalties: LoyaltiesApi, code: str, name: str) -> Any:
    """The tier once the member is in it."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        tiers = loyalties.list_member_loyalty_tier(code)
        if [tier.name for tier in tiers.data] == [name]:
            return tiers.data[0]
        time.sleep(0.1)
    raise AssertionError(f"not in {name}")
