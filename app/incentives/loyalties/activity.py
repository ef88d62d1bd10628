"""What happened to a member: what the events say that are about the customer and the program of the card."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from app.access.callers import Caller
from app.commerce.customers.activities import ACTIVITIES, activity_id_of, event_id_of, group_id_of, page_of
from app.incentives.loyalties.members import get_card
from app.kit.db import Database
from app.kit.wire import Instant, WireIn, WireOut, format_instant

_NAMED_OTHERWISE: Final = {
    "redemption.succeeded": "customer.redemption.succceeded",
    "redemption.rollback.succeeded": "customer.redemption.rollback.succceeded",
}
_SHARED: Final = (
    "customer.loyalty.tier.",
    "customer.reward",
    "publication.",
    "redemption.",
    "voucher.loyalty_card.",
)

MEMBER_ACTIVITIES: Final[Mapping[str, str]] = {
    event_type: _NAMED_OTHERWISE.get(event_type, known.type)
    for event_type, known in ACTIVITIES.items()
    if event_type.startswith(_SHARED)
}
"""Types of activities by type of event. Clients of the contract know these names only, and spell two of them so."""


class MemberActivityQuery(WireIn):
    limit: Annotated[int, Field(ge=1, le=100, description="At most this many.")] = 10
    order: Annotated[Literal["created_at", "-created_at"], Field(description="With `-` the newest first.")] = (
        "-created_at"
    )
    starting_after_id: Annotated[str | None, Field(description="The last id of the page before.")] = None


class MemberActivityRead(WireOut):
    id: str
    type: Annotated[str, Field(examples=["customer.voucher.loyalty_card.points_added"])]
    data: Annotated[dict[str, Any], Field(description="What the event says: ids, and no personal data.")]
    created_at: Instant
    group_id: Annotated[str, Field(description="The same for everything that happened in one step.")]


async def activity(
    db: Database, caller: Caller, member: str, query: MemberActivityQuery, program: str | None = None
) -> dict[str, Any]:
    """A page of what happened to the holder of the card in its program; nothing for a card that nobody holds.

    Raises CampaignNotFound, MemberNotFound, InvalidQuery.
    """
    after = event_id_of(query.starting_after_id)
    async with db.read() as session:
        card, campaign = await get_card(session, caller, member, program)
        rows = await page_of(
            session,
            caller.project_id,
            card.holder_id or "",
            is_newest_first=query.order == "-created_at",
            after=after,
            at_most=query.limit + 1,
            event_types=list(MEMBER_ACTIVITIES),
            campaign_id=campaign.id,
        )
    shown = [
        {
            "id": activity_id_of(row.event_id),
            "type": MEMBER_ACTIVITIES[row.type],
            "data": row.data,
            "created_at": format_instant(row.created_at),
            "group_id": group_id_of(row.transaction_id),
        }
        for row in rows[: query.limit]
    ]
    listed = {"object": "list", "data_ref": "data", "data": shown, "has_more": len(rows) > query.limit}
    return listed | ({"more_starting_after": shown[-1]["id"]} if listed["has_more"] else {})
