from httpx import AsyncClient


async def test_an_unknown_route_is_answered_404(client: AsyncClient) -> None:
    response = await client.get("/nowhere")

    assert response.status_code == 404
