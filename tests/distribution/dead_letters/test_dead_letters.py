"""Dead letters over HTTP: listed, replayed, and nobody else's."""

import pytest
from httpx import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.permissions import Role
from app.kit import following
from app.kit.db import Database
from app.kit.following import Follower, Happening, deliver_next, pass_on
from app.kit.outbox import announce
from tests.factories.access import ProjectKeys, give_key, give_project, server_headers
from tests.factories.incentives import ask
from tests.factories.outbox import follow_all, settled

LIST = "/x/v1/dead-letters"


class Fragile:
    """A follower that fails until it is mended."""

    def __init__(self, name: str = "fragile") -> None:
        self.is_mended = False
        self.handled: list[str] = []
        self.follower = Follower(name, frozenset({"probe.*"}), self.handle)

    async def handle(self, session: AsyncSession, happening: Happening) -> None:
        if not self.is_mended:
            raise ValueError("ada@example.com is not to be told")
        self.handled.append(happening.entity_id)


async def give_dead_letters(db: Database, project: ProjectKeys, count: int, fragile: Fragile) -> None:
    for number in range(count):
        async with db.write() as session:
            announce(session, project.id, "probe.a", f"e{number}", {})
    await settled(db)
    await pass_on(db, project.id, [fragile.follower])
    for _ in range(following.MOST_ATTEMPTS * count):
        async with db.write() as session:
            await session.execute(
                text("UPDATE outbox_deliveries SET due_at = now() WHERE project_id = :id"), {"id": project.id}
            )
        await deliver_next(db, project.id, [fragile.follower])


async def test_what_failed_for_good_is_listed_without_what_the_error_said(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_dead_letters(db, project, 1, Fragile())

    answer = await ask(client, project, "GET", LIST)

    (letter,) = answer["data"]
    assert (answer["total"], answer["has_more"]) == (1, False)
    assert letter["id"] == f"dl_{letter['event']['id']}_fragile"
    assert (letter["follower"], letter["attempts"], letter["error"]) == ("fragile", 10, "ValueError")
    assert (letter["event"]["type"], letter["event"]["entity_id"]) == ("probe.a", "e0")
    assert letter["object"] == "dead_letter"


async def test_a_dead_letter_that_is_replayed_is_handled_once_and_gone(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    fragile = Fragile()
    await give_dead_letters(db, project, 1, fragile)
    (letter,) = (await ask(client, project, "GET", LIST))["data"]
    fragile.is_mended = True

    replayed = await client.post(f"{LIST}/{letter['id']}/replay", headers=project.server)
    again = await client.post(f"{LIST}/{letter['id']}/replay", headers=project.server)
    waiting = await ask(client, project, "GET", LIST)
    await follow_all(db, project, [fragile.follower])
    done = await ask(client, project, "GET", LIST)

    assert (replayed.status_code, again.status_code) == (202, 404)
    assert replayed.json() == {"id": letter["id"], "status": "WAITING", "object": "dead_letter"}
    assert waiting["data"] == []
    assert waiting["lag_seconds"] > 0
    assert fragile.handled == ["e0"]
    assert (done["total"], done["lag_seconds"]) == (0, 0)


async def test_dead_letters_are_read_in_pages_the_newest_first(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_dead_letters(db, project, 3, Fragile())

    first = await ask(client, project, "GET", f"{LIST}?limit=2")
    second = await ask(client, project, "GET", f"{LIST}?limit=2&starting_after_id={first['more_starting_after']}")
    others = await ask(client, project, "GET", f"{LIST}?follower=other")

    assert [letter["event"]["entity_id"] for letter in first["data"] + second["data"]] == ["e2", "e1", "e0"]
    assert (first["has_more"], second["has_more"], first["total"]) == (True, False, 3)
    assert others["data"] == []


async def test_another_project_sees_no_dead_letter_and_replays_none(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_dead_letters(db, project, 1, Fragile())
    (letter,) = (await ask(client, project, "GET", LIST))["data"]
    stranger = await give_project(db)

    replayed = await client.post(f"{LIST}/{letter['id']}/replay", headers=stranger.server)

    assert (await ask(client, stranger, "GET", LIST))["data"] == []
    assert replayed.status_code == 404


@pytest.mark.parametrize("letter_id", ["dl_1_none", "dl_x_y", "1", "dl_99999999999999999999_x", "dl_1_%00"])
async def test_what_is_no_dead_letter_is_not_found(client: AsyncClient, project: ProjectKeys, letter_id: str) -> None:
    response = await client.post(f"{LIST}/{letter_id}/replay", headers=project.server)

    assert response.status_code in (400, 404)


async def test_a_cursor_that_is_no_id_is_refused(client: AsyncClient, project: ProjectKeys) -> None:
    response = await client.get(f"{LIST}?starting_after_id=nonsense", headers=project.server)

    assert response.status_code == 400


@pytest.mark.parametrize(("role", "reads"), [("admin", 200), ("viewer", 200), ("support", 200), ("checkout", 403)])
async def test_dead_letters_are_replayed_by_admins_only(
    client: AsyncClient, db: Database, project: ProjectKeys, role: Role, reads: int
) -> None:
    headers = server_headers(await give_key(db, project, role))

    read = await client.get(LIST, headers=headers)
    replayed = await client.post(f"{LIST}/dl_1_x/replay", headers=headers)

    assert read.status_code == reads
    assert (replayed.status_code == 404) == (role == "admin")
