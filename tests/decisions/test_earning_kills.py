"""A thousand earnings while API and workers are killed: every order is there, and has earned exactly once."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from httpx import AsyncClient
from sqlalchemy import func, select

from app.kit.db import Database
from app.kit.migrations import migrate
from app.ledger.doctor import examine
from app.models import Account, Entry, PointsEarning
from tests.factories.access import ProjectKeys, give_project
from tests.factories.databases import empty_database
from tests.factories.earning import TEN_POINTS, give_earning_program, give_earning_rule

ORDERS, BUYERS, CLIENTS = 1_000, 25, 8

API = """
import sys
import uvicorn
from app.main import create_app
uvicorn.run(create_app(), host="127.0.0.1", port=int(sys.argv[1]), log_config=None)
"""
WORKER = """
import asyncio
from app.settings import Settings
from app.worker import run_worker
asyncio.run(run_worker(Settings(pool_size=8)))
"""


async def start(program: str, url: str, *arguments: str) -> asyncio.subprocess.Process:
    settings = {"GUERDON_DATABASE_URL": url, "GUERDON_LOG_LEVEL": "error"}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, *arguments), env={**os.environ, **settings}
    )


async def kill(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGKILL)
    await process.wait()


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@asynccontextmanager
async def own_database(postgres_url: str) -> AsyncIterator[tuple[str, Database]]:
    async with empty_database(postgres_url) as url:
        await migrate(url)
        db = Database(url, pool_size=8)
        yield url, db
        await db.close()


async def until_ready(http: AsyncClient) -> None:
    async with asyncio.timeout(120):
        while True:
            try:
                if (await http.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


async def pay(http: AsyncClient, project: ProjectKeys, number: int) -> None:
    """Tell of a paid order until it is answered, as a shop does."""
    body = {
        "source_id": f"order {number}",
        "status": "PAID",
        "amount": 1000,
        "customer": {"source_id": f"buyer {number % BUYERS}"},
    }
    async with asyncio.timeout(300):
        while True:
            try:
                answer = await http.post("/v1/orders", json=body, headers=project.server)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code < 500:
                assert answer.status_code == 200, answer.text
                return
            await asyncio.sleep(0.1)


async def earned(db: Database) -> int:
    async with db.read() as session:
        return await session.scalar(select(func.count()).select_from(PointsEarning)) or 0


async def until_earned(db: Database, count: int) -> int:
    async with asyncio.timeout(300):
        while True:
            found = await earned(db)
            if found >= count:
                return found
            await asyncio.sleep(0.02)


async def test_a_thousand_orders_earn_once_each_though_api_and_worker_are_killed_again_and_again(
    postgres_url: str,
) -> None:
    port = free_port()
    async with (
        own_database(postgres_url) as (url, db),
        AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http,
    ):
        project = await give_project(db)
        api, worker = await start(API, url, port), await start(WORKER, url)
        await until_ready(http)
        program = await give_earning_program(http, project)
        await give_earning_rule(http, project, program["id"], loyalty=TEN_POINTS)

        async def shop(first: int) -> None:
            for number in range(first, ORDERS, CLIENTS):
                await pay(http, project, number)

        shops = asyncio.gather(*(shop(first) for first in range(CLIENTS)))
        killed_at = []
        for share in (150, 400, 700):
            killed_at.append(await until_earned(db, share))
            await asyncio.gather(kill(worker), kill(api))
            api, worker = await start(API, url, port), await start(WORKER, url)
        await shops
        await until_earned(db, ORDERS)
        await asyncio.sleep(0.5)
        await asyncio.gather(kill(worker), kill(api))

        async with db.read() as session:
            entries = await session.scalar(select(func.count()).where(Entry.cause_type == "earning"))
            balances = (await session.scalars(select(Account.balance).where(Account.measure == "points"))).all()
        assert all(count < ORDERS for count in killed_at)
        assert (await earned(db), entries) == (ORDERS, ORDERS)
        assert list(balances) == [ORDERS // BUYERS * 10] * BUYERS
        assert await examine(db) == []
