"""Merging on the wire."""

from typing import Annotated, Literal

from pydantic import Field

from app.kit.wire import WireIn, WireOut


class MergeIn(WireIn):
    guest: Annotated[str, Field(min_length=1, max_length=500, description="The guest's `id` or your `source_id`.")]


class MovedCounts(WireOut):
    """How many things of the guest became the customer's."""

    redemptions: int
    orders: int
    vouchers: int
    publications: int


class MergeRead(WireOut):
    customer_id: str
    guest_id: str
    moved: MovedCounts
    object: Literal["customer_merge"] = "customer_merge"
