"""The holders of a referral code: its referrer, and customers named as referees."""

import asyncio

import httpx
from httpx import AsyncClient
from voucherify import ApiClient, ReferralsApi
from voucherify.models import ReferralsMembersHoldersCreateInBulkRequestBody

from app.kit.db import Database
from tests.factories.access import ProjectKeys, give_project
from tests.factories.incentives import ask, give_campaign, give_coupon
from tests.factories.referrals import give_code, give_program


async def test_a_named_customer_is_a_referee_of_the_code(client: AsyncClient, project: ProjectKeys) -> None:
    campaign = await give_program(client, project)
    voucher = await give_code(client, project, campaign)
    path = f"/v1/referrals/members/{voucher['code']}/holders"

    body = {"holders": [{"source_id": "fred"}], "metadata": {"by": "mail"}}
    added = await ask(client, project, "POST", path, body)
    listed = await ask(client, project, "GET", path)

    (fred,) = added["holders"]
    assert (fred["holder_role"], fred["metadata"], fred["redeemable_id"]) == ("REFEREE", {"by": "mail"}, voucher["id"])
    assert (fred["campaign_id"], fred["campaign_type"]) == (campaign["id"], "REFERRAL_PROGRAM")
    assert {held["holder_role"]: held["customer_id"] for held in listed["data"]} == {
        "REFERRER": voucher["holder_id"],
        "REFEREE": fred["customer_id"],
    }
    assert (listed["total"], listed["has_more"]) == (2, False)


async def test_the_list_of_holders_is_filtered_and_paged(client: AsyncClient, project: ProjectKeys) -> None:
    voucher = await give_code(client, project, await give_program(client, project))
    path = f"/v1/referrals/members/{voucher['id']}/holders"
    body = {"holders": [{"source_id": f"friend {number}"} for number in range(3)]}
    await ask(client, project, "POST", path, body)

    seen: list[str] = []
    cursor = ""
    while True:
        page = await ask(client, project, "GET", f"{path}?limit=2&order=id{cursor}")
        seen += [held["id"] for held in page["data"]]
        if not page["has_more"]:
            break
        cursor = f"&starting_after_id={page['more_starting_after']}"
    referees = await ask(client, project, "GET", f"{path}?filters[holder_role][conditions][$is]=REFEREE")

    assert seen == sorted(seen)
    assert len(seen) == 4
    assert (referees["total"], {held["holder_role"] for held in referees["data"]}) == (3, {"REFEREE"})


async def test_a_removed_referee_holds_nothing_and_can_be_named_again(
    client: AsyncClient, project: ProjectKeys
) -> None:
    campaign = await give_program(client, project)
    voucher = await give_code(client, project, campaign)
    path = f"/v1/referrals/{campaign['id']}/members/{voucher['code']}/holders"
    (fred,) = (await ask(client, project, "POST", path, {"holders": [{"source_id": "fred"}]}))["holders"]

    await ask(client, project, "DELETE", f"{path}/{fred['id']}")

    assert (await ask(client, project, "GET", path))["total"] == 1
    assert (await ask(client, project, "POST", path, {"holders": [{"source_id": "fred"}]}))["holders"]


async def test_a_referrer_stays_and_others_are_refused_by_name(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    campaign = await give_program(client, project)
    voucher = await give_code(client, project, campaign)
    unpublished = await ask(client, project, "POST", f"/v1/campaigns/{campaign['id']}/vouchers/UNGIVEN")
    await give_coupon(client, project, "PLAIN")
    await give_campaign(client, project, name="Another")
    path = f"/v1/referrals/members/{voucher['code']}/holders"
    fred = {"holders": [{"source_id": "fred"}]}
    await ask(client, project, "POST", path, fred)
    (referrer,) = (await ask(client, project, "GET", f"{path}?filters[holder_role][conditions][$is]=REFERRER"))["data"]
    stranger = await give_project(db)

    async def refused(method: str, url: str, body: object = None, keys: ProjectKeys = project) -> tuple[int, str]:
        response = await client.request(method, url, json=body, headers=keys.server)
        return response.status_code, response.json()["key"]

    assert await refused("DELETE", f"{path}/{referrer['id']}") == (403, "forbidden")
    assert await refused("DELETE", f"{path}/rf_none") == (404, "not_found")
    assert await refused("POST", path, fred) == (409, "holder_assignement_duplication")
    assert await refused("POST", path, {"holders": [{"source_id": "rita"}]}) == (
        400,
        "referrer_not_permitted_to_redeem",
    )
    assert await refused("POST", f"/v1/referrals/members/{unpublished['code']}/holders", fred) == (400, "not_published")
    assert await refused("POST", "/v1/referrals/members/PLAIN/holders", fred) == (404, "not_found")
    assert await refused("POST", f"/v1/referrals/Another/members/{voucher['code']}/holders", fred) == (404, "not_found")
    assert await refused("POST", path, {"holders": []}) == (400, "invalid_payload")
    assert await refused("POST", path, {"holders": [{"source_id": "x"}] * 101}) == (400, "invalid_payload")
    assert await refused("POST", path, {"holders": [{"id": "cust_none"}]}) == (404, "not_found")
    assert await refused("GET", path, keys=stranger) == (404, "not_found")


async def test_a_customer_named_by_many_at_once_is_a_referee_once(
    client: AsyncClient, project: ProjectKeys, live_server: str
) -> None:
    voucher = await give_code(client, project, await give_program(client, project))
    await ask(client, project, "POST", "/v1/customers", {"source_id": "fred"})
    path = f"/v1/referrals/members/{voucher['code']}/holders"

    async with AsyncClient(base_url=live_server, limits=httpx.Limits(max_connections=20)) as http:
        body = {"holders": [{"source_id": "fred"}]}
        answers = await asyncio.gather(*(http.post(path, json=body, headers=project.server) for _ in range(20)))

    assert sorted({answer.status_code for answer in answers}) == [200, 409]
    assert [answer.status_code for answer in answers].count(200) == 1


async def test_the_official_client_adds_lists_and_removes_holders(
    client: AsyncClient, project: ProjectKeys, voucherify_client: ApiClient
) -> None:
    campaign = await give_program(client, project)
    voucher = await give_code(client, project, campaign)
    api = ReferralsApi(voucherify_client)
    body = ReferralsMembersHoldersCreateInBulkRequestBody.from_dict({"holders": [{"source_id": "fred"}]})

    added = await asyncio.to_thread(
        api.referrals_add_holders, voucher["code"], referrals_members_holders_create_in_bulk_request_body=body
    )
    listed = await asyncio.to_thread(api.referrals_code_holders, campaign["id"], voucher["code"])

    assert added.holders is not None
    assert [held.holder_role for held in added.holders] == ["REFEREE"]
    assert listed.total == 2
    await asyncio.to_thread(api.referrals_remove_holder, voucher["code"], added.holders[0].id)
    assert (await asyncio.to_thread(api.referrals_code_holders1, voucher["code"])).total == 1
