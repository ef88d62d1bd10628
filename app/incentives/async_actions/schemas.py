"""The wire shape of an async action."""

from typing import Annotated, Any, Literal

from pydantic import Field

from app.kit.wire import Instant, WireOut


class AsyncActionStarted(WireOut):
    """The work goes on in the background; ask for the action to see how far it is."""

    async_action_id: Annotated[str, Field(examples=["aa_01kb2m7t9cf3r8n5x0q4w6z1ye"])]
    warnings: list[str] | None = None


class AsyncActionRead(WireOut):
    id: str
    type: Annotated[str, Field(examples=["CAMPAIGN.VOUCHERS_GENERATE"])]
    status: Literal["ENQUEUED", "IN_PROGRESS", "DONE", "FAILED"]
    operation_status: Literal["UNKNOWN", "SUCCESS", "FAILED"]
    request_id: Annotated[str | None, Field(description="The request that started the work.")]
    processing_time: Annotated[int | None, Field(description="How long was worked on it so far, in milliseconds.")]
    progress: Annotated[int, Field(ge=0, le=100, description="In percent.")]
    result: Annotated[dict[str, Any] | None, Field(description="What is done and what failed, so far or finally.")]
    created_at: Instant
    updated_at: Instant | None
    object: Literal["async_action"] = "async_action"


class AsyncActionList(WireOut):
    object: Literal["list"] = "list"
    data_ref: Literal["async_actions"] = "async_actions"
    async_actions: list[AsyncActionRead]
    has_more: bool
