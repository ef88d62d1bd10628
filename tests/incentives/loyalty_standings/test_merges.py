"""A guest who is in a loyalty tier becomes a customer who has a card, too."""

from datetime import UTC, datetime

import pytest
from httpx import AsyncClient

from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.incentives import ask
from tests.factories.loyalty_tiers import (
    give_member,
    give_program,
    give_tiers,
    look,
    member_tiers,
    move_points,
    tier_events,
)

YEAR = {
    "qualification_type": "POINTS_IN_PERIOD",
    "qualification_period": "YEAR",
    "start_date": {"type": "IMMEDIATE"},
    "expiration_date": {"type": "END_OF_PERIOD"},
}
NOW = datetime(2027, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(("of_guest", "of_account"), [(600, 20), (20, 600), (600, 150), (600, None)])
async def test_of_the_tiers_of_a_guest_and_an_account_the_higher_one_stays(
    client: AsyncClient, db: Database, project: ProjectKeys, of_guest: int, of_account: int | None
) -> None:
    program = await give_program(client, project, loyalty_tiers_expiration=YEAR)
    await give_tiers(client, project, program)
    guest, ann = (
        await give_member(client, project, program, "guest"),
        await give_member(client, project, program, "ann"),
    )
    for card, points in ((guest, of_guest), (ann, of_account)):
        if points is not None:
            await move_points(db, project, card, points, NOW)
            await look(db, project, card, NOW)

    await ask(client, project, "POST", "/x/v1/customers/ann/merge", {"guest": "guest"})

    (tier,) = await member_tiers(client, project, ann)
    assert (tier["name"], tier["expiration"]["expiration_date"]) == ("Gold", "2028-01-01T00:00:00.000Z")
    assert await member_tiers(client, project, guest) == []
    assert await look(db, project, ann, NOW) == (None, [("Gold", datetime(2028, 1, 1, tzinfo=UTC))])
    events = await tier_events(db, project)
    was_lower = of_account is not None and of_account < of_guest
    assert [change for change, *_ in events].count("upgraded") == was_lower
