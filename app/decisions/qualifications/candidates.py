"""What a qualification looks at: found by keys, newest first, a bounded number at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.access.callers import Caller
from app.decisions.qualifications.scenarios import Scenario
from app.decisions.qualifications.schemas import QualificationIn
from app.incentives.codes.normal_form import normalise
from app.kit.db import Connection

MOST_CANDIDATES = 200
"""So many are looked at for one answer, and as many more as share the position of the last one."""

# Codes of one bulk publication are all created at one moment, and a page that ended among them could not say where.
# So a candidate's position is its millisecond, with three digits below it that come from its id: candidates share a
# position by rare chance only, and a page never ends between those that do.
POSITION = "date_trunc('milliseconds', created_at) + (hashtext(id) & 511) * interval '1 microsecond'"
BEFORE = f"""created_at < COALESCE(date_trunc('milliseconds', $4::timestamptz) + interval '1 millisecond', 'infinity')
        AND {POSITION} < COALESCE($4::timestamptz, 'infinity')"""
VOUCHER = "'voucher' AS kind, id, created_at, campaign_id, category_id, type, code, NULL AS name, NULL AS banner"
NO_CODE = "NULL AS type, NULL AS code"

# The customer's own codes; a loyalty card pays, if its holder says how much, and is no offer.
WALLET = f"""
SELECT {VOUCHER}, NULL::jsonb AS tier_ids, true AS is_held FROM vouchers
WHERE project_id = $1 AND holder_id = (SELECT id FROM customer) AND active AND deleted_at IS NULL
    AND type <> 'LOYALTY_CARD' AND {BEFORE}"""

# Codes that are nobody's, outside campaigns: the newest ones, down to the end of a whole millisecond.
PUBLIC = f"""
SELECT {VOUCHER}, NULL::jsonb, false FROM vouchers
WHERE project_id = $1 AND campaign_id IS NULL AND holder_id IS NULL AND active AND deleted_at IS NULL AND {BEFORE}
    AND created_at >= COALESCE((
        SELECT date_trunc('milliseconds', created_at) FROM vouchers
        WHERE project_id = $1 AND campaign_id IS NULL AND holder_id IS NULL AND active AND deleted_at IS NULL
            AND {BEFORE} {{named}}
        ORDER BY created_at DESC OFFSET {MOST_CANDIDATES - 1} LIMIT 1
    ), '-infinity')"""

# The one code of each STANDALONE campaign.
STANDALONE = f"""
SELECT {VOUCHER}, NULL::jsonb, false FROM vouchers
WHERE project_id = $1 AND holder_id IS NULL AND active AND deleted_at IS NULL AND {BEFORE} AND campaign_id = ANY (ARRAY(
    SELECT id FROM campaigns WHERE project_id = $1 AND type = 'STANDALONE' AND active AND deleted_at IS NULL
))"""
# Those that the index found for the order.
TIERS = f"""
SELECT 'promotion_tier', id, created_at, campaign_id, category_id, {NO_CODE}, name, banner, NULL::jsonb, false
FROM promotion_tiers WHERE project_id = $1 AND id = ANY ({{tiers}}) AND deleted_at IS NULL AND {BEFORE}"""
STACKS = f"""
SELECT 'promotion_stack', id, created_at, campaign_id, category_id, {NO_CODE}, name, NULL, tier_ids, false
FROM promotion_stacks WHERE project_id = $1 AND {BEFORE}"""

# Campaigns whose codes are given to one customer each.
CAMPAIGNS = f"""
SELECT 'campaign', id, created_at, id, category_id, {NO_CODE}, name, NULL, NULL::jsonb, false
FROM campaigns WHERE project_id = $1 AND active AND deleted_at IS NULL
    AND type <> 'STANDALONE' AND campaign_type NOT IN ('PROMOTION', 'LOYALTY_PROGRAM') AND {BEFORE}"""

WINDOW = f"""
WITH customer AS MATERIALIZED (
    SELECT COALESCE(merged_into, id) AS id FROM customers WHERE project_id = $1 AND (id = $2 OR source_id = $3)
), candidate (kind, id, created_at, campaign_id, category_id, type, code, name, banner, tier_ids, is_held) AS (
    {{branches}}
), newest AS (
    SELECT *, {POSITION} AS position FROM candidate
    ORDER BY position DESC FETCH FIRST {MOST_CANDIDATES} ROWS WITH TIES
)
SELECT newest.*, campaign.campaign_type, campaign.category_id AS campaign_category_id
FROM newest LEFT JOIN campaigns AS campaign ON campaign.project_id = $1 AND campaign.id = newest.campaign_id
ORDER BY newest.position DESC, newest.id DESC
"""

VOUCHERS_OF_ALL = (WALLET, PUBLIC, STANDALONE)
OTHERWISE = (*VOUCHERS_OF_ALL, TIERS)
BRANCHES: dict[str, tuple[str, ...]] = {
    "CUSTOMER_WALLET": (WALLET,),
    "PROMOTION_STACKS": (STACKS,),
    "AUDIENCE_ONLY": (*VOUCHERS_OF_ALL, TIERS, CAMPAIGNS),
}
"""Where the candidates of a scenario come from; the others look at what is in OTHERWISE."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may qualify. `position` tells where it stands among all: later ones come first."""

    kind: str
    id: str
    created_at: datetime
    position: datetime
    code: str | None
    campaign_id: str | None
    category_id: str | None
    name: str | None
    banner: str | None
    tier_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """Candidates in the order of their positions; `end` is the last position looked at, None when there are no more
    candidates after it."""

    candidates: tuple[Candidate, ...]
    end: datetime | None


