"""Use cases of the support desk, one transaction each."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.commerce.customers.rendering import customer_read
from app.commerce.customers.repository import CustomerRepository
from app.commerce.customers.summaries import load_summaries
from app.distribution.goodwill.assets import assets_of, is_signed, qr_png
from app.distribution.goodwill.errors import BudgetExceeded, GoodwillNotFound, GoodwillUsed
from app.distribution.goodwill.giving import Given, Terms, give, take_back, terms_of
from app.distribution.goodwill.rendering import attempt_read, goodwill_read, listed, read_all
from app.distribution.goodwill.repository import GoodwillRepository
from app.distribution.goodwill.schemas import (
    GoodwillCreate,
    GoodwillHistory,
    GoodwillQuery,
    GoodwillRead,
    RefusedAttempts,
)
from app.distribution.goodwill.worth import text_for
from app.distribution.goodwill_settings.budgets import budgets_read
from app.distribution.goodwill_settings.schemas import BudgetRead
from app.incentives.vouchers import events as voucher_events
from app.incentives.vouchers.service import read_all as read_vouchers
from app.incentives.vouchers.standing import UNTOUCHED, Standing, standings
from app.incentives.wallets.queries import WalletQuery
from app.incentives.wallets.service import wallet_of
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.filters import When
from app.kit.lists import Slice, fetch_slice
from app.ledger.errors import RanOut
from app.models import Goodwill, Project, Voucher

MOST_GUESTS = 50
"""Of the customers who share a mail address, so many are looked at."""


async def create(db: Database, caller: Caller, body: GoodwillCreate, base_url: str) -> dict[str, Any]:
    """Give something to a customer; a GoodwillGiven in JSON values. Nothing is kept of what no budget has room for.

    Raises ReasonNotFound, ReasonInactive, BudgetMissing, BudgetExceeded, NotFound (customer), InvalidPayload,
    MetadataValidationFailed.
    """
    now = clock.now()
    try:
        async with db.write() as session:
            terms = await terms_of(session, caller, body.reason)
            given = await give(session, caller, body, terms, now)
            voucher = (await read_vouchers(session, caller, [(given.voucher, None)]))[0]
            voucher_events.changed(session, caller, "created", voucher, None, {"goodwill_id": given.goodwill.id})
            project = await session.get_one(Project, caller.project_id)
    except RanOut as refusal:
        raise await _exceeded(db, caller, body, terms, refusal) from None
    shown: dict[str, Any] = goodwill_read(given.goodwill, given.voucher, UNTOUCHED, now).model_dump(mode="json")
    assets = assets_of(base_url, project.public_id, project.webhook_token, given.voucher.id)
    return {
        **shown,
        "voucher": voucher,
        "text": _text(caller, body, terms, given),
        "assets": assets.model_dump(mode="json"),
    }


async def cancel(db: Database, caller: Caller, goodwill_id: str) -> GoodwillRead:
    """Disable a code that was not used and give the budgets back what it took from them, once; when this returns, no
    redemption that thinks otherwise is recorded any more. What was cancelled before stays so.

    Raises GoodwillNotFound, GoodwillUsed.
    """
    now = clock.now()
    async with db.write() as session:
        await change_configuration(session, caller.project_id)
        goodwill = await GoodwillRepository(session, caller.project_id).find_locked(goodwill_id)
        if goodwill is None:
            raise GoodwillNotFound(goodwill_id)
        voucher = await session.get(Voucher, (caller.project_id, goodwill.voucher_id))
        standing = (await standings(session, caller.project_id, [goodwill.voucher_id]))[goodwill.voucher_id]
        if goodwill.cancelled_at is None:
            if _was_used(standing):
                raise GoodwillUsed(goodwill.id, goodwill.code)
            if voucher is not None and voucher.active and voucher.deleted_at is None:
                voucher.active, voucher.updated_at = False, now
                shown = (await read_vouchers(session, caller, [(voucher, None)]))[0]
                voucher_events.changed(session, caller, "disabled", shown, None, {"goodwill_id": goodwill.id})
            await take_back(session, caller, goodwill, now)
    return goodwill_read(goodwill, voucher, standing, now)


async def get(db: Database, caller: Caller, goodwill_id: str) -> GoodwillRead:
    """Raises GoodwillNotFound."""
    async with db.read() as session:
        goodwill = await GoodwillRepository(session, caller.project_id).find(goodwill_id)
        if goodwill is None:
            raise GoodwillNotFound(goodwill_id)
        return (await read_all(session, caller.project_id, [goodwill], clock.now()))[0]


async def search(db: Database, caller: Caller, query: GoodwillQuery) -> tuple[list[GoodwillRead], Slice[Goodwill]]:
    """What the query asks for, as it is answered and as it was found. Raises InvalidQuery."""
    now = clock.now()
    async with db.read() as session:
        rows = GoodwillRepository(session, caller.project_id).rows()
        found = await fetch_slice(session, rows, query, When(now, caller.project.zone))
        return await read_all(session, caller.project_id, found.rows, now), found


async def customer(db: Database, caller: Caller, reference: str, limit: int) -> dict[str, Any]:
    """A SupportCustomer in JSON values: what they were given, hold and were refused, at most `limit` of each. What
    happened to them as a guest with the same mail address is theirs, too.

    Raises NotFound.
    """
    async with db.read() as session:
        customers = CustomerRepository(session, caller.project_id)
        known = await customers.get(reference)
        ids = await customers.same_mailbox(known, MOST_GUESTS)
        summaries = await load_summaries(session, caller.project_id, [known.id])
        goodwill = GoodwillRepository(session, caller.project_id)
        given = await goodwill.given_to(ids, limit + 1)
        shown = await read_all(session, caller.project_id, given, clock.now())
        refused = [attempt_read(row) for row in await goodwill.refused_attempts(ids, limit + 1)]
        wallet = await wallet_of(session, caller, known.id, WalletQuery(limit=limit))
    return {
        "customer": customer_read(known, summaries[known.id]).model_dump(mode="json"),
        "goodwill": GoodwillHistory(**listed(shown, limit)).model_dump(mode="json"),
        "wallet": {name: wallet[name] for name in ("object", "data_ref", "data", "total", "has_more")},
        "refused_attempts": RefusedAttempts(**listed(refused, limit)).model_dump(mode="json"),
        "object": "support_customer",
    }


async def picture(db: Database, project_id: str, voucher_id: str, signature: str) -> bytes:
    """The QR code of a voucher as PNG, for whoever has the address.

    Raises NotFound, also for a signature that is not right: it is not said what is missing.
    """
    async with db.read() as session:
        code = await _signed_code(session, project_id, voucher_id, signature)
    if code is None:
        raise NotFound("asset", f"qr_{voucher_id}")
    return qr_png(code)


async def _signed_code(session: AsyncSession, project_id: str, voucher_id: str, signature: str) -> str | None:
    project = await session.scalar(select(Project).where(Project.public_id == project_id))
    if project is None or not is_signed(signature, project.webhook_token, voucher_id):
        return None
    code: str | None = await session.scalar(
        select(Voucher.code).where(
            Voucher.project_id == project.id, Voucher.id == voucher_id, Voucher.deleted_at.is_(None)
        )
    )
    return code


def _was_used(standing: Standing) -> bool:
    return standing.uses > 0 or (standing.holdings is not None and standing.holdings.redeemed_amount > 0)


def _text(caller: Caller, body: GoodwillCreate, terms: Terms, given: Given) -> str:
    ends_at = given.voucher.expiration_date
    assert ends_at is not None  # all that support gives ends
    return text_for(
        body,
        terms.message,
        code=given.voucher.code,
        ends_at=ends_at,
        customer_name=given.customer.name,
        zone=caller.project.zone,
        currency=caller.project.currency,
    )


async def _exceeded(
    db: Database, caller: Caller, body: GoodwillCreate, terms: Terms, refusal: RanOut
) -> BudgetExceeded:
    """The error to raise, with what the budget that ran out has left at this moment."""
    of_reason = any(name.startswith(f"{terms.reason_id}/") for name in refusal.accounts.split())
    owner_id, budget = (terms.reason_id, terms.reason_budget) if of_reason else (caller.api_key_id, terms.key_budget)
    async with db.read() as session:
        zone = caller.project.zone
        left = (await budgets_read(session, caller.project_id, {owner_id: budget}, clock.now(), zone))[owner_id]
    assert left is not None  # an account without budget does not run out
    whose = f"the reason {terms.reason}" if of_reason else "this key"
    return BudgetExceeded(
        _sentence(whose, body.amount, left),
        resource_id=terms.reason if of_reason else caller.api_key_id,
        resource_type="goodwill_reason" if of_reason else "api_key",
    )


def _sentence(whose: str, amount: int, left: BudgetRead) -> str:
    span = "" if left.period == "total" else f" of this {left.period}"
    return (
        f"{amount} minor units are more than {whose} may give: of the {left.amount}{span}, {left.left_amount} are left."
    )
