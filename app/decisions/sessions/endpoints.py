"""Giving back what a session holds."""

from typing import Annotated

from fastapi import Path

from app.access.authentication import requires
from app.access.callers import Caller
from app.decisions.sessions import service
from app.kit.http import Db, Router

router = Router(tags=["validations"])
Writer = Annotated[Caller, requires("validations:write")]
SessionKey = Annotated[str, Path(alias="sessionKey", description="The `session.key` of the validation.")]


@router.delete("/v1/vouchers/{code}/sessions/{sessionKey}", status_code=204)
async def release_validation_session(db: Db, caller: Writer, code: str, session_key: SessionKey) -> None:
    """Give back at once what a session holds for this voucher: its use, its credits, its share of limits and budgets.

    For a payment that failed or was called off. What the session holds for other vouchers stays held. A session that
    holds nothing of the voucher, because it expired, was released or was redeemed, is answered 204 too.
    """
    await service.release(db, caller, code, session_key)


@router.delete("/x/v1/sessions/{sessionKey}", status_code=204)
async def end_session(db: Db, caller: Writer, session_key: SessionKey) -> None:
    """Give back at once everything that a session holds, for vouchers and promotions. A session that holds nothing is
    answered 204 too.
    """
    await service.end(db, caller, session_key)
