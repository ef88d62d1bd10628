"""Rows that name a guest, given to the customer the guest became: one statement for each table."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Text, case, cast, delete, func, literal, select, type_coerce, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from app.engine.identities import ACCOUNT_SUBJECT
from app.models import (
    Customer,
    CustomerBirthday,
    CustomerEventCount,
    CustomEvent,
    Goodwill,
    MilestoneCrossing,
    Order,
    PendingPoints,
    PointsEarning,
    Publication,
    Redemption,
    Referral,
    SegmentMember,
    SegmentStanding,
    Voucher,
)

RENAMED: Sequence[InstrumentedAttribute[Any]] = (
    Order.customer_id,
    Voucher.holder_id,
    Publication.customer_id,
    CustomEvent.customer_id,
    Goodwill.customer_id,
    PendingPoints.customer_id,
    PointsEarning.customer_id,
    Order.referrer_id,
    Referral.referrer_id,
    Referral.referee_id,
    Customer.merged_into,
)
"""Columns that name a customer and can name another one."""


async def move_rows(session: AsyncSession, project_id: int, guest_id: str, customer_id: str) -> dict[str, int]:
    """Give all rows of the guest to the customer; of redemptions, orders, vouchers and publications how many."""
    counts = {"redemptions": await _move_redemptions(session, project_id, guest_id, customer_id)}
    for column in RENAMED:
        owner = column.class_
        moved = await _rows_of(
            session,
            update(owner)
            .where(owner.project_id == project_id, column == guest_id)
            .values({column: customer_id})
            .execution_options(synchronize_session=False),
        )
        counts.setdefault(owner.__tablename__, moved)
    await _join_segments(session, project_id, guest_id, customer_id)
    await _add_event_counts(session, project_id, guest_id, customer_id)
    await _keep_birthdays(session, project_id, guest_id, customer_id)
    await _add_crossings(session, project_id, guest_id, customer_id)
    return {name: counts[name] for name in ("redemptions", "orders", "vouchers", "publications")}


async def _move_redemptions(session: AsyncSession, project_id: int, guest_id: str, customer_id: str) -> int:
    """Redemptions and rollbacks, with whom they say they were counted for."""
    return await _rows_of(
        session,
        update(Redemption)
        .where(Redemption.project_id == project_id, Redemption.customer_id == guest_id)
        .values(
            customer_id=customer_id,
            subjects=case(
                (
                    Redemption.subjects[ACCOUNT_SUBJECT].astext == guest_id,
                    Redemption.subjects.op("||")(func.jsonb_build_object(ACCOUNT_SUBJECT, customer_id)),
                ),
                else_=Redemption.subjects,
            ),
            units=_with_renamed_keys(Redemption.units, guest_id, customer_id),
        )
        .execution_options(synchronize_session=False),
    )


def _with_renamed_keys(units: Any, guest_id: str, customer_id: str) -> ColumnElement[Any]:
    """Units by subject, with the customer at the end of each subject that ended with the guest."""
    ends = (f'|{ACCOUNT_SUBJECT}:{guest_id}"', f'|{ACCOUNT_SUBJECT}:{customer_id}"')
    return type_coerce(cast(func.replace(cast(units, Text), *ends), JSONB), JSONB)


async def _join_segments(session: AsyncSession, project_id: int, guest_id: str, customer_id: str) -> None:
    """Static segments; of the others people are members by what they are, and the guest is nobody any more."""
    joined = select(SegmentMember.project_id, SegmentMember.segment_id, literal(customer_id)).where(
        SegmentMember.project_id == project_id, SegmentMember.customer_id == guest_id
    )
    columns = ["project_id", "segment_id", "customer_id"]
    await session.execute(insert(SegmentMember).from_select(columns, joined).on_conflict_do_nothing())
    await session.execute(
        delete(SegmentMember).where(SegmentMember.project_id == project_id, SegmentMember.customer_id == guest_id)
    )
    await session.execute(
        delete(SegmentStanding).where(SegmentStanding.project_id == project_id, SegmentStanding.customer_id == guest_id)
    )


async def _add_event_counts(session: AsyncSession, project_id: int, guest_id: str, customer_id: str) -> None:
    """How often both did what custom events tell of."""
    counted = select(
        CustomerEventCount.project_id, literal(customer_id), CustomerEventCount.event, CustomerEventCount.count
    ).where(CustomerEventCount.project_id == project_id, CustomerEventCount.customer_id == guest_id)
    columns = ["project_id", "customer_id", "event", "count"]
    added = insert(CustomerEventCount).from_select(columns, counted)
    await session.execute(
        added.on_conflict_do_update(
            index_elements=["project_id", "customer_id", "event"],
            set_={"count": CustomerEventCount.count + added.excluded.count},
        )
    )
    await session.execute(
        delete(CustomerEventCount).where(
            CustomerEventCount.project_id == project_id, CustomerEventCount.customer_id == guest_id
        )
    )


async def _keep_birthdays(session: AsyncSession, project_id: int, guest_id: str, customer_id: str) -> None:
    """A birthday that was announced of the guest this year is not announced again of the customer."""
    announced = select(CustomerBirthday.project_id, literal(customer_id), CustomerBirthday.year).where(
        CustomerBirthday.project_id == project_id, CustomerBirthday.customer_id == guest_id
    )
    kept = insert(CustomerBirthday).from_select(["project_id", "customer_id", "year"], announced)
    await session.execute(
        kept.on_conflict_do_update(
            index_elements=["project_id", "customer_id"],
            set_={"year": func.greatest(CustomerBirthday.year, kept.excluded.year)},
        )
    )
    await session.execute(
        delete(CustomerBirthday).where(
            CustomerBirthday.project_id == project_id, CustomerBirthday.customer_id == guest_id
        )
    )


async def _add_crossings(session: AsyncSession, project_id: int, guest_id: str, customer_id: str) -> None:
    """Milestones that the guest has reached count after those of the customer: together they may have reached more, but
    what both were given is not given a third time."""
    reached = aliased(MilestoneCrossing)
    highest = (
        select(func.coalesce(func.max(reached.number), 0))
        .where(
            reached.project_id == project_id,
            reached.customer_id == customer_id,
            reached.milestone_id == MilestoneCrossing.milestone_id,
        )
        .scalar_subquery()
    )
    await session.execute(
        update(MilestoneCrossing)
        .where(MilestoneCrossing.project_id == project_id, MilestoneCrossing.customer_id == guest_id)
        .values(customer_id=customer_id, number=MilestoneCrossing.number + highest)
        .execution_options(synchronize_session=False)
    )


async def _rows_of(session: AsyncSession, statement: Any) -> int:
    result = await session.execute(statement)
    assert isinstance(result, CursorResult)  # what an UPDATE gives
    return result.rowcount
