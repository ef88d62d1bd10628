"""The processes that are measured: a fresh `guerdon serve`, the floor's application, and the load generator."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from app.processes.data_directory import read_credentials
from app.processes.postgres import url_of
from bench.load import Load, Seen

START_SECONDS, STOP_SECONDS = 120, 60
ROOT = Path(__file__).parents[1]


class DidNotStart(Exception):
    """A process ended, or said nothing, before it was ready; the text is what it wrote."""


@dataclass(frozen=True)
class Server:
    """An HTTP server on this machine: where it listens, and the process that does the work."""

    port: int
    process: psutil.Process

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory_mib(self) -> tuple[float, float]:
        """Resident and proportional size; the second counts shared pages in part (and equals the first off Linux)."""
        memory = self.process.memory_full_info()
        return memory.rss / 2**20, getattr(memory, "pss", memory.rss) / 2**20


@dataclass(frozen=True)
class Guerdon(Server):
    """`guerdon serve` with one API process, a worker and its own Postgres."""

    database_url: str
    credentials: Mapping[str, str]

    @property
    def headers(self) -> dict[str, str]:
        return {"X-App-Id": self.credentials["X_APP_ID"], "X-App-Token": self.credentials["X_APP_TOKEN"]}


@asynccontextmanager
async def guerdon(data_dir: Path) -> AsyncIterator[Guerdon]:
    """Start everything in `data_dir` (absolute) as a user would, with the default settings and durable data.

    Raises DidNotStart.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith("GUERDON_")}
    environment = {**ours, "GUERDON_DATA_DIR": str(data_dir), "GUERDON_PORT": "0"}
    log = data_dir.with_name("guerdon.log")
    async with _running([sys.executable, "-m", "app.cli", "serve"], environment, log) as process:
        said = await _until(process, log, re.compile(r"API +http://[^ ]+:(\d+)"))
        family = psutil.Process(process.pid).children(recursive=True)
        api = next(child for child in family if "api" in child.cmdline())
        yield Guerdon(int(said[1]), api, url_of(data_dir), read_credentials(data_dir))


@asynccontextmanager
async def uvicorn(application: str, folder: Path, **environment: str) -> AsyncIterator[Server]:
    """Serve an application of `bench.floor_app` in one process, with the loop and the parser that the API has.

    Raises DidNotStart.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", f"bench.floor_app:{application}", "--port", str(port)]
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    log = folder / f"{application}.log"
    async with _running([*command, *options], {**os.environ, **environment}, log) as process:
        await _until(process, log, re.compile(r"Uvicorn running on"))
        yield Server(port, psutil.Process(process.pid))


async def generate_load(load: Load) -> Seen:
    """Run the load generator in a process of its own.

    Raises ChildProcessError with its complaint.
    """
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "bench.load"],
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaint = await process.communicate(msgspec.json.encode(load))
    if process.returncode:
        raise ChildProcessError(f"The load generator failed: {complaint.decode()}")
    return msgspec.json.decode(output, type=Seen)


@asynccontextmanager
async def _running(
    command: list[str], environment: Mapping[str, str], log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env=dict(environment), stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), STOP_SECONDS)


async def _until(process: asyncio.subprocess.Process, log: Path, pattern: re.Pattern[str]) -> re.Match[str]:
    """Wait for the process to write this. Raises DidNotStart."""
    for _ in range(START_SECONDS * 20):
        if (found := pattern.search(_text_of(log))) is not None:
            return found
        if process.returncode is not None:
            break
        await asyncio.sleep(0.05)
    raise DidNotStart(_text_of(log))


def _text_of(log: Path) -> str:
    return log.read_text(errors="replace")
