"""Finding publications again, over HTTP."""

from typing import Any
from urllib.parse import quote

import pytest
from httpx import AsyncClient
from voucherify.models.publications_list_response_body import PublicationsListResponseBody

from app.kit.db import Database
from app.models import Campaign
from tests.factories.access import ProjectKeys, give_project
from tests.factories.pools import TEN_PERCENT, give_pool, give_voucher


async def publish(client: AsyncClient, project: ProjectKeys, **body: Any) -> dict[str, Any]:
    response = await client.post("/v1/publications", json=body, headers=project.server)
    answer: dict[str, Any] = response.json()
    return answer


async def listed(client: AsyncClient, project: ProjectKeys, query: str = "") -> list[dict[str, Any]]:
    """The publications of the answer, which the official model accepts too."""
    response = await client.get(f"/v1/publications?{query}", headers=project.server)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert (answer["object"], answer["data_ref"]) == ("list", "publications")
    assert PublicationsListResponseBody.from_dict(answer) is not None
    publications: list[dict[str, Any]] = answer["publications"]
    return publications


@pytest.fixture
async def campaign(db: Database, project: ProjectKeys) -> Campaign:
    return await give_pool(db, project, codes=3, name="Autumn")


async def test_a_listed_publication_shows_voucher_and_customer_in_short(
    client: AsyncClient, project: ProjectKeys, campaign: Campaign
) -> None:
    published = await publish(
        client,
        project,
        campaign={"name": "Autumn"},
        customer={"source_id": "ada", "name": "Ada"},
        channel="mail",
        source_id="order-17",
        metadata={"reason": "sorry"},
    )

    (entry,) = await listed(client, project)

    assert entry["id"] == published["id"]
    assert entry["result"] == "SUCCESS"
    assert entry["channel"] == "mail"
    assert entry["source_id"] == "order-17"
    assert entry["metadata"] == {"reason": "sorry"}
    assert entry["vouchers_id"] == published["vouchers_id"]
    assert entry["vouchers"] == [published["voucher"]["code"]]
    assert entry["voucher"] == {
        "code": published["voucher"]["code"],
        "object": "voucher",
        "campaign": "Autumn",
        "discount": TEN_PERCENT,
        "is_referral_code": False,
    }
    assert entry["customer"] == published["customer"]
    assert entry["tracking_id"] == published["tracking_id"]


