"""Endpoints that take nothing but the request."""

from fastapi import Depends, Request, Response
from httpx import AsyncClient

from app.kit.http import Router
from tests.factories.access import ProjectKeys


async def alone(request: Request) -> Response:
    return Response(request.url.path)


async def nothing() -> None:
    """A dependency."""


def test_an_endpoint_that_takes_more_than_the_request_keeps_its_dependencies() -> None:
    router = Router()
    router.add_api_route("/plain", alone)
    router.add_api_route("/guarded", alone, dependencies=[Depends(nothing)])
    router.add_api_route("/{name}", check_name)

    assert [route.is_plain for route in router.routes] == [True, False, False]  # type: ignore[attr-defined]


async def check_name(request: Request, name: str) -> Response:
    return Response(name)


async def test_a_plain_endpoint_answers_failures_in_the_one_shape(client: AsyncClient, project: ProjectKeys) -> None:
    refused = await client.post("/v1/validations", headers=project.server, json={})
    unknown = await client.post("/v1/validations", json={})

    assert (refused.status_code, refused.json()["key"]) == (400, "invalid_payload")
    assert (unknown.status_code, unknown.json()["key"]) == (401, "unauthorized")
