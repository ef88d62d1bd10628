"""What formulas may ask about a code or a promotion tier, filled in at the redeemables whose formulas do."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.engine.postings import AccountKey
from app.engine.redeemables import Redeemable, Unresolved
from app.kit.db import Connection

# The publications of the code's holder, not of the project, are looked through: there is an index of those.
PUBLICATIONS = """
SELECT asked.voucher_id, latest.metadata
FROM unnest($2::text[], $3::text[]) AS asked (voucher_id, holder_id), LATERAL (
    SELECT metadata FROM publications
    WHERE project_id = $1 AND customer_id = asked.holder_id AND result = 'SUCCESS'
        AND voucher_ids @> to_jsonb(asked.voucher_id)
    ORDER BY id DESC
    LIMIT 1
) AS latest
"""


async def with_formula_facts(
    connection: Connection,
    project_id: int,
    redeemables: Sequence[Redeemable | Unresolved],
    vouchers: Sequence[Mapping[str, Any]],
) -> list[Redeemable | Unresolved]:
    """The redeemables with what their formulas may ask for; one statement when one asks about its publication."""
    asking = [each for each in redeemables if isinstance(each, Redeemable) and each.asked]
    if not asking:
        return list(redeemables)
    published = [each for each in asking if each.holder_id is not None and "PUBLICATION_METADATA" in each.asked]
    publications: dict[str, Any] = {}
    if published:
        rows = await connection.fetch(
            PUBLICATIONS, project_id, [each.object_id for each in published], [each.holder_id for each in published]
        )
        publications = {row["voucher_id"]: row["metadata"] for row in rows}
    publish_counts = {voucher["id"]: voucher["publish_count"] for voucher in vouchers}
    return [
        replace(
            each,
            variables=_variables(each, publish_counts.get(each.object_id)),
            publication_metadata=publications.get(each.object_id, {}),
        )
        if isinstance(each, Redeemable) and each.asked
        else each
        for each in redeemables
    ]


def _variables(redeemable: Redeemable, publish_count: int | None) -> dict[str, Any]:
    """A redeemable's own dates come last among its time limits."""
    validity = redeemable.validities[-1] if redeemable.validities else None
    start_date, expiration_date = (validity.start_date, validity.expiration_date) if validity else (None, None)
    if redeemable.kind == "promotion_tier":
        return {"PROMOTION_TIER_START_DATE": start_date, "PROMOTION_TIER_EXPIRATION_DATE": expiration_date}
    return {
        "VOUCHER_START_DATE": start_date,
        "VOUCHER_EXPIRATION_DATE": expiration_date,
        "VOUCHER_REDEMPTION_QUANTITY": redeemable.uses_limit,
        "VOUCHER_REDEEMED_QUANTITY": redeemable.counts.get(AccountKey(redeemable.object_id, "uses"), 0),
        "VOUCHER_PUBLISH_COUNT": publish_count,
    }