async def test_an_attempt_that_failed_is_listed_with_its_reason(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_pool(db, project, name="Empty")
    refused = await publish(client, project, campaign={"name": "Empty"}, customer={"source_id": "ada"})

    (entry,) = await listed(client, project, "result=FAILURE")

    assert entry["result"] == "FAILURE"
    assert entry["failure_code"] == refused["key"] == "no_voucher_suitable_for_publication"
    assert entry["failure_message"] == refused["details"]
    assert entry["customer"]["source_id"] == "ada"
    assert entry["vouchers"] == entry["vouchers_id"] == []
    assert "voucher" not in entry


async def test_several_codes_are_listed_together(client: AsyncClient, project: ProjectKeys, campaign: Campaign) -> None:
    published = await publish(client, project, campaign={"name": "Autumn", "count": 2}, customer={"source_id": "ada"})

    (entry,) = await listed(client, project)

    assert entry["vouchers"] == published["vouchers"]
    assert "voucher" not in entry


async def test_publications_are_found_by_everything_they_are_about(
    client: AsyncClient, db: Database, project: ProjectKeys, campaign: Campaign
) -> None:
    voucher = await give_voucher(db, project, code="SORRY/1")
    public = await give_pool(db, project, codes=1, name="Welcome", type="STANDALONE", voucher={"code": "WELCOME"})
    ada, ben = {"source_id": "ada"}, {"source_id": "ben"}
    first = await publish(client, project, campaign={"name": "Autumn"}, customer=ada, source_id="s-1")
    second = await publish(client, project, voucher="SORRY/1", customer=ben, channel="app", metadata={"tier": "gold"})
    third = await publish(client, project, voucher="WELCOME", customer=ada)
    fourth = await publish(client, project, voucher="WELCOME", customer=ben)
    await publish(client, project, voucher="SORRY/1", customer=ada)
    names = {first["id"]: 1, second["id"]: 2, third["id"]: 3, fourth["id"]: 4}

    async def found(query: str) -> list[int]:
        return [names.get(entry["id"], 5) for entry in await listed(client, project, query)]

    assert await found("") == [5, 4, 3, 2, 1]
    assert await found("order=created_at&limit=2") == [1, 2]
    assert await found("order=id&limit=2&page=2") == [3, 4]
    assert await found("order=-channel&limit=1") == [2]
    assert await found("order=voucher_code") == [1, 2, 3, 4, 5]
    assert set(await found("order=customer_id")) == {1, 2, 3, 4, 5}
    assert set(await found("order=-tracking_id")) == {1, 2, 3, 4, 5}
    assert await found("campaign=Autumn") == [1]
    assert await found(f"campaign={public.id}") == [4, 3]
    assert await found("customer=ben") == [4, 2]
    assert await found(f"customer={first['customer_id']}") == [5, 3, 1]
    assert await found(f"voucher={quote('SORRY/1', safe='')}") == [2]
    assert await found(f"voucher={voucher.id}") == [2]
    assert await found("voucher=WELCOME") == [4, 3]
    assert await found("voucher=NOWHERE") == []
    assert await found("source_id=s-1") == [1]
    assert await found("result=FAILURE") == [5]
    assert await found("voucher_type=discount") == [4, 3, 2, 1]
    assert await found("voucher_type=loyalty") == []
    assert await found("is_referral_code=true") == []
    assert await found("is_referral_code=false") == [5, 4, 3, 2, 1]
    assert await found("filters[failure_code][conditions][$is]=voucher_already_published") == [5]
    assert await found("filters[result][conditions][$is]=SUCCESS&filters[customer_id][conditions][$is]=x") == []
    assert await found("filters[campaign_name][conditions][$starts_with]=Wel") == [4, 3]
    assert await found("filters[voucher_type][conditions][$in]=['DISCOUNT_VOUCHER']") == [4, 3, 2, 1]
    assert await found("filters[is_referral_code][conditions][$is]=TRUE") == []
    assert await found(f"filters[parent_object_id][conditions][$is]={campaign.id}") == [1]
    assert await found(f"filters[related_object_id][conditions][$in][0]={voucher.id}") == [2]
    assert await found("filters[source_id][conditions][$has_value]=true") == [1]
    assert await found("filters[metadata.tier][conditions][$is]=gold") == [2]
    assert await found(
        "filters[junction]=OR&filters[source_id][conditions][$is]=s-1&filters[result][conditions][$is]=FAILURE"
    ) == [5, 1]


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("order=colour", "invalid_query_params"),
        ("limit=101", "invalid_query_params"),
        ("limit=0", "invalid_query_params"),
        ("page=1001", "page_over_limit"),
        ("result=MAYBE", "invalid_query_params"),
        ("filters[colour][conditions][$is]=red", "invalid_query_params"),
        ("filters[result][conditions][$resembles]=SUCCESS", "invalid_query_params"),
    ],
)
async def test_a_question_that_means_nothing_is_refused(
    client: AsyncClient, project: ProjectKeys, query: str, key: str
) -> None:
    response = await client.get(f"/v1/publications?{query}", headers=project.server)

    assert (response.status_code, response.json()["key"]) == (400, key)


async def test_a_publication_outlives_the_person(client: AsyncClient, project: ProjectKeys, campaign: Campaign) -> None:
    published = await publish(client, project, campaign={"name": "Autumn"}, customer={"source_id": "ada"})
    await client.delete(f"/v1/customers/{published['customer_id']}", headers=project.server)

    (entry,) = await listed(client, project)

    assert "customer" not in entry
    assert entry["customer_id"] == published["customer_id"]


async def test_another_projects_publications_are_not_listed(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    other_project = await give_project(db)
    campaign = await give_pool(db, other_project, codes=1)
    await publish(client, other_project, campaign={"name": campaign.name}, customer={"source_id": "ada"})

    assert await listed(client, project) == []
    assert await listed(client, project, f"campaign={campaign.id}") == []
    assert await listed(client, project, "customer=ada") == []
