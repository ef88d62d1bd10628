"""The official client publishes; it parses every answer with its own strict models."""

import pytest
from voucherify import ApiClient, ApiException, PublicationsApi
from voucherify.models import (
    ParameterFiltersListPublications,
    ParameterOrderListPublications,
    ParameterResultListPublications,
    PublicationsCreateRequestBody,
)

from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.pools import give_pool, give_voucher


async def test_the_official_client_publishes_codes_of_a_campaign(
    voucherify_client: ApiClient, db: Database, project: ProjectKeys
) -> None:
    publications = PublicationsApi(voucherify_client)
    campaign = await give_pool(db, project, codes=1, type="AUTO_UPDATE")
    request = {
        "campaign": {"name": campaign.name, "count": 1},
        "customer": {"source_id": "ada", "email": "ada@example.com", "birthdate": "1990-12-10"},
        "metadata": {"reason": "birthday"},
    }

    one = publications.create_publication(
        publications_create_request_body=PublicationsCreateRequestBody.from_dict(request)
    )
    same = publications.create_publication(
        join_once=True, publications_create_request_body=PublicationsCreateRequestBody.from_dict(request)
    )
    many = publications.create_publication(
        publications_create_request_body=PublicationsCreateRequestBody.from_dict(
            {**request, "campaign": {"name": campaign.name, "count": 3}}
        )
    )

    assert one.voucher.holder_id == one.customer.id == one.customer_id
    assert same.id == one.id
    assert len(many.vouchers) == len(many.vouchers_id) == 3


async def test_the_official_client_lists_publications(
    voucherify_client: ApiClient, db: Database, project: ProjectKeys
) -> None:
    publications = PublicationsApi(voucherify_client)
    voucher = await give_voucher(db, project, code="SORRY-1")
    body = PublicationsCreateRequestBody.from_dict({"voucher": "SORRY-1", "customer": {"source_id": "ada"}})

    published = publications.create_publication(publications_create_request_body=body)
    with pytest.raises(ApiException) as refused:
        publications.create_publication(publications_create_request_body=body)
    failed = publications.list_publications(result=ParameterResultListPublications.FAILURE)
    ordered = publications.list_publications(order=ParameterOrderListPublications.CREATED_AT, customer="ada")
    filtered = publications.list_publications(
        filters=ParameterFiltersListPublications.from_dict({"related_object_id": {"conditions": {"$in": [voucher.id]}}})
    )

    assert refused.value.status == 400
    assert "voucher_already_published" in str(refused.value.body)
    assert [entry.failure_code for entry in failed.publications] == ["voucher_already_published"]
    assert [entry.id for entry in ordered.publications] == [published.id, failed.publications[0].id]
    assert [entry.voucher.code for entry in filtered.publications] == ["SORRY-1"]
