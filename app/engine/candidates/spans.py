"""Which spans of numbers contain a number: a centred interval tree, built once.

M. de Berg et al., Computational Geometry, section 10.1: of n spans the k that contain a number are found in
O(log n + k).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

Held = TypeVar("Held")


class Span(NamedTuple, Generic[Held]):
    """From `low` to `high`, both included; infinite ends are `-math.inf` and `math.inf`."""

    low: float
    high: float
    held: Held


@dataclass(frozen=True, slots=True)
class SpanTree(Generic[Held]):
    """Spans around `centre` sorted from both ends, and the trees of those that lie wholly below and above it."""

    centre: float
    by_low: tuple[Span[Held], ...]
    by_high: tuple[Span[Held], ...]
    below: "SpanTree[Held] | None"
    above: "SpanTree[Held] | None"

    def containing(self, number: float) -> Iterator[Held]:
        """What is held by the spans that contain `number`, in no particular order."""
        if number <= self.centre:
            for span in self.by_low:
                if span.low > number:
                    break
                yield span.held
        else:
            for span in self.by_high:
                if span.high < number:
                    break
                yield span.held
        rest = self.below if number < self.centre else self.above
        if rest is not None and number != self.centre:
            yield from rest.containing(number)


def span_tree(spans: Sequence[Span[Held]]) -> SpanTree[Held] | None:
    """The tree of `spans`, None of none. A span whose ends are the wrong way round contains nothing."""
    spans = [span for span in spans if span.low <= span.high]
    if not spans:
        return None
    ends = sorted(end for span in spans for end in (span.low, span.high) if abs(end) != float("inf"))
    centre = ends[len(ends) // 2] if ends else 0.0
    around = [span for span in spans if span.low <= centre <= span.high]
    return SpanTree(
        centre,
        tuple(sorted(around, key=lambda span: span.low)),
        tuple(sorted(around, key=lambda span: -span.high)),
        span_tree([span for span in spans if span.high < centre]),
        span_tree([span for span in spans if span.low > centre]),
    )
