"""What is told of a member."""

from httpx import AsyncClient

from app.kit.db import Database
from tests.factories.access import ProjectKeys
from tests.factories.incentives import ask
from tests.factories.loyalties import change_points, give_member, give_program
from tests.factories.outbox import follow_all

CARD = "customer.voucher.loyalty_card"


async def test_what_happened_to_a_member_in_the_program_is_told_in_pages(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_program(client, project)
    await give_program(client, project, "Other")
    code = (await give_member(client, project))["code"]
    elsewhere = (await give_member(client, project, "ann", "Other"))["code"]
    for card in (code, elsewhere):
        await change_points(client, project, card, 50)
    sources = [{"code": elsewhere, "points": 5, "source_id": "t-1"}]
    await ask(client, project, "POST", f"/v1/loyalties/Club/members/{code}/transfers", sources)
    await follow_all(db, project)

    path = f"/v1/loyalties/members/{code}/activity"
    newest = await ask(client, project, "GET", f"{path}?limit=2")
    oldest = await ask(client, project, "GET", f"{path}?limit=2&starting_after_id={newest['more_starting_after']}")
    forwards = await ask(client, project, "GET", f"/v1/loyalties/Club/members/{code}/activity?order=created_at")

    types = [activity["type"] for activity in newest["data"] + oldest["data"]]
    assert types == [f"{CARD}.points_transferred", f"{CARD}.points_added", "customer.publication.succeeded"]
    assert newest["data"][1]["data"]["balance"]["points"] == 50
    assert not oldest["has_more"]
    assert [activity["id"] for activity in forwards["data"]] == [
        activity["id"] for activity in reversed(newest["data"] + oldest["data"])
    ]


async def test_a_cursor_that_is_none_is_refused(client: AsyncClient, project: ProjectKeys) -> None:
    await give_program(client, project)
    code = (await give_member(client, project))["code"]

    for query in ("starting_after_id=evt_x", "limit=0", "limit=101", "order=name"):
        response = await client.get(f"/v1/loyalties/members/{code}/activity?{query}", headers=project.server)
        assert (response.status_code, response.json()["key"]) == (400, "invalid_query_params"), query
