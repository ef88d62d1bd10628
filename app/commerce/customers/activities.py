"""What happened to a customer, in the order in which it happened: found in the events that name the customer."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from sqlalchemy import BigInteger, String, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.errors import InvalidQuery
from app.kit.following import STRETCH, Stretch
from app.kit.outbox import LAST

Category: TypeAlias = Literal["ACTION", "EFFECT"]
ID_PREFIX: Final = "evt_"
MOST_NAMES = 100
"""Of the guests who became a customer so many have their activities shown."""


class Activity(NamedTuple):
    """How an event is called among activities: what the customer did, or what came of it."""

    type: str
    category: Category


def _activities(category: Category, *event_types: str) -> dict[str, Activity]:
    return {
        event_type: Activity(event_type if event_type.startswith("customer.") else f"customer.{event_type}", category)
        for event_type in event_types
    }


ACTIVITIES: Final[Mapping[str, Activity]] = _activities(
    "ACTION",
    "customer.created",
    "customer.updated",
    "customer.custom_event",
    "publication.succeeded",
    "redemption.succeeded",
    "redemption.failed",
    "redemption.rollback.succeeded",
    "order.created",
    "order.updated",
    "order.paid",
    "order.canceled",
    "order.fulfilled",
) | _activities(
    "EFFECT",
    "customer.referred",
    "customer.rewarded",
    "customer.rewarded.loyalty_points",
    "customer.segment.entered",
    "customer.segment.left",
    "customer.loyalty.updated",
    "customer.loyalty.tier.joined",
    "customer.loyalty.tier.left",
    "customer.loyalty.tier.upgraded",
    "customer.loyalty.tier.downgraded",
    "customer.loyalty.tier.prolonged",
    "customer.loyalty.tier.expiration.changed",
    "customer.reward_redemptions.created",
    "customer.reward_redemptions.pending",
    "customer.reward_redemptions.completed",
    "customer.reward_redemptions.rolledback",
    "customer.holder.assignment.created",
    "customer.holder.assignment.deleted",
    "voucher.gift.balance_added",
    "voucher.loyalty_card.points_added",
    "voucher.loyalty_card.points_transferred",
    "voucher.loyalty_card.points_expired",
    "voucher.loyalty_card.pending_points.added",
    "voucher.loyalty_card.pending_points.activated",
    "voucher.loyalty_card.pending_points.updated",
    "voucher.loyalty_card.pending_points.canceled",
)
"""By type of event. What is not here is no activity: clients of the contract know these names only."""

_TAKE_NOTE = text(f"""
INSERT INTO customer_activities (project_id, customer_id, event_id, transaction_id, type, campaign_id, created_at)
SELECT :project_id, customer_id, id, transaction_id, type, campaign_id, created_at
FROM (
    SELECT id, transaction_id, type, created_at,
        coalesce(data ->> 'customer_id', data #>> '{{customer,id}}', data #>> '{{order,customer_id}}') AS customer_id,
        coalesce(data ->> 'campaign_id', data #>> '{{campaign,id}}') AS campaign_id
    FROM outbox_events WHERE {STRETCH} AND type = ANY (:event_types)
) AS event
WHERE customer_id IS NOT NULL
""")

# The names are looked through one by one, each no further than a page.
_PAGE = """
SELECT found.event_id, found.transaction_id, found.type, found.created_at, event.data
FROM (
    SELECT activity.* FROM (
        SELECT CAST(:customer_id AS text) AS name UNION ALL (
            SELECT id FROM customers WHERE project_id = :project_id AND merged_into = :customer_id LIMIT {most_names}
        )
    ) AS named CROSS JOIN LATERAL (
        SELECT * FROM customer_activities
        WHERE project_id = :project_id AND customer_id = named.name AND event_id {after} :after
            {conditions}
        ORDER BY event_id {direction} LIMIT :at_most
    ) AS activity
    ORDER BY activity.event_id {direction} LIMIT :at_most
) AS found
JOIN outbox_events AS event ON event.project_id = :project_id
    AND event.transaction_id = found.transaction_id AND event.id = found.event_id
ORDER BY found.event_id {direction}
"""

_CONDITIONS: Final[Mapping[str, str]] = {
    "event_types": "AND type = ANY (:event_types)",
    "campaign_id": "AND campaign_id = :campaign_id",
    "campaign_type": "AND campaign_id IN (SELECT id FROM campaigns WHERE project_id = :project_id"
    " AND campaign_type = :campaign_type)",
    "start_date": "AND created_at >= :start_date",
    "end_date": "AND created_at <= :end_date",
}
"""What a page can be narrowed by, by parameter."""


async def take_note(session: AsyncSession, stretch: Stretch) -> None:
    """Keep which of these events are activities of which customer."""
    await session.execute(_TAKE_NOTE, {**stretch._asdict(), "event_types": list(ACTIVITIES)})


async def page_of(
    session: AsyncSession,
    project_id: int,
    customer_id: str,
    *,
    is_newest_first: bool,
    after: int | None,
    at_most: int,
    **narrowed: Any,
) -> Sequence[Any]:
    """Activities of the customer, and of the guests who became this customer, beyond the event `after`. `narrowed` has
    values for some of the parameters in `_CONDITIONS`."""
    given = {name: value for name, value in narrowed.items() if value is not None}
    statement = text(
        _PAGE.format(
            most_names=MOST_NAMES,
            after="<" if is_newest_first else ">",
            direction="DESC" if is_newest_first else "ASC",
            conditions=" ".join(_CONDITIONS[name] for name in given),
        )
    ).columns(data=JSONB)
    if "event_types" in given:
        statement = statement.bindparams(bindparam("event_types", type_=ARRAY(String)))
    first = LAST if is_newest_first else 0
    parameters = {
        "project_id": project_id,
        "customer_id": customer_id,
        "after": first if after is None else after,
        "at_most": at_most,
        **given,
    }
    bound = statement.bindparams(bindparam("after", type_=BigInteger))
    return (await session.execute(bound, parameters)).all()


def activity_id_of(event_id: int) -> str:
    """What the activity of this event is called on the wire."""
    return f"{ID_PREFIX}{event_id}"


def group_id_of(transaction_id: int) -> str:
    """The same for everything that happened in one transaction."""
    return f"v-{transaction_id:x}"


def event_id_of(activity_id: str | None) -> int | None:
    """The event of this activity; None for none. Raises InvalidQuery for what is no activity's id."""
    if activity_id is None:
        return None
    number = activity_id.removeprefix(ID_PREFIX)
    if activity_id == number or not (number.isascii() and number.isdigit()) or len(number) > 18:
        raise InvalidQuery("starting_after_id", "This is not the id of an activity.")
    return int(number)
