"""The story of a new shop, told with the official client: of it only host and keys were changed.

The client parses every answer with its own models, so each of these tests also says that the answers fit them.
"""

import asyncio
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from voucherify import (
    ApiClient,
    ApiException,
    AsyncActionsApi,
    CampaignsApi,
    CustomersApi,
    OrdersApi,
    ProductsApi,
    PublicationsApi,
    QualificationsApi,
    RedemptionsApi,
    ValidationRulesApi,
    ValidationsApi,
    VouchersApi,
)
from voucherify.models import (
    CampaignsCreateRequestBody,
    CampaignsCreateResponseBody,
    CampaignsVouchersCreateInBulkRequestBody,
    CustomersCreateRequestBody,
    OrdersCreateRequestBody,
    ParameterFiltersListRedemptions,
    ProductsCreateRequestBody,
    PublicationsCreateRequestBody,
    PublicationsCreateResponseBody,
    QualificationsCheckEligibilityRequestBody,
    RedemptionsRedeemRequestBody,
    RedemptionsRedeemResponseBody,
    ValidationRulesCreateRequestBody,
    ValidationsValidateRequestBody,
    ValidationsValidateResponseBody,
    VouchersCreateWithSpecificCodeRequestBody,
    VouchersUpdateRequestBody,
)

TWENTY_PERCENT = {"type": "PERCENT", "percent_off": 20, "effect": "APPLY_TO_ORDER"}
FIVE_EUROS = {"type": "AMOUNT", "amount_off": 500, "effect": "APPLY_TO_ORDER"}
ADA = {"source_id": "ada", "email": "ada@example.com"}
TWO_SHIRTS = {"items": [{"source_id": "shirt", "related_object": "product", "quantity": 2, "price": 1999}]}

pytestmark = pytest.mark.usefixtures("worker")


class Shop:
    """What a shop's code does with the client, in the order it would write it."""

    def __init__(self, client: ApiClient) -> None:
        self.campaigns, self.vouchers, self.actions = CampaignsApi(client), VouchersApi(client), AsyncActionsApi(client)
        self.customers, self.products, self.orders = CustomersApi(client), ProductsApi(client), OrdersApi(client)
        self.publications, self.rules = PublicationsApi(client), ValidationRulesApi(client)
        self.validations, self.redemptions = ValidationsApi(client), RedemptionsApi(client)
        self.qualifications = QualificationsApi(client)
        self.client = client

    def create_campaign(self, name: str, **members: Any) -> CampaignsCreateResponseBody:
        voucher = {
            "type": "DISCOUNT_VOUCHER",
            "discount": TWENTY_PERCENT,
            "redemption": {"quantity": 1},
            **members.pop("voucher", {}),
        }
        body = {"campaign_type": "DISCOUNT_COUPONS", "name": name, "voucher": voucher, **members}
        return self.campaigns.create_campaign(CampaignsCreateRequestBody.from_dict(body))

    def create_public_campaign(self, name: str, code: str, **voucher: Any) -> CampaignsCreateResponseBody:
        """A STANDALONE campaign. The client's model of a campaign lacks `voucher.code`, so its lower layer sends."""
        voucher = {"type": "DISCOUNT_VOUCHER", "discount": TWENTY_PERCENT, "code": code, **voucher}
        answer = self.client.call_api(
            "POST",
            f"{self.client.configuration.host}/v1/campaigns",
            header_params={**self.client.configuration.api_key, "Content-Type": "application/json"},
            body={"campaign_type": "DISCOUNT_COUPONS", "type": "STANDALONE", "name": name, "voucher": voucher},
        )
        answer.read()
        return self.client.response_deserialize(answer, {"200": "CampaignsCreateResponseBody"}).data

    async def all_actions_done(self) -> None:
        """Poll until a worker has done everything that was started."""
        deadline = time.monotonic() + 30
        while any(action.status != "DONE" for action in self.actions.list_async_actions(limit=20).async_actions):
            assert time.monotonic() < deadline, "the async actions took longer than 30 seconds"
            await asyncio.sleep(0.05)

    def create_coupon(self, code: str, discount: dict[str, Any], **members: Any) -> None:
        body = {"type": "DISCOUNT_VOUCHER", "discount": discount, **members}
        self.vouchers.create_voucher(code, VouchersCreateWithSpecificCodeRequestBody.from_dict(body))

    def publish(self, campaign: str, customer: dict[str, Any]) -> PublicationsCreateResponseBody:
        body = {"campaign": {"name": campaign, "count": 1}, "customer": customer}
        return self.publications.create_publication(
            publications_create_request_body=PublicationsCreateRequestBody.from_dict(body)
        )

    def validate(self, *codes: str, **members: Any) -> ValidationsValidateResponseBody:
        body = checkout(*codes, **members)
        return self.validations.validate_stacked_discounts(ValidationsValidateRequestBody.from_dict(body))

    def redeem(self, *codes: str, **members: Any) -> RedemptionsRedeemResponseBody:
        body = checkout(*codes, **members)
        return self.redemptions.redeem_stacked_discounts(RedemptionsRedeemRequestBody.from_dict(body))

    def refused(self, *codes: str, **members: Any) -> dict[str, Any]:
        """The error of a redemption that must not succeed."""
        with pytest.raises(ApiException) as refusal:
            self.redeem(*codes, **members)
        error: dict[str, Any] = json.loads(refusal.value.body)
        assert error["code"] == refusal.value.status
        return error


