"""Formulas: parsed once, when they are saved or first used, and computed for each order."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from lark import Lark, UnexpectedInput

from app.engine.formulas.building import Builder
from app.engine.formulas.errors import CANNOT, Flaw, InvalidFormula
from app.engine.formulas.expressions import Built, needed
from app.engine.formulas.messages import explained
from app.engine.formulas.nodes import Literal, Node, print_formula
from app.engine.formulas.scope import FormulaScope
from app.engine.formulas.values import Type
from app.engine.formulas.variables import ALL_VARIABLES, ITEM_VARIABLES, Compute

LONGEST_FORMULA = 2_000
MOST_KEPT = 2_000

_PARSER = Lark.open(
    "grammar.lark",
    rel_to=__file__,
    parser="lalr",
    # The contextual lexer would read the `is` of `isolated` as an operator where one may stand.
    lexer="basic",
    transformer=Builder(),
    maybe_placeholders=False,
)


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that was checked: `text` as it was written, `tree` what it says, `uses` all that it asks for by name.

    Two formulas are equal when they say the same.
    """

    text: str = field(compare=False)
    tree: Node
    uses: frozenset[str] = field(compare=False)
    _compute: Compute = field(compare=False, repr=False)

    def value(self, scope: FormulaScope) -> Decimal | None:
        """The result, at most 34 digits long and never NaN or infinite.

        None when it cannot be computed: metadata is missing or of another type than the formula needs, something is
        divided by zero, a number or a date gets out of bounds.
        """
        try:
            return self._compute(scope)  # type: ignore[no-any-return]
        except CANNOT:
            return None

    @property
    def number(self) -> Decimal | None:
        """What the formula always gives, None unless it is a number that is written out."""
        value = self.tree.value if isinstance(self.tree, Literal) else None
        return value if isinstance(value, Decimal) else None

    @property
    def is_about_lines(self) -> bool:
        """Whether it gives another figure for another line."""
        return not self.uses.isdisjoint(ITEM_VARIABLES)

    def __str__(self) -> str:
        return print_formula(self.tree)


def parse_formula(text: str, *, variables: frozenset[str] = ALL_VARIABLES) -> Formula:
    """The formula that `text` says, which may ask for `variables` (names of variables and of metadata).

    What was parsed lately is kept, so that parsing it again costs nothing. Raises InvalidFormula.
    """
    return _parse(text, variables)


@lru_cache(maxsize=MOST_KEPT)
def _parse(text: str, variables: frozenset[str]) -> Formula:
    if len(text) > LONGEST_FORMULA:
        raise InvalidFormula(text, LONGEST_FORMULA, f"a formula must not have more than {LONGEST_FORMULA} characters")
    try:
        built: Built = _PARSER.parse(text)  # type: ignore[assignment]
        compute = needed(built, Type.NUMBER, "a formula")
    except Flaw as flaw:
        raise InvalidFormula(text, flaw.position, flaw.problem, flaw.hint) from None
    except UnexpectedInput as unexpected:
        raise explained(text, unexpected) from None
    for use in built.uses:
        if use.name not in variables:
            raise InvalidFormula(text, use.position, f"{use.name} cannot be used in this formula")
    return Formula(text, built.node, frozenset(use.name for use in built.uses), compute)
