"""SQL of referrals, always inside one project."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from app.engine.referrals import OPEN, UNSETTLED, Status, came_from
from app.kit.repository import Repository
from app.models import Referral, ReferralClaim


class ReferralRepository(Repository[Referral]):
    model: ClassVar = Referral

    async def claim(self, campaign_id: str, referral_id: str, subjects: Collection[str]) -> bool:
        """Take these identities for one referral of the program; false when another has one of them.

        Waits for whoever is just taking one of them. What was taken stays so until the transaction or its savepoint is
        rolled back.
        """
        rows = [
            {
                "project_id": self.project_id,
                "campaign_id": campaign_id,
                "subject": subject,
                "referral_id": referral_id,
            }
            for subject in sorted(subjects)  # in one order, so that two who share several wait and never deadlock
        ]
        taken = await self.session.scalars(
            insert(ReferralClaim).values(rows).on_conflict_do_nothing().returning(ReferralClaim.subject)
        )
        return len(taken.all()) == len(rows)

    async def claimed(self, campaign_id: str, subjects: Collection[str]) -> Sequence[str]:
        """The referrals of the program that have one of these identities."""
        rows = select(ReferralClaim.referral_id).where(
            ReferralClaim.project_id == self.project_id,
            ReferralClaim.campaign_id == campaign_id,
            ReferralClaim.subject.in_(subjects),
        )
        return (await self.session.scalars(rows.distinct())).all()

    async def release(self, referral_id: str) -> None:
        """Let whoever was referred be referred again."""
        await self.session.execute(
            delete(ReferralClaim).where(
                ReferralClaim.project_id == self.project_id, ReferralClaim.referral_id == referral_id
            )
        )

    async def move(self, referral_id: str, status: Status, **values: Any) -> Referral | None:
        """Bring the referral into this state; None when it is in one from which it cannot get there. Its row stays
        locked until the transaction ends."""
        moved = (
            update(Referral)
            .where(
                Referral.project_id == self.project_id,
                Referral.id == referral_id,
                Referral.status.in_(came_from(status)),
            )
            .values(status=status, **values)
            .returning(Referral)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        row: Referral | None = await self.session.scalar(moved)
        return row

    async def of_code(self, voucher_id: str, referee_id: str) -> Referral | None:
        """The referral of this referee by this code that was not rejected; the furthest when there are several."""
        rows = self.rows().where(
            Referral.voucher_id == voucher_id, Referral.referee_id == referee_id, Referral.status != "REJECTED"
        )
        row: Referral | None = await self.session.scalar(
            rows.order_by(Referral.attributed_at.is_(None), Referral.id).limit(1)
        )
        return row

    async def open_of(self, referee_id: str) -> Sequence[Referral]:
        """The referrals in which this referee can still convert: those by a used code before mere invitations, each
        oldest first."""
        rows = self.rows().where(Referral.referee_id == referee_id, Referral.status.in_(OPEN))
        return (await self.session.scalars(rows.order_by(Referral.status, Referral.id))).all()

    async def unsettled_by(
        self, *, order_id: str | None = None, redemption_id: str | None = None
    ) -> Sequence[Referral]:
        """The referrals that this order or this redemption made, and that were not rewarded yet."""
        made_by = Referral.order_id == order_id if order_id is not None else Referral.redemption_id == redemption_id
        rows = self.rows().where(made_by, Referral.status.in_(("ATTRIBUTED", *UNSETTLED)))
        return (await self.session.scalars(rows.order_by(Referral.id))).all()

    async def postpone(self, referral_id: str, due_at: datetime, problem: str) -> None:
        """Try to give its rewards again then."""
        await self.session.execute(
            update(Referral)
            .where(Referral.project_id == self.project_id, Referral.id == referral_id, Referral.status.in_(UNSETTLED))
            .values(due_at=due_at, problem=problem)
            .execution_options(populate_existing=True, synchronize_session=False)
        )

    async def due(self, now: datetime, at_most: int) -> Sequence[str]:
        """Ids of referrals whose rewards are to be given now."""
        rows = select(Referral.id).where(
            Referral.project_id == self.project_id, Referral.due_at.is_not(None), Referral.due_at <= now
        )
        return (await self.session.scalars(rows.order_by(Referral.due_at).limit(at_most))).all()

    async def lock_due(self, referral_id: str) -> Referral | None:
        """The referral, if its rewards are still to be given and nobody else is just giving them."""
        rows = self.rows().where(
            Referral.id == referral_id, Referral.due_at.is_not(None), Referral.status.in_(UNSETTLED)
        )
        locked = rows.with_for_update(skip_locked=True).execution_options(populate_existing=True)
        row: Referral | None = await self.session.scalar(locked)
        return row
