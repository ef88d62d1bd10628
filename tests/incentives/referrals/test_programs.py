"""Referral programs as campaigns: what can be said of them, and what is refused."""

from typing import Any

import pytest
from httpx import AsyncClient

from tests.factories.access import ProjectKeys
from tests.factories.incentives import PERCENT, ask, give_campaign
from tests.factories.referrals import give_code, give_program

CASH = {"type": "CASH", "amount": 1000, "currency": "EUR"}


async def test_a_program_is_answered_in_the_contracts_members(client: AsyncClient, project: ProjectKeys) -> None:
    gifts = await give_campaign(
        client, project, voucher={"type": "GIFT_VOUCHER", "gift": {"amount": 0}, "discount": None}
    )
    said = {
        "conversion_event_type": "custom_event",
        "custom_event": {"name": "signed_up"},
        "referee_reward": {
            "type": "GIFT_VOUCHER",
            "amount": "500",
            "related_object_parent": {"id": gifts["id"], "name": gifts["name"], "object": "CAMPAIGN"},
        },
    }

    campaign = await give_program(client, project, **said)

    assert campaign["campaign_type"] == "REFERRAL_PROGRAM"
    assert campaign["voucher"]["is_referral_code"] is True
    assert campaign["referral_program"] == said
    assert await ask(client, project, "GET", f"/v1/campaigns/{campaign['id']}") == campaign


async def test_a_program_can_say_what_the_contract_cannot(client: AsyncClient, project: ProjectKeys) -> None:
    coupons = await give_campaign(client, project)
    said: dict[str, Any] = {
        "conversion": {"type": "order_paid", "minimum_amount": 5000},
        "referee_rewards": [
            {"type": "DISCOUNT_VOUCHER", "related_object_parent": {"id": coupons["name"]}},
            CASH,
        ],
        "referrer_rewards": [CASH | {"from_referees": 3, "to_referees": 5}, CASH | {"from_referees": 10, "once": True}],
        "limits": {"per_referrer": 20, "per_referrer_monthly": 5, "referees": 1000},
        "cooling_off": "P14D",
        "converts_within": "P30D",
    }

    program = (await give_program(client, project, **said))["referral_program"]

    parent = {"id": coupons["id"], "name": coupons["name"], "object": "CAMPAIGN"}
    assert program["referee_rewards"] == [{"type": "DISCOUNT_VOUCHER", "related_object_parent": parent}, CASH]
    assert [level["from_referees"] for level in program["referrer_rewards"]] == [3, 10]
    assert {name: program[name] for name in ("conversion", "limits", "cooling_off", "converts_within")} == {
        name: said[name] for name in ("conversion", "limits", "cooling_off", "converts_within")
    }


