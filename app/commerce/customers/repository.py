"""Customers in the database."""

from sqlalchemy import func, select

from app.commerce.sourced import SourcedRepository
from app.models import Customer

EMAIL_LOCK = 0x6D61_696C
"""Seed that keeps this family of advisory locks apart."""


class CustomerRepository(SourcedRepository[Customer]):
    model = Customer
    resource_type = "customer"
    prefix = "cust"
    metadata_name = "customer_metadata"

    async def wait_for_email(self, normal_email: str) -> None:
        """Let those who look for this address, and make a customer if there is none, pass one by one until the
        transaction ends."""
        key = func.hashtextextended(f"{self.project_id}/{normal_email}", EMAIL_LOCK)
        await self.session.execute(select(func.pg_advisory_xact_lock(key)))

    async def same_mailbox(self, customer: Customer, limit: int) -> list[str]:
        """The ids of the customer and of others with the same address, at most `limit` of them: a guest who comes again
        is another customer each time."""
        if customer.normal_email is None:
            return [customer.id]
        same = select(Customer.id).where(
            Customer.project_id == self.project_id,
            Customer.normal_email == customer.normal_email,
            Customer.id != customer.id,
        )
        return [customer.id, *(await self.session.scalars(same.limit(limit - 1)))]

    async def find_by_email(self, normal_email: str) -> Customer | None:
        """The customer with this address: of several one whom the shop has an id for, and of those the oldest."""
        rows = self.rows().where(Customer.normal_email == normal_email)
        found: Customer | None = await self.session.scalar(
            rows.order_by(Customer.source_id.is_(None), Customer.id).limit(1)
        )
        return found
