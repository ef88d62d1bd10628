"""Customers as pages may name them, and as pages are shown them."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from app.access.callers import Caller
from app.access.errors import MissingPermission
from app.commerce.customers.schemas import CustomerIn
from app.kit.db import Database
from app.kit.wire import WireOut

IS_KNOWN: Final = "SELECT EXISTS (SELECT FROM customers WHERE project_id = $1 AND source_id = $2)"


class ClientCustomer(WireOut):
    """Whoever asks from a page may name any customer, so no more of them is shown than what names them."""

    id: str
    source_id: Annotated[str | None, Field(description="Your own id.")] = None
    object: Literal["customer"] = "customer"


def named_by_page(caller: Caller, customer: CustomerIn | None) -> CustomerIn | None:
    """What counts of what a page says about a customer: all of it where the project lets pages make customers
    (`client_create_customer_enabled`), elsewhere only who they are. None when that is nobody."""
    if customer is None or caller.may("customers:write"):
        return customer
    if customer.id is None and customer.source_id is None:
        return None
    return CustomerIn(id=customer.id, source_id=customer.source_id)


async def require_known(db: Database, caller: Caller, customer: CustomerIn | None) -> None:
    """Refuse what would make a new customer where pages may not. One that is named by our id is looked up later.

    Raises MissingPermission.
    """
    if caller.may("customers:write") or (customer is not None and customer.id is not None):
        return
    if customer is not None:
        async with db.connection() as connection:
            if await connection.fetchval(IS_KNOWN, caller.project_id, customer.source_id):
                return
    raise MissingPermission("customers:write")


def shown_customer(customer: dict[str, Any]) -> dict[str, Any]:
    """A customer's answer, without what a page is not shown."""
    return {name: customer[name] for name in ClientCustomer.model_fields if name in customer}
