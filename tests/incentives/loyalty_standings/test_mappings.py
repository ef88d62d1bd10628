"""What the tier of a card makes of points."""

from datetime import UTC, datetime

from httpx import AsyncClient

from app.incentives.loyalty_tiers.mappings import mapping_for
from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.earning import give_earning_rule
from tests.factories.incentives import ask
from tests.factories.loyalty_tiers import give_member, give_program, look, move_points, tier
from tests.factories.rewards import give_mug, offer

NOW = datetime(2027, 1, 1, tzinfo=UTC)


async def test_points_are_what_the_tier_of_the_member_makes_of_them(
    client: AsyncClient, project: ProjectKeys, db: Database
) -> None:
    program = await give_program(client, project)
    rule = await give_earning_rule(client, project, program["id"])
    cheap, kept_away = [
        await offer(client, project, program["id"], (await give_mug(client, project))["id"]) for _ in range(2)
    ]
    gold = tier(
        "Gold",
        100,
        earning_rules={rule["id"]: {"type": "MULTIPLY", "multiplier": 1.5}},
        rewards={cheap["id"]: {"type": "CUSTOM", "points": 7}, kept_away["reward_id"]: {"type": "NOT_AVAILABLE"}},
    )
    ((made),) = await ask(client, project, "POST", f"/v1/loyalties/{program['id']}/tiers", [gold])  # type: ignore[arg-type]
    card, other = await give_member(client, project, program), await give_member(client, project, program, "bob")
    await move_points(db, project, card, 120, NOW)
    await look(db, project, card, NOW)

    async with db.read() as session:
        earned = await mapping_for(session, project.id, card["id"], "earning_rules", rule["id"])
        plain = await mapping_for(session, project.id, card["id"], "earning_rules", "ern_2")
        price = await mapping_for(session, project.id, card["id"], "rewards", cheap["id"], cheap["reward_id"])
        unavailable = await mapping_for(
            session, project.id, card["id"], "rewards", kept_away["id"], kept_away["reward_id"]
        )
        no_tier = await mapping_for(session, project.id, other["id"], "earning_rules", rule["id"])

    assert (earned.tier_id, earned.points(5, 3)) == (made["id"], 23)
    assert (plain.tier_id, plain.points(5, 3)) == (made["id"], 15)
    assert (price.points(10), unavailable.points(10)) == (7, None)
    assert (no_tier.tier_id, no_tier.points(5, 3)) == (None, 15)
