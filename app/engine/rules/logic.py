"""The logic string: how rules are joined, `1 and (2 or 3)`.

    either = both ("or" both)*
    both   = one ("and" one)*
    one    = number | "(" either ")"

`and` binds tighter than `or`, as in the languages people know. Words are read in any case.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.engine.rules.errors import InvalidRule

LONGEST = 2000
DEEPEST = 20
TOKEN = re.compile(r"\s*(?:(?P<number>[0-9]+)|(?P<word>[A-Za-z]+)|(?P<bracket>[()])|(?P<end>\Z)|(?P<other>.))", re.S)


@dataclass(frozen=True, slots=True)
class Number:
    """The rule with this number."""

    name: str


@dataclass(frozen=True, slots=True)
class Every:
    """All of the parts hold. Parts are never `Every` themselves; no parts hold always."""

    parts: tuple["Logic", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of the parts holds. There are two or more, none of them a `Some`."""

    parts: tuple["Logic", ...]


Logic: TypeAlias = Number | Every | Some


def parse_logic(text: str, numbers: Sequence[str], path: str) -> Logic:
    """What `text` says about the rules named in `numbers`; an empty text joins them all with `and`.

    Numbers may be left out of the text (such rules are kept and not asked) and may occur twice. Nested brackets of the
    same kind are flattened, so `1 and (2 and 3)` equals `1 and 2 and 3`.

    Raises InvalidRule with `path` and the position.
    """
    if len(text) > LONGEST:
        raise InvalidRule(path, f"must not be longer than {LONGEST} characters")
    if not text.strip():
        return joined(Every, [Number(number) for number in numbers])
    parser = _Parser(text, frozenset(numbers), path)
    tree = parser.either(0)
    if parser.kind != "end":
        raise parser.wrong("expected and, or, or the end")
    return tree


def print_logic(tree: Logic) -> str:
    """The shortest text that parses to `tree`."""
    if isinstance(tree, Number):
        return tree.name
    if isinstance(tree, Some):
        return " or ".join(print_logic(part) for part in tree.parts)
    return " and ".join(
        f"({print_logic(part)})" if isinstance(part, Some) else print_logic(part) for part in tree.parts
    )


def joined(kind: type[Every] | type[Some], parts: Sequence[Logic]) -> Logic:
    """`parts` joined in normal form: no nesting of the same kind, no joint of one."""
    flat: list[Logic] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else [part])
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


class _Parser:
    """Looks one token ahead: `kind`, `token` and where it stands."""

    def __init__(self, text: str, numbers: frozenset[str], path: str) -> None:
        self.text, self.numbers, self.path = text, numbers, path
        self.end = 0
        self.advance()

    def advance(self) -> None:
        match = TOKEN.match(self.text, self.end)
        assert match is not None  # TOKEN matches anything, even nothing
        assert match.lastgroup is not None
        self.kind, self.token = match.lastgroup, match[match.lastgroup].lower()
        self.start, self.end = match.start(match.lastgroup), match.end()

    def wrong(self, problem: str) -> InvalidRule:
        seen = f"'{self.token}'" if self.kind != "end" else "the end"
        return InvalidRule(self.path, f"{problem} at character {self.start + 1}, but found {seen}")

    def either(self, depth: int) -> Logic:
        parts = [self.both(depth)]
        while self.token == "or":
            self.advance()
            parts.append(self.both(depth))
        return joined(Some, parts)

    def both(self, depth: int) -> Logic:
        parts = [self.one(depth)]
        while self.token == "and":
            self.advance()
            parts.append(self.one(depth))
        return joined(Every, parts)

    def one(self, depth: int) -> Logic:
        if self.kind == "number":
            if self.token not in self.numbers:
                raise InvalidRule(
                    self.path, f"names rule {self.token[:20]} at character {self.start + 1}, which is not there"
                )
            number = Number(self.token)
            self.advance()
            return number
        if self.token != "(":
            raise self.wrong("expected the number of a rule or (")
        if depth == DEEPEST:
            raise InvalidRule(self.path, f"nests brackets more than {DEEPEST} deep at character {self.start + 1}")
        self.advance()
        inside = self.either(depth + 1)
        if self.token != ")":
            raise self.wrong("expected and, or, or )")
        self.advance()
        return inside
