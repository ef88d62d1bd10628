"""What can be done with exports."""

import hmac
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from app.access.audit import record
from app.access.callers import Caller, ProjectView
from app.distribution.exports.errors import TooManyExports
from app.distribution.exports.objects import ExportedObject
from app.distribution.exports.repository import ExportRepository
from app.distribution.exports.rows import Reading
from app.distribution.exports.schemas import ExportList, ExportParameters, ExportQuery, ExportRead, ExportResult
from app.distribution.exports.writing import EXPORT
from app.incentives.campaigns.service import get_campaign
from app.incentives.vouchers.errors import VoucherNotFound
from app.incentives.vouchers.repository import VoucherRepository
from app.kit import clock
from app.kit.db import Database
from app.kit.errors import NotFound
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.jobs import enqueue
from app.models import Export

RESOURCE = "export"
KEPT_FOR = timedelta(hours=24)
MOST_KEPT = 100
_LOCK = 0x6578_706F
"""First half of the advisory lock pair; the second is the project."""


async def create(
    db: Database, caller: Caller, exported_object: ExportedObject, parameters: ExportParameters, **filters: str
) -> ExportRead:
    """Have the worker write a file. `filters` are attributes that must have exactly this value.

    Raises InvalidExportFields, InvalidExportFilters, TooManyExports.
    """
    asked = parameters.model_dump(exclude_none=True)
    if filters:
        own = {name: {"conditions": {"$is": [value]}} for name, value in filters.items()}
        asked["filters"] = {**asked.get("filters", {}), **own, "junction": "AND"}
    now = clock.now()
    Reading(exported_object, asked).check(When(now, caller.project.zone))
    export = Export(
        project_id=caller.project_id,
        id=new_id("exp"),
        exported_object=exported_object,
        parameters=asked,
        status="SCHEDULED",
        last_id=None,
        rows_count=0,
        chunks_count=0,
        user_login=caller.user_login,
        expires_at=now + KEPT_FOR,
        created_at=now,
        updated_at=None,
    )
    async with db.write() as session:
        exports = ExportRepository(session, caller.project_id)
        await exports.wait_for_others(_LOCK)
        if await exports.count() >= MOST_KEPT:
            raise TooManyExports(f"{MOST_KEPT} exports are kept, each for 24 hours.")
        session.add(export)
        record(session, caller, f"{RESOURCE}.created", RESOURCE, export.id, {"exported_object": exported_object})
        await session.flush()
        await enqueue(session, EXPORT, {"project_id": export.project_id, "export_id": export.id}, key=export.id)
    return _read(caller.project, export, "")


async def create_of_campaign(
    db: Database,
    caller: Caller,
    exported_object: ExportedObject,
    parameters: ExportParameters,
    name_or_id: str,
    *,
    of_type: str | None = None,
) -> ExportRead:
    """The same for what is of one campaign. Raises CampaignNotFound besides."""
    async with db.read() as session:
        campaign = await get_campaign(session, caller, name_or_id, of_type=of_type)
    return await create(db, caller, exported_object, parameters, campaign_id=campaign.id)


async def create_of_card(
    db: Database,
    caller: Caller,
    parameters: ExportParameters,
    code: str,
    *,
    of_type: str | None = None,
    campaign: str | None = None,
) -> ExportRead:
    """The same for the transactions of one gift card or loyalty card.

    Raises VoucherNotFound, CampaignNotFound besides.
    """
    async with db.read() as session:
        named = None if campaign is None else await get_campaign(session, caller, campaign)
        case_sensitive = caller.project.case_sensitive_codes
        found = await VoucherRepository(session, caller.project_id, case_sensitive=case_sensitive).find_by_code(code)
    card = None if found is None else found[0]
    if card is None or of_type not in (None, card.type) or (named is not None and card.campaign_id != named.id):
        raise VoucherNotFound(code)
    return await create(db, caller, "voucher_transactions", parameters, voucher_id=card.id)


async def get(db: Database, caller: Caller, export_id: str, base_url: str) -> ExportRead:
    """Raises NotFound."""
    async with db.read() as session:
        export = await ExportRepository(session, caller.project_id).find(export_id)
    if export is None:
        raise NotFound(RESOURCE, export_id)
    return _read(caller.project, export, base_url)


async def search(db: Database, caller: Caller, query: ExportQuery, base_url: str) -> ExportList:
    async with db.read() as session:
        exports = ExportRepository(session, caller.project_id)
        found = await exports.page(query.order, query.page, query.limit)
        total = await exports.count()
    return ExportList(exports=[_read(caller.project, export, base_url) for export in found], total=total)


async def delete(db: Database, caller: Caller, export_id: str) -> None:
    """Raises NotFound."""
    async with db.write() as session:
        if not await ExportRepository(session, caller.project_id).remove([export_id]):
            raise NotFound(RESOURCE, export_id)
        record(session, caller, f"{RESOURCE}.deleted", RESOURCE, export_id)


async def download(db: Database, caller: Caller, export_id: str, token: str) -> AsyncIterator[str]:
    """The file, in pieces that are read as they are sent. Raises NotFound: also before it is done."""
    async with db.read() as session:
        export = await ExportRepository(session, caller.project_id).find(export_id)
    is_right = hmac.compare_digest(token.encode(), token_of(caller.project, export_id).encode())
    if export is None or export.status != "DONE" or not is_right:
        raise NotFound(RESOURCE, export_id)
    return _pieces(db, caller.project_id, export)


async def _pieces(db: Database, project_id: int, export: Export) -> AsyncIterator[str]:
    for position in range(export.chunks_count):
        async with db.read() as session:
            piece = await ExportRepository(session, project_id).chunk(export.id, position)
        if piece is None:
            raise NotFound(
                RESOURCE, export.id
            )  # deleted meanwhile: the connection is closed, for the file is not whole
        yield piece


def token_of(project: ProjectView, export_id: str) -> str:
    """What the address of the file has in it, so that it cannot be made up from the id."""
    return hmac.digest(project.identity_key, f"export:{export_id}".encode(), "sha256").hex()


def _read(project: ProjectView, export: Export, base_url: str) -> ExportRead:
    url = f"{base_url}v1/exports/{export.id}?token={token_of(project, export.id)}"
    members: dict[str, Any] = {"status": export.status, "exported_object": export.exported_object}
    return ExportRead(
        id=export.id,
        created_at=export.created_at,
        result=ExportResult(url=url) if export.status == "DONE" else None,
        user_id=export.user_login,
        parameters=export.parameters,
        **members,
    )
