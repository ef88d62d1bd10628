"""Customers in the database."""

from sqlalchemy import ColumnElement, func, select

from app.commerce.sourced import SourcedRepository
from app.models import Customer

EMAIL_LOCK = 0x6D61_696C
"""Seed that keeps this family of advisory locks apart."""
OWN_ID: ColumnElement[str] = func.coalesce(Customer.merged_into, Customer.id)
"""The id of the customer that a row means: itself, or the one into which it was merged."""


class CustomerRepository(SourcedRepository[Customer]):
    """Whoever names a customer that was merged into another finds the other one."""

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

    async def find_by_reference(self, reference: str, *, even_binned: bool = False) -> Customer | None:
        return await self._meant_by(await super().find_by_reference(reference, even_binned=even_binned))

    async def find_mentioned(self, row_id: str | None, source_id: str | None) -> Customer | None:
        return await self._meant_by(await super().find_mentioned(row_id, source_id))

    async def find_itself(self, reference: str) -> Customer | None:
        """The row with this id or source id, be it merged or not."""
        return await super().find_by_reference(reference)

    async def lock(self, row: Customer, *, even_binned: bool = False) -> Customer | None:
        """The row as it stands now; None, too, when it was merged meanwhile and so stands for nobody any more."""
        locked = await self.lock_itself(row)
        return None if locked is None or locked.merged_into is not None else locked

    async def lock_itself(self, row: Customer) -> Customer | None:
        """The row as it stands now, be it merged or not, kept from changing until the transaction ends."""
        return await super().lock(row)

    async def _meant_by(self, row: Customer | None) -> Customer | None:
        return row if row is None or row.merged_into is None else await self.find(row.merged_into)
