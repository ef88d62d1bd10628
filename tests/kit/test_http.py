"""What every route of the API does with bodies, paths, methods and failures, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

import asyncpg
import msgspec
import pytest
from fastapi import FastAPI, Form, Request, Response
from httpx import ASGITransport, AsyncClient
from pydantic import Field
from sqlalchemy import text

from app.kit.errors import NotFound
from app.kit.http import Db, Router, json_bytes
from app.kit.wire import Amount, WireIn, read
from app.main import create_app
from app.settings import Settings


class Percent(WireIn):
    type: Literal["PERCENT"]
    percent_off: int


class Fixed(WireIn):
    type: Literal["FIXED"]
    fixed_amount: Amount


class Line(WireIn):
    price: Amount | None = None
    quantity: int = 1


class Basket(WireIn):
    status: Literal["CREATED", "PAID"] = "CREATED"
    lines: Annotated[list[Line], Field(default_factory=list)]
    discount: Annotated[Percent | Fixed, Field(discriminator="type")] | None = None
    metadata: Annotated[dict[str, Any], Field(default_factory=dict)]


class Named(WireIn):
    name: str


router = Router(prefix="/v1/t")


@router.post("/baskets")
async def create_basket(body: Basket) -> dict[str, Any]:
    return body.model_dump(mode="json")


@router.post("/names")
async def create_name(body: Named) -> Named:
    return body


@router.post("/lists")
async def create_many(body: list[Named]) -> list[Named]:
    return body


@router.post("/forms")
async def fill_form(grant: Annotated[str, Form()]) -> str:
    return grant


@router.post("/raw")
async def read_raw(request: Request) -> Response:
    basket = read(Basket, await json_bytes(request))
    return Response(basket.model_dump_json(), media_type="application/json")


@router.get("/codes/{code}")
async def get_code(code: str) -> dict[str, str]:
    return {"code": code}


@router.get("/codes/{code}/uses/{number}")
async def get_use(code: str, number: int) -> dict[str, Any]:
    return {"code": code, "number": number}


@router.get("/missing/{id}")
async def get_missing(id: str) -> None:
    raise NotFound("voucher", id)


@router.get("/bug")
async def meet_a_bug() -> None:
    raise RuntimeError("the password is hunter2")


@router.get("/sleep")
async def sleep_long() -> None:
    await asyncio.sleep(30)


@router.get("/sql")
async def run_sql(db: Db, statement: str) -> None:
    async with db.write() as session:
        await session.execute(text(statement))


@router.get("/numbers")
async def store_number(db: Db, number: int) -> None:
    async with db.connection() as connection:
        await connection.fetchval("SELECT $1::bigint", number)


@router.get("/texts")
async def look_up_number(db: Db, number: int) -> None:
    async with db.read() as session:
        await session.execute(text("SELECT 1 WHERE CAST(:number AS bigint) = 1"), {"number": number})


@router.get("/dates")
async def get_dates(at: datetime | None = None, limit: Annotated[int, Field(le=100)] = 10) -> dict[str, Any]:
    return {"at": at, "limit": limit}


def application(database_url: str, **settings: Any) -> FastAPI:
    app = create_app(Settings(database_url=database_url, **settings))
    app.router.routes[:0] = router.routes
    return app


@pytest.fixture(scope="module")
async def app(database_url: str) -> AsyncIterator[FastAPI]:
    app = application(database_url, pool_size=1, pool_seconds=0.2, statement_seconds=0.6, lock_seconds=0.2)
    async with app.router.lifespan_context(app):
        yield app


async def post(client: AsyncClient, path: str, body: bytes, content_type: str | None = "application/json") -> Any:
    headers = {"content-type": content_type} if content_type else {}
    return await client.post(f"/v1/t/{path}", content=body, headers=headers)


def nested(depth: int) -> bytes:
    return b'{"metadata": ' + b'{"a":' * (depth - 1) + b"1" + b"}" * depth


async def test_an_error_has_the_members_of_the_contract_and_of_rfc_9457(client: AsyncClient) -> None:
    response = await client.get("/v1/t/missing/v_1")

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {
        "code": 404,
        "key": "not_found",
        "message": "Resource not found",
        "details": "Cannot find voucher with id v_1",
        "request_id": response.headers["x-request-id"],
        "resource_id": "v_1",
        "resource_type": "voucher",
        "type": "urn:guerdon:error:not_found",
        "title": "Resource not found",
        "status": 404,
        "detail": "Cannot find voucher with id v_1",
        "instance": "/v1/t/missing/v_1",
    }


async def test_every_answer_has_a_request_id_of_its_own(client: AsyncClient) -> None:
    ids = [(await client.get("/healthz")).headers["x-request-id"] for _ in range(3)]

    assert len(set(ids)) == 3
    assert all(len(id) == 20 and id.startswith("v-") and int(id[2:], 16) >= 0 for id in ids)


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        (b"{", "", "not valid JSON"),
        (b'{"metadata": NaN}', "", "not valid JSON"),
        (b'{"metadata": {"a": 1e999}}', "", "not valid JSON"),
        (b'{"status": "\xff"}', "", "not valid JSON"),
        (b'{"metadata": {"a": "\\ud800"}}', "", "not valid JSON"),
        (b"[" * 5000 + b"]" * 5000, "", "Nesting deeper than 32"),
        (nested(33), "metadata" + ".a" * 31, "Nesting deeper than 32"),
        (b'{"metadata": {"a": [{"b": "x\\u0000"}]}}', "metadata.a[0].b", "NUL"),
        (b'{"metadata": {"a\\u0000": 1}}', "metadata", "NUL"),
        (b'{"metadata": {"a": 1180591620717411303424}}', "metadata.a", "64 bits"),
        (b'{"lines": [{"price": -1}]}', "lines[0].price", "greater than or equal to 0"),
        (b'{"lines": [{}, {"price": true}]}', "lines[1].price", "integer"),
        (b'{"lines": [{"quantity": "three"}]}', "lines[0].quantity", "integer"),
        (b'{"lines": [{"quantity": 1.5}]}', "lines[0].quantity", "integer"),
        (b'{"lines": [{"quantity": 1e30}]}', "lines[0].quantity", "integer"),
        (b'{"lines": {}}', "lines", "list"),
        (b'{"status": "LOST"}', "status", "'CREATED' or 'PAID'"),
        (b'{"discount": {"type": "UNIT"}}', "discount", "'PERCENT', 'FIXED'"),
        (b'{"discount": {"type": "FIXED", "fixed_amount": "x"}}', "discount.fixed_amount", "integer"),
        (b'{"discount": {"type": "PERCENT"}}', "discount.percent_off", "required"),
        (b"[]", "", "object"),
        (b'"text"', "", "object"),
        (b"null", "", "object"),
    ],
)
@pytest.mark.parametrize("route", ["baskets", "raw"])
async def test_a_body_that_means_nothing_is_refused_with_its_path(
    client: AsyncClient, route: str, body: bytes, path: str, words: str
) -> None:
    response = await post(client, route, body)

    answer = response.json()
    assert response.status_code == 400
    assert answer["key"] == "invalid_payload"
    assert answer["errors"][0]["path"] == path
    assert words in answer["errors"][0]["message"]
    assert words in answer["details"]


async def test_at_most_twenty_problems_are_listed_and_the_rest_counted(client: AsyncClient) -> None:
    response = await post(client, "baskets", msgspec.json.encode({"lines": [{"price": "x"}] * 40}))

    assert len(response.json()["errors"]) == 20
    assert "39 more" in response.json()["details"]


@pytest.mark.parametrize("depth", [5, 32])
async def test_nesting_up_to_32_levels_is_accepted(client: AsyncClient, depth: int) -> None:
    assert (await post(client, "baskets", nested(depth))).status_code == 200


async def test_brackets_in_strings_are_not_nesting(client: AsyncClient) -> None:
    body = msgspec.json.encode({"metadata": {"a": "{[" * 100}})

    assert (await post(client, "baskets", body)).status_code == 200


async def test_unknown_members_are_ignored_and_nulls_mean_absent(client: AsyncClient) -> None:
    body = b'{"status": null, "colour": "red", "lines": [{"price": "250", "quantity": null}]}'

    response = await post(client, "baskets", body)

    assert response.status_code == 200
    assert response.json()["status"] == "CREATED"
    assert response.json()["lines"] == [{"price": 250, "quantity": 1}]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"", None),
        (b"", "text/plain"),
        (b"", "application/x-www-form-urlencoded"),
        (b"  \n", "application/json"),
        (b"  \n", None),
    ],
)
async def test_an_empty_body_is_an_empty_object(client: AsyncClient, body: bytes, content_type: str | None) -> None:
    response = await post(client, "baskets", body, content_type)

    assert response.status_code == 200
    assert response.json()["status"] == "CREATED"


async def test_an_empty_body_still_names_what_is_required(client: AsyncClient) -> None:
    response = await post(client, "names", b"")

    assert response.status_code == 400
    assert response.json()["errors"] == [{"path": "name", "message": "Field required."}]


async def test_paths_in_a_list_body_begin_with_the_index(client: AsyncClient) -> None:
    response = await post(client, "lists", b'[{"name": "a"}, {"name": 5}]')

    assert response.json()["errors"][0]["path"] == "[1].name"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/merge-patch+json", None])
async def test_json_is_read_under_its_names_and_without_one(client: AsyncClient, content_type: str | None) -> None:
    assert (await post(client, "names", b'{"name": "a"}', content_type)).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
@pytest.mark.parametrize("route", ["names", "raw"])
async def test_a_body_in_another_format_is_answered_415(client: AsyncClient, route: str, content_type: str) -> None:
    response = await post(client, route, b'{"name": "a"}', content_type)

    assert response.status_code == 415
    assert "key" not in response.json()
    assert response.json()["details"] == f"Send the body as application/json, not as {content_type}."


async def test_a_form_is_read_where_the_route_asks_for_one(client: AsyncClient) -> None:
    response = await client.post("/v1/t/forms", data={"grant": "client_credentials"})

    assert response.json() == "client_credentials"


async def chunks(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 1024):
        yield b" " * 1024


@pytest.mark.parametrize("route", ["names", "raw", "forms"])
async def test_a_body_over_the_limit_is_answered_413(client: AsyncClient, route: str) -> None:
    response = await post(client, route, b" " * (2**20 + 1))

    assert response.status_code == 413
    assert "key" not in response.json()
    assert "1048576 bytes" in response.json()["details"]


async def test_a_body_at_the_limit_is_read(client: AsyncClient) -> None:
    body = b'{"name": "a"}'

    assert (await post(client, "names", body + b" " * (2**20 - len(body)))).status_code == 200


@pytest.mark.parametrize(
    ("route", "content_type"),
    [("names", "application/json"), ("raw", "application/json"), ("forms", "application/x-www-form-urlencoded")],
)
async def test_an_endless_body_is_refused_before_it_is_read(client: AsyncClient, route: str, content_type: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 2**26:
            sent += 2**16
            yield b" " * 2**16

    response = await client.post(f"/v1/t/{route}", content=endless(), headers={"content-type": content_type})

    assert response.status_code == 413
    assert sent <= 2**20 + 2**17


async def test_an_unknown_route_is_answered_404(client: AsyncClient) -> None:
    response = await client.get("/v1/nowhere")

    assert response.status_code == 404
    assert response.json()["key"] == "not_found"
    assert response.json()["details"] == "There is no route GET /v1/nowhere."


@pytest.mark.parametrize("path", ["/v1/t/names/", "//v1/t/names", "/v1/t//names"])
async def test_slashes_too_many_are_another_path(client: AsyncClient, path: str) -> None:
    assert (await client.post(path, content=b"{}")).status_code == 404


async def test_a_method_the_path_does_not_have_is_answered_405(client: AsyncClient) -> None:
    response = await client.put("/v1/t/names", content=b"{}")

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert "key" not in response.json()


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("A%2FB", "A/B"),
        ("A%2fB%2F", "A/B/"),
        ("A%252FB", "A%2FB"),
        ("A%20B", "A B"),
        ("%C3%9CBER", "ÜBER"),
        ("A%23B%3Fc", "A#B?c"),
        ("%E0%A4", "�"),
    ],
)
async def test_a_code_arrives_as_it_was_before_it_was_encoded(client: AsyncClient, sent: str, code: str) -> None:
    plain = await client.get(f"/v1/t/codes/{sent}")
    inner = await client.get(f"/v1/t/codes/{sent}/uses/7")

    assert plain.json() == {"code": code}
    assert inner.json() == {"code": code, "number": 7}


@pytest.mark.parametrize("path", ["/v1/t/codes/A%00B", "/v1/t/codes/A?x=%00", "/v1/t/codes/A?%00=1"])
async def test_nul_in_path_or_query_is_refused(client: AsyncClient, path: str) -> None:
    response = await client.get(path)

    assert response.status_code == 400
    assert response.json()["key"] == "invalid_query_params"


async def test_a_path_parameter_of_the_wrong_type_names_nothing(client: AsyncClient) -> None:
    response = await client.get("/v1/t/codes/A/uses/many")

    assert response.status_code == 404
    assert response.json()["key"] == "not_found"
    assert response.json()["resource_id"] == "many"


@pytest.mark.parametrize("query", ["limit=101", "limit=x", "at=yesterday"])
async def test_a_bad_query_parameter_is_named(client: AsyncClient, query: str) -> None:
    response = await client.get(f"/v1/t/dates?{query}")

    assert response.status_code == 400
    assert response.json()["key"] == "invalid_query_params"
    assert response.json()["errors"][0]["path"] == query.split("=")[0]


async def test_a_bug_is_answered_500_without_its_story(client: AsyncClient) -> None:
    response = await client.get("/v1/t/bug")

    assert response.status_code == 500
    assert response.json()["key"] == "internal"
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert "hunter2" not in response.text
    assert "RuntimeError" not in response.text


@pytest.mark.parametrize(
    "statement",
    [
        "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53300'; END $$",
        "SELECT pg_sleep(5)",
        "LOCK TABLE projects",
        "SELECT pg_terminate_backend(pg_backend_pid())",
    ],
)
async def test_a_database_that_cannot_now_is_answered_503_with_retry_after(
    client: AsyncClient, database_url: str, statement: str
) -> None:
    other = await asyncpg.connect(database_url)
    await other.execute("BEGIN; LOCK TABLE projects")
    try:
        response = await client.get("/v1/t/sql", params={"statement": statement})
    finally:
        await other.close()

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"


async def test_a_pool_without_a_free_connection_is_answered_503(client: AsyncClient) -> None:
    slow = asyncio.create_task(client.get("/v1/t/sql", params={"statement": "SELECT pg_sleep(0.5)"}))
    await asyncio.sleep(0.1)

    response = await client.get("/v1/t/sql", params={"statement": "SELECT 1"})

    assert response.status_code == 503
    assert (await slow).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        f"numbers?number={2**64}",
        f"texts?number={2**64}",
        "sql?statement=SELECT 'x'::bigint",
        "sql?statement=SELECT '99999-01-01'::timestamptz %2B interval '300000 years'",
        f"sql?statement=SELECT {2**62} * 4",
    ],
)
async def test_a_value_postgres_cannot_hold_is_answered_400(client: AsyncClient, path: str) -> None:
    response = await client.get(f"/v1/t/{path}")

    assert response.status_code == 400
    assert response.json()["key"] == "invalid_payload"


async def test_a_broken_statement_is_a_bug_of_ours(client: AsyncClient) -> None:
    response = await client.get("/v1/t/sql?statement=SELEKT 1")

    assert response.status_code == 500
    assert "SELEKT" not in response.text


async def test_a_request_that_takes_too_long_is_answered_503(database_url: str) -> None:
    app = application(database_url, request_seconds=0.05)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as client:
        response = await client.get("/v1/t/sleep")

    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert response.json()["message"] == "Took too long, please retry"


async def test_more_requests_than_the_limit_are_turned_away_at_once(database_url: str) -> None:
    app = application(database_url, requests_in_flight=2, request_seconds=0.3)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://testserver") as client:
        waiting = [asyncio.create_task(client.get("/v1/t/sleep")) for _ in range(2)]
        await asyncio.sleep(0.05)
        refused = await client.get("/v1/t/codes/A")
        healthy = await client.get("/healthz")
        await asyncio.gather(*waiting)
        served = await client.get("/v1/t/codes/A")

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert healthy.status_code == 200
    assert served.status_code == 200


async def test_a_client_that_hangs_up_is_not_answered(app: FastAPI, client: AsyncClient) -> None:
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/t/names",
        "raw_path": b"/v1/t/names",
        "query_string": b"",
        "headers": [(b"content-length", b"50")],
    }

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)

    assert sent == []
    assert 'route="/v1/t/names",status="499"' in (await client.get("/metrics")).text


async def test_the_version_header_of_the_contract_is_accepted(client: AsyncClient) -> None:
    response = await client.get("/v1/t/codes/A", headers={"X-Voucherify-API-Version": "v2018-08-01"})

    assert response.status_code == 200
