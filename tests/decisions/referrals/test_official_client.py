"""The official client from a referral code to both rewards, with a worker running."""

import asyncio
import time

from httpx import AsyncClient
from voucherify import ApiClient, CampaignsApi, CustomersApi, PublicationsApi, RedemptionsApi
from voucherify.models import (
    CampaignsCreateRequestBody,
    PublicationsCreateRequestBody,
    RedemptionsRedeemRequestBody,
)

from tests.factories.access import ProjectKeys
from tests.factories.incentives import ask

DISCOUNT = {"type": "PERCENT", "percent_off": 10, "effect": "APPLY_TO_ORDER"}


async def test_the_official_client_gets_from_a_referral_code_to_both_rewards(
    client: AsyncClient, project: ProjectKeys, voucherify_client: ApiClient, worker: None
) -> None:
    program_id, gifts_id = await asyncio.to_thread(_set_up, voucherify_client)
    # What referrers get is said in the dashboard there, for which the official client has no words.
    program = (await ask(client, project, "GET", f"/v1/campaigns/{program_id}"))["referral_program"]
    level = {"type": "GIFT_VOUCHER", "related_object_parent": {"id": gifts_id}, "amount": 700}
    body = {"referral_program": program | {"referrer_rewards": [level]}}
    await ask(client, project, "PUT", f"/v1/campaigns/{program_id}", body)

    await asyncio.to_thread(_refer, voucherify_client, program_id)

    assert await asyncio.to_thread(_gift_balance, voucherify_client, "fred") == 500
    assert await asyncio.to_thread(_gift_balance, voucherify_client, "rita") == 700


def _set_up(client: ApiClient) -> tuple[str, str]:
    campaigns = CampaignsApi(client)
    gifts = campaigns.create_campaign(
        CampaignsCreateRequestBody.from_dict(
            {
                "name": "Thank you",
                "campaign_type": "GIFT_VOUCHERS",
                "voucher": {"type": "GIFT_VOUCHER", "gift": {"amount": 0, "effect": "APPLY_TO_ORDER"}},
            }
        )
    )
    reward = {"type": "GIFT_VOUCHER", "amount": "500", "related_object_parent": {"id": gifts.id, "object": "CAMPAIGN"}}
    program = campaigns.create_campaign(
        CampaignsCreateRequestBody.from_dict(
            {
                "name": "Friends",
                "campaign_type": "REFERRAL_PROGRAM",
                "voucher": {"type": "DISCOUNT_VOUCHER", "discount": DISCOUNT, "is_referral_code": True},
                "referral_program": {"conversion_event_type": "redemption", "referee_reward": reward},
            }
        )
    )
    assert program.referral_program.referee_reward.amount == "500"
    return program.id, gifts.id


def _refer(client: ApiClient, program_id: str) -> None:
    published = PublicationsApi(client).create_publication(
        publications_create_request_body=PublicationsCreateRequestBody.from_dict(
            {"campaign": {"name": "Friends"}, "customer": {"source_id": "rita"}}
        )
    )
    code = (published.actual_instance if hasattr(published, "actual_instance") else published).voucher.code
    redemption = {
        "redeemables": [{"object": "voucher", "id": code}],
        "customer": {"source_id": "fred"},
        "order": {"amount": 5000},
    }
    RedemptionsApi(client).redeem_stacked_discounts(RedemptionsRedeemRequestBody.from_dict(redemption))
    customers = CustomersApi(client)
    end = time.monotonic() + 60
    while not customers.get_customer("rita").loyalty.referred_customers:
        assert time.monotonic() < end
        time.sleep(0.1)
    assert [referral.campaign_id for referral in customers.get_customer("fred").referrals.campaigns] == [program_id]


def _gift_balance(client: ApiClient, customer: str) -> int | None:
    held = CustomersApi(client).list_customer_redeemables(customer).data
    gifts = [each.redeemable.voucher.gift for each in held if each.voucher_type == "GIFT_VOUCHER"]
    return gifts[0].balance if gifts else None
