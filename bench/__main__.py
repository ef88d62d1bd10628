"""`make bench`: measure a fresh server, and in the same minutes what the machine, Postgres and FastAPI give.

Everything is measured in rounds, one thing after the other, and medians are shown: what disturbs the machine for a
while disturbs all of them. Ratios are what counts; absolute figures are those of this machine today.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from bench import points, workload
from bench.conservation import check_conservation
from bench.copying import Copying
from bench.load import Load
from bench.pgbench import run_pgbench, script_of, statements_of
from bench.processes import Guerdon, Server, generate_load, guerdon, uvicorn
from bench.promotions import LIVE, RELEVANT, Headers, open_promotions, qualification_body
from bench.report import Figures, Line, Report, middle, middle_ratio, show

CLIENTS = 32
FIRST_SALES = 200
FLOOR = Path(__file__).with_name("floor.sql")
CHECKOUT_MARK, GENERATION_MARK, MEMORY_MARK_MIB = 0.5, 0.5, 250
PROMOTIONS_MARK = 0.5
BALANCE_MARK = 0.9
EARN, SPEND, EARN_HOT, SPEND_HOT = "earn points", "spend points", "earn on one hot card", "spend on one hot card"
MOVES = {EARN: points.EARNED, SPEND: points.SPENT, EARN_HOT: points.EARNED, SPEND_HOT: points.SPENT}
READS = {
    "read a card with {entries:,} entries": "/v1/loyalties/members/%(code)s",
    "its balance in the past": "/x/v1/ledger/accounts/%(code)s/balance?at={instant}",
}
AMONG_MANY, ALONE = f"qualify among {LIVE:,} promotions", f"the {RELEVANT} that apply alone"
FLOOR_NAMES = {"/v1/validations": "/validate", "/v1/redemptions": "/redeem"}
NEXT_TO = "a bare FastAPI route"


@dataclass(frozen=True)
class Plan:
    """How much is measured, and for how long."""

    codes: int = 1_000_000
    sampled_codes: int = 100_000
    customers: int = 100_000
    products: int = 10_000
    over_http: int = 200
    cards: int = 1_000
    long_history: int = 1_000_000
    rounds: int = 5
    seconds: float = 5
    warm_up_seconds: float = 1


QUICK = Plan(
    codes=5_000,
    sampled_codes=1_000,
    customers=1_000,
    products=200,
    over_http=20,
    cards=50,
    long_history=20_000,
    rounds=1,
    seconds=0.5,
    warm_up_seconds=0.3,
)


@dataclass
class Bench:
    """What is running, what is sent to it, and what was answered so far."""

    plan: Plan
    server: Guerdon
    floor: Server
    bare: Server
    codes: list[str]
    scripts: Mapping[str, Path]
    promotions: tuple[Headers, Headers]
    cards: Sequence[Mapping[str, Any]]
    redeemed: int = 0
    moved: int = 0
    floor_redeemed: int = 0
    measured: dict[tuple[str, str], list[Figures]] = field(default_factory=dict)
    runs: Iterator[int] = field(default_factory=itertools.count)

    async def drive(
        self,
        what: str,
        server: Server,
        path: str,
        codes: list[str],
        *,
        body: str | None = None,
        headers: Headers | None = None,
        who: str | None = None,
        method: str = "POST",
    ) -> None:
        """One measurement over HTTP. Raises RuntimeError when anything but 200 was answered."""
        cpu_before = server.cpu_seconds()
        seen = await generate_load(
            Load(
                host="127.0.0.1",
                port=server.port,
                path=path,
                headers=dict(headers or self.server.headers),
                body=workload.checkout_body() if body is None else body,
                codes=codes,
                customers=random.sample(workload.customer_ids(self.plan.customers), min(self.plan.customers, 10_000)),
                order_prefix=f"order-{next(self.runs):04d}-",
                connections=CLIENTS,
                seconds=self.plan.seconds,
                warm_up_seconds=self.plan.warm_up_seconds,
                method=method,
            )
        )
        answers = sum(seen.statuses.values())
        if set(seen.statuses) != {200}:
            raise RuntimeError(f"{path} answered {seen.statuses}, first {seen.refusal}")
        if path == "/v1/redemptions":
            self.redeemed += answers
        if path == "/redeem":
            self.floor_redeemed += answers
        if path == points.PATH:
            self.moved += answers
        cpu = (server.cpu_seconds() - cpu_before) / answers * 1e6
        named = {self.server.port: "Guerdon", self.floor.port: NEXT_TO, self.bare.port: "the load generator"}
        self.keep(what, who or named[server.port], Figures(seen.per_second, seen.p50, seen.p99, cpu))

    async def drive_postgres(self, what: str) -> None:
        done, per_second, latency = await run_pgbench(
            self.server, self.scripts[what], clients=CLIENTS, seconds=self.plan.seconds
        )
        if what in MOVES:
            self.moved += done
        else:
            self.redeemed += done
        self.keep(what, "pgbench, same statements", Figures(per_second, latency))

    def keep(self, what: str, who: str, figures: Figures) -> None:
        self.measured.setdefault((what, who), []).append(figures)

    async def round(self) -> None:
        """Everything once, each thing right beside its floor."""
        spread, hot = random.sample(self.codes, len(self.codes)), self.codes[:1]
        for what, path, codes in (
            ("validate", "/v1/validations", spread),
            ("redeem", "/v1/redemptions", spread),
            ("redeem one hot code", "/v1/redemptions", hot),
        ):
            await self.drive(what, self.floor, FLOOR_NAMES[path], codes)
            await self.drive(what, self.server, path, codes)
            if what in self.scripts:
                await self.drive_postgres(what)
        for headers, who in zip(self.promotions, (ALONE, "Guerdon"), strict=True):
            await self.drive(
                AMONG_MANY,
                self.server,
                "/v1/qualifications",
                hot,
                body=qualification_body(),
                headers=headers,
                who=who,
            )
        cards = [card["code"] for card in self.cards]
        for what, moved in MOVES.items():
            on = cards[:1] if what in (EARN_HOT, SPEND_HOT) else cards
            await self.drive(what, self.server, points.PATH, on, body=points.body_of(moved))
            await self.drive_postgres(what)
        await self.drive("an answer of 8 kB", self.bare, "/", spread)

    async def read_histories(self) -> None:
        """Read a card with few entries and one with many, in rounds. No entry is checked after this."""
        short, long = self.cards[:2]
        connection = await asyncpg.connect(self.server.database_url)
        instant = await points.give_histories(connection, (short, long), self.plan.long_history)
        await connection.close()
        for _ in range(self.plan.rounds):
            for what, path in READS.items():
                read = what.format(entries=self.plan.long_history)
                for card, who in ((short, f"with {points.SHORT_HISTORY} entries"), (long, "Guerdon")):
                    await self.drive(
                        read, self.server, path.format(instant=instant), [card["code"]], body="", who=who, method="GET"
                    )


async def run(plan: Plan, folder: Path) -> Report:
    """Raises NotConserved, RuntimeError for an answer other than 200, ChildProcessError for a failed measurement."""
    async with guerdon(folder / "data") as server:
        say("setting up the shop")
        rule_id = await workload.open_shop(
            server, customers=plan.customers, products=plan.products, over_http=plan.over_http
        )
        campaign_id = await workload.create_campaign(server, rule_id)
        generated, copied = await generate_and_copy(plan, server, campaign_id)
        async with ready_bench(plan, server, folder) as bench:
            for number in range(plan.rounds):
                say(f"round {number + 1} of {plan.rounds}")
                await bench.round()
            counts = await check_conservation(
                server.database_url,
                answered=bench.redeemed,
                floor_answered=bench.floor_redeemed,
                points_moved=bench.moved,
            )
            say(f"reading a card with {plan.long_history:,} entries")
            await bench.read_histories()
            bench.measured["generate codes", "Guerdon"] = generated
            bench.measured["generate codes", "COPY of the same rows"] = copied
            return Report(lines_of(bench), server.memory_mib(), MEMORY_MARK_MIB, counts.answered)


async def generate_and_copy(plan: Plan, server: Guerdon, campaign_id: str) -> tuple[list[Figures], list[Figures]]:
    """Generate the codes in as many parts as there are rounds, each part copied before the next one is begun."""
    generated, copied = [], []
    part = plan.codes // plan.rounds
    connection = await asyncpg.connect(server.database_url)
    copying = Copying(connection, campaign_id)
    await copying.begin()
    for number in range(plan.rounds):
        say(f"generating and copying {part:,} codes ({number + 1} of {plan.rounds})")
        generated.append(Figures(part / await workload.generate_codes(server, campaign_id, part)))
        copied.append(Figures(part / await copying.copy_new_rows()))
    await copying.end()
    await connection.close()
    return generated, copied


@asynccontextmanager
async def ready_bench(plan: Plan, server: Guerdon, folder: Path) -> AsyncIterator[Bench]:
    """The floors set up next to the server, with as many rows, and everything vacuumed."""
    connection = await asyncpg.connect(server.database_url)
    await connection.execute(FLOOR.read_text())
    rows = await connection.fetch(
        "INSERT INTO floor.sample (number, code, id) SELECT row_number() OVER (), code, id FROM"
        " (SELECT code, id FROM vouchers ORDER BY random() LIMIT $1) RETURNING code",
        plan.sampled_codes,
    )
    codes = [row["code"] for row in rows]
    sold = await workload.first_sales(server, codes[:FIRST_SALES])
    say(f"setting up a loyalty program with {plan.cards:,} members")
    cards = await points.open_program(server, plan.cards)
    expires_at = await points.keep_cards(connection, cards)
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()
    names = {"code": codes[0], "customer": "shop-000000", "order": "listened"}
    body = json.loads(workload.checkout_body() % names)
    statements = await statements_of(server, body)
    scripts = {"redeem": folder / "redeem.sql", "redeem one hot code": folder / "hot.sql"}
    for script, sampled in zip(scripts.values(), (len(codes), 1), strict=True):
        script.write_text(script_of(statements, codes=sampled))
    moving = {
        what: points.script_of_movement(
            moved, cards[0]["campaign_id"], expires_at, cards=1 if what in (EARN_HOT, SPEND_HOT) else len(cards)
        )
        for what, moved in MOVES.items()
    }
    scripts |= points.write_scripts(folder, moving)
    say(f"setting up {LIVE:,} promotions")
    promotions = await open_promotions(server)
    environment = {"FLOOR_DATABASE_URL": server.database_url}
    async with uvicorn("app", folder, **environment) as floor, uvicorn("bare", folder) as bare:
        bench = Bench(plan, server, floor, bare, codes, scripts, promotions, cards, redeemed=sold + 1)
        await check_same_shape(bench, body)
        yield bench


async def check_same_shape(bench: Bench, body: Mapping[str, Any]) -> None:
    """See that the floor answers with the same members as the server, and has no easier work.

    Raises RuntimeError.
    """
    async with workload.client_of(bench.server) as client:
        for number, (path, floor_path) in enumerate(FLOOR_NAMES.items()):
            order = {**body["order"], "source_id": f"shape-{number}"}
            ours = await client.post(path, json={**body, "order": order})
            floors = await client.post(f"http://127.0.0.1:{bench.floor.port}{floor_path}", json=body)
            if shape_of(ours.json()) != shape_of(floors.json()):
                raise RuntimeError(f"{path} and its floor answer differently:\n{ours.text}\n{floors.text}")
    bench.redeemed += 1
    bench.floor_redeemed += 1


def shape_of(value: Any) -> Any:
    """The names of all members, without those inside a map by id, and how many elements lists have."""
    if isinstance(value, dict):
        return {
            name: None if name == "redemptions" and isinstance(member, dict) else shape_of(member)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [shape_of(element) for element in value]
    return None


def lines_of(bench: Bench) -> list[Line]:
    """The lines of the table; what is ours stands above its floors, with its ratio to the first of them."""
    marks: dict[str, float | None] = dict.fromkeys(("validate", "redeem", "redeem one hot code"), CHECKOUT_MARK)
    marks[AMONG_MANY] = PROMOTIONS_MARK
    marks["generate codes"] = GENERATION_MARK
    marks |= dict.fromkeys(MOVES)
    marks |= {what.format(entries=bench.plan.long_history): BALANCE_MARK for what in READS}
    lines = []
    for what in [*marks, "an answer of 8 kB"]:
        rounds = {who: figures for (each, who), figures in bench.measured.items() if each == what}
        ours = rounds.pop("Guerdon", None)
        if ours is not None:
            first = next(iter(rounds.values()))
            lines.append(Line(what, "Guerdon", middle(ours), middle_ratio(ours, first), marks[what]))
        lines += [Line("" if ours else what, who, middle(figures)) for who, figures in rounds.items()]
    return lines


def say(step: str) -> None:
    print(f"bench: {step}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run of a minute; its figures mean little")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON, too")
    parser.add_argument("--folder", type=Path, help="where the data and the logs go, and stay")
    options = parser.parse_args()
    plan = QUICK if options.quick else Plan()
    with tempfile.TemporaryDirectory(prefix="guerdon-bench-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        # The embedded Postgres of a server started by root runs as another user, who has to pass through.
        os.chmod(folder, 0o711)
        report = asyncio.run(run(plan, folder.resolve()))
    show(report)
    if options.out is not None:
        options.out.write_text(json.dumps(report.as_json(), indent=2))


if __name__ == "__main__":
    main()
