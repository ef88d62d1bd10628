"""The official client holds a use while a payment is confirmed, when only host and keys are changed."""

import asyncio

import pytest
from voucherify import (
    ApiClient,
    ApiException,
    RedemptionsApi,
    RedemptionsRedeemRequestBody,
    ValidationsApi,
    ValidationsValidateRequestBody,
    VouchersApi,
)

from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.pools import give_voucher

ORDER = {"items": [{"source_id": "shirt", "related_object": "product", "price": 2000, "quantity": 1}]}


async def test_the_official_client_holds_releases_and_redeems(
    voucherify_client: ApiClient, db: Database, project: ProjectKeys
) -> None:
    code = (await give_voucher(db, project, redemption_quantity=1)).code

    await asyncio.to_thread(_run, voucherify_client, code)


def _run(client: ApiClient, code: str) -> None:
    validations, redemptions = ValidationsApi(client), RedemptionsApi(client)
    cart = {"redeemables": [{"object": "voucher", "id": code}], "order": ORDER}

    def validate(**members: object) -> ValidationsValidateRequestBody:
        return ValidationsValidateRequestBody.from_dict({**cart, **members})

    session = {"type": "LOCK", "ttl": 15, "ttl_unit": "MINUTES"}
    first = validations.validate_stacked_discounts(validate(session=session))
    refused = validations.validate_stacked_discounts(validate())
    VouchersApi(client).release_validation_session(code, first.session.key)
    second = validations.validate_stacked_discounts(validate(session={**session, "key": "checkout-2"}))
    with pytest.raises(ApiException) as too_late:
        redemptions.redeem_stacked_discounts(RedemptionsRedeemRequestBody.from_dict(cart))
    redeemed = redemptions.redeem_stacked_discounts(
        RedemptionsRedeemRequestBody.from_dict({**cart, "session": {"type": "LOCK", "key": "checkout-2"}})
    )

    assert (first.valid, first.session.type, first.session.ttl, first.session.ttl_unit) == (True, "LOCK", 15, "MINUTES")
    assert refused.valid is False
    assert (second.valid, second.session.key) == (True, "checkout-2")
    assert too_late.value.status == 400
    assert redeemed.redemptions[0].session.key == "checkout-2"
    assert redeemed.redemptions[0].result == "SUCCESS"
