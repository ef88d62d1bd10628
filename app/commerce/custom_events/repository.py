"""Custom events and their schemas in the database."""

from sqlalchemy.dialects.postgresql import insert

from app.kit.repository import Repository
from app.models import CustomerEventCount, CustomEvent, CustomEventSchema


class CustomEventRepository(Repository[CustomEvent]):
    model = CustomEvent

    async def count(self, customer_id: str, event: str) -> None:
        """Count one more such event of the customer."""
        statement = insert(CustomerEventCount).values(
            project_id=self.project_id, customer_id=customer_id, event=event, count=1
        )
        await self.session.execute(
            statement.on_conflict_do_update(
                index_elements=["project_id", "customer_id", "event"], set_={"count": CustomerEventCount.count + 1}
            )
        )


class EventSchemaRepository(Repository[CustomEventSchema]):
    model = CustomEventSchema

    async def find_by_name(self, name: str) -> CustomEventSchema | None:
        return await self.session.scalar(self.rows().where(CustomEventSchema.name == name))
