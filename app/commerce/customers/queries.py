"""What the list of customers can be asked."""

from typing import Annotated, Any, ClassVar

from pydantic import Field
from sqlalchemy import ColumnElement

from app.commerce.customers.email import normal_email
from app.kit.filters import When
from app.kit.lists import Between, ListQuery, QueryInstant
from app.models import Customer


class CustomerQuery(ListQuery):
    max_page: ClassVar[int] = 99
    orders: ClassVar = {
        "created_at": Customer.created_at,
        "updated_at": Customer.updated_at,
        "source_id": Customer.source_id,
    }

    email: Annotated[str | None, Field(description="Only customers with this mail address, however it is spelled.")] = (
        None
    )
    name: Annotated[str | None, Field(description="Only customers with exactly this name.")] = None
    city: Annotated[str | None, Field(description="Only customers with exactly this city in their address.")] = None
    segment_id: Annotated[str | None, Field(description="Only customers who are in this segment now.")] = None
    created_at: Between | None = None
    updated_at: Between | None = None
    starting_after: Annotated[
        QueryInstant | None, Field(description="Only customers created before this; the `created_at` of the last one.")
    ] = None

    def where(self, when: When) -> list[ColumnElement[Any]]:
        conditions = super().where(when)
        if self.email is not None:
            conditions.append(Customer.normal_email == normal_email(self.email))
        if self.name is not None:
            conditions.append(Customer.name == self.name)
        if self.city is not None:
            conditions.append(Customer.address["city"].astext == self.city)
        if self.starting_after is not None:
            conditions.append(Customer.created_at < when.localise(self.starting_after))
        return conditions
