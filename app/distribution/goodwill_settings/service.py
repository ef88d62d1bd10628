"""Use cases of reasons and budgets, one transaction each."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.distribution.goodwill_settings.budgets import Budget, budget_of_key, budget_of_reason, budgets_read
from app.distribution.goodwill_settings.errors import ReasonKeyTaken, ReasonNotFound, TooManyReasons
from app.distribution.goodwill_settings.repository import BudgetRepository, ReasonRepository
from app.distribution.goodwill_settings.schemas import (
    BudgetIn,
    KeyBudgetRead,
    ReasonCreate,
    ReasonRead,
    ReasonUpdate,
    period_named,
)
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.ids import new_id
from app.models import GoodwillBudget, GoodwillReason

MOST_REASONS = 100


async def create_reason(db: Database, caller: Caller, body: ReasonCreate) -> ReasonRead:
    """Raises ReasonKeyTaken, TooManyReasons."""
    reason = GoodwillReason(
        project_id=caller.project_id,
        id=new_id("gwr"),
        key=body.key,
        name=body.name,
        active=body.active,
        **_budget_columns(body.budget),
        valid_days=body.valid_days,
        message=body.message,
        created_at=clock.now(),
        updated_at=None,
    )
    async with db.write() as session:
        if await ReasonRepository(session, caller.project_id).wait_for_room() >= MOST_REASONS:
            raise TooManyReasons(MOST_REASONS)
        session.add(reason)
        try:
            await session.flush()
        except IntegrityError as error:
            raise ReasonKeyTaken(body.key) from error
        record(session, caller, "goodwill_reason.created", "goodwill_reason", reason.id, body.model_dump(mode="json"))
        return (await _read(session, caller, [reason]))[0]


async def list_reasons(db: Database, caller: Caller, *, only_active: bool = False) -> list[ReasonRead]:
    """The catalogue by key, with what is left of each budget."""
    async with db.read() as session:
        rows = ReasonRepository(session, caller.project_id).rows().order_by(GoodwillReason.key)
        if only_active:
            rows = rows.where(GoodwillReason.active)
        return await _read(session, caller, (await session.scalars(rows)).all())


async def get_reason(db: Database, caller: Caller, key: str) -> ReasonRead:
    """Raises ReasonNotFound."""
    async with db.read() as session:
        return (await _read(session, caller, [await _get(session, caller, key)]))[0]


async def update_reason(db: Database, caller: Caller, key: str, body: ReasonUpdate) -> ReasonRead:
    """Change what was sent; null brings back the default. Raises ReasonNotFound."""
    changes = body.changes()
    async with db.write() as session:
        reason = await _get(session, caller, key)
        for name, value in _columns(changes).items():
            setattr(reason, name, value)
        reason.updated_at = clock.now()
        shown = body.model_dump(mode="json", include=set(changes))
        record(session, caller, "goodwill_reason.updated", "goodwill_reason", reason.id, shown)
        return (await _read(session, caller, [reason]))[0]


async def delete_reason(db: Database, caller: Caller, key: str) -> None:
    """Take the reason out of the catalogue. What was given for it stays. Raises ReasonNotFound."""
    async with db.write() as session:
        reason = await _get(session, caller, key)
        await session.delete(reason)
        record(session, caller, "goodwill_reason.deleted", "goodwill_reason", reason.id, {"key": key})


async def get_budget(db: Database, caller: Caller, api_key_id: str) -> KeyBudgetRead:
    """What the key may give away. Raises NotFound for a key that is not one of the project's server keys."""
    async with db.read() as session:
        await _require_key(session, caller, api_key_id)
        row = await BudgetRepository(session, caller.project_id).find(api_key_id)
        return await _read_of_key(session, caller, api_key_id, budget_of_key(row))


async def set_budget(db: Database, caller: Caller, api_key_id: str, body: BudgetIn) -> KeyBudgetRead:
    """Let the key give away so much from now on; what it gave in this period counts. Raises NotFound."""
    row = GoodwillBudget(
        project_id=caller.project_id,
        id=api_key_id,
        amount=body.amount,
        period=period_named(body.period),
        updated_at=clock.now(),
    )
    async with db.write() as session:
        await _require_key(session, caller, api_key_id)
        await BudgetRepository(session, caller.project_id).put(row)
        record(session, caller, "goodwill_budget.updated", "api_key", api_key_id, body.model_dump(mode="json"))
        return await _read_of_key(session, caller, api_key_id, budget_of_key(row))


async def remove_budget(db: Database, caller: Caller, api_key_id: str) -> None:
    """Take the key's budget away: a support key may then give nothing. Raises NotFound."""
    async with db.write() as session:
        await _require_key(session, caller, api_key_id)
        await BudgetRepository(session, caller.project_id).remove(api_key_id)
        record(session, caller, "goodwill_budget.deleted", "api_key", api_key_id)


async def _get(session: AsyncSession, caller: Caller, key: str) -> GoodwillReason:
    reason = await ReasonRepository(session, caller.project_id).find_by_key(key)
    if reason is None:
        raise ReasonNotFound(key)
    return reason


async def _require_key(session: AsyncSession, caller: Caller, api_key_id: str) -> None:
    if not await BudgetRepository(session, caller.project_id).has_key(api_key_id):
        raise NotFound("api_key", api_key_id)


def _budget_columns(budget: BudgetIn | None) -> dict[str, Any]:
    return {
        "budget_amount": None if budget is None else budget.amount,
        "budget_period": "" if budget is None else period_named(budget.period),
    }


def _columns(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that an update sets."""
    columns = {name: value for name, value in changes.items() if name not in ("budget", "name") or value is not None}
    for name in ("active", "valid_days"):
        if name in columns and columns[name] is None:
            columns[name] = ReasonCreate.model_fields[name].default
    columns.pop("budget", None)
    return columns | (_budget_columns(changes["budget"]) if "budget" in changes else {})


async def _read(session: AsyncSession, caller: Caller, reasons: Sequence[GoodwillReason]) -> list[ReasonRead]:
    budgets: dict[str, Budget | None] = {reason.id: budget_of_reason(reason) for reason in reasons}
    shown = await budgets_read(session, caller.project_id, budgets, clock.now(), caller.project.zone)
    return [
        ReasonRead(
            id=reason.id,
            key=reason.key,
            name=reason.name,
            active=reason.active,
            budget=shown[reason.id],
            valid_days=reason.valid_days,
            message=reason.message,
            created_at=reason.created_at,
            updated_at=reason.updated_at,
        )
        for reason in reasons
    ]


async def _read_of_key(session: AsyncSession, caller: Caller, api_key_id: str, budget: Budget | None) -> KeyBudgetRead:
    shown = await budgets_read(session, caller.project_id, {api_key_id: budget}, clock.now(), caller.project.zone)
    return KeyBudgetRead(api_key_id=api_key_id, budget=shown[api_key_id])
