"""The worker as a process of its own: killed, stopped, cut off, and in numbers."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import func, select, text

from app.kit import clock
from app.kit.db import Database
from app.kit.idempotency import IdempotencyRecord
from app.kit.jobs import Work
from app.kit.migrations import migrate
from app.main import create_app
from app.models import AsyncAction, Voucher
from app.settings import Settings
from app.worker import forget_answers, forget_jobs, revive_actions, run_worker
from tests.factories.access import ProjectKeys, give_project
from tests.factories.databases import empty_database, name_of
from tests.factories.incentives import ask, finished, give_campaign

COUNT = 150_000
PROGRAM = """
import asyncio, signal, sys
from app.settings import Settings
from app.worker import run_worker

async def main():
    work = asyncio.create_task(run_worker(Settings()))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    try:
        await work
    except asyncio.CancelledError:
        pass

asyncio.run(main())
"""


@pytest.fixture
async def own_database_url(postgres_url: str) -> AsyncIterator[str]:
    """A database in which no other worker takes the jobs away."""
    async with empty_database(postgres_url) as url:
        await migrate(url)
        yield url


@pytest.fixture
async def own_db(own_database_url: str) -> AsyncIterator[Database]:
    database = Database(own_database_url, pool_size=4)
    yield database
    await database.close()


@pytest.fixture
async def own_client(own_database_url: str) -> AsyncIterator[AsyncClient]:
    application = create_app(Settings(database_url=own_database_url, pool_size=4))
    async with (
        application.router.lifespan_context(application),
        AsyncClient(transport=ASGITransport(application), base_url="http://testserver") as http,
    ):
        yield http


@pytest.fixture
async def own_project(own_db: Database) -> ProjectKeys:
    return await give_project(own_db)


@asynccontextmanager
async def worker_process(url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker that takes over from the dead after two seconds."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM),
        env={**os.environ, "GUERDON_DATABASE_URL": url, "GUERDON_JOB_SILENCE_SECONDS": "2"},
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_a_worker_killed_in_the_middle_leaves_no_code_too_few_and_none_too_many(
    own_client: AsyncClient, own_project: ProjectKeys, own_db: Database, own_database_url: str
) -> None:
    campaign = await give_campaign(own_client, own_project, vouchers_count=COUNT)

    action_id = ""
    for share in (0.1, 0.5):
        async with worker_process(own_database_url) as process:
            action_id = await _until_made(own_db, campaign["id"], int(share * COUNT))
            process.send_signal(signal.SIGKILL)
            await process.wait()
    made_before = await _codes_of(own_db, campaign["id"])
    async with worker_process(own_database_url):
        action = await finished(own_client, own_project, action_id, seconds=60)

    assert 0 < made_before < COUNT
    assert action["result"] == {"done_count": COUNT, "failed_count": 0}
    assert await _codes_of(own_db, campaign["id"]) == COUNT
    done = await ask(own_client, own_project, "GET", f"/v1/campaigns/{campaign['id']}")
    assert (done["vouchers_count"], done["vouchers_generation_status"]) == (COUNT, "DONE")


async def test_a_worker_told_to_stop_gives_its_job_back_at_once(
    own_client: AsyncClient, own_project: ProjectKeys, own_db: Database, own_database_url: str
) -> None:
    campaign = await give_campaign(own_client, own_project, vouchers_count=COUNT)

    async with worker_process(own_database_url) as process:
        action_id = await _until_made(own_db, campaign["id"], 1)
        process.send_signal(signal.SIGTERM)
        code = await asyncio.wait_for(process.wait(), 10)
    made_before = await _codes_of(own_db, campaign["id"])
    async with own_db.read() as session:
        waiting = await session.scalar(text("SELECT count(*) FROM pgqueuer WHERE status = 'queued'"))
    async with worker_process(own_database_url):
        await finished(own_client, own_project, action_id, seconds=60)

    assert code == 0
    assert 0 < made_before < COUNT
    assert waiting == 1
    assert await _codes_of(own_db, campaign["id"]) == COUNT


async def test_many_workers_share_the_jobs_and_do_each_once(
    own_client: AsyncClient, own_project: ProjectKeys, own_db: Database, own_database_url: str
) -> None:
    settings = Settings(database_url=own_database_url, pool_size=2)
    workers = [asyncio.create_task(run_worker(settings)) for _ in range(4)]
    campaign = await give_campaign(own_client, own_project)
    path = f"/v1/campaigns/{campaign['id']}/vouchers?vouchers_count=500"

    started = await asyncio.gather(*(ask(own_client, own_project, "POST", path) for _ in range(12)))
    actions = [await finished(own_client, own_project, each["async_action_id"]) for each in started]

    assert [action["result"]["done_count"] for action in actions] == [500] * 12
    assert await _codes_of(own_db, campaign["id"]) == 12 * 500
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def test_a_worker_that_loses_the_database_goes_on_when_it_is_back(
    own_client: AsyncClient, own_project: ProjectKeys, own_db: Database, own_database_url: str, postgres_url: str
) -> None:
    worker = asyncio.create_task(run_worker(Settings(database_url=own_database_url, job_silence_seconds=2)))
    campaign = await give_campaign(own_client, own_project, vouchers_count=COUNT)
    action_id = await _until_made(own_db, campaign["id"], 1)

    server = await asyncpg.connect(postgres_url)
    await server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = $1 AND application_name LIKE 'guerdon worker%'",
        name_of(own_database_url),
    )
    await server.close()
    action = await finished(own_client, own_project, action_id, seconds=60)

    assert action["result"]["done_count"] == await _codes_of(own_db, campaign["id"]) == COUNT
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def test_an_action_whose_job_got_lost_is_enqueued_again(
    own_client: AsyncClient, own_project: ProjectKeys, own_db: Database
) -> None:
    work = Work(own_db)
    campaign = await give_campaign(own_client, own_project, vouchers_count=10)
    async with own_db.write() as session:
        action = (await session.scalars(select(AsyncAction))).one()
        action.created_at -= timedelta(minutes=10)

    await revive_actions(work)
    beside_its_job = await _job_count(own_db)
    async with own_db.write() as session:
        await session.execute(text("DELETE FROM pgqueuer"))
    await revive_actions(work)

    assert campaign["vouchers_generation_status"] == "IN_PROGRESS"
    assert beside_its_job == await _job_count(own_db) == 1


async def test_a_job_that_keeps_failing_ends_in_a_failed_action(
    own_client: AsyncClient, own_project: ProjectKeys, own_db: Database, own_database_url: str
) -> None:
    campaign = await give_campaign(own_client, own_project, vouchers_count=10)
    async with own_db.write() as session:
        action = (await session.scalars(select(AsyncAction))).one()
        action.parameters = action.parameters | {"code_config": {"pattern": "nothing random"}}
        await session.execute(text("UPDATE pgqueuer SET attempts = 10"))

    worker = asyncio.create_task(run_worker(Settings(database_url=own_database_url)))
    failed = await finished(own_client, own_project, action.id)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)

    assert failed["status"] == failed["operation_status"] == "FAILED"
    assert failed["result"]["failed_count"] == 10
    after = await ask(own_client, own_project, "GET", f"/v1/campaigns/{campaign['id']}")
    assert after["vouchers_generation_status"] == "FAILED"


async def test_a_repeated_request_with_its_idempotency_key_starts_one_job(
    own_client: AsyncClient, own_project: ProjectKeys, own_db: Database
) -> None:
    campaign = await give_campaign(own_client, own_project)
    path = f"/v1/campaigns/{campaign['id']}/vouchers?vouchers_count=2"
    headers = {**own_project.server, "Idempotency-Key": "once"}

    answers = [await own_client.post(path, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert await _job_count(own_db) == 1


async def test_a_request_that_fails_leaves_no_job(
    own_client: AsyncClient, own_project: ProjectKeys, own_db: Database
) -> None:
    body = {
        "name": "Undone",
        "vouchers_count": 10,
        "voucher": {"discount": {"type": "AMOUNT", "amount_off": 1}, "code_config": {"pattern": "#"}},
        "validation_rules": ["val_missing"],
    }

    response = await own_client.post("/v1/campaigns", json=body, headers=own_project.server)

    assert response.status_code == 404
    assert await _job_count(own_db) == 0


async def test_old_answers_and_old_job_logs_are_swept(own_db: Database, own_project: ProjectKeys) -> None:
    now = clock.now()
    async with own_db.write() as session:
        for key, expires_at in (("old", now - timedelta(days=1)), ("new", now + timedelta(days=1)), ("kept", None)):
            session.add(
                IdempotencyRecord(
                    project_id=own_project.id,
                    credential="k",
                    route="r",
                    key=key,
                    fingerprint=b"",
                    status=200,
                    media_type=None,
                    body=b"",
                    expires_at=expires_at,
                )
            )
        await session.execute(
            text(
                "INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint, aggregated) VALUES"
                " (now() - interval '30 days', 1, 'successful', 0, 'x', true), (now(), 2, 'successful', 0, 'x', true)"
            )
        )

    await forget_answers(Work(own_db))
    await forget_jobs(Work(own_db))

    async with own_db.read() as session:
        assert sorted(await session.scalars(select(IdempotencyRecord.key))) == ["kept", "new"]
        assert list(await session.scalars(text("SELECT job_id FROM pgqueuer_log"))) == [2]


async def _until_made(db: Database, campaign_id: str, count: int) -> str:
    """The id of the campaign's async action once it has made so many codes."""
    for _ in range(600):
        async with db.read() as session:
            action = (await session.scalars(select(AsyncAction))).one()
            if (action.result or {}).get("done_count", 0) >= count:
                return action.id
        await asyncio.sleep(0.02)
    raise AssertionError(f"{campaign_id} did not get {count} codes in time")


async def _codes_of(db: Database, campaign_id: str) -> int:
    async with db.read() as session:
        return await session.scalar(select(func.count()).where(Voucher.campaign_id == campaign_id)) or 0


async def _job_count(db: Database) -> int:
    async with db.read() as session:
        return await session.scalar(text("SELECT count(*) FROM pgqueuer")) or 0
