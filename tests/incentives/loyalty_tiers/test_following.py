"""Members move by themselves when points and tiers change."""

import asyncio
from typing import Any

from httpx import AsyncClient

from app.kit import clock
from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer, ask
from tests.factories.loyalty_tiers import give_member, give_program, give_tiers, member_tiers, move_points, tier


async def test_the_worker_moves_members_when_points_and_tiers_change(
    client: AsyncClient, project: ProjectKeys, db: Database, worker: None
) -> None:
    program = await give_program(client, project)
    card = await give_member(client, project, program)
    await move_points(db, project, card, 120, clock.now())

    ids = await give_tiers(client, project, program, [("Silver", 100, 199)])
    assert await _in_tier(client, project, card) == "Silver"
    await give_tiers(client, project, program, [("Copper", 50, 99), ("Gold", 200, None)])
    await ask(
        client,
        project,
        "PUT",
        f"/x/v1/loyalties/{program['id']}/tiers/{ids['Silver']}",
        {"points": {"from": 150, "to": 199}},
    )
    assert await _in_tier(client, project, card, "Silver") is None
    await ask(client, project, "DELETE", f"/x/v1/loyalties/{program['id']}/tiers/{ids['Silver']}")
    made: Any = await ask(client, project, "POST", f"/v1/loyalties/{program['id']}/tiers", [tier("New", 110, 130)])  # type: ignore[arg-type]

    assert made[0]["name"] == "New"
    assert await _in_tier(client, project, card) == "New"


async def _in_tier(client: AsyncClient, project: ProjectKeys, card: Answer, former: str | None = None) -> str | None:
    """The name of the tier that the card gets into within 20 seconds; None when it gets out of `former`."""
    async with asyncio.timeout(20):
        while True:
            shown = [each["name"] for each in await member_tiers(client, project, card)]
            if shown and shown[0] != former:
                return str(shown[0])
            if not shown and former is not None:
                return None
            await asyncio.sleep(0.1)
