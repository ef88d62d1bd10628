"""SQL of entries, always inside one project."""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import Select, select

from app.engine.postings import VALUE_MEASURES, AccountKey
from app.incentives.balances.schemas import TransactionQuery
from app.kit.filters import When
from app.kit.lists import Slice, fetch_slice
from app.kit.repository import Repository
from app.models import Entry, Order, Redemption, Refund


class Purchase(NamedTuple):
    """What a redemption was for: its rollback if there is one, and its order. For a refund, what was refunded."""

    redemption_id: str
    rollback_id: str | None
    order_id: str | None
    order_source_id: str | None


class EntryRepository(Repository[Entry]):
    """Entries of value accounts. What an account was opened with is no transaction and in none of the lists."""

    model: ClassVar = Entry

    def transactions(self) -> Select[Entry]:
        return self.rows().where(Entry.cause_type != "opening")

    def of(self, account: AccountKey) -> Select[Entry]:
        return self.transactions().where(
            Entry.owner_id == account.owner_id,
            Entry.measure == account.measure,
            Entry.subject == account.subject,
            Entry.period == account.period,
        )

    async def adjustment(self, account: AccountKey, source_id: str) -> Entry | None:
        """The change by hand that the caller named so."""
        named = self.of(account).where(Entry.cause_type == "adjustment", Entry.cause_id == source_id)
        entry: Entry | None = await self.session.scalar(named)
        return entry

    async def slice_of(self, account: AccountKey, query: TransactionQuery, when: When) -> Slice[Entry]:
        """The transactions of one account in the sequence of its entries, of which ids tell only nearly."""
        rows, is_descending = self.of(account).where(*query.where(when)), query.order == "-id"
        if query.starting_after_id is not None:
            cursor = self.of(account).where(Entry.id == query.starting_after_id)
            position = cursor.with_only_columns(Entry.position).scalar_subquery()
            rows = rows.where(Entry.position < position if is_descending else Entry.position > position)
        order_by = Entry.position.desc() if is_descending else Entry.position
        found = list(await self.session.scalars(rows.order_by(order_by).limit(query.limit + 1)))
        page, has_more = found[: query.limit], len(found) > query.limit
        return Slice(page, has_more, page[-1].id if has_more else None)

    async def slice_of_campaign(self, campaign_id: str, query: TransactionQuery, when: When) -> Slice[Entry]:
        """The transactions of all vouchers of a campaign, by id."""
        return await fetch_slice(self.session, self.transactions().where(Entry.campaign_id == campaign_id), query, when)

    async def of_redemptions(self, owner_ids: Collection[str], redemption_ids: Collection[str]) -> Sequence[Entry]:
        """What these redemptions moved in the accounts of these vouchers and rewards, and what was given for them."""
        if not redemption_ids:
            return []
        rows = self.rows().where(
            Entry.owner_id.in_(owner_ids),
            Entry.measure.in_(VALUE_MEASURES),
            Entry.subject == "",
            Entry.period == "",
            Entry.cause_type.in_(("redemption", "reward")),
            Entry.cause_id.in_(redemption_ids),
        )
        return (await self.session.scalars(rows.order_by(Entry.owner_id))).all()

    async def purchases(self, redemption_ids: Collection[str]) -> dict[str, Purchase]:
        """What these redemptions were for."""
        if not redemption_ids:
            return {}
        rollback = (
            select(Redemption.redemption_id, Redemption.id)
            .where(
                Redemption.project_id == self.project_id,
                Redemption.redemption_id.in_(redemption_ids),
                Redemption.object == "redemption_rollback",
                Redemption.result == "SUCCESS",
            )
            .subquery()
        )
        rows: Sequence[Any] = (
            await self.session.execute(
                select(Redemption.id, rollback.c.id, Order.id, Order.source_id)
                .outerjoin(rollback, rollback.c.redemption_id == Redemption.id)
                .outerjoin(Order, (Order.project_id == Redemption.project_id) & (Order.id == Redemption.order_id))
                .where(Redemption.project_id == self.project_id, Redemption.id.in_(redemption_ids))
            )
        ).all()
        return {purchase[0]: Purchase(*purchase) for purchase in rows}

    async def refunded(self, refund_ids: Collection[str]) -> dict[str, Purchase]:
        """What these refunds were made for, by refund."""
        if not refund_ids:
            return {}
        rows = (
            select(Refund.id, Refund.redemption_id, Order.id, Order.source_id)
            .join(Order, (Order.project_id == Refund.project_id) & (Order.id == Refund.order_id))
            .where(Refund.project_id == self.project_id, Refund.id.in_(refund_ids))
        )
        found: Sequence[Any] = (await self.session.execute(rows)).all()
        return {refund_id: Purchase(redemption_id, None, *order) for refund_id, redemption_id, *order in found}
