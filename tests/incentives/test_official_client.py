"""The official client drives campaigns and vouchers; it parses every answer with its own strict models."""

import asyncio
import time

from voucherify import ApiClient, AsyncActionsApi, CampaignsApi, VouchersApi
from voucherify.models import (
    CampaignsCreateRequestBody,
    CampaignsUpdateRequestBody,
    CampaignsVouchersCreateInBulkRequestBody,
    CampaignsVouchersCreateRequestBody,
    VouchersCreateWithSpecificCodeRequestBody,
    VouchersUpdateRequestBody,
)

DISCOUNT = {"type": "PERCENT", "percent_off": 12.5, "effect": "APPLY_TO_ORDER"}


async def test_the_official_client_runs_a_campaign_from_creation_to_deletion(
    voucherify_client: ApiClient, worker: None
) -> None:
    await asyncio.to_thread(_run_campaign, voucherify_client)


def _run_campaign(client: ApiClient) -> None:
    campaigns, actions = CampaignsApi(client), AsyncActionsApi(client)

    created = campaigns.create_campaign(
        CampaignsCreateRequestBody.from_dict(
            {
                "name": "Official",
                "campaign_type": "DISCOUNT_COUPONS",
                "vouchers_count": 3,
                "voucher": {"type": "DISCOUNT_VOUCHER", "discount": DISCOUNT, "code_config": {"pattern": "OF-##"}},
            }
        )
    )
    added = campaigns.add_vouchers_to_campaign(
        created.id, vouchers_count=2, campaigns_vouchers_create_in_bulk_request_body=_bulk()
    )
    one = campaigns.add_voucher_with_specific_code_to_campaign(
        created.id, "OFFICIAL", CampaignsVouchersCreateRequestBody.from_dict({"metadata": {"vip": True}})
    )
    _until_done(actions, added.async_action_id)
    campaigns.disable_campaign(created.id)
    disabled = campaigns.get_campaign("Official")
    campaigns.enable_campaign(created.id)
    updated = campaigns.update_campaign(
        created.id, CampaignsUpdateRequestBody.from_dict({"description": "by the official client"})
    )
    listed = campaigns.list_campaigns(limit=5)
    deleted = campaigns.delete_campaign(created.id, force=True)
    _until_done(actions, deleted.async_action_id)

    assert created.vouchers_generation_status == "IN_PROGRESS"
    assert one.code == "OFFICIAL"
    assert disabled.active is False
    assert updated.description == "by the official client"
    assert [campaign.name for campaign in listed.campaigns] == ["Official"]
    assert campaigns.list_campaigns().total == 0
    assert len(actions.list_async_actions(limit=10).async_actions) == 3


async def test_the_official_client_runs_a_voucher_from_creation_to_deletion(
    voucherify_client: ApiClient, worker: None
) -> None:
    await asyncio.to_thread(_run_voucher, voucherify_client)


def _run_voucher(client: ApiClient) -> None:
    vouchers = VouchersApi(client)

    created = vouchers.create_voucher(
        "50% off/now",
        VouchersCreateWithSpecificCodeRequestBody.from_dict({"type": "DISCOUNT_VOUCHER", "discount": DISCOUNT}),
    )
    vouchers.disable_voucher("50% off/now")
    disabled = vouchers.get_voucher(created.id)
    enabled = vouchers.enable_voucher("50% off/now")
    updated = vouchers.update_voucher("50% off/now", VouchersUpdateRequestBody.from_dict({"metadata": {"a": "b"}}))
    listed = vouchers.list_vouchers(limit=3, order="-code")
    vouchers.delete_voucher("50% off/now")

    assert created.code == "50% off/now"
    assert disabled.active is False
    assert enabled.active is True
    assert updated.metadata == {"a": "b"}
    assert [voucher.code for voucher in listed.vouchers] == ["50% off/now"]
    assert vouchers.list_vouchers().total == 0


def _bulk() -> CampaignsVouchersCreateInBulkRequestBody:
    body = CampaignsVouchersCreateInBulkRequestBody.from_dict({"metadata": {"lot": 1}})
    assert body is not None
    return body


def _until_done(actions: AsyncActionsApi, action_id: str) -> None:
    end = time.monotonic() + 20
    while actions.get_async_action(action_id).status != "DONE":
        assert time.monotonic() < end
        time.sleep(0.05)
