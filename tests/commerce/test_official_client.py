"""The official client drives the flows; it parses every answer with its own strict models."""

from typing import Any

import pytest
from voucherify import ApiClient, CustomersApi, OrdersApi, ProductsApi
from voucherify.exceptions import NotFoundException
from voucherify.models import (
    CustomersCreateRequestBody,
    CustomersUpdateRequestBody,
    OrdersCreateRequestBody,
    OrdersUpdateRequestBody,
    ProductsCreateRequestBody,
    ProductsSkusCreateRequestBody,
    ProductsSkusUpdateRequestBody,
    ProductsUpdateRequestBody,
)


async def test_the_official_client_keeps_lists_and_erases_customers(voucherify_client: ApiClient) -> None:
    customers = CustomersApi(voucherify_client)
    profile: dict[str, Any] = {"source_id": "shop/42", "name": "Ada", "email": "ada@example.com"}

    created = customers.create_customer(CustomersCreateRequestBody.from_dict({**profile, "birthdate": "1990-12-10"}))
    changed = customers.update_customer("shop/42", CustomersUpdateRequestBody(name="Ada L."))
    found = customers.get_customer(created.id)
    listed = customers.list_customers(email="ADA@example.com", limit=5)
    proof = customers.customer_permanently_deletion(created.id)
    customers.create_customer(CustomersCreateRequestBody.from_dict(profile))
    customers.delete_customer("shop/42")

    assert changed.name == found.name == "Ada L."
    assert [customer.id for customer in listed.customers] == [created.id]
    assert found.summary.orders.total_count == 0
    assert proof.related_object_id == created.id
    with pytest.raises(NotFoundException):
        customers.get_customer("shop/42")


async def test_the_official_client_keeps_lists_and_deletes_products_and_skus(voucherify_client: ApiClient) -> None:
    products = ProductsApi(voucherify_client)

    product = products.create_product(
        ProductsCreateRequestBody.from_dict(
            {"source_id": "shirt", "name": "Shirt", "price": 1999, "attributes": ["size"]}
        )
    )
    sku = products.create_sku(
        "shirt",
        ProductsSkusCreateRequestBody.from_dict({"source_id": "shirt/L", "sku": "L", "attributes": {"size": "L"}}),
    )
    products.update_product("shirt", ProductsUpdateRequestBody(price=2099))
    products.update_sku("shirt", "shirt/L", ProductsSkusUpdateRequestBody(price=2199, currency="EUR"))
    found = products.get_product(product.id)
    found_sku = products.get_sku("shirt/L")
    listed = products.list_products()
    listed_skus = products.list_skus_in_product("shirt")
    products.delete_sku("shirt", sku.id, force=True)
    products.delete_product("shirt")

    assert (found.price, found_sku.price, found_sku.currency) == (2099, 2199, "EUR")
    assert found.skus.total == 1
    assert [row.id for row in found.skus.data] == [row.id for row in listed_skus.skus] == [sku.id]
    assert [row.id for row in listed.products] == [product.id]
    with pytest.raises(NotFoundException):
        products.get_product("shirt")


async def test_the_official_client_keeps_lists_and_changes_orders(voucherify_client: ApiClient) -> None:
    orders = OrdersApi(voucherify_client)

    created = orders.create_order(
        OrdersCreateRequestBody.from_dict(
            {
                "source_id": "order/1",
                "customer": {"source_id": "ada", "name": "Ada"},
                "items": [
                    {"source_id": "shirt", "related_object": "product", "quantity": 2, "price": 1999},
                    {"sku_id": "sku_unknown", "quantity": 1, "amount": 500, "sku": {"sku": "L", "price": 500}},
                ],
                "metadata": {"channel": "web"},
            }
        )
    )
    orders.update_order("order/1", OrdersUpdateRequestBody(status="PAID"))
    found = orders.get_order(created.id)
    listed = orders.list_orders(order="-created_at")

    assert (found.status, found.amount, found.total_amount) == ("PAID", 4498, 4498)
    assert [item.amount for item in found.items] == [3998, 500]
    assert found.customer.id == created.customer_id
    assert [order.id for order in listed.orders] == [created.id]
