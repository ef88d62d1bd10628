"""Segments and product collections for tests, made over HTTP."""

from typing import Any

from httpx import AsyncClient

from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer, ask


def asked(attribute: str, operator: str, *values: Any, **more: Any) -> dict[str, Any]:
    """A filter with one condition; `more` are further attributes or the junction."""
    return {attribute: {"conditions": {operator: list(values)}}, **more}


async def give_segment(client: AsyncClient, project: ProjectKeys, filter_: Any = None, **members: Any) -> Answer:
    """A passive segment with a filter, unless the members say otherwise, as answered."""
    body = {"name": "Regulars", "type": "passive" if filter_ else "static", "filter": filter_, **members}
    return await ask(client, project, "POST", "/v1/segments", body)


async def give_collection(client: AsyncClient, project: ProjectKeys, filter_: Any = None, **members: Any) -> Answer:
    """A collection with a filter, or of `products`, as answered."""
    body = {"name": "Shoes", "type": "AUTO_UPDATE" if filter_ else "STATIC", "filter": filter_, **members}
    return await ask(client, project, "POST", "/v1/product-collections", body)


async def segments_of(client: AsyncClient, project: ProjectKeys, reference: str) -> list[str]:
    """The ids of the segments a customer is in, as answered."""
    answer = await ask(client, project, "GET", f"/v1/customers/{reference}/segments")
    assert answer["total"] == len(answer["data"])
    return [segment["id"] for segment in answer["data"]]
