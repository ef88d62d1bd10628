"""The official client works with gift cards when only host and keys are changed."""

import asyncio

from httpx import AsyncClient
from voucherify import (
    ApiClient,
    CampaignsApi,
    CampaignsCreateRequestBody,
    PublicationsApi,
    PublicationsCreateRequestBody,
    RedemptionsApi,
    RedemptionsRedeemRequestBody,
    ValidationsApi,
    ValidationsValidateRequestBody,
    VouchersApi,
    VouchersBalanceUpdateRequestBody,
)

from tests.factories.access import ProjectKeys
from tests.factories.incentives import ask, give_coupon


async def test_the_official_client_sells_tops_up_and_spends_a_gift_card(voucherify_client: ApiClient) -> None:
    await asyncio.to_thread(_run, voucherify_client)


def _run(client: ApiClient) -> None:
    campaigns, vouchers, redemptions = CampaignsApi(client), VouchersApi(client), RedemptionsApi(client)

    campaign = campaigns.create_campaign(
        CampaignsCreateRequestBody.from_dict(
            {
                "name": "Gift cards",
                "campaign_type": "GIFT_VOUCHERS",
                "vouchers_count": 1,
                "voucher": {"type": "GIFT_VOUCHER", "gift": {"amount": 5000, "effect": "APPLY_TO_ORDER"}},
            }
        )
    )
    publication = PublicationsApi(client).create_publication(
        publications_create_request_body=PublicationsCreateRequestBody.from_dict(
            {"campaign": {"name": "Gift cards"}, "customer": {"source_id": "ann"}}
        )
    )
    code = publication.voucher.code
    added = vouchers.update_voucher_balance(
        code, VouchersBalanceUpdateRequestBody.from_dict({"amount": 1000, "source_id": "crm-1", "reason": "birthday"})
    )
    cart = {
        "redeemables": [{"object": "voucher", "id": code, "gift": {"credits": 2500}}],
        "order": {"items": [{"source_id": "shirt", "related_object": "product", "price": 4000, "quantity": 1}]},
        "customer": {"source_id": "ann"},
    }
    validated = ValidationsApi(client).validate_stacked_discounts(ValidationsValidateRequestBody.from_dict(cart))
    first = redemptions.redeem_stacked_discounts(RedemptionsRedeemRequestBody.from_dict(cart))
    second = redemptions.redeem_stacked_discounts(RedemptionsRedeemRequestBody.from_dict(cart))
    rollback = redemptions.rollback_redemption(second.redemptions[0].id, reason="returned")
    card = vouchers.get_voucher(code)
    transactions = vouchers.list_voucher_transactions(code)
    of_campaign = campaigns.list_campaign_transactions(campaign.id, limit=2)

    assert campaign.voucher.gift.amount == 5000
    assert (added.amount, added.total, added.balance) == (1000, 6000, 6000)
    assert validated.valid
    gift = validated.redeemables[0].result.gift
    assert (gift.balance, gift.credits) == (6000, 2500)
    assert [r.amount for r in (*first.redemptions, *second.redemptions)] == [2500, 2500]
    assert second.redemptions[0].gift.amount == 2500
    assert second.redemptions[0].voucher.gift.balance == 1000
    assert rollback.amount == -2500
    assert (card.gift.amount, card.gift.subtracted_amount, card.gift.balance) == (6000, 0, 3500)
    assert [transaction.type for transaction in transactions.data] == [
        "CREDITS_REFUND",
        "CREDITS_REDEMPTION",
        "CREDITS_REDEMPTION",
        "CREDITS_ADDITION",
    ]
    assert [transaction.details.balance.balance for transaction in transactions.data] == [3500, 1000, 3500, 6000]
    assert of_campaign.has_more
    assert of_campaign.more_starting_after == of_campaign.data[-1].id


async def test_the_official_client_pays_with_a_gift_card_what_a_percentage_has_left(
    client: AsyncClient, project: ProjectKeys, voucherify_client: ApiClient
) -> None:
    await give_coupon(client, project, "QUARTER", discount={"type": "PERCENT", "percent_off": 25})
    card = await ask(client, project, "POST", "/v1/vouchers/CARD", {"type": "GIFT_VOUCHER", "gift": {"amount": 5000}})
    body = {
        "redeemables": [{"object": "voucher", "id": card["code"]}, {"object": "voucher", "id": "QUARTER"}],
        "order": {"items": [{"source_id": "shirt", "related_object": "product", "price": 4000, "quantity": 1}]},
    }

    redeemed = await asyncio.to_thread(
        RedemptionsApi(voucherify_client).redeem_stacked_discounts, RedemptionsRedeemRequestBody.from_dict(body)
    )

    assert [each.voucher.code for each in redeemed.redemptions] == ["QUARTER", "CARD"]
    assert redeemed.redemptions[1].voucher.gift.balance == 2000
    assert (redeemed.order.total_discount_amount, redeemed.order.total_amount) == (4000, 0)
