"""Who holds a referral code: its referrer, and those who were referred by it."""

from typing import Any, ClassVar

from sqlalchemy import Text, cast, func, literal, literal_column, select, union_all
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.incentives.wallets.queries import HOLDER, VOUCHER
from app.kit.conditions import Filterable
from app.kit.filters import When, moment, text
from app.kit.lists import CursorQuery
from app.models import Referral, Voucher

ROLES = ("REFERRER", "REFEREE")

_referrer = select(
    Voucher.project_id,
    (literal(HOLDER) + func.substr(Voucher.id, len(VOUCHER) + 1)).label("id"),
    Voucher.id.label("voucher_id"),
    Voucher.holder_id.label("customer_id"),
    cast(literal("REFERRER"), Text).label("role"),
    func.coalesce(Voucher.published_at, Voucher.created_at).label("created_at"),
    cast(literal_column("'{}'"), JSONB).label("metadata"),
).where(Voucher.holder_id.is_not(None))
_referees = select(
    Referral.project_id,
    Referral.id,
    Referral.voucher_id,
    Referral.referee_id.label("customer_id"),
    cast(literal("REFEREE"), Text).label("role"),
    Referral.created_at,
    Referral.referral_metadata.label("metadata"),
).where(Referral.status != "REJECTED")
holders = union_all(_referrer, _referees).subquery("holders")
"""All holders of referral codes there are: to be narrowed to one project and voucher, which finds them by index."""


class HolderQuery(CursorQuery):
    filterable: ClassVar = Filterable(
        {
            "id": text(holders.c.id),
            "created_at": moment(holders.c.created_at),
            "holder_role": text(holders.c.role, ROLES),
            "customer_id": text(holders.c.customer_id),
        }
    )


async def fetch_holders(
    session: AsyncSession, project_id: int, voucher_id: str, query: HolderQuery, when: When
) -> tuple[list[Any], int, bool]:
    """The holders that `query` asks for as rows, how many match in all, and whether more follow.

    Raises InvalidQuery.
    """
    matching = select(holders).where(
        holders.c.project_id == project_id, holders.c.voucher_id == voucher_id, *query.where(when)
    )
    total = await session.scalar(matching.with_only_columns(func.count()))
    following = matching
    is_descending = query.order == "-id"
    if query.starting_after_id is not None:
        cursor = query.starting_after_id
        following = following.where(holders.c.id < cursor if is_descending else holders.c.id > cursor)
    order_by = holders.c.id.desc() if is_descending else holders.c.id
    rows = (await session.execute(following.order_by(order_by).limit(query.limit + 1))).all()
    return list(rows[: query.limit]), total or 0, len(rows) > query.limit
