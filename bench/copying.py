"""The floor under bulk generation: COPY of the rows that were generated, into a table with the same indexes."""

import tempfile
import time

import asyncpg

ROWS = "SELECT * FROM vouchers WHERE campaign_id = $1 AND id > $2 ORDER BY ctid"


class Copying:
    """A second table of vouchers, which gets by COPY what the first one gets by generation."""

    def __init__(self, connection: asyncpg.Connection, campaign_id: str) -> None:
        self.connection = connection
        self.campaign_id = campaign_id
        self.last_id = ""

    async def begin(self) -> None:
        await self.connection.execute("CREATE TABLE copied (LIKE vouchers INCLUDING ALL)")

    async def copy_new_rows(self) -> float:
        """Copy what was generated since the last time, in binary and as it is stored; gives the seconds COPY took."""
        with tempfile.TemporaryFile() as rows:
            await self.connection.copy_from_query(ROWS, self.campaign_id, self.last_id, output=rows, format="binary")
            rows.seek(0)
            began_at = time.perf_counter()
            await self.connection.copy_to_table("copied", source=rows, format="binary")
            seconds = time.perf_counter() - began_at
        self.last_id = await self.connection.fetchval("SELECT max(id) FROM copied")
        return seconds

    async def end(self) -> None:
        await self.connection.execute("DROP TABLE copied")
