"""SQL of publications, and of the vouchers they give away."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.expression import cast

from app.kit.repository import Repository
from app.models import Account, Campaign, Publication, Voucher

SOURCE_LOCK = 0x7075_626C
JOIN_LOCK = 0x6A6F_696E
"""Seeds that keep the two families of advisory locks apart."""


class PublicationRepository(Repository[Publication]):
    model = Publication

    async def wait_for_source(self, source_id: str) -> None:
        """Let publications with one `source_id` pass one by one, until the transaction ends."""
        await self._wait(SOURCE_LOCK, source_id)

    async def wait_for_joining(self, campaign_id: str, customer_id: str) -> None:
        """Let one customer's publications of one campaign pass one by one, until the transaction ends."""
        await self._wait(JOIN_LOCK, f"{campaign_id}/{customer_id}")

    async def _wait(self, seed: int, name: str) -> None:
        # Names that share a hash wait for each other needlessly; nothing depends on it.
        key = func.hashtextextended(f"{self.project_id}/{name}", seed)
        await self.session.execute(select(func.pg_advisory_xact_lock(key)))

    async def find_by_source(self, source_id: str) -> Publication | None:
        """The publication that succeeded under this `source_id`."""
        rows = self.rows().where(Publication.source_id == source_id, Publication.result == literal_column("'SUCCESS'"))
        found: Publication | None = await self.session.scalar(rows)
        return found

    async def find_giving(self, voucher_id: str, customer_id: str) -> Publication | None:
        """The latest publication that gave this voucher to this customer."""
        rows = self.rows().where(
            Publication.customer_id == customer_id,
            Publication.result == "SUCCESS",
            Publication.voucher_ids.contains(cast([voucher_id], JSONB)),
        )
        found: Publication | None = await self.session.scalar(rows.order_by(Publication.id.desc()).limit(1))
        return found


class PoolRepository(Repository[Voucher]):
    """Vouchers on their way to a holder."""

    model = Voucher

    async def with_campaigns(self, voucher_ids: Collection[str]) -> dict[str, tuple[Voucher, Campaign | None]]:
        """Vouchers and their campaigns, deleted ones included."""
        rows = await self.session.execute(
            select(Voucher, Campaign)
            .outerjoin(Campaign, and_(Campaign.project_id == Voucher.project_id, Campaign.id == Voucher.campaign_id))
            .where(Voucher.project_id == self.project_id, Voucher.id.in_(voucher_ids))
        )
        return {voucher.id: (voucher, campaign) for voucher, campaign in rows}

    async def find_held(self, campaign_id: str, customer_id: str) -> Voucher | None:
        """The first code of the campaign that the customer holds, one that can be used before one that cannot."""
        rows = self.rows().where(
            Voucher.holder_id == customer_id, Voucher.campaign_id == campaign_id, Voucher.deleted_at.is_(None)
        )
        found: Voucher | None = await self.session.scalar(rows.order_by(Voucher.active.desc(), Voucher.id).limit(1))
        return found

    async def find_public(self, campaign_id: str) -> Voucher | None:
        """The one code of a STANDALONE campaign."""
        rows = self.rows().where(Voucher.campaign_id == campaign_id, Voucher.deleted_at.is_(None))
        found: Voucher | None = await self.session.scalar(rows.order_by(Voucher.id).limit(1))
        return found

    async def take(
        self, campaign_id: str, holder_id: str, count: int, *, now: datetime, expires_at: datetime | None
    ) -> Sequence[Voucher]:
        """Give up to `count` codes of the campaign's pool to the holder, the oldest first.

        Nobody waits: codes that another transaction is just giving away are passed over; no code is given twice.
        """
        picked = self.available(campaign_id, now).limit(count).with_for_update(skip_locked=True, of=Voucher)
        return await self._give(Voucher.id.in_(select(picked.cte("picked").c.id)), holder_id, now, expires_at)

    async def give(
        self, voucher_id: str, holder_id: str | None, *, now: datetime, expires_at: datetime | None
    ) -> Voucher | None:
        """Give one voucher, unless somebody holds it: then None. One without a holder is public and given many times.

        Waits for whoever is giving away the same voucher.
        """
        chosen = Voucher.id == voucher_id
        if holder_id is not None:
            chosen = and_(chosen, Voucher.publish_count == literal_column("0"))
        given = await self._give(chosen, holder_id, now, expires_at)
        return given[0] if given else None

    async def give_all(
        self, voucher_ids: Sequence[str], holder_id: str, *, now: datetime, expires_at: datetime | None
    ) -> Sequence[Voucher]:
        """Give vouchers that nobody else knows of yet."""
        return await self._give(Voucher.id.in_(voucher_ids), holder_id, now, expires_at)

    def available(self, campaign_id: str, now: datetime) -> Select[str]:
        """Ids of the active, unpublished codes that are still good for something, oldest first.

        Written so that the planner can only walk the partial index, however stale its statistics: a literal instead of
        a parameter, because a prepared statement must imply the index's condition; `< 1` and an order that begins with
        `publish_count`, which no other index has; a scalar subquery, which is never made into a join. A plan that reads
        the published codes first would take longer with every publication.
        """
        uses = (
            select(-Account.balance)
            .where(
                Account.project_id == Voucher.project_id,
                Account.owner_id == Voucher.id,
                Account.measure == "uses",
                Account.subject == "",
                Account.period == "",
            )
            .correlate(Voucher)
            .scalar_subquery()
        )
        return (
            select(Voucher.id)
            .where(
                Voucher.project_id == self.project_id,
                Voucher.campaign_id == campaign_id,
                Voucher.publish_count < literal_column("1"),
                Voucher.active,
                Voucher.deleted_at.is_(None),
                or_(Voucher.expiration_date.is_(None), Voucher.expiration_date > now),
                or_(Voucher.redemption_quantity.is_(None), func.coalesce(uses, 0) < Voucher.redemption_quantity),
            )
            .order_by(Voucher.publish_count, Voucher.id)
        )

    async def _give(
        self, chosen: ColumnElement[bool], holder_id: str | None, now: datetime, expires_at: datetime | None
    ) -> Sequence[Voucher]:
        given = (
            update(Voucher)
            .where(Voucher.project_id == self.project_id, chosen)
            .values(
                holder_id=holder_id,
                publish_count=Voucher.publish_count + 1,
                published_at=func.coalesce(Voucher.published_at, now),
                expiration_date=Voucher.expiration_date if expires_at is None else expires_at,
                updated_at=now,
            )
            .returning(Voucher)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        vouchers = (await self.session.scalars(given)).all()
        return sorted(vouchers, key=lambda voucher: voucher.id)
