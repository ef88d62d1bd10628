"""The floor under bulk generation: COPY of the rows that were generated, into a table with the same indexes."""

import tempfile
import time

import asyncpg


async def copy_again(database_url: str, campaign_id: str) -> float:
    """Rows per second of one COPY, in binary, of the campaign's vouchers in the order in which they are stored."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TABLE copied (LIKE vouchers INCLUDING ALL)")
    with tempfile.TemporaryFile() as rows:
        query = "SELECT * FROM vouchers WHERE campaign_id = $1"
        await connection.copy_from_query(query, campaign_id, output=rows, format="binary")
        rows.seek(0)
        await connection.execute("CHECKPOINT")
        began_at = time.perf_counter()
        status = await connection.copy_to_table("copied", source=rows, format="binary")
        seconds = time.perf_counter() - began_at
    await connection.execute("DROP TABLE copied")
    await connection.close()
    return int(status.split()[-1]) / seconds
