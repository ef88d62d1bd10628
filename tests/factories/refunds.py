"""Refunds for tests, made over HTTP."""

from typing import Any

from httpx import AsyncClient, Response

from tests.factories.access import ProjectKeys
from tests.factories.incentives import Answer


async def try_to_refund(
    client: AsyncClient, project: ProjectKeys, redemption_id: str, *lines: tuple[int, int], **members: Any
) -> Response:
    """Ask for so many units of these lines back, all that is left when none is named; `members` are the body's and, as
    `headers`, the request's."""
    headers = members.pop("headers", {})
    body = {**({"lines": [{"index": index, "quantity": units} for index, units in lines]} if lines else {}), **members}
    path = f"/x/v1/redemptions/{redemption_id}/refund"
    return await client.post(path, json=body, headers={**project.server, **headers})


async def refund(
    client: AsyncClient, project: ProjectKeys, redemption_id: str, *lines: tuple[int, int], **members: Any
) -> Answer:
    """The answer to a refund, which must succeed."""
    response = await try_to_refund(client, project, redemption_id, *lines, **members)
    assert response.status_code == 200, response.text
    answer: Answer = response.json()
    return answer


async def preview(
    client: AsyncClient, project: ProjectKeys, redemption_id: str, *lines: tuple[int, int], **members: Any
) -> Answer:
    """The answer to a preview, which must succeed."""
    body = {**({"lines": [{"index": index, "quantity": units} for index, units in lines]} if lines else {}), **members}
    response = await client.post(f"/x/v1/redemptions/{redemption_id}/refund-preview", json=body, headers=project.server)
    assert response.status_code == 200, response.text
    answer: Answer = response.json()
    return answer
