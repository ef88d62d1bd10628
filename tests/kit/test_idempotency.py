import asyncio
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx
import pytest
import uvicorn
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import func, select, text

from app.kit import clock
from app.kit.db import Database
from app.kit.idempotency import IdempotencyRecord, delete_expired
from app.kit.outbox import OutboxEvent
from tests.factories.access import ProjectKeys, give_key, give_project, server_headers
from tests.kit.idempotency_probe import probed_app


@pytest.fixture(scope="module")
async def probe_transport(database_url: str) -> AsyncIterator[ASGITransport]:
    application = probed_app(database_url)
    async with application.router.lifespan_context(application):
        yield ASGITransport(application)


@pytest.fixture
async def probe(probe_transport: ASGITransport) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(transport=probe_transport, base_url="http://testserver") as http:
        yield http


@pytest.fixture
def server_url(database_url: str) -> Iterator[str]:
    """The application behind uvicorn and a socket, in a thread of its own."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(probed_app(database_url), port=port, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


async def effects(db: Database, project: ProjectKeys) -> int:
    async with db.read() as session:
        counted = select(func.count()).select_from(OutboxEvent)
        counted = counted.where(OutboxEvent.project_id == project.id, OutboxEvent.type == "probe.effect")
        return await session.scalar(counted) or 0


async def records(db: Database, project: ProjectKeys) -> list[IdempotencyRecord]:
    async with db.read() as session:
        kept = select(IdempotencyRecord).where(IdempotencyRecord.project_id == project.id)
        return list(await session.scalars(kept))


def refused(response: Response, status: int, key: str) -> None:
    assert (response.status_code, response.json()["key"]) == (status, key)


async def test_a_repeated_write_takes_effect_once_and_gets_the_same_answer(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    headers = project.server | {"Idempotency-Key": "order-1"}

    first = await probe.post("/v1/effects", json={"name": "one"}, headers=headers)
    again = await probe.post("/v1/effects", json={"name": "one"}, headers=headers)

    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert first.headers["content-type"] == again.headers["content-type"] == "application/json"
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert await effects(db, project) == 1


async def test_without_the_header_every_write_takes_effect(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    for _ in range(2):
        await probe.post("/v1/effects", headers=project.server)

    assert await effects(db, project) == 2
    assert await records(db, project) == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_every_kind_of_write_is_remembered(
    probe: AsyncClient, db: Database, project: ProjectKeys, method: str
) -> None:
    headers = project.server | {"Idempotency-Key": "a"}

    answers = [await probe.request(method, "/v1/effects/x", headers=headers) for _ in range(2)]

    assert answers[0].status_code == answers[1].status_code == (204 if method == "DELETE" else 200)
    assert answers[0].content == answers[1].content
    assert await effects(db, project) == 1


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/effects", {"name": "other"}), ("/v1/effects?a=1", {"name": "one"}), ("/v1/effects", {})]
)
async def test_a_key_used_for_another_request_is_422(
    probe: AsyncClient, db: Database, project: ProjectKeys, path: str, body: dict[str, str]
) -> None:
    headers = project.server | {"Idempotency-Key": "order-1"}
    await probe.post("/v1/effects", json={"name": "one"}, headers=headers)

    refused(await probe.post(path, json=body, headers=headers), 422, "idempotency_key_reused")
    assert await effects(db, project) == 1


async def test_a_key_used_for_another_resource_on_the_same_route_is_422(
    probe: AsyncClient, project: ProjectKeys
) -> None:
    headers = project.server | {"Idempotency-Key": "order-1"}
    await probe.put("/v1/effects/one", headers=headers)

    refused(await probe.put("/v1/effects/two", headers=headers), 422, "idempotency_key_reused")


async def test_the_same_key_is_another_one_on_another_route_and_for_another_credential_and_project(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    key = {"Idempotency-Key": "order-1"}
    second_key = server_headers(await give_key(db, project, "admin"))
    other_project = await give_project(db)

    answers = [
        await probe.post("/v1/effects", headers=project.server | key),
        await probe.post("/v1/other-effects", headers=project.server | key),
        await probe.put("/v1/effects/x", headers=project.server | key),
        await probe.post("/v1/effects", headers=second_key | key),
        await probe.post("/v1/effects", headers=other_project.server | key),
    ]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert all("Idempotent-Replayed" not in answer.headers for answer in answers)
    assert (await effects(db, project), await effects(db, other_project)) == (4, 1)


@pytest.mark.parametrize("key", ["", "with space", "x" * 256, "schlüssel", "tab\there"])
async def test_a_key_must_be_1_to_255_visible_ascii_characters(
    probe: AsyncClient, db: Database, project: ProjectKeys, key: str
) -> None:
    headers = [*project.server.items(), ("Idempotency-Key", key.encode())]

    refused(await probe.post("/v1/effects", headers=headers), 400, "invalid_idempotency_key")
    assert await effects(db, project) == 0


async def test_a_wrong_credential_is_401_and_never_sees_a_stored_answer(
    probe: AsyncClient, project: ProjectKeys
) -> None:
    key = {"Idempotency-Key": "order-1"}
    await probe.post("/v1/effects", headers=project.server | key)

    refused(await probe.post("/v1/effects", headers={**project.server, "X-App-Token": "no"} | key), 401, "unauthorized")


async def test_an_error_answer_is_replayed_and_what_was_recorded_before_it_stays(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    headers = project.server | {"Idempotency-Key": "order-1"}

    answers = [await probe.post("/v1/effects", json={"end": "refused"}, headers=headers) for _ in range(2)]

    refused(answers[0], 400, "refused_on_purpose")
    assert answers[1].content == answers[0].content
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert await effects(db, project) == 1


@pytest.mark.parametrize(("end", "status"), [("busy", 503), ("bug", 500), ("banned", 403)])
async def test_a_failure_that_may_pass_leaves_nothing_behind_and_frees_the_key(
    probe: AsyncClient, db: Database, project: ProjectKeys, end: str, status: int
) -> None:
    headers = project.server | {"Idempotency-Key": "order-1"}

    failed = await probe.post("/v1/effects", json={"end": end}, headers=headers)
    left = await effects(db, project)
    retried = await probe.post("/v1/effects", json={"end": "well"}, headers=headers)

    assert (failed.status_code, left) == (status, 0)
    assert retried.status_code == 200
    assert await effects(db, project) == 1


async def test_a_body_that_cannot_be_understood_does_not_use_the_key_up(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    headers = project.server | {"Idempotency-Key": "order-1"}

    wrong = await probe.post("/v1/effects", json={"name": 3}, headers=headers)
    right = await probe.post("/v1/effects", json={"name": "3"}, headers=headers)

    assert (wrong.status_code, right.status_code) == (400, 200)


async def test_an_answer_with_a_secret_is_not_kept_and_the_effect_still_happens_once(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    headers = project.server | {"Idempotency-Key": "order-1"}

    first = await probe.post("/v1/secrets", headers=headers)
    again = await probe.post("/v1/secrets", headers=headers)

    assert first.json()["secret"] == "s3cret"
    refused(again, 409, "idempotency_answer_not_kept")
    assert await effects(db, project) == 1
    assert [record.body for record in await records(db, project)] == [None]


async def test_answers_are_kept_seven_days_and_those_of_lasting_effects_for_good(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    headers = project.server | {"Idempotency-Key": "order-1"}
    await probe.post("/v1/effects", headers=headers)
    await probe.post("/v1/lasting-effects", headers=headers)

    kept = {record.route: record.expires_at for record in await records(db, project)}

    assert kept["POST /v1/lasting-effects"] is None
    expires_at = kept["POST /v1/effects"]
    assert expires_at is not None
    assert timedelta(days=6, hours=23) < expires_at - clock.now() <= timedelta(days=7)


async def test_an_expired_answer_is_ignored_and_replaced(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    headers = project.server | {"Idempotency-Key": "order-1"}
    await probe.post("/v1/effects", json={"name": "one"}, headers=headers)
    await expire(db, project)

    renewed = await probe.post("/v1/effects", json={"name": "two"}, headers=headers)
    replayed = await probe.post("/v1/effects", json={"name": "two"}, headers=headers)

    assert "Idempotent-Replayed" not in renewed.headers
    assert replayed.content == renewed.content
    assert await effects(db, project) == 2


async def test_the_sweep_takes_expired_answers_of_one_project_in_batches(
    probe: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    other = await give_project(db)
    for number in range(3):
        await probe.post("/v1/effects", headers=project.server | {"Idempotency-Key": f"order-{number}"})
        await probe.post("/v1/effects", headers=other.server | {"Idempotency-Key": f"order-{number}"})
    await expire(db, project)
    await expire(db, other)
    await probe.post("/v1/effects", headers=project.server | {"Idempotency-Key": "fresh"})

    taken = []
    for _ in range(3):
        async with db.write() as session:
            taken.append(await delete_expired(session, project.id, clock.now(), at_most=2))

    assert taken == [2, 1, 0]
    assert [record.key for record in await records(db, project)] == ["fresh"]
    assert len(await records(db, other)) == 3


async def expire(db: Database, project: ProjectKeys) -> None:
    async with db.write() as session:
        await session.execute(
            text("UPDATE idempotency_records SET expires_at = now() - interval '1 second' WHERE project_id = :project"),
            {"project": project.id},
        )


async def test_of_twenty_clients_with_one_key_one_takes_effect_and_the_others_hear_the_same_or_409(
    server_url: str, db: Database, project: ProjectKeys
) -> None:
    headers = project.server | {"Idempotency-Key": "order-1"}

    async with AsyncClient(base_url=server_url, limits=httpx.Limits(max_connections=20)) as http:
        attempts = [
            http.post("/v1/effects", json={"name": "race", "seconds": 0.05}, headers=headers) for _ in range(20)
        ]
        answers = await asyncio.gather(*attempts)
        late = await http.post("/v1/effects", json={"name": "race", "seconds": 0.05}, headers=headers)

    statuses = Counter(answer.status_code for answer in answers)
    assert statuses.keys() <= {200, 409}
    assert statuses[200] >= 1
    assert {answer.content for answer in answers if answer.status_code == 200} == {late.content}
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "idempotency_key_in_use")
            assert answer.headers["Retry-After"] == "1"
    assert await effects(db, project) == 1


async def test_twenty_keys_at_once_do_not_hinder_each_other(
    server_url: str, db: Database, project: ProjectKeys
) -> None:
    async with AsyncClient(base_url=server_url, limits=httpx.Limits(max_connections=20)) as http:
        attempts = [
            http.post("/v1/effects", headers=project.server | {"Idempotency-Key": f"order-{number}"})
            for number in range(20)
        ]
        answers = await asyncio.gather(*attempts)

    assert {answer.status_code for answer in answers} == {200}
    assert await effects(db, project) == 20


async def test_a_process_that_dies_before_its_commit_leaves_nothing_and_the_retry_does_the_work(
    probe: AsyncClient, db: Database, database_url: str, project: ProjectKeys
) -> None:
    headers = project.server | {"Idempotency-Key": "order-1"}
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.kit.idempotency_probe", database_url, str(port)
    )
    async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        await answers_at(http, "/healthz")
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post("/v1/effects", json={"end": "death"}, headers=headers)
    exit_code = await process.wait()
    left = await effects(db, project), await records(db, project)

    retried = await probe.post("/v1/effects", json={"end": "well"}, headers=headers)

    assert exit_code == 9
    assert left == (0, [])
    assert retried.status_code == 200
    assert await effects(db, project) == 1


async def answers_at(http: AsyncClient, path: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await http.get(path)
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
            else:
                return
