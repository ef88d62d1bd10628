"""What runs in a child process of the supervisor: `python -m app.processes.child api|worker`."""

import asyncio
import gc
import math
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn
import uvloop

from app.kit.logs import configure_logs
from app.main import create_app
from app.settings import Settings
from app.worker import run_worker

READY = b"1"
COLLECTOR_THRESHOLDS = (50_000, 20, 100)


class ApiServer(uvicorn.Server):
    """uvicorn that tells the supervisor when it is ready."""

    def __init__(self, config: uvicorn.Config, supervisor: socket.socket) -> None:
        super().__init__(config)
        self._supervisor = supervisor

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # Everything alive now lives as long as the process: the collector need not visit it again. What a request
        # allocates is nearly all freed without it, so looking for cycles at every 700th object only costs time.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECTOR_THRESHOLDS)
        self._supervisor.send(READY)

    def stop(self) -> None:
        self.should_exit = True


async def run_api(settings: Settings, listener: socket.socket, supervisor: socket.socket) -> None:
    """Answer requests until SIGTERM or the supervisor's end; running requests get `shutdown_seconds`."""
    config = uvicorn.Config(
        lambda: create_app(settings),
        factory=True,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_keep_alive=math.ceil(settings.keep_alive_seconds),
        timeout_graceful_shutdown=math.ceil(settings.shutdown_seconds),
    )
    server = ApiServer(config, supervisor)
    watch = asyncio.create_task(_when_gone(supervisor, server.stop))
    await server.serve(sockets=[listener])
    watch.cancel()


async def run_jobs(settings: Settings, supervisor: socket.socket) -> None:
    """Work until SIGTERM or the supervisor's end; running jobs get `shutdown_seconds`."""
    configure_logs(settings.log_level)
    work = asyncio.create_task(run_worker(settings))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    watch = asyncio.create_task(_when_gone(supervisor, work.cancel))
    supervisor.send(READY)
    try:
        await work
    except asyncio.CancelledError:
        watch.cancel()


async def _when_gone(supervisor: socket.socket, stop: Callable[[], object]) -> None:
    """The supervisor never writes: whatever can be read is the end of the stream."""
    await asyncio.get_running_loop().sock_recv(supervisor, 1)
    stop()


def main(role: str, *listeners: str) -> None:
    settings = Settings()
    with socket.socket(fileno=0) as supervisor, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        supervisor.setblocking(False)
        if role == "api":
            runner.run(run_api(settings, socket.socket(fileno=int(listeners[0])), supervisor))
        else:
            runner.run(run_jobs(settings, supervisor))


if __name__ == "__main__":
    main(*sys.argv[1:])
