"""What processes keep of the catalogue is never out of date."""

from typing import Any

import pytest
from httpx import AsyncClient

from app.commerce.orders.catalogues import FIND, MOST_NAMES, Catalogues
from app.kit.db import Connection, Database
from tests.factories.access import ProjectKeys

VERSION = "SELECT version FROM catalogues WHERE project_id = $1"


class Counting:
    """A connection that counts what is read of the catalogue."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.reads = connection, 0

    def is_in_transaction(self) -> bool:
        return bool(self.connection.is_in_transaction())

    async def fetchrow(self, statement: str, *values: Any) -> Any:
        self.reads += statement == FIND
        return await self.connection.fetchrow(statement, *values)


async def give_product(client: AsyncClient, project: ProjectKeys, source_id: str, **members: Any) -> str:
    response = await client.post("/v1/products", json={"source_id": source_id, **members}, headers=project.server)
    assert response.status_code == 200, response.text
    product_id: str = response.json()["id"]
    return product_id


async def find(
    catalogues: Catalogues, connection: Connection | Counting, project: ProjectKeys, *names: str
) -> dict[str | None, int | None]:
    """The prices that the catalogue has under these names."""
    raw = connection.connection if isinstance(connection, Counting) else connection
    version = await raw.fetchval(VERSION, project.id)
    found = await catalogues.find(connection, project.id, version, names)
    return {name: product.price for name, product in found.products.items()}


async def test_what_was_found_once_is_not_read_again_and_neither_is_what_was_not(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_product(client, project, "shirt", price=2000)
    catalogues = Catalogues()

    async with db.connection() as connection:
        counting = Counting(connection)
        for _ in range(3):
            assert await find(catalogues, counting, project, "shirt", "nothing") == {"shirt": 2000}

    assert counting.reads == 1


@pytest.mark.parametrize("change", ["price", "new", "deleted", "sku"])
async def test_every_change_of_the_catalogue_is_seen_at_once(
    client: AsyncClient, db: Database, project: ProjectKeys, change: str
) -> None:
    shirt = await give_product(client, project, "shirt", price=2000)
    catalogues = Catalogues()
    async with db.connection() as connection:
        assert await find(catalogues, connection, project, "shirt", "hat", "small") == {"shirt": 2000}

        if change == "price":
            await client.put(f"/v1/products/{shirt}", json={"price": 2500}, headers=project.server)
        elif change == "new":
            await give_product(client, project, "hat", price=900)
        elif change == "deleted":
            await client.delete(f"/v1/products/{shirt}", headers=project.server)
        else:
            sku = {"source_id": "small", "sku": "Small"}
            await client.post(f"/v1/products/{shirt}/skus", json=sku, headers=project.server)

        found = await find(catalogues, connection, project, "shirt", "hat", "small")

    assert (
        found
        == {
            "price": {"shirt": 2500},
            "new": {"shirt": 2000, "hat": 900},
            "deleted": {},
            "sku": {"shirt": 2000, shirt: 2000},
        }[change]
    )


async def test_a_change_moves_the_version_once_however_much_it_changes(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_product(client, project, "shirt", price=2000)
    await give_product(client, project, "hat", price=900)

    async with db.connection() as connection:
        before = await connection.fetchval(VERSION, project.id)
        await connection.execute("UPDATE products SET price = price + 1 WHERE project_id = $1", project.id)
        after = await connection.fetchval(VERSION, project.id)

    assert after == before + 1


async def test_what_a_transaction_sees_of_its_own_changes_is_not_kept_for_others(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    await give_product(client, project, "shirt", price=2000)
    catalogues = Catalogues()

    async with db.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE products SET price = 1 WHERE project_id = $1", project.id)
        seen_inside = await find(catalogues, connection, project, "shirt")
        await transaction.rollback()
        seen_after = await find(catalogues, connection, project, "shirt")

    assert (seen_inside, seen_after) == ({"shirt": 1}, {"shirt": 2000})


async def test_a_product_whose_id_reads_like_the_source_id_of_another_is_found_even_when_the_other_was_read_first(
    client: AsyncClient, db: Database, project: ProjectKeys
) -> None:
    first = await give_product(client, project, "shirt", price=2000)
    second = await give_product(client, project, first, price=900)
    catalogues = Catalogues()

    async with db.connection() as connection:
        await find(catalogues, connection, project, second)
        found = await find(catalogues, connection, project, first)

    assert found == {first: 2000}


async def test_no_more_is_kept_than_allowed(db: Database, project: ProjectKeys) -> None:
    catalogues = Catalogues()

    async with db.connection() as connection:
        for batch in range(3):
            names = [f"thing-{batch}-{number}" for number in range(MOST_NAMES - 1)]
            assert await find(catalogues, connection, project, *names) == {}

    assert sum(len(kept.names) for kept in catalogues._kept.values()) < 2 * MOST_NAMES
