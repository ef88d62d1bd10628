"""Keeping what a request says about a customer. A step of orders, publications and redemptions too."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.commerce import sourced
from app.commerce.customers.email import normal_email
from app.commerce.customers.events import note
from app.commerce.customers.repository import CustomerRepository
from app.commerce.customers.schemas import CustomerIn, CustomerUpdate
from app.commerce.sourced import Given, Upserted
from app.models import Customer

_PROFILE = ("name", "description", "phone", "birthdate")


async def upsert(session: AsyncSession, caller: Caller, customer: CustomerIn, now: datetime) -> Customer:
    """The customer's row, made or changed as the request says. With neither id nor source id it is always a new one.

    Raises NotFound for an unknown `id`, MetadataValidationFailed.
    """
    rows = CustomerRepository(session, caller.project_id)
    schema = caller.project.metadata_schemas.get("customer")
    upserted = await sourced.upsert(rows, customer.id, customer.source_id, lambda _: given(customer), now, schema)
    return _noted(session, caller, upserted, customer)


async def find_or_make(session: AsyncSession, caller: Caller, customer: CustomerIn, now: datetime) -> Customer:
    """The same, but one who is named by `email` alone is found by it, however it is spelled, and made only once.

    Raises NotFound for an unknown `id`, MetadataValidationFailed.
    """
    email = normal_email(customer.email or "")
    if customer.id is None and customer.source_id is None and email is not None:
        rows = CustomerRepository(session, caller.project_id)
        await rows.wait_for_email(email)
        found = await rows.find_by_email(email)
        if found is not None:
            return found
    return await upsert(session, caller, customer, now)


async def update(
    session: AsyncSession, caller: Caller, row: Customer, changes: CustomerUpdate, now: datetime
) -> Customer:
    """The row with `changes`. Raises NotFound when it was deleted meanwhile, MetadataValidationFailed."""
    rows = CustomerRepository(session, caller.project_id)
    schema = caller.project.metadata_schemas.get("customer")
    return _noted(session, caller, await sourced.update(rows, row, lambda _: given(changes), now, schema), changes)


def given(request: CustomerIn | CustomerUpdate) -> Given:
    """The columns a request sets. Members it leaves out stay as they are."""
    sent = request.model_fields_set
    values: dict[str, Any] = {name: getattr(request, name) for name in _PROFILE if name in sent}
    if "birthday" in sent and "birthdate" not in sent:
        values["birthdate"] = request.birthday
    if "email" in sent:
        values["normal_email"] = normal_email(request.email or "")
        values["email"] = request.email if values["normal_email"] else None
    if "address" in sent:
        values["address"] = request.address.model_dump(exclude_none=True) if request.address else None
    if "metadata" in sent and request.metadata is None:
        values["customer_metadata"] = {}
    return Given(values, request.metadata)


def _noted(
    session: AsyncSession, caller: Caller, upserted: Upserted[Customer], request: CustomerIn | CustomerUpdate
) -> Customer:
    if upserted.change == "created":
        note(session, caller, "customer.created", upserted.row.id, request.model_fields_set)
    elif upserted.change == "updated":
        note(session, caller, "customer.updated", upserted.row.id, request.model_fields_set)
    return upserted.row
