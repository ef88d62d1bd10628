import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.rules.errors import InvalidRule
from app.engine.rules.logic import Every, Logic, Number, Some, joined, parse_logic, print_logic

NUMBERS = ["1", "2", "3", "4", "5"]

trees: st.SearchStrategy[Logic] = st.recursive(
    st.sampled_from(NUMBERS).map(Number),
    lambda inner: st.lists(inner, min_size=2, max_size=4).flatmap(
        lambda parts: st.sampled_from([joined(Every, parts), joined(Some, parts)])
    ),
    max_leaves=20,
)


def truth(tree: Logic, held: frozenset[str]) -> bool:
    if isinstance(tree, Number):
        return tree.name in held
    return (all if isinstance(tree, Every) else any)(truth(part, held) for part in tree.parts)


@given(trees)
def test_a_printed_tree_parses_to_itself(tree: Logic) -> None:
    assert parse_logic(print_logic(tree), NUMBERS, "rules.logic") == tree


@given(trees, st.frozensets(st.sampled_from(NUMBERS)))
def test_logic_means_what_python_means_by_it(tree: Logic, held: frozenset[str]) -> None:
    text = print_logic(tree)
    in_python = eval(" ".join(str(t in held) if t.isdigit() else t for t in _tokens(text)))

    assert truth(parse_logic(text, NUMBERS, "rules.logic"), held) == in_python


def _tokens(text: str) -> list[str]:
    return text.replace("(", " ( ").replace(")", " ) ").split()


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("1 AND 2 Or 3", "1 and 2 or 3"),
        ("1or2and3", "1 or 2 and 3"),
        ("((1))", "1"),
        ("1 and (2 and 3)", "1 and 2 and 3"),
        ("(1 or 2)and\n(3)", "(1 or 2) and 3"),
        ("1 and 1", "1 and 1"),
        ("", "1 and 2 and 3 and 4 and 5"),
        ("  \t", "1 and 2 and 3 and 4 and 5"),
        ("5", "5"),
    ],
)
def test_case_blanks_and_needless_brackets_do_not_matter(text: str, printed: str) -> None:
    assert print_logic(parse_logic(text, NUMBERS, "rules.logic")) == printed


def test_empty_logic_without_rules_is_always_true() -> None:
    assert parse_logic("", [], "rules.logic") == Every(())


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("1 and", 6),
        ("and 1", 1),
        ("1 2", 3),
        ("1 and and 2", 7),
        ("(1 or 2", 8),
        ("1 or 2)", 7),
        ("()", 2),
        ("1 xor 2", 3),
        ("1 && 2", 3),
        ("not 1", 1),
        ("1 and 6", 7),
        ("01", 1),
        ("-1", 1),
        ("1.5", 2),
        ("\u0661", 1),
        ("1\x00", 2),
        ("(" * 21 + "1" + ")" * 21, 21),
    ],
)
def test_bad_logic_is_refused_with_its_position(text: str, position: int) -> None:
    with pytest.raises(InvalidRule, match=f"at character {position}\\b") as refusal:
        parse_logic(text, NUMBERS, "rules.logic")

    assert refusal.value.path == "rules.logic"


def test_logic_has_a_greatest_length() -> None:
    with pytest.raises(InvalidRule, match="2000"):
        parse_logic("1 and " * 400 + "1", NUMBERS, "rules.logic")


@given(st.text(alphabet="12andor() \n", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        tree = parse_logic(text, NUMBERS, "rules.logic")
    except InvalidRule:
        return

    assert parse_logic(print_logic(tree), NUMBERS, "rules.logic") == tree
