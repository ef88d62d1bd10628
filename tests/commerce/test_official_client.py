"""The official client drives the flows; it parses every answer with its own strict models."""

import pytest
from voucherify import ApiClient, ApiException, CustomersApi, OrdersApi, ProductsApi
from voucherify.models import (
    CustomersCreateRequestBody,
    CustomersUpdateRequestBody,
    OrderItem,
    OrdersCreateRequestBody,
    OrdersUpdateRequestBody,
    ProductsCreateRequestBody,
    ProductsSkusCreateRequestBody,
    ProductsSkusUpdateRequestBody,
    ProductsUpdateRequestBody,
)


async def test_the_official_client_creates_reads_changes_and_erases_a_customer(voucherify_client: ApiClient) -> None:
    customers = CustomersApi(voucherify_client)

    created = customers.create_customer(
        CustomersCreateRequestBody.from_dict(
            {
                "source_id": "shop/42",
                "name": "Ada",
                "email": "ada@example.com",
                "birthdate": "1990-12-10",
                "metadata": {"vip": True},
            }
        )
    )
    changed = customers.update_customer("shop/42", CustomersUpdateRequestBody.from_dict({"name": "Ada L."}))
    found = customers.get_customer(created.id)
    proof = (
        customers.permanently_delete_customer_personal_data(created.id)
        if hasattr(customers, "permanently_delete_customer_personal_data")
        else None
    )

    print(found, proof)
    assert changed.name == found.name == "Ada L."
