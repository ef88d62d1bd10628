"""The application behind sockets."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from app.main import create_app
from app.settings import Settings

PLENTY = 10**9


def roomy_settings(database_url: str, **settings: Any) -> Settings:
    """Settings under which tests, which all come from one address, never meet the limits of the client-side API."""
    limits = {
        "client_requests_per_address": PLENTY,
        "client_failures_per_address": PLENTY,
        "client_failures_per_customer": PLENTY,
        "client_failures_per_key": PLENTY,
    }
    return Settings(database_url=database_url, **{**limits, **settings})


@contextmanager
def serving(settings: Settings, *, trusted_proxies: str = "127.0.0.1") -> Iterator[str]:
    """The URL of an application with its own pools, as long as the block lasts; it shares only Postgres with others."""
    config = uvicorn.Config(create_app(settings), port=0, log_config=None, forwarded_allow_ips=trusted_proxies)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="live server", daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
