"""Why: what a rule expected, what it saw, and what would make it true."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition of one rule, looked at once.

    `path` points into the rule as saved (`rules.2.conditions.$more_than`); `counterfactual` is a sentence about what
    would make a failed condition hold, None where nothing the shopper does would.
    """

    path: str
    fact: str
    operator: str
    expected: Any
    seen: Any
    holds: bool
    counterfactual: str | None = None
