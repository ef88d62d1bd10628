"""Use cases of the holders of referral codes, one transaction each."""

from typing import Any

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from app.access.audit import record
from app.access.callers import Caller
from app.commerce.customers import profiles
from app.incentives.referrals.codes import get_member
from app.incentives.referrals.errors import (
    HolderDuplicated,
    HolderNotFound,
    NotPublished,
    ReferralInUse,
    ReferrerStays,
    SelfReferral,
)
from app.incentives.referrals.events import holder_event
from app.incentives.referrals.holder_queries import HolderQuery, fetch_holders
from app.incentives.referrals.holder_schemas import HoldersAdd
from app.incentives.referrals.repository import ReferralRepository
from app.incentives.referrals.steps import reject
from app.incentives.wallets.queries import HOLDER
from app.kit import clock
from app.kit.db import Database
from app.kit.filters import When
from app.kit.ids import new_id
from app.kit.wire import format_instant
from app.models import Referral, Voucher

Wire = dict[str, Any]


async def add(db: Database, caller: Caller, member: str, body: HoldersAdd, campaign: str | None = None) -> list[Wire]:
    """Name customers as referees of a code: they count as referred once they convert.

    Raises MemberNotFound, NotPublished, HolderDuplicated, SelfReferral; NotFound for an unknown customer id.
    """
    now = clock.now()
    async with db.write() as session:
        voucher, program = await get_member(session, caller.project, member, campaign)
        if voucher.holder_id is None:
            raise NotPublished(voucher.code)
        referrals = ReferralRepository(session, caller.project_id)
        added: list[Referral] = []
        for given in body.holders:
            customer = await profiles.upsert(session, caller, given, now)
            if customer.id == voucher.holder_id:
                raise SelfReferral(voucher.code)
            if await referrals.of_code(voucher.id, customer.id) is not None:
                raise HolderDuplicated(customer.id)
            referral = Referral(
                project_id=caller.project_id,
                id=new_id("rf"),
                campaign_id=program.id,
                voucher_id=voucher.id,
                referrer_id=voucher.holder_id,
                referee_id=customer.id,
                status="INVITED",
                source="holders",
                rewards=[],
                referral_metadata=body.metadata,
                created_at=now,
            )
            try:
                async with session.begin_nested():
                    session.add(referral)
            except IntegrityError as error:  # another request has just named the same customer
                raise HolderDuplicated(customer.id) from error
            added.append(referral)
        ids = {"holders": [referral.id for referral in added]}
        record(session, caller, "referral.holders.added", "voucher", voucher.id, ids)
        for referral in added:
            holder_event(session, "created", referral)
    return [_referee_read(referral) for referral in added]


async def search(db: Database, caller: Caller, member: str, query: HolderQuery, campaign: str | None = None) -> Wire:
    """The referrer and the referees of a code. Raises MemberNotFound, InvalidQuery."""
    async with db.read() as session:
        voucher, program = await get_member(session, caller.project, member, campaign)
        when = When(clock.now(), caller.project.zone)
        rows, total, has_more = await fetch_holders(session, caller.project_id, voucher.id, query, when)
    data = [
        _holder_read(row.id, voucher.id, row.customer_id, row.role, program.id, row.created_at, row.metadata)
        for row in rows
    ]
    answer: Wire = {"object": "list", "data_ref": "data", "data": data, "total": total, "has_more": has_more}
    return answer | ({"more_starting_after": data[-1]["id"]} if has_more else {})


async def remove(db: Database, caller: Caller, member: str, holder_id: str, campaign: str | None = None) -> None:
    """Take a referee off a code: nobody is rewarded for them, and others may refer them again.

    Raises MemberNotFound, HolderNotFound, ReferrerStays, ReferralInUse.
    """
    now = clock.now()
    async with db.write() as session:
        voucher, _ = await get_member(session, caller.project, member, campaign)
        if holder_id.startswith(HOLDER):
            raise _of_referrer(voucher, holder_id)
        referral = await ReferralRepository(session, caller.project_id).find(holder_id)
        if referral is None or referral.voucher_id != voucher.id or referral.status == "REJECTED":
            raise HolderNotFound(holder_id)
        if referral.status == "INVITED":
            await session.execute(
                delete(Referral).where(Referral.project_id == referral.project_id, Referral.id == referral.id)
            )
        elif await reject(session, caller.project, referral, "withdrawn", now) is None:
            raise ReferralInUse(referral.id)
        record(session, caller, "referral.holder.removed", "voucher", voucher.id, {"holder": holder_id})
        holder_event(session, "deleted", referral)


def _of_referrer(voucher: Voucher, holder_id: str) -> Exception:
    is_referrer = voucher.holder_id is not None and holder_id == HOLDER + voucher.id.removeprefix("v_")
    return ReferrerStays(holder_id) if is_referrer else HolderNotFound(holder_id)


def _referee_read(referral: Referral) -> Wire:
    return _holder_read(
        referral.id,
        referral.voucher_id,
        referral.referee_id,
        "REFEREE",
        referral.campaign_id,
        referral.created_at,
        referral.referral_metadata,
    )


def _holder_read(
    holder_id: str, voucher_id: str, customer_id: str, role: str, campaign_id: str, created_at: Any, metadata: Wire
) -> Wire:
    return {
        "id": holder_id,
        "created_at": format_instant(created_at),
        "redeemable_id": voucher_id,
        "redeemable_object": "voucher",
        "customer_id": customer_id,
        "holder_role": role,
        "campaign_id": campaign_id,
        "campaign_type": "REFERRAL_PROGRAM",
        "voucher_type": "DISCOUNT_VOUCHER",
        "metadata": metadata,
        "object": "redeemable_holder",
    }
