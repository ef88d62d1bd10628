"""Every formula that can be written, of any type, as Hypothesis makes them."""

from decimal import Decimal

from hypothesis import strategies as st

from app.engine.formulas.functions import FUNCTIONS
from app.engine.formulas.nodes import (
    Call,
    Comparison,
    Every,
    Listing,
    Literal,
    Negative,
    Node,
    Product,
    Some,
    Sum,
    Switch,
    Variable,
)
from app.engine.formulas.operators import OPERATORS
from app.engine.formulas.values import Type
from app.engine.formulas.variables import METADATA, VARIABLES
from tests.engine.formulas.orders import ORDER_METADATA

keys = st.sampled_from(sorted(ORDER_METADATA)) | st.text(max_size=3)
metadata = st.builds(lambda name, key: Call(name, (Literal(key),)), st.sampled_from(sorted(METADATA)), keys)
decimals = st.decimals(0, 10**6, places=2) | st.integers(0, 200).map(Decimal)
number_literals = decimals.map(Literal)


def variables(type_: Type) -> st.SearchStrategy[Node]:
    return st.sampled_from([Variable(name) for name, source in VARIABLES.items() if source.type is type_])


days = st.dates().map(lambda day: Call("DATE", (Literal(day.isoformat()),)))
instants = st.datetimes().map(lambda at: Call("DATE_TIME", (Literal(at.isoformat() + "+01:00"),)))
LEAVES: dict[Type, st.SearchStrategy[Node]] = {
    Type.NUMBER: number_literals | variables(Type.NUMBER) | metadata,
    Type.TEXT: (st.sampled_from(["web shop", "gold", 'a "b" \\', "2026-12-24"]) | st.text(max_size=5)).map(Literal)
    | metadata,
    Type.FLAG: st.booleans().map(Literal) | metadata,
    Type.MOMENT: variables(Type.MOMENT) | days | instants | metadata,
}
SWITCHED = (Type.NUMBER, Type.TEXT, Type.FLAG)


def trees(type_: Type, depth: int) -> st.SearchStrategy[Node]:
    """Expressions that give this type, at most so deep."""
    if depth == 0:
        return LEAVES[type_]
    same, flags = st.deferred(lambda: trees(type_, depth - 1)), st.deferred(lambda: trees(Type.FLAG, depth - 1))
    options: list[st.SearchStrategy[Node]] = [
        LEAVES[type_],
        st.builds(lambda *arguments: Call("IF", arguments), flags, same, same),
        st.builds(lambda *arguments: Call("DEFAULT_TO", arguments), same, same),
        *(_switches(subject, type_, depth - 1) for subject in SWITCHED),
    ]
    if type_ is Type.NUMBER:
        options += [same.map(Negative), chains(Sum, "+-", same), chains(Product, "*/%", same), *_calls(depth - 1)]
    elif type_ is Type.FLAG:
        parts = st.lists(same, min_size=2, max_size=3).map(tuple)
        options += [parts.map(Every), parts.map(Some), *_comparisons(depth - 1)]
    return st.one_of(options)


def chains(
    kind: type[Sum] | type[Product], operators: str, operands: st.SearchStrategy[Node]
) -> st.SearchStrategy[Node]:
    rest = st.lists(st.tuples(st.sampled_from(operators), operands), min_size=1, max_size=3).map(tuple)
    return st.builds(kind, operands, rest)


def _switches(subject: Type, result: Type, depth: int) -> st.SearchStrategy[Node]:
    values, results = trees(subject, depth), trees(result, depth)
    cases = st.lists(st.tuples(values, results), min_size=1, max_size=2).map(tuple)
    return st.builds(Switch, values, cases, results)


def _calls(depth: int) -> list[st.SearchStrategy[Node]]:
    """Calls of every function, with as many arguments as it may have; exponents and precisions are in bounds."""
    calls: list[st.SearchStrategy[Node]] = []
    for name, function in FUNCTIONS.items():
        if function.returns is not Type.NUMBER:
            continue
        most = 4 if function.repeats else len(function.parameters)
        for count in range(function.least, most + 1):
            arguments = [trees(function.parameter(index), depth) for index in range(count)]
            if function.bound is not None and count > function.bound.argument:
                arguments[function.bound.argument] = st.integers(0, 20).map(Decimal).map(Literal)
            calls.append(st.tuples(*arguments).map(lambda given, name=name: Call(name, given)))  # type: ignore[misc]
    return calls


def _comparisons(depth: int) -> list[st.SearchStrategy[Node]]:
    comparisons: list[st.SearchStrategy[Node]] = []
    for name, operator in OPERATORS.items():
        if operator.is_equality:
            pairs = [(type_, type_) for type_ in LEAVES]
        elif name.endswith("IN_ARRAY"):
            entries = st.lists(trees(Type.TEXT, depth) | trees(Type.NUMBER, depth), min_size=2, max_size=3)
            comparisons.append(
                st.builds(Comparison, trees(Type.TEXT, depth), st.just(name), entries.map(tuple).map(Listing))
            )
            pairs = [(Type.NUMBER, Type.NUMBER)]
        elif name == "contains":
            pairs = [(Type.TEXT, Type.TEXT), (Type.TEXT, Type.NUMBER)]
        else:
            pairs = [(operator.left, operator.right)]
        comparisons += [
            st.builds(Comparison, trees(left, depth), st.just(name), trees(right, depth)) for left, right in pairs
        ]
    return comparisons


formulas = trees(Type.NUMBER, 1) | trees(Type.NUMBER, 2)
