"""SQL of vouchers, always inside one project."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, CursorResult, Select, delete, exists, func, literal, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.incentives.codes.normal_form import normalise
from app.kit.db import to_json
from app.kit.ids import new_ids
from app.kit.repository import Repository
from app.kit.tables import Json
from app.models import Account, Campaign, Entry, Hold, Redemption, Voucher

INSERT = """
INSERT INTO vouchers (
    project_id, id, campaign_id, code, normal_code, type, redemption_quantity, active, start_date, expiration_date,
    additional_info, category_id, metadata, created_at
)
SELECT
    :project_id, id, :campaign_id, code, normal_code, :type, CAST(:redemption_quantity AS bigint), true,
    CAST(:start_date AS timestamptz), CAST(:expiration_date AS timestamptz), :additional_info,
    :category_id, CAST(:metadata AS jsonb), CAST(:created_at AS timestamptz)
FROM unnest(CAST(:ids AS text[]), CAST(:codes AS text[]), CAST(:normal_codes AS text[]))
    AS drawn (id, code, normal_code)
{only}
ON CONFLICT (project_id, normal_code) DO NOTHING
"""
INSERT_ALL = text(INSERT.format(only=""))
INSERT_SOME = text(
    INSERT.format(
        only="""WHERE NOT EXISTS (
    SELECT FROM vouchers AS taken WHERE taken.project_id = :project_id AND taken.normal_code = drawn.normal_code
) LIMIT :most"""
    )
)


@dataclass(frozen=True, slots=True)
class Batch:
    """What all codes of one campaign that are made together have in common."""

    campaign_id: str
    type: str
    redemption_quantity: int | None = None
    start_date: datetime | None = None
    expiration_date: datetime | None = None
    additional_info: str | None = None
    category_id: str | None = None
    voucher_metadata: Mapping[str, Any] | None = None


def _was_used() -> ColumnElement[bool]:
    """Whether something refers to the voucher of the query for good: a redemption, or an entry of its account."""
    redemptions = exists().where(
        Redemption.project_id == Voucher.project_id, Redemption.related_object_id == Voucher.id
    )
    entries = exists().where(Entry.project_id == Voucher.project_id, Entry.owner_id == Voucher.id)
    return redemptions | entries


class VoucherRepository(Repository[Voucher]):
    """Vouchers that are not deleted, and not of a deleted campaign."""

    model: ClassVar = Voucher

    def __init__(self, session: AsyncSession, project_id: int, *, case_sensitive: bool) -> None:
        super().__init__(session, project_id)
        self.case_sensitive = case_sensitive

    def with_campaigns(self) -> Select[Voucher, Campaign | None]:
        """Vouchers and their campaigns."""
        return (
            select(Voucher, Campaign)
            .outerjoin(Campaign, (Campaign.project_id == Voucher.project_id) & (Campaign.id == Voucher.campaign_id))
            .where(Voucher.project_id == self.project_id, Voucher.deleted_at.is_(None), Campaign.deleted_at.is_(None))
        )

    async def find_by_code(self, code: str) -> tuple[Voucher, Campaign | None] | None:
        """The voucher with this code, whatever its case if the project ignores case; else the one with this id."""
        normal_code = normalise(code, self.case_sensitive)
        rows = self.with_campaigns().where(or_(Voucher.normal_code == normal_code, Voucher.id == code))
        by_code_first = rows.order_by((Voucher.normal_code == normal_code).desc()).limit(1)
        row = (await self.session.execute(by_code_first)).first()
        return None if row is None else (row[0], row[1])

    async def was_used(self, voucher_id: str) -> bool:
        """Whether there is a redemption of it, failed and rolled back ones included, or an entry."""
        rows = select(literal(1)).where(Voucher.project_id == self.project_id, Voucher.id == voucher_id, _was_used())
        return await self.session.scalar(rows) is not None

    async def insert_codes(
        self, codes: Sequence[str], batch: Batch, now: datetime, *, most: int | None = None
    ) -> tuple[list[str], int]:
        """Make vouchers of those `codes` that nobody has, at most `most` of them.

        In the order of their normal forms: two transactions that draw the same codes then wait for each other and never
        deadlock, as long as each inserts once; and neighbours in the index are written together.
        Gives the ids that were meant for them, and how many there are now.
        """
        drawn = sorted((normalise(code, self.case_sensitive), code) for code in codes)
        ids = new_ids("v", len(drawn))
        values = {
            "project_id": self.project_id,
            "campaign_id": batch.campaign_id,
            "type": batch.type,
            "redemption_quantity": batch.redemption_quantity,
            "start_date": batch.start_date,
            "expiration_date": batch.expiration_date,
            "additional_info": batch.additional_info,
            "category_id": batch.category_id,
            "metadata": to_json(batch.voucher_metadata) if batch.voucher_metadata else None,
            "created_at": now,
            "ids": ids,
            "codes": [code for _, code in drawn],
            "normal_codes": [normal_code for normal_code, _ in drawn],
        }
        if most is None or most >= len(drawn):
            result = await self.session.execute(INSERT_ALL, values)
        else:
            result = await self.session.execute(INSERT_SOME, values | {"most": most})
        assert isinstance(result, CursorResult)
        return ids, result.rowcount

    async def taken_among(self, codes: Collection[str]) -> set[str]:
        """The normal forms of those codes that a voucher has, deleted ones included."""
        normal_codes = {normalise(code, self.case_sensitive) for code in codes}
        rows = select(Voucher.normal_code).where(
            Voucher.project_id == self.project_id, Voucher.normal_code.in_(normal_codes)
        )
        return set((await self.session.scalars(rows)).all())

    async def taken_count(self, template: str) -> int:
        """How many codes of the project look like `template`, deleted ones included; # stands for any character."""
        pattern = "".join("_" if c == "#" else f"\\{c}" if c in "\\%_" else c for c in template)
        pattern = pattern if self.case_sensitive else normalise(pattern, False)
        rows = (
            select(func.count())
            .select_from(Voucher)
            .where(Voucher.project_id == self.project_id, Voucher.normal_code.like(pattern, escape="\\"))
        )
        return await self.session.scalar(rows) or 0

    async def keep_worth(
        self, campaign_id: str, column: InstrumentedAttribute[Json | None], worth: Mapping[str, Any]
    ) -> None:
        """Give `worth` (a discount, what a gift card was made with) to vouchers of the campaign that were published,
        redeemed or topped up and have none of their own in `column`."""
        redeemed = select(Redemption.related_object_id).where(
            Redemption.project_id == self.project_id,
            Redemption.campaign_id == campaign_id,
            Redemption.object == "redemption",
            Redemption.result == "SUCCESS",
        )
        moved = select(Entry.owner_id).where(Entry.project_id == self.project_id, Entry.campaign_id == campaign_id)
        await self.session.execute(
            update(Voucher)
            .where(
                Voucher.project_id == self.project_id,
                Voucher.campaign_id == campaign_id,
                column.is_(None),
                or_(Voucher.publish_count > 0, Voucher.id.in_(redeemed), Voucher.id.in_(moved)),
            )
            .values({column: worth})
            .execution_options(synchronize_session=False)
        )

    async def batch_of_campaign(self, campaign_id: str, after_id: str, limit: int) -> list[tuple[str, bool]]:
        """The next vouchers of a campaign by id, deleted ones included, and whether each was ever redeemed or had its
        balance changed."""
        rows = await self.session.execute(
            select(Voucher.id, _was_used())
            .where(Voucher.project_id == self.project_id, Voucher.campaign_id == campaign_id, Voucher.id > after_id)
            .order_by(Voucher.id)
            .limit(limit)
        )
        return [(voucher_id, was_used) for voucher_id, was_used in rows]

    async def bin(self, voucher_ids: Collection[str], now: datetime) -> None:
        """Delete so that the codes stay taken."""
        await self.session.execute(
            update(Voucher)
            .where(Voucher.project_id == self.project_id, Voucher.id.in_(voucher_ids), Voucher.deleted_at.is_(None))
            .values(deleted_at=now)
            .execution_options(synchronize_session=False)
        )

    async def release(self, voucher_ids: Collection[str], now: datetime) -> None:
        """Delete so that the codes are free, but keep the rows for the redemptions that name them.

        The normal form becomes one that no code can have.
        """
        await self.session.execute(
            update(Voucher)
            .where(Voucher.project_id == self.project_id, Voucher.id.in_(voucher_ids))
            .values(deleted_at=func.coalesce(Voucher.deleted_at, now), normal_code="\x01" + Voucher.id)
            .execution_options(synchronize_session=False)
        )

    async def remove(self, voucher_ids: Collection[str]) -> None:
        """Delete for good, with the accounts and what sessions hold of them."""
        await self.session.execute(
            delete(Account)
            .where(Account.project_id == self.project_id, Account.owner_id.in_(voucher_ids))
            .execution_options(synchronize_session=False)
        )
        await self.session.execute(
            delete(Hold)
            .where(Hold.project_id == self.project_id, Hold.owner_id.in_(voucher_ids))
            .execution_options(synchronize_session=False)
        )
        await self.session.execute(
            delete(Voucher)
            .where(Voucher.project_id == self.project_id, Voucher.id.in_(voucher_ids))
            .execution_options(synchronize_session=False)
        )
