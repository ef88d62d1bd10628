"""What Postgres gives: pgbench runs the very statements of a redemption, as they are sent, with codes taken at random.

The statements are not written down a second time. One redemption is carried out in this process, its two statements are
listened to, and what differs from one redemption to the next is put in their place.
"""

import asyncio
import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
from asyncpg.connection import LoggedQuery
from sqlalchemy import select

from app.access.callers import Caller
from app.access.project_views import view_of
from app.decisions.redemptions import service as redemptions
from app.decisions.schemas import CheckoutIn
from app.decisions.validations import service as validations
from app.incentives.configuration import ConfigurationCache
from app.kit import clock
from app.kit.db import Database
from app.models import Project
from app.processes.postgres import binaries
from bench.processes import Guerdon

CHECKOUT_SETTINGS = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off"
"""Those of the pool that the checkout's statements run on."""


async def statements_of(server: Guerdon, body: Mapping[str, Any]) -> list[str]:
    """The statements of one redemption, as SQL for pgbench.

    The redemption is a real one, and recorded. In the SQL its code, voucher, order and redemption are replaced: `:code`
    picks a row of floor.sample, `:number` makes ids.
    """
    database = Database(server.database_url, pool_size=1)
    async with database.read() as session:
        project = view_of((await session.scalars(select(Project))).one())
    caller = Caller(project, server.credentials["X_APP_ID"], "admin", "server", "v-bench")
    request, cache = CheckoutIn.model_validate(body), ConfigurationCache()
    # The configuration is loaded by the first request, and found in the cache by all that follow.
    await validations.validate(database, cache, caller, request, now=clock.now(), explain=False)
    sent: list[LoggedQuery] = []
    async with database.connection() as connection:
        connection.add_query_logger(sent.append)
    answer = await redemptions.redeem(database, cache, caller, request, now=clock.now(), explain=False)
    async with database.connection() as connection:
        connection.remove_query_logger(sent.append)
    (redemption,) = answer["redemptions"]
    replaced = {
        redemption["voucher"]["code"]: "(SELECT code FROM floor.sample WHERE number = :code)",
        redemption["related_object_id"]: "(SELECT id FROM floor.sample WHERE number = :code)",
        redemption["id"]: "'r_' || CAST(:number AS text)",
        redemption["order"]["id"]: "'ord_' || CAST(:number AS text)",
        redemption["order"]["source_id"]: "'pgbench-' || CAST(:number AS text)",
    }
    async with database.connection() as connection:
        statements = [await _rendered(connection, logged, replaced) for logged in sent]
    await database.close()
    return statements


async def _rendered(connection: asyncpg.Connection, logged: LoggedQuery, replaced: Mapping[str, str]) -> str:
    """The statement with its arguments in their places."""
    parameters = (await connection.prepare(logged.query)).get_parameters()
    values = [
        f"CAST({expression(value, replaced)} AS {parameter.name})"
        for value, parameter in zip(logged.args, parameters, strict=True)
    ]
    return re.sub(r"\$(\d+)", lambda found: values[int(found[1]) - 1], logged.query).strip()


def expression(value: Any, replaced: Mapping[str, str]) -> str:
    """SQL for a value, with everything in it that changes from one redemption to the next replaced."""
    if value is None:
        return "NULL"
    if isinstance(value, list | tuple):
        return f"ARRAY[{', '.join(expression(each, replaced) for each in value)}]"
    if isinstance(value, int):
        return str(value)
    rendered = _literal(value.isoformat() if isinstance(value, datetime) else value)
    for text, replacement in replaced.items():
        if text in str(value):
            rendered = f"replace({rendered}, {_literal(text)}, {replacement})"
    return rendered


def _literal(text: str) -> str:
    """A text in SQL. Colons are escaped: pgbench takes what follows one for the name of a variable."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a")
    return f"E'{escaped}'"


def script_of(statements: list[str], *, codes: int) -> str:
    """A pgbench script that carries out one redemption of one of the first `codes` sampled codes."""
    variables = [f"\\set code random(1, {codes})", "\\set number random(1, 1000000000000000000)"]
    return "\n".join([*variables, *(f"{statement};" for statement in statements)]) + "\n"


async def run_pgbench(server: Guerdon, script: Path, *, clients: int, seconds: float) -> tuple[int, float, float]:
    """How many transactions there were, how many a second, and their mean latency in milliseconds.

    Raises ChildProcessError when one of them failed.
    """
    options = ["-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(round(max(1, seconds)))]
    process = await asyncio.create_subprocess_exec(
        *[str(binaries() / "pgbench"), *options, "-f", str(script), server.database_url],
        env={**os.environ, "PGOPTIONS": CHECKOUT_SETTINGS},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaint = await process.communicate()
    said = output.decode()
    done = re.search(r"actually processed: (\d+)", said)
    failed = re.search(r"failed transactions: (\d+)", said)
    if process.returncode or done is None or (failed is not None and failed[1] != "0"):
        raise ChildProcessError(f"pgbench failed: {said}{complaint.decode()}")
    return int(done[1]), _figure(r"tps = ([\d.]+)", said), _figure(r"latency average = ([\d.]+)", said)


def _figure(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    return float(found[1]) if found else float("nan")
