"""Routes of segments."""

from typing import Annotated

from fastapi import Depends, Path

from app.access.authentication import requires
from app.access.callers import Caller
from app.commerce.segments import service
from app.commerce.segments.queries import SegmentQuery
from app.commerce.segments.schemas import SegmentCreate, SegmentRead, SimpleSegment
from app.kit.http import Db, Router
from app.kit.lists import ListBody

router = Router(prefix="/v1", tags=["segments"])
Reader = Annotated[Caller, requires("segments:read")]
Writer = Annotated[Caller, requires("segments:write")]
CustomerReader = Annotated[Caller, requires("customers:read")]
SegmentId = Annotated[str, Path(alias="segmentId")]
CustomerReference = Annotated[str, Path(alias="customerId", description="The customer's id or your `source_id`.")]


@router.get("/segments")
async def list_segments(
    db: Db, caller: Reader, query: Annotated[SegmentQuery, Depends(SegmentQuery.parse)]
) -> ListBody[SegmentRead]:
    """List segments, newest first."""
    page = await service.search(db, caller, query)
    return ListBody(data=[SegmentRead.model_validate(segment) for segment in page.rows], total=page.total)


@router.post("/segments")
async def create_segment(db: Db, caller: Writer, body: SegmentCreate) -> SegmentRead:
    """Create a segment: of the customers you name, or of all that a filter accepts at the moment it is asked.

    A filter can ask for the profile, `address.*`, `metadata.<key>`, `summary.orders.*` (`total_count`, `total_amount`,
    `average_amount`, `last_order_amount`, `last_order_date`, `products`), `summary.redemptions.*` and
    `events.<name>.count`. Segments cannot be changed; make a new one.
    """
    return SegmentRead.model_validate(await service.create(db, caller, body))


@router.get("/segments/{segmentId}")
async def get_segment(db: Db, caller: Reader, segment_id: SegmentId) -> SegmentRead:
    """Get a segment."""
    return SegmentRead.model_validate(await service.get(db, caller, segment_id))


@router.delete("/segments/{segmentId}", status_code=204)
async def delete_segment(db: Db, caller: Writer, segment_id: SegmentId) -> None:
    """Delete a segment that no validation rule names."""
    await service.delete(db, caller, segment_id)


@router.get("/customers/{customerId}/segments")
async def list_customer_segments(
    db: Db, caller: CustomerReader, reference: CustomerReference
) -> ListBody[SimpleSegment]:
    """List the segments a customer is in now. Somebody you do not know yet is treated as a new customer."""
    segments = await service.find_of_customer(db, caller, reference)
    return ListBody(data=[SimpleSegment.model_validate(segment) for segment in segments], total=len(segments))
