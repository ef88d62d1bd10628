"""Child processes that are started, watched, started again when they die, and stopped in order."""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.processes.errors import CannotStart

HEALTHY_SECONDS = 5
"""A process that dies younger than this would die again; one that lived longer had bad luck and is started anew."""


@dataclass(frozen=True)
class Child:
    """One process to keep: `python -m app.processes.child <role>` with these environment variables."""

    role: str
    environment: Mapping[str, str]
    listener: socket.socket | None = None
    """The listening socket to accept on; children may share one."""
    ended: Callable[[int], object] | None = None
    """Called with the process id of a child that ended, to clear away what it left."""


@asynccontextmanager
async def kept(children: Sequence[Child], *, grace_seconds: float) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Run the children for as long as the block lasts; the block gets a function that waits until all are ready.

    At the end they get SIGTERM and `grace_seconds` to finish what they do, and SIGKILL after that.

    Raises CannotStart, after cancelling the block, when a child dies that would only die again.
    """
    try:
        async with asyncio.TaskGroup() as group:
            ready = [asyncio.Event() for _ in children]
            keepers = [
                group.create_task(_keep(child, is_ready, grace_seconds))
                for child, is_ready in zip(children, ready, strict=True)
            ]

            async def until_ready() -> None:
                for is_ready in ready:
                    await is_ready.wait()

            try:
                yield until_ready
            finally:
                for keeper in keepers:
                    keeper.cancel()
    except BaseExceptionGroup as errors:
        refusal = errors.subgroup(CannotStart)
        if refusal is None:
            raise
        raise refusal.exceptions[0] from None


async def _keep(child: Child, ready: asyncio.Event, grace_seconds: float) -> None:
    while True:
        born_at = time.monotonic()
        code = await _run(child, ready, grace_seconds)
        if time.monotonic() - born_at < HEALTHY_SECONDS:
            raise CannotStart(f"The {child.role} process ended with {_meaning(code)}.")
        print(f"guerdon: the {child.role} process ended with {_meaning(code)}; starting it again", file=sys.stderr)


async def _run(child: Child, ready: asyncio.Event, grace_seconds: float) -> int:
    """Start the child and wait for its end; return its exit code.

    Its standard input is a line to us: it sends one byte when it is ready, and reads the end of the stream when we
    are gone, however we went.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    listeners = [] if child.listener is None else [child.listener.fileno()]
    with ours:
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *[sys.executable, "-m", "app.processes.child", child.role, *map(str, listeners)],
                stdin=theirs.fileno(),
                pass_fds=listeners,
                env=dict(child.environment),
                # Ctrl-C in the terminal is for us; the children stop when we tell them to.
                start_new_session=True,
            )
        try:
            if await asyncio.get_running_loop().sock_recv(ours, 1):
                ready.set()
            return await process.wait()
        finally:
            await _stop(process, grace_seconds)
            if child.ended is not None:
                child.ended(process.pid)


async def _stop(process: asyncio.subprocess.Process, grace_seconds: float) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), grace_seconds)
    except TimeoutError:
        process.kill()
        await process.wait()


def _meaning(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"the signal {signal.Signals(-code).name}"
