"""Routes of vouchers."""

from typing import Annotated

from fastapi import Depends, Response

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.campaigns.endpoints import CodesLimit, Force
from app.incentives.vouchers import service
from app.incentives.vouchers.listing import VoucherQuery
from app.incentives.vouchers.schemas import VoucherCreate, VoucherList, VoucherRead, VoucherUpdate
from app.kit.http import Db, Router, answered

router = Router(prefix="/v1/vouchers", tags=["vouchers"])
Reader = Annotated[Caller, requires("vouchers:read")]
Writer = Annotated[Caller, requires("vouchers:write")]


@router.get("", response_model=VoucherList)
async def list_vouchers(
    db: Db, caller: Reader, query: Annotated[VoucherQuery, Depends(VoucherQuery.parse)]
) -> Response:
    """List vouchers, newest first."""
    vouchers, total = await service.search(db, caller, query)
    return answered({"object": "list", "data_ref": "vouchers", "vouchers": vouchers, "total": total})


@router.post("", response_model=VoucherRead)
async def generate_voucher(db: Db, caller: Writer, codes_limit: CodesLimit, body: VoucherCreate) -> Response:
    """Create a voucher with a code from `code`, or a random one as `code_config` describes it."""
    return answered(await service.create(db, caller, body, codes_limit=codes_limit))


@router.get("/{code}", response_model=VoucherRead)
async def get_voucher(db: Db, caller: Reader, code: str) -> Response:
    """Get a voucher by its code or id."""
    return answered(await service.get(db, caller, code))


@router.post("/{code}", response_model=VoucherRead)
async def create_voucher(db: Db, caller: Writer, codes_limit: CodesLimit, code: str, body: VoucherCreate) -> Response:
    """Create a voucher with a code of your choice."""
    return answered(await service.create(db, caller, body, code, codes_limit=codes_limit))


@router.put("/{code}", response_model=VoucherRead)
async def update_voucher(db: Db, caller: Writer, code: str, body: VoucherUpdate) -> Response:
    """Change a voucher. What is left out stays, null clears, metadata is merged key by key."""
    return answered(await service.update(db, caller, code, body))


@router.delete("/{code}", status_code=204)
async def delete_voucher(db: Db, caller: Writer, code: str, force: Force = False) -> None:
    """Delete a voucher. Its code stays taken, unless forced."""
    await service.delete(db, caller, code, force=force)


@router.post("/{code}/enable", response_model=VoucherRead)
async def enable_voucher(db: Db, caller: Writer, code: str) -> Response:
    """Let the voucher be redeemed."""
    return answered(await service.switch(db, caller, code, active=True))


@router.post("/{code}/disable", response_model=VoucherRead)
async def disable_voucher(db: Db, caller: Writer, code: str) -> Response:
    """Let the voucher not be redeemed, from this moment on."""
    return answered(await service.switch(db, caller, code, active=False))
