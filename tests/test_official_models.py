"""The net that reads answers with the official models has no hole where our routes are."""

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import Request, Response

from tests.official_models import operation_of, read_by_official_model

OURS_ALONE = (
    "/assets/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/x/",
    "/v1/oauth/",
    "/management/v1/projects/{project_id}/goodwill",
    "/management/v1/projects/{project_id}/keys",
)
UNTYPED = {"/v1/campaigns/{campaign}/enable", "/v1/campaigns/{campaign}/disable"}
"""The official client takes any object here."""
NOT_IN_THE_OFFICIAL_CLIENT = {
    ("POST", "/v1/loyalties/members/{memberId}/pending-points/{pendingPointsId}/cancel"),
    ("GET", "/v1/segments"),
    ("PUT", "/v1/product-collections/{productCollectionId}"),
    ("POST", "/v1/metadata-schemas"),
    ("PUT", "/v1/metadata-schemas/{resource}"),
    ("DELETE", "/v1/metadata-schemas/{resource}"),
    ("POST", "/client/v1/publish"),
}
"""Routes of the contract for which the official client has no operation, or none that reads an answer."""


def test_every_route_of_the_contract_is_known_to_the_official_client(app: FastAPI) -> None:
    routes = [route for route in app.routes if isinstance(route, APIRoute) and not route.path.startswith(OURS_ALONE)]
    wanted = [(next(iter(route.methods)), route.path) for route in routes if route.path not in UNTYPED]

    unread = []
    for method, path in wanted:
        operation = operation_of(method, path)
        if operation is None or (operation.model is None and method != "DELETE"):
            unread.append((method, path))

    assert len(wanted) > 40
    assert set(unread) == NOT_IN_THE_OFFICIAL_CLIENT


async def test_an_answer_that_the_official_client_cannot_read_is_noticed() -> None:
    request = Request("POST", "http://shop/v1/validations")

    with pytest.raises(Exception, match="valid"):
        await read_by_official_model(Response(200, json={"valid": "perhaps"}, request=request))
