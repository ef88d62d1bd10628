"""Looking up what was redeemed and taken back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.decisions.redemptions.listing import RedemptionQuery, redemptions_of
from app.decisions.redemptions.rendering import redemption_read, simple_customer
from app.decisions.redemptions.repository import RedemptionRepository
from app.decisions.rendering import Wire
from app.incentives.promotions.creation import read_tiers
from app.incentives.promotions.repository import PromotionTierRepository
from app.incentives.vouchers.errors import VoucherNotFound
from app.incentives.vouchers.rendering import Categories, categories_of, voucher_read
from app.incentives.vouchers.repository import VoucherRepository
from app.incentives.vouchers.standing import standings
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.filters import When
from app.kit.lists import fetch_page
from app.kit.wire import format_instant
from app.models import Redemption

MOST_ENTRIES = 100


async def get(db: Database, caller: Caller, redemption_id: str) -> Wire:
    """One redemption or rollback. Raises NotFound."""
    async with db.read() as session:
        row = await RedemptionRepository(session, caller.project_id).find(redemption_id)
        if row is None:
            raise NotFound("redemption", redemption_id)
        return (await read_all(session, caller.project_id, [row]))[0]


async def search(db: Database, caller: Caller, query: RedemptionQuery) -> Wire:
    """A page of redemptions and rollbacks. Raises InvalidQuery."""
    async with db.read() as session:
        rows = redemptions_of(caller.project_id, query)
        page = await fetch_page(session, rows, query, When(clock.now(), caller.project.zone))
        shown = await read_all(session, caller.project_id, page.rows)
    return {"object": "list", "data_ref": "redemptions", "redemptions": shown, "total": page.total}


async def of_voucher(db: Database, caller: Caller, code: str) -> Wire:
    """How often a voucher was redeemed, and its newest redemptions and rollbacks. Raises VoucherNotFound."""
    project = caller.project
    async with db.read() as session:
        vouchers = VoucherRepository(session, project.id, case_sensitive=project.case_sensitive_codes)
        found = await vouchers.find_by_code(code)
        if found is None:
            raise VoucherNotFound(code)
        voucher, _ = found
        standing = (await standings(session, project.id, [voucher.id]))[voucher.id]
        rows = RedemptionRepository(session, project.id)
        total = await rows.count_of(voucher.id)
        shown = await read_all(session, project.id, await rows.newest_of(voucher.id, MOST_ENTRIES))
    return {
        "object": "list",
        "quantity": voucher.redemption_quantity,
        "redeemed_quantity": standing.uses,
        "url": f"/v1/vouchers/{quote(voucher.code, safe='')}/redemption",
        "data_ref": "redemption_entries",
        "total": total,
        "redemption_entries": shown,
    }


async def read_all(session: AsyncSession, project_id: int, rows: Sequence[Redemption]) -> list[Wire]:
    """Stored redemptions as answers, with vouchers, promotion tiers and customers as they are now; a fixed number of
    statements."""
    repository = RedemptionRepository(session, project_id)
    customers = await repository.customers({row.customer_id for row in rows if row.customer_id})
    given = {row.id: given_voucher_id(row) for row in rows if row.reward is not None}
    vouchers = await repository.vouchers({row.related_object_id for row in rows} | {*filter(None, given.values())})
    pairs = [(voucher, campaign) for voucher, campaign, _ in vouchers.values()]
    categories = await categories_of(session, project_id, pairs)
    tiers = await _tiers(session, project_id, rows)
    related = _related(await repository.related_to({row.id for row in rows}))
    shown = {customer_id: simple_customer(columns_of(customer)) for customer_id, customer in customers.items()}
    answers = []
    for row in rows:
        voucher = None
        if row.related_object_id in vouchers:
            voucher = voucher_read(*vouchers[row.related_object_id], categories=categories)
            if voucher.get("holder_id") is not None and voucher["holder_id"] == row.customer_id in shown:
                voucher["holder"] = shown[row.customer_id]
        answers.append(
            redemption_read(
                columns_of(row),
                customer=shown.get(row.customer_id or ""),
                voucher=voucher,
                tier=tiers.get(row.related_object_id),
                related=related.get(row.id),
                reward_voucher=_shown(vouchers, given.get(row.id), categories),
            )
        )
    return answers


def given_voucher_id(row: Redemption) -> str | None:
    """The coupon or card that the reward of this redemption put something on."""
    found: str | None = (row.reward or {}).get("given", {}).get("voucher_id")
    return found


def _shown(vouchers: Mapping[str, Any], voucher_id: str | None, categories: Categories) -> Wire | None:
    found = vouchers.get(voucher_id or "")
    return None if found is None else voucher_read(*found, categories=categories)


async def _tiers(session: AsyncSession, project_id: int, rows: Sequence[Redemption]) -> dict[str, Wire]:
    """The promotion tiers, deleted ones included, of which these are redemptions; no statement for none."""
    ids = {row.related_object_id for row in rows if row.related_object_type == "promotion_tier"}
    found = await PromotionTierRepository(session, project_id).with_campaigns(ids)
    return {tier["id"]: tier for tier in await read_tiers(session, project_id, list(found.values()))}


def columns_of(row: Any) -> Mapping[str, Any]:
    """A row by column name."""
    return {attribute.columns[0].name: getattr(row, attribute.key) for attribute in type(row).__mapper__.column_attrs}


def _related(rows: Iterable[Redemption]) -> dict[str, Wire]:
    """The contract's `related_redemptions` by redemption: parts of a stack, and rollbacks."""
    related: dict[str, Wire] = {}
    for row in rows:
        entry = {"id": row.id, "date": format_instant(row.created_at)}
        if row.object == "redemption":
            related.setdefault(row.parent_id or "", {}).setdefault("redemptions", []).append(entry)
        else:
            related.setdefault(row.redemption_id or "", {}).setdefault("rollbacks", []).append(entry)
    return related