def checkout(*codes: str, **members: Any) -> dict[str, Any]:
    redeemables = [{"object": "voucher", "id": code} for code in codes]
    return {"redeemables": redeemables, "order": TWO_SHIRTS, "customer": ADA, **members}


@pytest.fixture
def shop(voucherify_client: ApiClient) -> Shop:
    return Shop(voucherify_client)


async def test_a_new_shop_makes_codes_publishes_one_and_redeems_it_once(shop: Shop) -> None:
    shop.products.create_product(
        ProductsCreateRequestBody.from_dict({"source_id": "shirt", "name": "Shirt", "price": 1999})
    )
    ada = shop.customers.create_customer(CustomersCreateRequestBody.from_dict({**ADA, "name": "Ada"}))
    rule = shop.rules.create_validation_rules(
        ValidationRulesCreateRequestBody.from_dict(
            {
                "name": "From 30 euros",
                "rules": {
                    "1": {"name": "order.amount", "conditions": {"$more_than_or_equal": [3000]}, "rules": {}},
                    "logic": "1",
                },
                "error": {"message": "Only from 30 euros."},
            }
        )
    )
    campaign = shop.create_campaign(
        "Welcome",
        type="AUTO_UPDATE",
        vouchers_count=20,
        validation_rules=[rule.id],
        voucher={"code_config": {"pattern": "HI-####-####", "charset": "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"}},
    )
    assert (campaign.vouchers_generation_status, campaign.vouchers_count) == ("IN_PROGRESS", 0)
    await shop.all_actions_done()
    action = shop.actions.list_async_actions().async_actions[0]
    assert shop.actions.get_async_action(action.id).progress == 100

    made = shop.campaigns.get_campaign(campaign.id)
    codes = [voucher.code for voucher in shop.vouchers.list_vouchers(campaign="Welcome", limit=100).vouchers]
    assert (made.vouchers_generation_status, made.vouchers_count) == ("DONE", 20)
    assert len(set(codes)) == 20
    assert all(re.fullmatch("HI-[A-Z2-9]{4}-[A-Z2-9]{4}", code) for code in codes)

    published = shop.publish("Welcome", ADA)
    code = published.voucher.code
    assert (code in codes, published.voucher.holder_id) == (True, ada.id)

    wallet = shop.qualifications.check_eligibility(
        QualificationsCheckEligibilityRequestBody.from_dict({"customer": ADA, "order": TWO_SHIRTS})
    )
    assert [(found.id, found.order.total_amount) for found in wallet.redeemables.data] == [(code, 3198)]

    too_small = shop.validate(code, order={"amount": 2999})
    error = too_small.inapplicable_redeemables[0].result.error
    assert (too_small.valid, error.key, error.error.message) == (False, "order_rules_violated", "Only from 30 euros.")
    shown = shop.validate(code)
    assert (shown.valid, shown.order.total_discount_amount, shown.order.total_amount) == (True, 800, 3198)

    redeemed = shop.redeem(code)
    redemption = redeemed.redemptions[0]
    assert (redemption.result, redemption.customer_id, redeemed.order.status) == ("SUCCESS", ada.id, "PAID")
    assert (redeemed.order.amount, redeemed.order.total_amount) == (3998, 3198)
    assert redemption.voucher.redemption.redeemed_quantity == 1
    again = shop.refused(code)
    assert (again["code"], again["key"]) == (400, "quantity_exceeded")

    found = shop.redemptions.get_redemption(redemption.id)
    listed = shop.redemptions.list_redemptions()
    failed = shop.redemptions.list_redemptions(
        filters=ParameterFiltersListRedemptions.from_dict({"result": {"conditions": {"$is": "FAILURE"}}})
    )
    of_voucher = shop.redemptions.get_voucher_redemptions(code)
    assert found.voucher.code == code
    assert [entry.result for entry in listed.redemptions] == ["FAILURE", "SUCCESS"]
    assert [entry.failure_code for entry in failed.redemptions] == ["quantity_exceeded"]
    assert (of_voucher.redeemed_quantity, of_voucher.quantity, of_voucher.total) == (1, 1, 2)

    order = shop.orders.get_order(redeemed.order.id)
    orders = shop.orders.list_orders()
    assert (order.status, order.total_amount, order.customer.id) == ("PAID", 3198, ada.id)
    assert [kept.id for kept in orders.orders] == [order.id]

    taken_back = shop.redemptions.rollback_redemption(redemption.id, reason="Returned")
    assert (taken_back.redemption, taken_back.result, taken_back.reason) == (redemption.id, "SUCCESS", "Returned")
    assert shop.orders.get_order(order.id).status == "CANCELED"
    assert shop.redemptions.get_redemption(redemption.id).status == "ROLLED_BACK"
    assert shop.vouchers.get_voucher(code).redemption.redeemed_quantity == 0
    assert shop.redeem(code).redemptions[0].result == "SUCCESS"


