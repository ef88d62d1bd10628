"""Segments and their members in the database."""

from collections.abc import Collection, Sequence

from sqlalchemy import Text, bindparam, delete, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from app.commerce.customers.repository import OWN_ID
from app.kit.repository import Repository
from app.models import Customer, Segment, SegmentMember, SegmentStanding

ADD_MEMBERS = text(
    "INSERT INTO segment_members (project_id, segment_id, customer_id) SELECT :project_id, :segment_id, unnest(:ids)"
).bindparams(bindparam("ids", type_=ARRAY(Text())))


class SegmentRepository(Repository[Segment]):
    model = Segment

    async def count_filtered(self) -> int:
        """How many segments with a filter the project has."""
        count = select(func.count()).where(Segment.project_id == self.project_id, Segment.type != "static")
        return await self.session.scalar(count) or 0

    async def that_may_have(self, customer_id: str | None) -> Sequence[Segment]:
        """The segments with a filter, and the static ones the customer was put into, oldest first."""
        joined = select(SegmentMember.segment_id).where(
            SegmentMember.project_id == self.project_id, SegmentMember.customer_id == customer_id
        )
        rows = self.rows().where(or_(Segment.type != "static", Segment.id.in_(joined)))
        return (await self.session.scalars(rows.order_by(Segment.id))).all()

    async def customer_ids(self, references: Collection[str]) -> dict[str, str]:
        """The ids of those customers that the project knows, by the id or source id they were named by."""
        named = literal(list(references), ARRAY(Text()))  # one parameter, however many they are
        rows = select(OWN_ID.label("own_id"), Customer.id, Customer.source_id).where(
            Customer.project_id == self.project_id,
            or_(Customer.id == func.any(named), Customer.source_id == func.any(named)),
        )
        found = (await self.session.execute(rows)).all()
        by_source = {row.source_id: row.own_id for row in found if row.source_id is not None}
        return by_source | {row.id: row.own_id for row in found}

    async def add_members(self, segment_id: str, customer_ids: Collection[str]) -> None:
        await self.session.execute(
            ADD_MEMBERS, {"project_id": self.project_id, "segment_id": segment_id, "ids": sorted(customer_ids)}
        )

    async def remove_members(self, segment_id: str) -> None:
        await self.session.execute(
            delete(SegmentMember).where(
                SegmentMember.project_id == self.project_id, SegmentMember.segment_id == segment_id
            )
        )
        await self.session.execute(
            delete(SegmentStanding).where(
                SegmentStanding.project_id == self.project_id, SegmentStanding.segment_id == segment_id
            )
        )

    async def watched(self) -> Sequence[Segment]:
        """The segments of which it is announced who enters and leaves, and those that are about to be."""
        return (await self.session.scalars(self.rows().where(Segment.type == "auto-update"))).all()

    async def forget_customer(self, customer_id: str) -> int:
        """Take an erased customer out of every static segment; gives of how many."""
        await self.session.execute(
            delete(SegmentStanding).where(
                SegmentStanding.project_id == self.project_id, SegmentStanding.customer_id == customer_id
            )
        )
        gone = await self.session.scalars(
            delete(SegmentMember)
            .where(SegmentMember.project_id == self.project_id, SegmentMember.customer_id == customer_id)
            .returning(SegmentMember.segment_id)
        )
        return len(gone.all())
