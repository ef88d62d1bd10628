"""What publications tell the audit log and the outbox: ids and codes, never personal data."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.kit.outbox import announce
from app.kit.wire import format_instant
from app.models import Campaign, Publication, Voucher


def published(
    session: AsyncSession,
    caller: Caller,
    publication: Publication,
    campaign: Campaign | None,
    vouchers: Sequence[Voucher],
) -> None:
    """One `publication.succeeded`, and one `voucher.published` for each voucher. Whoever delivers looks up the rest."""
    shown = {
        "publication": {"id": publication.id, "object": "publication"},
        "customer": {"id": publication.customer_id, "object": "customer"},
        "campaign": {"id": campaign.id, "name": campaign.name, "object": "campaign"} if campaign else None,
        "created_at": format_instant(publication.created_at),
    }
    changes = {"customer_id": publication.customer_id, "vouchers": publication.voucher_codes}
    record(session, caller, "publication.created", "publication", publication.id, changes)
    vouchers_shown = [{"id": voucher.id, "code": voucher.code, "object": "voucher"} for voucher in vouchers]
    data = {**shown, "voucher": vouchers_shown[0]} if len(vouchers) == 1 else {**shown, "vouchers": vouchers_shown}
    announce(session, caller.project_id, "publication.succeeded", publication.id, data)
    for voucher, voucher_shown in zip(vouchers, vouchers_shown, strict=True):
        announce(session, caller.project_id, "voucher.published", voucher.id, {**shown, "voucher": voucher_shown})
