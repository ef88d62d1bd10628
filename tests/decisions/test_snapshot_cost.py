"""What a checkout reads does not grow with what is stored."""

import re
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from app.decisions.snapshot import SNAPSHOT
from app.kit.db import Connection, Database
from tests.factories.access import ProjectKeys

STORED = 3_000
ENOUGH_PAGES = 100

GROW = (
    """INSERT INTO vouchers (project_id, id, code, normal_code, type, active, created_at)
    SELECT :project, 'v_' || n, 'CODE' || n, 'CODE' || n, 'DISCOUNT_VOUCHER', true, now()
    FROM generate_series(1, :stored) AS n""",
    """INSERT INTO accounts (project_id, owner_id, measure, subject, period, balance)
    SELECT :project, 'v_' || n, 'uses', '', '', -1 FROM generate_series(1, :stored) AS n""",
    """INSERT INTO customers (project_id, id, source_id, metadata, created_at)
    SELECT :project, 'cust_' || n, 'shop-' || n, '{}', now() FROM generate_series(1, :stored) AS n""",
    """INSERT INTO products (project_id, id, source_id, attributes, metadata, created_at)
    SELECT :project, 'prod_' || n, 'shirt-' || n, '[]', '{}', now() FROM generate_series(1, :stored) AS n""",
    """INSERT INTO skus (project_id, id, product_id, source_id, attributes, metadata, created_at)
    SELECT :project, 'sku_' || n, 'prod_' || n, 'small-' || n, '{}', '{}', now()
    FROM generate_series(1, :stored) AS n""",
    """INSERT INTO orders (project_id, id, source_id, status, discount_amount, items_discount_amount, items, metadata,
        redemptions, created_at)
    SELECT :project, 'ord_' || n, 'cart-' || n, 'PAID', 0, 0, '[]', '{}', '{}', now()
    FROM generate_series(1, :stored) AS n""",
)
"""A shop with many of everything that grows."""


@pytest.fixture
async def connection(db: Database, project: ProjectKeys) -> AsyncIterator[Connection]:
    """A connection of the checkout to a database with a large project."""
    async with db.write() as session:
        for statement in GROW:
            await session.execute(text(statement), {"project": project.id, "stored": STORED})
    async with db.write() as session:
        for table in ("vouchers", "accounts", "customers", "products", "skus", "orders"):
            await session.execute(text(f"ANALYZE {table}"))
    async with db.connection() as checkout:
        yield checkout


async def test_a_snapshot_reads_a_few_pages_of_a_large_project(connection: Connection, project: ProjectKeys) -> None:
    await connection.execute(f"PREPARE snapshot AS {SNAPSHOT}")

    plan = await connection.fetch(
        f"EXPLAIN (ANALYZE, BUFFERS) EXECUTE snapshot ({project.id}, '{{CODE7,CODE2500}}', '{{}}', NULL, 'shop-7',"
        " NULL, 'cart-7', '{shirt-1,shirt-2,small-3,small-4}', '{\"\",api_key:k}', '{\"\",2026-11-21}', '{}',"
        " 'ada@example.com')"
    )
    await connection.execute("DEALLOCATE snapshot")

    lines = [line[0] for line in plan]
    pages = sum(int(number) for number in re.findall(r"(?:hit|read)=(\d+)", lines[1]))
    assert 0 < pages < ENOUGH_PAGES, "\n".join(lines)
    assert not any("Seq Scan" in line for line in lines)
