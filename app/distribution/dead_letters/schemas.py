"""Dead letters on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from app.kit.wire import Instant, WireIn, WireOut


class DeadLetterQuery(WireIn):
    limit: Annotated[int, Field(ge=1, le=100, description="At most this many.")] = 10
    starting_after_id: Annotated[str | None, Field(description="The last id of the page before.")] = None
    follower: Annotated[str | None, Field(max_length=100, description="Only what this follower failed on.")] = None


class EventOfLetter(WireOut):
    id: Annotated[str, Field(description="Ascends with every event.")]
    type: Annotated[str, Field(examples=["order.paid"])]
    entity_id: Annotated[str, Field(description="The object it happened to.")]
    created_at: Instant


class DeadLetterRead(WireOut):
    """An event that something should have followed from, and did not."""

    id: str
    follower: Annotated[str, Field(description="What should have followed.", examples=["earning"])]
    event: EventOfLetter
    attempts: Annotated[int, Field(description="How often it was tried since the event, or since it was replayed.")]
    error: Annotated[str, Field(description="What the last attempt failed with; the log of the worker says more.")]
    died_at: Annotated[Instant, Field(description="When it was tried for the last time.")]
    object: Literal["dead_letter"] = "dead_letter"


class DeadLetterList(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["data"] = "data"
    data: list[DeadLetterRead]
    total: Annotated[int, Field(description="How many there are on all pages; counted up to 10,000.")]
    has_more: bool
    more_starting_after: str | None = None
    lag_seconds: Annotated[
        float,
        Field(description="For how long what is due has been waiting for the worker. About 0 when it keeps up."),
    ]


class Replayed(WireOut):
    """What becomes of a dead letter that is tried again."""

    id: str
    status: Annotated[Literal["WAITING"], Field(description="It is tried within a second.")] = "WAITING"
    object: Literal["dead_letter"] = "dead_letter"
