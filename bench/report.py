"""One table of what was measured, each thing above its floor, and the same figures as JSON."""

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figures:
    """One measurement: how many a second, latencies in milliseconds, CPU of the server in microseconds for one."""

    per_second: float
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None


@dataclass(frozen=True)
class Line:
    """A line of the table. `ratio` compares with the floor, `mark` is what the ratio has to reach."""

    what: str
    who: str
    figures: Figures
    ratio: float | None = None
    mark: float | None = None


@dataclass(frozen=True)
class Report:
    lines: list[Line]
    memory_mib: tuple[float, float]
    memory_mark_mib: float
    conserved: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def middle(rounds: list[Figures]) -> Figures:
    """The median of each figure."""

    def of(name: str) -> float | None:
        values = [value for each in rounds if (value := getattr(each, name)) is not None]
        return median(values) if values else None

    return Figures(of("per_second") or 0.0, of("p50"), of("p99"), of("cpu"))


def middle_ratio(rounds: list[Figures], floors: list[Figures]) -> float:
    """The median of the ratios of each round, whose two measurements stood next to each other in time."""
    return median(ours.per_second / floor.per_second for ours, floor in zip(rounds, floors, strict=True))


def show(report: Report) -> None:
    table = Table("", "", "per second", "p50 ms", "p99 ms", "CPU µs", "of floor", "mark", box=None, pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
    for line in report.lines:
        figures = line.figures
        table.add_row(
            line.what,
            line.who,
            f"{figures.per_second:,.0f}",
            _shown(figures.p50, ".1f"),
            _shown(figures.p99, ".1f"),
            _shown(figures.cpu, ".0f"),
            _shown(line.ratio, ".2f"),
            "" if line.mark is None or line.ratio is None else _mark(line.ratio >= line.mark, f"{line.mark:.2f}"),
        )
    console = Console(highlight=False, width=120)
    console.print(table)
    resident, proportional = report.memory_mib
    met = _mark(resident <= report.memory_mark_mib, f"{report.memory_mark_mib:.0f} MiB")
    console.print(
        f"Memory of the API process: {resident:.0f} MiB resident, {proportional:.0f} MiB proportional ({met})."
    )
    console.print(f"Uses, redemptions, orders and outbox events agree: {report.conserved:,}.")


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _mark(is_met: bool, mark: str) -> str:
    return f"{'met' if is_met else 'not met'}: {mark}"
