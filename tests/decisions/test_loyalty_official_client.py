"""The official client keeps a loyalty program when only host and keys are changed."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from voucherify import (
    ApiClient,
    Configuration,
    LoyaltiesApi,
    LoyaltiesCreateCampaignRequestBody,
    LoyaltiesMembersBalanceUpdateRequestBody,
    LoyaltiesMembersCreateRequestBody,
    LoyaltiesTransferPoints,
    LoyaltiesUpdateCampaignRequestBody,
)

from app.decisions.loyalty_day import pass_day
from app.kit import clock
from app.kit.db import Database
from app.kit.jobs import Work
from tests.decisions.test_loyalty_day import hold_back
from tests.factories.access import ProjectKeys
from tests.factories.servers import roomy_settings, serving

TWO_MONTHS = timedelta(days=62)


@pytest.fixture
def client_in_two_months(database_url: str, project: ProjectKeys) -> Iterator[ApiClient]:
    """The official client of a server that believes it to be two months later; so does this process meanwhile."""
    later = roomy_settings(database_url, clock_offset_seconds=int(TWO_MONTHS.total_seconds()), pool_size=4)
    keys = {"X-App-Id": project.server_key.id, "X-App-Token": project.server_key.token}
    try:
        with serving(later) as url, ApiClient(Configuration(host=url, api_key=keys)) as client:
            yield client
    finally:
        clock.shift(0)


def create_program(loyalties: LoyaltiesApi, name: str, points: int = 0) -> str:
    rules = {"period_type": "MONTH", "period_value": 1, "rounding_type": "END_OF_MONTH"}
    card = {"points": points, "expiration_rules": rules}
    voucher = {"type": "LOYALTY_CARD", "loyalty_card": card, "code_config": {"length": 10}}
    body = {"name": name, "campaign_type": "LOYALTY_PROGRAM", "type": "AUTO_UPDATE", "voucher": voucher}
    program = loyalties.create_loyalty_program(LoyaltiesCreateCampaignRequestBody.from_dict(body))
    assert program.voucher.loyalty_card.points == points
    assert program.voucher.loyalty_card.expiration_rules.rounding_type == "END_OF_MONTH"
    return str(program.id)


def add_member(loyalties: LoyaltiesApi, program_id: str, source_id: str) -> str:
    member = LoyaltiesMembersCreateRequestBody.from_dict({"customer": {"source_id": source_id}})
    card = loyalties.add_member(program_id, member)
    assert card.type == "LOYALTY_CARD"
    return str(card.code)


def change(loyalties: LoyaltiesApi, code: str, points: int, **members: str) -> int:
    body = LoyaltiesMembersBalanceUpdateRequestBody.from_dict({"points": points, **members})
    changed = loyalties.update_loyalty_card_balance(code, body)
    assert changed.points == points
    return int(changed.balance)


def transfer(loyalties: LoyaltiesApi, program_id: str, code: str, source: str, points: int) -> int:
    moved = LoyaltiesTransferPoints.from_dict({"code": source, "points": points, "source_id": "t-1", "reason": "gift"})
    return int(loyalties.transfer_points(program_id, code, [moved]).loyalty_card.balance)


@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
async def test_the_official_client_keeps_a_program_and_sees_points_expire(
    db: Database,
    project: ProjectKeys,
    voucherify_client: ApiClient,
    request: pytest.FixtureRequest,
) -> None:
    loyalties = LoyaltiesApi(voucherify_client)
    program_id = await asyncio.to_thread(create_program, loyalties, "Club", 100)
    ann, bob = [await asyncio.to_thread(add_member, loyalties, program_id, name) for name in ("ann", "bob")]
    update = LoyaltiesUpdateCampaignRequestBody.from_dict({"description": "For friends", "auto_join": True})
    updated = await asyncio.to_thread(loyalties.update_loyalty_program, program_id, update)
    assert (updated.description, updated.auto_join) == ("For friends", True)

    assert await asyncio.to_thread(change, loyalties, ann, 50, reason="birthday", source_id="crm-1") == 150
    assert await asyncio.to_thread(change, loyalties, ann, 5, expiration_type="NON_EXPIRING") == 155
    assert await asyncio.to_thread(change, loyalties, ann, -20) == 135
    assert await asyncio.to_thread(transfer, loyalties, program_id, ann, bob, 30) == 165
    pending_id = await hold_back(db, project, bob, 7, clock.now() + timedelta(days=3))
    pending = await asyncio.to_thread(loyalties.list_member_pending_points, bob)
    activated = await asyncio.to_thread(loyalties.activate_member_pending_points, bob, pending_id)
    members = await asyncio.to_thread(loyalties.list_members, program_id)
    buckets = await asyncio.to_thread(loyalties.list_points_expiration, program_id, ann)
    transactions = await asyncio.to_thread(loyalties.list_loyalty_card_transactions, ann)
    of_program = await asyncio.to_thread(loyalties.list_loyalty_campaign_transactions, program_id, limit=2)

    assert ([row.id for row in pending.data], activated.balance) == ([pending_id], 77)
    assert {card.code for card in members.vouchers} == {ann, bob}
    assert [bucket.bucket.total_points for bucket in buckets.data] == [160, 5]
    assert [entry.type for entry in transactions.data] == [
        "POINTS_TRANSFER_IN",
        "POINTS_REMOVAL",
        "POINTS_ADDITION",
        "POINTS_ADDITION",
    ]
    assert of_program.has_more

    later = LoyaltiesApi(request.getfixturevalue("client_in_two_months"))
    await pass_day(Work(db), project.id)
    expired = await asyncio.to_thread(later.list_loyalty_card_transactions, ann)
    card = await asyncio.to_thread(later.get_member, ann)

    assert (expired.data[0].type, expired.data[0].details.balance.points) == ("POINTS_EXPIRATION", -160)
    figures = card.loyalty_card
    assert (figures.balance, figures.expired_points, figures.points) == (5, 160, 185)
