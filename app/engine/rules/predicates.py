"""What an operator is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.engine.cart import Cart

# A predicate gets what the fact answered (never None) and the cart, whose clock and zone the date operators read.
Predicate = Callable[[Any, Cart], bool]
OpensAt = Callable[[Any, Cart], datetime | None]


@dataclass(frozen=True, slots=True)
class Operator:
    """What `$name [values]` means for one type of fact.

    `parse` reads one value, `build` makes the predicate from all of them; `takes_one` operators refuse a second value.
    `negated` ones say what a value is not: they hold when there is no value, and for many lines they must hold for all.
    `opens_at` tells when a condition that fails now will come true by itself.
    """

    parse: Callable[[Any], Any]
    build: Callable[[Sequence[Any]], Predicate]
    takes_one: bool = False
    negated: bool = False
    opens_at: Callable[[Sequence[Any]], OpensAt] | None = None
