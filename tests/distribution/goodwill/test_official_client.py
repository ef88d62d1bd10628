"""A shop with the official client redeems what support gave."""

import pytest
from httpx import AsyncClient
from voucherify import ApiClient, ApiException, CustomersApi, RedemptionsApi, ValidationsApi, VouchersApi
from voucherify.models import RedemptionsRedeemRequestBody, ValidationsValidateRequestBody

from tests.factories.carts import cart
from tests.factories.goodwill import Desk, give


async def test_the_official_client_redeems_a_goodwill_code_for_its_customer_only(
    voucherify_client: ApiClient, client: AsyncClient, desk: Desk
) -> None:
    given = await give(client, desk)
    redemptions = RedemptionsApi(voucherify_client)
    own = cart(given["code"], customer={"source_id": "ada", "email": "Ada@example.com"})
    foreign = cart(given["code"], customer={"source_id": "bob"})

    validated = ValidationsApi(voucherify_client).validate_stacked_discounts(
        ValidationsValidateRequestBody.from_dict(own)
    )
    with pytest.raises(ApiException) as refused:
        redemptions.redeem_stacked_discounts(RedemptionsRedeemRequestBody.from_dict(foreign))
    redeemed = redemptions.redeem_stacked_discounts(RedemptionsRedeemRequestBody.from_dict(own))

    assert validated.valid
    assert "invalid_customer" in str(refused.value.body)
    assert redeemed.redemptions[0].result == "SUCCESS"
    assert redeemed.order.total_discount_amount == 500


async def test_the_official_client_sees_the_code_in_the_wallet_and_the_voucher(
    voucherify_client: ApiClient, client: AsyncClient, desk: Desk
) -> None:
    given = await give(client, desk, gift={"amount": 3000})

    wallet = CustomersApi(voucherify_client).list_customer_redeemables(given["customer_id"])
    voucher = VouchersApi(voucherify_client).get_voucher(given["code"])

    assert [held.redeemable.voucher.code for held in wallet.data] == [given["code"]]
    assert (voucher.gift.balance, voucher.holder_id) == (3000, given["customer_id"])