def looks_at_tiers(scenario: Scenario) -> bool:
    """Whether single promotion tiers are among the candidates of the scenario."""
    return TIERS in BRANCHES.get(scenario, OTHERWISE)


async def find_candidates(
    connection: Connection, caller: Caller, request: QualificationIn, tier_ids: Sequence[str]
) -> Window:
    """The newest candidates of the scenario that come after `options.starting_after`, of promotion tiers those named;
    one statement.

    Filters on a code, an id or a campaign are looked up. The others narrow what was found, so that fewer than there
    are may be left.
    """
    customer, options = request.customer, request.options
    statement, names = _statement(request, caller, tier_ids)
    rows = await connection.fetch(
        statement,
        caller.project_id,
        customer.id if customer else None,
        customer.source_id if customer and not customer.id else None,
        options.starting_after,
        *names,
    )
    fitting = [row for row in rows if options.filters is None or options.filters.hold(_filtered(row))]
    return Window(tuple(map(_candidate, fitting)), rows[-1]["position"] if len(rows) >= MOST_CANDIDATES else None)


def _statement(request: QualificationIn, caller: Caller, tier_ids: Sequence[str]) -> tuple[str, list[Sequence[str]]]:
    """The statement for the scenario, and the values of its parameters from $5 on."""
    names = request.options.filters.names if request.options.filters else {}
    values: list[Sequence[str]] = []
    codes = owners = ""
    for field, allowed in names.items():
        if field == "code":
            values.append([normalise(code, caller.project.case_sensitive_codes) for code in allowed])
            codes += f" AND normal_code = ANY (${4 + len(values)})"
        else:
            values.append(allowed)
            owners += f" AND {'id' if field == 'resource_id' else field} = ANY (${4 + len(values)})"
    branches = []
    for branch in BRANCHES.get(request.scenario, OTHERWISE):
        if branch in VOUCHERS_OF_ALL and not _may_see_codes(caller):
            continue
        if branch is PUBLIC and "campaign_id" in names:
            continue  # codes outside campaigns would all be looked at, to find that they have none
        if branch in VOUCHERS_OF_ALL:
            branches.append(branch.replace("{named}", codes + owners) + codes + owners)
        elif branch is TIERS and not codes:
            values.append(tier_ids)
            branches.append(branch.replace("{tiers}", f"${4 + len(values)}") + owners)
        elif not codes:
            # The id of a campaign is both what it is and which campaign it belongs to.
            branches.append(branch + (owners.replace("campaign_id", "id") if branch is CAMPAIGNS else owners))
    if not branches:
        branches = [f"{WALLET}{codes}{owners} AND false"]
    return WINDOW.replace("{branches}", " UNION ALL ".join(branches)), values


def _may_see_codes(caller: Caller) -> bool:
    """Whoever asks from a page may name any customer: codes are for pages of projects that list them there."""
    return caller.kind != "client" or caller.may("vouchers:read")


def _filtered(row: Mapping[str, Any]) -> dict[str, Any]:
    """The values that filters ask about."""
    return {
        "category_id": row["category_id"] or row["campaign_category_id"],
        "campaign_id": row["campaign_id"],
        "campaign_type": row["campaign_type"],
        "resource_id": row["id"],
        "resource_type": row["kind"],
        "voucher_type": row["type"],
        "code": row["code"],
        "holder_role": "OWNER" if row["is_held"] else None,
    }


def _candidate(row: Mapping[str, Any]) -> Candidate:
    tier_ids: Sequence[str] = row["tier_ids"] or ()
    return Candidate(
        kind=row["kind"],
        id=row["id"],
        created_at=row["created_at"],
        position=row["position"],
        code=row["code"],
        campaign_id=row["campaign_id"],
        category_id=row["category_id"],
        name=row["name"],
        banner=row["banner"],
        tier_ids=tuple(tier_ids),
    )
