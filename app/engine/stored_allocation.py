"""Allocations as they are kept: `2x150+1x149//3x0+1x500` is a line of three units, one that carries nothing, and one of
four units of which the last carries 500.

Redemptions are many and lines are more; as text a line takes some ten bytes, as JSON it would take fifty.
"""

from app.engine.unit_allocation import Allocation, Runs


def written(allocation: Allocation) -> str:
    """The text of an allocation; empty for one that nobody carries anything of."""
    return "/".join(["+".join([f"{units}x{amount}" for units, amount in runs]) for runs in allocation]).rstrip("/")


def parsed(text: str) -> Allocation:
    """What `written` wrote; lines at the end that carry nothing are left out."""
    return tuple(_runs(line) for line in text.split("/")) if text else ()


def _runs(line: str) -> Runs:
    return tuple(
        (int(units), int(amount)) for units, _, amount in (run.partition("x") for run in line.split("+") if run)
    )
