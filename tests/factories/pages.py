"""What pages send, with a client key."""

from typing import Any

from httpx import AsyncClient, Response

from tests.factories.access import ProjectKeys


async def from_page(
    client: AsyncClient, project: ProjectKeys, method: str, path: str, body: Any = None, **headers: str
) -> Response:
    """The response to a request with the client key of the project; `path` begins after /client/v1."""
    return await client.request(method, f"/client/v1{path}", json=body, headers={**project.client, **headers})


async def shown(
    client: AsyncClient, project: ProjectKeys, method: str, path: str, body: Any = None, **headers: str
) -> dict[str, Any]:
    """The answer to a request of a page that must succeed."""
    response = await from_page(client, project, method, path, body, **headers)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def known(response: Response) -> dict[str, Any]:
    """What a page learns from an answer: all of it but what names this very request."""

    def without(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: without(value) for name, value in node.items() if name != "request_id"}
        return [without(entry) for entry in node] if isinstance(node, list) else node

    learned: dict[str, Any] = {"status": response.status_code, **without(response.json())}
    learned.pop("id", None)
    return learned
