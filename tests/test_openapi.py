"""The committed OpenAPI document, from which clients are generated."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from app.kit.openapi import openapi_document
from app.main import create_app
from app.settings import Settings

COMMITTED = Path(__file__).resolve().parents[1] / "openapi" / "guerdon.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(openapi_document(create_app(Settings.model_construct())))
    return document


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def test_the_committed_document_is_that_of_the_code() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == openapi_document(create_app(Settings.model_construct())), (
        "Run `make openapi` and commit openapi/guerdon.json."
    )


def test_no_two_operations_have_the_same_name(document: dict[str, Any]) -> None:
    names = Counter(operation["operationId"] for _, _, operation in operations(document))

    assert [name for name, count in names.items() if count > 1] == []


def test_every_operation_says_what_it_does_and_how_errors_look(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert operation.get("description"), f"{method} {path} has no docstring"
        assert operation.get("tags"), f"{method} {path} has no tag"
        assert operation["responses"]["default"]["content"]["application/json"]["schema"] == {
            "$ref": "#/components/schemas/ErrorBody"
        }


def test_every_operation_on_data_asks_for_a_key(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        if path.startswith(("/v1/", "/client/", "/management/", "/x/")):
            assert operation["security"], f"{method} {path} is open"


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(member) for member in node.values()))
        return set().union(*(references(member) for member in node)) if isinstance(node, list) else set()

    assert references(document) <= {f"#/components/schemas/{name}" for name in schemas}


async def test_the_docs_show_the_document(client: AsyncClient, app: FastAPI) -> None:
    page = await client.get("/docs")
    shown = await client.get("/openapi.json")

    assert page.status_code == 200
    assert shown.json() == app.openapi()


def test_no_two_schemas_have_the_same_name(document: dict[str, Any]) -> None:
    """FastAPI tells them apart by their modules, which would become class names in generated clients."""
    assert [name for name in document["components"]["schemas"] if "__" in name] == []
