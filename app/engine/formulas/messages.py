"""What to say about a text that the grammar does not allow."""

from lark import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from app.engine.formulas.calls import did_you_mean
from app.engine.formulas.errors import InvalidFormula
from app.engine.formulas.operators import OPERATORS

_CALLED = {
    "LPAR": "(",
    "RPAR": ")",
    "SEMICOLON": ";",
    "SWITCH_CASE": "SWITCH_CASE",
    "$END": "the end",
    **dict.fromkeys(("NUMBER", "TEXT", "NAME", "SWITCH"), "a value"),
    **dict.fromkeys(("OR", "AND", "COMPARISON", "MEMBERSHIP"), "an operator"),
    **dict.fromkeys(("PLUS", "TIMES", "DIVIDED", "MODULO"), "an operator"),
}
"""What messages call the terminals of the grammar. A minus may stand for either of two, which others name already."""

_HINTS = {
    ",": "Arguments are separated by semicolons, decimals by a point.",
    "=": "The comparisons are =, <, >, <=, >=, is and isNot.",
    "!": "The opposite of is, is isNot.",
    "&": "Conditions are joined by AND.",
    "|": "Conditions are joined by OR.",
    "^": "Powers are written POW(a; b).",
    **dict.fromkeys(
        ("'", "\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}"),
        "Texts stand in straight double quotes.",
    ),
}
_ORDER = ["a value", "(", "SWITCH_CASE", "an operator", ";", ")", "the end"]
_WORDS = ["AND", "OR", *(name for name in OPERATORS if name.isidentifier())]


def explained(text: str, unexpected: UnexpectedInput) -> InvalidFormula:
    """The sentence for what the grammar does not allow."""
    if isinstance(unexpected, UnexpectedCharacters):
        position = unexpected.pos_in_stream or 0
        found = text[position]
        if found == '"':
            return InvalidFormula(text, position, "this text is not closed", "It must end in a double quote.")
        return InvalidFormula(text, position, f"{found!r} cannot stand here", _HINTS.get(found, ""))
    assert isinstance(unexpected, UnexpectedToken)  # the parser reports nothing else
    token = unexpected.token
    called = sorted({_CALLED[name] for name in unexpected.accepts if name in _CALLED}, key=_ORDER.index)
    expected = ", ".join(called[:-1]) + " or " * bool(called[1:]) + called[-1]
    is_end = token.type == "$END"
    found = "the formula ends" if is_end else f"found {str(token)[:40]!r}"
    hint = did_you_mean(token, _WORDS) if token.type == "NAME" else _HINTS.get(token, "")
    return InvalidFormula(
        text, len(text) if is_end else token.start_pos or 0, f"expected {expected}, but {found}", hint
    )
