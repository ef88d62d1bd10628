"""What customers did so far, read for segments in one statement, for as many customers as are asked about."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from app.engine.segments import History, Membership, Part
from app.kit import clock
from app.kit.db import Connection

# Each part is read only when it is asked for ($3), by customer. Orders that count are those of OrdersSummary.
HISTORY = """
SELECT asked.id, joined.segment_ids, ordered.*, bought.names, redeemed.*, happened.events, happened.counts,
    loyal.memberships
FROM unnest($2::text[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT array_agg(segment_id) AS segment_ids FROM segment_members
    WHERE project_id = $1 AND customer_id = asked.id AND ($4::text[] IS NULL OR segment_id = ANY ($4))
) AS joined
CROSS JOIN LATERAL (
    SELECT count(*) AS orders_count, count(*) FILTER (WHERE is_home) AS home_orders_count,
        (sum(paid_amount) FILTER (WHERE is_home))::bigint AS orders_amount, max(created_at) AS last_order_at,
        (array_agg(paid_amount ORDER BY created_at DESC, id DESC) FILTER (WHERE is_home))[1] AS last_order_amount
    FROM (
        SELECT id, created_at, coalesce(orders.currency = home.currency, true) AS is_home,
            greatest(0, coalesce(amount, 0) - discount_amount - items_discount_amount) AS paid_amount
        FROM orders, (SELECT currency FROM projects WHERE id = $1) AS home (currency)
        WHERE 'orders' = ANY ($3) AND project_id = $1 AND customer_id = asked.id
            AND status = ANY ('{PAID,FULFILLED}')
    ) AS paid
) AS ordered
CROSS JOIN LATERAL (
    SELECT array_agg(DISTINCT name) AS names
    FROM orders, jsonb_array_elements(items) AS line, unnest(ARRAY[
        line ->> 'product_id', line ->> 'sku_id', line ->> 'source_id',
        line #>> '{product,id}', line #>> '{product,source_id}', line #>> '{sku,id}', line #>> '{sku,source_id}'
    ]) AS name
    WHERE 'bought' = ANY ($3) AND project_id = $1 AND customer_id = asked.id AND status = ANY ('{PAID,FULFILLED}')
        AND name IS NOT NULL
) AS bought
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE result = 'SUCCESS') AS succeeded_count,
        count(*) FILTER (WHERE result <> 'SUCCESS') AS failed_count,
        count(*) FILTER (WHERE status = 'ROLLED_BACK') AS rolled_back_count
    FROM redemptions
    WHERE 'redemptions' = ANY ($3) AND project_id = $1 AND customer_id = asked.id AND object = 'redemption'
        AND related_object_type <> 'redemption'
) AS redeemed
CROSS JOIN LATERAL (
    SELECT array_agg(event) AS events, array_agg(count) AS counts FROM customer_event_counts
    WHERE 'events' = ANY ($3) AND project_id = $1 AND customer_id = asked.id
) AS happened
CROSS JOIN LATERAL (
    SELECT array_agg(ROW(
        campaign.name,
        coalesce(account.balance, 0) - expired_points($1, card.id, 'points', '', '', $5),
        coalesce((account.totals ->> 'redeemed')::bigint, 0),
        tier.id,
        tier.name
    )) AS memberships
    FROM vouchers AS card
    JOIN campaigns AS campaign ON campaign.project_id = $1 AND campaign.id = card.campaign_id
    LEFT JOIN accounts AS account ON account.project_id = $1 AND account.owner_id = card.id
        AND account.measure = 'points' AND account.subject = '' AND account.period = ''
    LEFT JOIN loyalty_standings AS standing ON standing.project_id = $1 AND standing.voucher_id = card.id
    LEFT JOIN loyalty_tiers AS tier ON tier.project_id = $1 AND tier.id = standing.tier_id AND tier.deleted_at IS NULL
    WHERE 'loyalty' = ANY ($3) AND card.project_id = $1 AND card.holder_id = asked.id AND card.type = 'LOYALTY_CARD'
        AND card.active AND card.deleted_at IS NULL AND campaign.deleted_at IS NULL
) AS loyal
"""


class Known(NamedTuple):
    """What is known of a customer besides their profile: the static segments they are in, and their history."""

    segment_ids: frozenset[str]
    history: History


async def load_known(
    connection: Connection,
    project_id: int,
    customer_ids: Sequence[str],
    parts: Collection[Part],
    static_ids: Collection[str] | None = None,
) -> dict[str, Known]:
    """Static segments (of those in `static_ids`; None: all) and history of each customer; what is not among `parts`
    is left empty."""
    static = None if static_ids is None else list(static_ids)
    rows = await connection.fetch(HISTORY, project_id, list(customer_ids), list(parts), static, clock.now())
    return {row["id"]: Known(frozenset(row["segment_ids"] or ()), _history(row)) for row in rows}


def _history(row: Mapping[str, Any]) -> History:
    return History(
        orders_count=row["orders_count"],
        home_orders_count=row["home_orders_count"],
        orders_amount=row["orders_amount"] or 0,
        last_order_amount=row["last_order_amount"],
        last_order_at=row["last_order_at"],
        bought=tuple(row["names"] or ()),
        succeeded_count=row["succeeded_count"],
        failed_count=row["failed_count"],
        rolled_back_count=row["rolled_back_count"],
        event_counts=dict(zip(row["events"] or (), row["counts"] or (), strict=True)),
        memberships={
            name: Membership(points, -redeemed, tuple(filter(None, tier)))
            for name, points, redeemed, *tier in row["memberships"] or ()
        },
    )
