"""What a checkout reads does not grow with what is stored."""

import re
from collections.abc import AsyncIterator

import pytest

from app.commerce.orders.catalogues import FIND
from app.decisions.reading import SNAPSHOTS, Asked
from app.kit.db import Connection, Database, to_json
from tests.factories.access import ProjectKeys

STORED = 3_000
ENOUGH_PAGES = 100

GROW = (
    """INSERT INTO vouchers (project_id, id, code, normal_code, type, active, created_at)
    SELECT $1, 'v_' || n, 'CODE' || n, 'CODE' || n, 'DISCOUNT_VOUCHER', true, now()
    FROM generate_series(1, $2) AS n""",
    """INSERT INTO accounts (project_id, owner_id, measure, subject, period, balance)
    SELECT $1, 'v_' || n, 'uses', '', '', -1 FROM generate_series(1, $2) AS n""",
    """INSERT INTO customers (project_id, id, source_id, metadata, created_at)
    SELECT $1, 'cust_' || n, 'shop-' || n, '{}', now() FROM generate_series(1, $2) AS n""",
    """INSERT INTO products (project_id, id, source_id, attributes, metadata, created_at)
    SELECT $1, 'prod_' || n, 'shirt-' || n, '[]', '{}', now() FROM generate_series(1, $2) AS n""",
    """INSERT INTO skus (project_id, id, product_id, source_id, attributes, metadata, created_at)
    SELECT $1, 'sku_' || n, 'prod_' || n, 'small-' || n, '{}', '{}', now()
    FROM generate_series(1, $2) AS n""",
    """INSERT INTO orders (project_id, id, source_id, status, discount_amount, items_discount_amount, items, metadata,
        redemptions, created_at)
    SELECT $1, 'ord_' || n, 'cart-' || n, 'PAID', 0, 0, '[]', '{}', '{}', now()
    FROM generate_series(1, $2) AS n""",
)
"""A shop with many of everything that grows."""
GROWN = ("vouchers", "accounts", "customers", "products", "skus", "orders")
OTHER_SHOPS = (
    """INSERT INTO vouchers (project_id, id, code, normal_code, type, active, created_at)
    SELECT $1 + n, 'v_' || n, 'CODE' || n, 'CODE' || n, 'DISCOUNT_VOUCHER', true, now()
    FROM generate_series(1, $2) AS n""",
    """INSERT INTO orders (project_id, id, source_id, status, discount_amount, items_discount_amount, items, metadata,
        redemptions, created_at)
    SELECT $1 + n, 'ord_' || n, 'cart-' || n, 'PAID', 0, 0, '[]', '{}', '{}', now()
    FROM generate_series(1, $2) AS n""",
)
"""As many shops with next to nothing: a shop is then small on average."""


@pytest.fixture(params=[GROW, GROW + OTHER_SHOPS], ids=["alone", "among small ones"])
async def connection(request: pytest.FixtureRequest, db: Database, project: ProjectKeys) -> AsyncIterator[Connection]:
    """A connection of the checkout to a database with a large project, of which nothing is kept."""
    async with db.connection() as checkout:
        transaction = checkout.transaction()
        await transaction.start()
        for statement in request.param:
            await checkout.execute(statement, project.id, STORED)
        for table in GROWN:
            await checkout.execute(f"ANALYZE {table}")
        yield checkout
        await transaction.rollback()


ASKED: Asked = {
    "codes": ["CODE7", "CODE2500"],
    "voucher_ids": [],
    "customer_id": None,
    "customer_source_id": "shop-7",
    "order_id": None,
    "order_source_id": "cart-7",
    "subjects": ["", "api_key:k"],
    "periods": ["", "2026-11-21"],
    "owner_ids": [],
    "email": "ada@example.com",
}


async def test_a_snapshot_reads_a_few_pages_of_a_large_project(connection: Connection, project: ProjectKeys) -> None:
    pages = await pages_read(connection, SNAPSHOTS, f"{project.id}, '{to_json([ASKED])}'")

    assert 0 < pages < ENOUGH_PAGES


async def test_snapshots_read_together_cost_no_more_pages_than_each_by_itself(
    connection: Connection, project: ProjectKeys
) -> None:
    alone = await pages_read(connection, SNAPSHOTS, f"{project.id}, '{to_json([ASKED])}'")
    together = await pages_read(connection, SNAPSHOTS, f"{project.id}, '{to_json([ASKED] * 10)}'")

    assert together <= 10 * alone


async def test_what_carts_name_of_a_large_catalogue_is_found_in_a_few_pages(
    connection: Connection, project: ProjectKeys
) -> None:
    pages = await pages_read(connection, FIND, f"{project.id}, '{{shirt-1,shirt-2,small-3,small-4}}'")

    assert 0 < pages < ENOUGH_PAGES


async def pages_read(connection: Connection, statement: str, values: str) -> int:
    """How many pages the statement looks at; it must not read a table from end to end."""
    await connection.execute(f"PREPARE statement AS {statement}")
    plan = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS) EXECUTE statement ({values})")
    await connection.execute("DEALLOCATE statement")
    lines = [line[0] for line in plan]
    assert not any("Seq Scan" in line for line in lines), "\n".join(lines)
    return sum(int(number) for number in re.findall(r"(?:hit|read)=(\d+)", lines[1]))