async def test_without_a_program_a_redemption_is_what_counts(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_campaign(client, project, voucher={"is_referral_code": True})

    assert campaign["campaign_type"] == "REFERRAL_PROGRAM"
    assert campaign["referral_program"] == {"conversion_event_type": "redemption"}


async def test_a_changed_program_replaces_the_one_before(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_program(client, project, cooling_off="P14D")

    body = {"referral_program": {"limits": {"per_referrer": 3}}}
    changed = await ask(client, project, "PUT", f"/v1/campaigns/{campaign['id']}", body)

    assert changed["referral_program"] == {"conversion_event_type": "redemption", "limits": {"per_referrer": 3}}


async def test_a_code_of_a_program_names_its_holder_as_the_referrer(client: AsyncClient, project: ProjectKeys) -> None:
    voucher = await give_code(client, project, await give_program(client, project))

    assert voucher["is_referral_code"] is True
    assert voucher["referrer_id"] == voucher["holder_id"]


async def test_lists_find_referral_codes_and_their_campaigns(client: AsyncClient, project: ProjectKeys) -> None:
    await give_campaign(client, project, vouchers_count=1)
    program = await give_program(client, project)
    voucher = await give_code(client, project, program)

    query = "filters[is_referral_code][conditions][$is]=true"
    campaigns = await ask(client, project, "GET", f"/v1/campaigns?{query}")
    vouchers = await ask(client, project, "GET", f"/v1/vouchers?{query}")
    wallet = await ask(client, project, "GET", "/v1/customers/rita/redeemables")

    assert [campaign["id"] for campaign in campaigns["campaigns"]] == [program["id"]]
    assert [found["id"] for found in vouchers["vouchers"]] == [voucher["id"]]
    assert [held["holder_role"] for held in wallet["data"]] == ["REFERRER"]


@pytest.mark.parametrize(
    ("program", "path"),
    [
        ({"conversion": {"type": "order_paid"}, "conversion_event_type": "redemption"}, "conversion"),
        ({"conversion": {"type": "order_paid", "minimum_amount": -1}}, "conversion.minimum_amount"),
        ({"conversion": {"type": "moonrise"}}, "conversion"),
        ({"conversion": {"type": "segment", "segment_id": "seg_none"}}, "conversion.segment_id"),
        ({"conversion_event_type": "custom_event"}, "custom_event"),
        ({"conversion_event_type": "custom_event", "custom_event": {"id": "ms_none"}}, "custom_event.id"),
        ({"referee_reward": {"type": "CASH", "amount": 1}}, "referee_reward.type"),
        ({"referee_rewards": [{"type": "CASH"}]}, "referee_rewards[0].amount"),
        ({"referee_rewards": [{"type": "CASH", "amount": 0}]}, "referee_rewards[0].amount"),
        ({"referee_rewards": [CASH | {"currency": "money"}]}, "referee_rewards[0].currency"),
        (
            {"referee_rewards": [CASH | {"related_object_parent": {"id": "x"}}]},
            "referee_rewards[0].related_object_parent",
        ),
        ({"referee_rewards": [{"type": "GIFT_VOUCHER"}]}, "referee_rewards[0].related_object_parent.id"),
        ({"referee_rewards": [CASH], "referee_reward": {"type": "GIFT_VOUCHER"}}, "referee_rewards"),
        ({"referrer_rewards": [CASH | {"from_referees": 5, "to_referees": 4}]}, "referrer_rewards[0].to_referees"),
        ({"referrer_rewards": [CASH | {"from_referees": 0}]}, "referrer_rewards[0].from_referees"),
        ({"referrer_rewards": [CASH] * 11}, "referrer_rewards"),
        ({"limits": {"per_referrer": 0}}, "limits.per_referrer"),
        ({"cooling_off": "two weeks"}, "cooling_off"),
        ({"converts_within": "P0D"}, "converts_within"),
    ],
)
async def test_a_program_that_means_nothing_is_refused_with_its_path(
    client: AsyncClient, project: ProjectKeys, program: dict[str, Any], path: str
) -> None:
    body = {"name": "Friends", "campaign_type": "REFERRAL_PROGRAM", "voucher": {"discount": PERCENT}}

    response = await client.post("/v1/campaigns", json={**body, "referral_program": program}, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_payload")
    assert response.json()["errors"][0]["path"].startswith(f"referral_program.{path}")


@pytest.mark.parametrize(
    "members",
    [
        {"campaign_type": "DISCOUNT_COUPONS", "referral_program": {}},
        {"campaign_type": "DISCOUNT_COUPONS", "voucher": {"is_referral_code": True}},
        {"campaign_type": "REFERRAL_PROGRAM", "type": "STANDALONE", "voucher": {"code": "FRIENDS"}},
        {"campaign_type": "REFERRAL_PROGRAM", "voucher": {"discount": None}},
    ],
)
async def test_only_campaigns_of_referral_codes_have_a_program(
    client: AsyncClient, project: ProjectKeys, members: dict[str, Any]
) -> None:
    voucher = {"discount": PERCENT, **members.get("voucher", {})}
    body = {"name": "Friends", **members, "voucher": voucher}

    response = await client.post("/v1/campaigns", json=body, headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, "invalid_campaign")