async def test_two_codes_are_redeemed_and_taken_back_together(shop: Shop) -> None:
    shop.create_coupon("FIVE", FIVE_EUROS)
    shop.create_coupon("TWENTY", TWENTY_PERCENT)

    shown = shop.validate("FIVE", "TWENTY")
    redeemed = shop.redeem("FIVE", "TWENTY")
    with pytest.raises(ApiException) as refusal:
        shop.redemptions.rollback_redemption(redeemed.redemptions[0].id)
    taken_back = shop.redemptions.rollback_stacked_redemptions(redeemed.parent_redemption.id)

    running = [redeemable.order.total_amount for redeemable in shown.redeemables]
    assert running == [3498, 2798]
    assert (redeemed.order.total_discount_amount, redeemed.order.total_amount) == (1200, 2798)
    assert {part.redemption for part in redeemed.redemptions} == {redeemed.parent_redemption.id}
    assert json.loads(refusal.value.body)["key"] == "invalid_redemption_parent"
    assert taken_back.parent_rollback.redemption == redeemed.parent_redemption.id
    assert {part.redemption for part in taken_back.rollbacks} == {part.id for part in redeemed.redemptions}
    assert taken_back.order.total_amount == 3998
    assert [shop.vouchers.get_voucher(code).redemption.redeemed_quantity for code in ("FIVE", "TWENTY")] == [0, 0]


