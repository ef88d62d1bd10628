"""The official client makes segments and product collections; it parses every answer with its own strict models."""

import pytest
from voucherify import ApiClient, CustomersApi, ProductCollectionsApi, ProductsApi, SegmentsApi
from voucherify.exceptions import BadRequestException, NotFoundException
from voucherify.models import (
    CustomersCreateRequestBody,
    ProductCollectionsCreateRequestBody,
    ProductsCreateRequestBody,
    ProductsSkusCreateRequestBody,
    SegmentsCreateRequestBody,
)


def test_the_official_client_makes_finds_and_deletes_segments(voucherify_client: ApiClient) -> None:
    customers, segments = CustomersApi(voucherify_client), SegmentsApi(voucherify_client)
    ada = customers.create_customer(
        CustomersCreateRequestBody.from_dict({"source_id": "ada", "metadata": {"vip": True}})
    )

    static = segments.create_segment(SegmentsCreateRequestBody(name="Friends", type="static", customers=[ada.id]))
    filtered = segments.create_segment(
        SegmentsCreateRequestBody(
            name="VIPs", type="auto-update", filter={"junction": "and", "metadata.vip": {"conditions": {"$is": [True]}}}
        )
    )
    found = segments.get_segment(filtered.id)
    of_ada = customers.list_customer_segments("ada")
    listed = customers.list_customers(segment_id=filtered.id)
    segments.delete_segment(static.id)

    assert found.filter == filtered.filter
    assert [segment.id for segment in of_ada.data] == [static.id, filtered.id]
    assert [customer.id for customer in listed.customers] == [ada.id]
    with pytest.raises(NotFoundException):
        segments.get_segment(static.id)


def test_the_official_client_makes_finds_and_deletes_product_collections(voucherify_client: ApiClient) -> None:
    products, collections = ProductsApi(voucherify_client), ProductCollectionsApi(voucherify_client)
    shirt = products.create_product(
        ProductsCreateRequestBody.from_dict({"source_id": "shirt", "name": "Shirt", "metadata": {"brand": "Acme"}})
    )
    small = products.create_sku(shirt.id, ProductsSkusCreateRequestBody.from_dict({"source_id": "shirt/S", "sku": "S"}))

    static = collections.create_product_collection(
        ProductCollectionsCreateRequestBody.from_dict(
            {
                "type": "STATIC",
                "name": "Chosen",
                "products": [{"id": small.id, "product_id": shirt.id, "object": "sku"}],
            }
        )
    )
    filtered = collections.create_product_collection(
        ProductCollectionsCreateRequestBody(
            type="AUTO_UPDATE",
            name="Acme",
            filter={"junction": "AND", "metadata.brand": {"conditions": {"$is": ["Acme"]}}},
        )
    )
    found = collections.get_product_collection(static.id)
    listed = collections.list_product_collections()
    of_static = collections.list_products_in_collection(static.id)
    of_filtered = collections.list_products_in_collection(filtered.id)
    collections.delete_product_collection(static.id)

    assert [member.id for member in found.products] == [small.id]
    assert [collection.id for collection in listed.data] == [filtered.id, static.id]
    assert [(item.id, item.product.id) for item in of_static.data] == [(small.id, shirt.id)]
    assert [item.id for item in of_filtered.data] == [shirt.id]
    with pytest.raises(NotFoundException):
        collections.get_product_collection(static.id)
    with pytest.raises(BadRequestException):
        collections.create_product_collection(ProductCollectionsCreateRequestBody(type="AUTO_UPDATE", name="Nothing"))
