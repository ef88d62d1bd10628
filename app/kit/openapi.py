"""The OpenAPI document: what FastAPI knows, with our errors and keys, in an order that does not change."""

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from app.kit.errors import ErrorBody
from app.kit.idempotency import HEADER, KEY_PATTERN, WRITES
from app.kit.list_parameters import list_parameters
from app.kit.lists import Listing

REF_TEMPLATE = "#/components/schemas/{model}"
_ERROR = {
    "description": "What went wrong",
    "content": {"application/json": {"schema": {"$ref": REF_TEMPLATE.format(model="ErrorBody")}}},
}

_IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Makes a retry safe: the same key with the same request gets the same answer, for seven days.",
    "schema": {"type": "string", "pattern": KEY_PATTERN},
}

DESCRIPTION = """\
Unique codes, cart promotions and everything else that rewards a customer, decided and accounted for on your own server.

Amounts are integers in the minor unit of the currency. Instants are ISO 8601 in UTC. Members that a request does not
know are ignored. Every write takes an `Idempotency-Key` header and can then be repeated safely. Every answer carries an
`X-Request-Id`, which the log knows too.
"""

SECURITY_SCHEMES: dict[str, Any] = {
    "X-App-Id": {"type": "apiKey", "in": "header", "name": "X-App-Id", "description": "Server key, public half."},
    "X-App-Token": {"type": "apiKey", "in": "header", "name": "X-App-Token", "description": "Server key, secret half."},
    "X-Client-Application-Id": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Client-Application-Id",
        "description": "Client key, first half.",
    },
    "X-Client-Token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Client-Token",
        "description": "Client key, second half; both are public.",
    },
    "X-Management-Id": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Management-Id",
        "description": "Management key, public half.",
    },
    "X-Management-Token": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Management-Token",
        "description": "Management key, secret half.",
    },
    "Bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token from `POST /v1/oauth/token`, good for 15 minutes.",
    },
}
_SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "/client/": [{"X-Client-Application-Id": [], "X-Client-Token": []}, {"Bearer": []}],
    "/management/": [{"X-Management-Id": [], "X-Management-Token": []}],
    "/v1/": [{"X-App-Id": [], "X-App-Token": []}, {"Bearer": []}],
    "/x/": [{"X-App-Id": [], "X-App-Token": []}, {"Bearer": []}],
}


def sends(model: type[BaseModel]) -> dict[str, Any]:
    """`openapi_extra` for an endpoint that reads its body itself: the body is documented as `model`."""
    schema = model.model_json_schema(ref_template=REF_TEMPLATE)
    named = {
        "$ref": REF_TEMPLATE.format(model=model.__name__),
        "$defs": {**schema.pop("$defs", {}), model.__name__: schema},
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": named}}}}


def describe(app: FastAPI) -> None:
    """Make `app.openapi()`, and with it `/openapi.json` and `/docs`, give our document."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend the document


def openapi_document(app: FastAPI) -> str:
    """The document as text; the same application always gives the same text."""
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


def _document(app: FastAPI) -> dict[str, Any]:
    described = get_openapi(
        title=app.title,
        version=app.version,
        description=DESCRIPTION,
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    schemas["ErrorBody"] = ErrorBody.model_json_schema(ref_template=REF_TEMPLATE)
    queries = _queries(app)
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            if "HTTPValidationError" in str(responses.get("422")):  # we answer 400, which the default describes
                del responses["422"]
            responses.setdefault("default", _ERROR)
            security = next((needs for start, needs in _SECURITY.items() if path.startswith(start)), None)
            if security is not None:
                operation["security"] = security
                if method.upper() in WRITES:
                    operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
            for query in queries.get(operation["operationId"], []):
                operation.setdefault("parameters", []).extend(list_parameters(query))
    _hoist(described["paths"], schemas)
    _hoist(schemas["ErrorBody"], schemas)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    described["components"]["securitySchemes"] = SECURITY_SCHEMES
    described["components"]["schemas"] = dict(sorted(schemas.items()))
    return described


def _queries(app: FastAPI) -> dict[str, list[type[Listing]]]:
    """The list queries that endpoints depend on, by operation: `Depends(VoucherQuery.parse)` hides its fields."""
    queries: dict[str, list[type[Listing]]] = {}
    for route in app.routes:
        for dependant in route.dependant.dependencies if isinstance(route, APIRoute) else ():
            query = getattr(dependant.call, "__self__", None)
            if isinstance(query, type) and issubclass(query, Listing) and isinstance(route, APIRoute):
                queries.setdefault(route.unique_id, []).append(query)
    return queries


def _hoist(node: Any, schemas: dict[str, Any]) -> None:
    """Move the definitions that `sends` brought along to where every other schema is."""
    if isinstance(node, dict):
        for name, schema in node.pop("$defs", {}).items():
            if schemas.setdefault(name, schema) != schema:
                raise ValueError(f"Two different models are called {name}.")
        for member in node.values():
            _hoist(member, schemas)
    elif isinstance(node, list):
        for member in node:
            _hoist(member, schemas)