async def test_a_disabled_campaign_redeems_nothing_until_it_is_enabled(shop: Shop) -> None:
    campaign = shop.create_campaign("Autumn", type="STATIC")
    code = shop.campaigns.add_vouchers_to_campaign(campaign.id).code

    shop.campaigns.disable_campaign(campaign.id)
    refusal = shop.refused(code)
    shop.campaigns.enable_campaign(campaign.id)

    assert (refusal["code"], refusal["key"]) == (400, "voucher_disabled")
    assert shop.redeem(code).redemptions[0].result == "SUCCESS"


async def test_the_public_code_of_a_standalone_campaign_is_for_everybody(shop: Shop) -> None:
    campaign = shop.create_public_campaign("Summer", "SUMMER", redemption={"quantity": 2})

    wallet = shop.qualifications.check_eligibility(
        QualificationsCheckEligibilityRequestBody.from_dict({"customer": ADA, "order": TWO_SHIRTS})
    )
    for name in ("ada", "bob"):
        shop.redeem("SUMMER", customer={"source_id": name})

    assert (campaign.type, campaign.vouchers_count) == ("STANDALONE", 1)
    assert [found.id for found in wallet.redeemables.data] == ["SUMMER"]
    assert shop.refused("SUMMER", customer={"source_id": "eve"})["key"] == "quantity_exceeded"


async def test_codes_are_added_to_a_campaign_in_the_background(shop: Shop) -> None:
    campaign = shop.create_campaign("Winter", type="STATIC", vouchers_count=2)
    await shop.all_actions_done()

    started = shop.campaigns.add_vouchers_to_campaign(
        campaign.id,
        vouchers_count=5,
        campaigns_vouchers_create_in_bulk_request_body=CampaignsVouchersCreateInBulkRequestBody.from_dict(
            {"metadata": {"wave": 2}}
        ),
    )
    await shop.all_actions_done()

    assert shop.actions.get_async_action(started.async_action_id).status == "DONE"
    assert shop.campaigns.get_campaign("Winter").vouchers_count == 7
    assert shop.vouchers.list_vouchers(campaign_id=campaign.id).total == 7


async def test_a_voucher_is_changed_disabled_enabled_and_deleted(shop: Shop) -> None:
    shop.create_coupon("SORRY", FIVE_EUROS, metadata={"case": 7})

    changed = shop.vouchers.update_voucher(
        "SORRY", VouchersUpdateRequestBody.from_dict({"additional_info": "Late parcel", "metadata": {"agent": "bo"}})
    )
    disabled = shop.vouchers.disable_voucher("SORRY")
    refusal = shop.refused("SORRY")
    enabled = shop.vouchers.enable_voucher("SORRY")
    valid = shop.validate("SORRY").valid
    shop.vouchers.delete_voucher("SORRY", force=True)

    assert (changed.additional_info, changed.metadata) == ("Late parcel", {"case": 7, "agent": "bo"})
    assert (disabled.active, refusal["key"], enabled.active, valid) == (False, "voucher_disabled", True, True)
    with pytest.raises(ApiException) as missing:
        shop.vouchers.get_voucher("SORRY")
    assert missing.value.status == 404


async def test_an_order_made_before_is_paid_by_its_redemption(shop: Shop) -> None:
    shop.create_coupon("FIVE", FIVE_EUROS)
    order = shop.orders.create_order(
        OrdersCreateRequestBody.from_dict({**TWO_SHIRTS, "source_id": "order/1", "customer": ADA})
    )

    redeemed = shop.redeem("FIVE", order={"id": order.id})

    kept = shop.orders.get_order("order/1")
    assert (order.status, kept.status, redeemed.order.id) == ("CREATED", "PAID", order.id)
    assert (kept.total_amount, list(kept.redemptions)) == (3498, [redeemed.redemptions[0].id])


async def test_an_expired_code_is_refused_as_expired(shop: Shop) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    shop.create_coupon("LATE", FIVE_EUROS, expiration_date=yesterday)

    shown = shop.validate("LATE")
    refusal = shop.refused("LATE")

    assert (shown.valid, shown.inapplicable_redeemables[0].result.error.key) == (False, "voucher_expired")
    assert (refusal["code"], refusal["key"], refusal["resource_id"]) == (400, "voucher_expired", "LATE")
