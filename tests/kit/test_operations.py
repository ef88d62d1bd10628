"""What operators see: health, metrics, logs; and what browsers need."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from app.kit.migrations import migrate
from app.main import create_app
from app.settings import Settings
from tests.factories.databases import empty_database

ORIGIN = "https://shop.example.com"


async def test_a_living_process_is_healthy(client: AsyncClient) -> None:
    response = await client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_a_migrated_database_makes_the_process_ready(client: AsyncClient) -> None:
    response = await client.get("/readyz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_a_process_without_its_database_is_healthy_but_not_ready() -> None:
    app = create_app(Settings(database_url="postgresql://postgres@127.0.0.1:1/nowhere"))
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as client,
    ):
        health, readiness = await asyncio.gather(client.get("/healthz"), client.get("/readyz"))

    assert health.status_code == 200
    assert readiness.status_code == 503
    assert readiness.json()["message"] == "Not ready"


async def test_a_database_without_our_schema_makes_the_process_not_ready(postgres_url: str) -> None:
    async with empty_database(postgres_url) as url:
        app = create_app(Settings(database_url=url))
        async with (
            app.router.lifespan_context(app),
            AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as client,
        ):
            before = await client.get("/readyz")
            await migrate(url)
            after = await client.get("/readyz")

    assert before.status_code == 503
    assert "guerdon migrate" in before.json()["details"]
    assert after.status_code == 200


async def test_requests_are_counted_by_the_template_of_their_route(client: AsyncClient) -> None:
    await client.get("/healthz")
    await client.get("/v1/no-such-route/SECRET-CODE")
    await client.request("BREW", "/v1/no-such-route")

    text = (await client.get("/metrics")).text
    assert 'guerdon_http_requests_total{method="GET",route="/healthz",status="200"}' in text
    assert 'guerdon_http_requests_total{method="GET",route="none",status="404"}' in text
    assert 'guerdon_http_requests_total{method="other",route="none",status="404"}' in text
    assert 'guerdon_http_request_seconds_bucket{le="0.1",method="GET",route="/healthz"}' in text
    assert "guerdon_http_requests_in_flight 1.0" in text
    assert "SECRET-CODE" not in text


def test_metrics_of_several_processes_are_added_up(tmp_path: Path) -> None:
    script = (
        "from app.kit.metrics import exposition, record_request\n"
        "record_request('GET', '/a', 200, 0.1)\n"
        "print(exposition()[0].decode())"
    )
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    texts = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
        ).stdout
        for _ in range(2)
    ]

    assert 'guerdon_http_requests_total{method="GET",route="/a",status="200"} 1.0' in texts[0]
    assert 'guerdon_http_requests_total{method="GET",route="/a",status="200"} 2.0' in texts[1]


SERVER = """
import asyncio, logging, sys
from types import SimpleNamespace
from fastapi import Request
from httpx import ASGITransport, AsyncClient
from app.kit.http import Router
from app.main import create_app
from app.settings import Settings

router = Router(prefix="/v1/t")

@router.get("/vouchers/{code}")
async def get_voucher(request: Request, code: str) -> None:
    request.state.caller = SimpleNamespace(project=SimpleNamespace(public_id="proj_1"), api_key_id="key_1")

@router.get("/bug")
async def meet_a_bug() -> None:
    logging.getLogger("some.library").warning("about %s", "something")
    raise RuntimeError("the story")

async def main() -> None:
    app = create_app(Settings(database_url="postgresql://127.0.0.1:1/nowhere"))
    app.router.routes[:0] = router.routes
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as client:
        for path in ("/v1/t/vouchers/SECRET-CODE?key=SECRET", "/v1/t/bug", "/healthz"):
            print((await client.get(path, headers={"X-App-Token": "SECRET"})).headers["x-request-id"])

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def ids_and_lines() -> tuple[list[str], list[dict[str, Any]]]:
    """The request ids and the log of a process that answered a read, met a bug, and was asked for its health."""
    done = subprocess.run([sys.executable, "-c", SERVER], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.split(), [json.loads(line) for line in done.stderr.splitlines()]


def test_every_request_is_one_line_of_json(ids_and_lines: tuple[list[str], list[dict[str, Any]]]) -> None:
    ids, lines = ids_and_lines

    line = next(line for line in lines if line["event"] == "request")
    assert line.pop("milliseconds") > 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "method": "GET",
        "route": "/v1/t/vouchers/{code}",
        "status": 200,
        "request_id": ids[0],
        "project": "proj_1",
        "key": "key_1",
    }


def test_the_log_holds_no_codes_and_no_secrets(ids_and_lines: tuple[list[str], list[dict[str, Any]]]) -> None:
    assert "SECRET" not in json.dumps(ids_and_lines[1])


def test_probes_are_not_logged(ids_and_lines: tuple[list[str], list[dict[str, Any]]]) -> None:
    ids, lines = ids_and_lines

    assert ids[2] not in {line["request_id"] for line in lines}


def test_a_bug_is_logged_with_its_traceback_under_the_id_of_the_answer(
    ids_and_lines: tuple[list[str], list[dict[str, Any]]],
) -> None:
    ids, lines = ids_and_lines

    line = next(line for line in lines if line["event"] == "request failed")
    assert (line["level"], line["request_id"], line["error"]) == ("error", ids[1], "RuntimeError")
    assert line["exception"][0]["exc_value"] == "the story"
    assert line["exception"][0]["frames"][-1]["name"] == "meet_a_bug"


def test_libraries_log_in_the_same_form(ids_and_lines: tuple[list[str], list[dict[str, Any]]]) -> None:
    ids, lines = ids_and_lines

    line = next(line for line in lines if line["event"] == "about something")
    assert (line["level"], line["request_id"], line["logger"]) == ("warning", ids[1], "some.library")


async def test_a_preflight_for_the_client_api_needs_no_key(client: AsyncClient) -> None:
    response = await client.options(
        "/client/v1/validations",
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-client-token",
        },
    )

    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in response.headers["access-control-allow-methods"]
    assert response.headers["access-control-allow-headers"] == "content-type,x-client-token"
    assert "origin" in response.headers["vary"].lower()


async def test_a_page_may_read_answers_and_refusals_of_the_client_api(client: AsyncClient) -> None:
    response = await client.post("/client/v1/validations", headers={"Origin": ORIGIN})

    assert response.status_code >= 400
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "X-Request-Id" in response.headers["access-control-expose-headers"]


@pytest.mark.parametrize("path", ["/v1/validations", "/management/v1/projects", "/metrics"])
async def test_no_page_may_read_anything_else(client: AsyncClient, path: str) -> None:
    asked = await client.options(path, headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"})
    answered = await client.get(path, headers={"Origin": ORIGIN})

    assert "access-control-allow-origin" not in asked.headers
    assert "access-control-allow-origin" not in answered.headers
