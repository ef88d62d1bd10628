"""How likely a guess is to hit a live code, and what we do about it."""

from typing import Literal

from app.incentives.codes.errors import InvalidCodeConfig
from app.incentives.codes.shapes import CodeShape

GUESSES = 1_000_000
"""A shape is weak when fewer guesses than this, on average, find a live code: a script makes as many in a day."""


def weakness_of(shape: CodeShape, live_count: int) -> str | None:
    """A sentence that says how easily one of `live_count` codes is guessed, None when it is hard enough."""
    guesses = shape.capacity // max(1, live_count)
    if guesses >= GUESSES:
        return None
    return (
        f"Codes of the form {shape.template} are easy to guess: with {live_count:,} live codes of {shape.capacity:,} "
        f"possible ones, about one guess in {max(1, guesses):,} hits. Use more random characters."
    )


def refuse_weakness(
    shape: CodeShape, live_count: int, *, holds_value: bool, policy: Literal["refuse", "warn"]
) -> list[str]:
    """The warnings to answer with.

    Codes that hold value (gift cards, points) are refused when they are weak, unless the project's `weak_codes` says to
    warn. Discounts only ever warn, since what a discount costs is bound to a purchase.

    Raises InvalidCodeConfig.
    """
    weakness = weakness_of(shape, live_count)
    if weakness is not None and holds_value and policy == "refuse":
        raise InvalidCodeConfig(weakness)
    return [] if weakness is None else [weakness]


def refuse_overflow(shape: CodeShape, wanted_count: int, taken_count: int) -> None:
    """Make sure that `wanted_count` more codes fit beside the `taken_count` that exist or are being made.

    Raises InvalidCodeConfig with the figures.
    """
    free_count = max(0, shape.capacity - taken_count)
    if wanted_count > free_count:
        raise InvalidCodeConfig(
            f"{wanted_count:,} codes were asked for, but of the {shape.capacity:,} possible codes of the form "
            f"{shape.template} only {free_count:,} are free."
        )
