"""Query strings with brackets, in every shape in which clients send objects and lists.

All of these mean `{"filters": {"code": {"conditions": {"$in": ["A", "B"]}}}}`:

    filters[code][conditions][$in]=A&filters[code][conditions][$in]=B           repeated
    filters[code][conditions][$in][0]=A&filters[code][conditions][$in][1]=B     indexed, as `qs` writes it
    filters[code][conditions][$in][]=A&filters[code][conditions][$in][]=B       appended
    filters[code][conditions][$in]=['A', 'B']                                   as Python's SDK writes it
    [filters][code][conditions][$in]=...                                        with a leading bracket
"""

import ast
import re
from typing import TypeAlias
from urllib.parse import parse_qsl

from app.kit.errors import InvalidQuery, QueryTooLarge

Tree: TypeAlias = "dict[str, Tree] | list[str]"
"""Objects by name; at the ends the values that were given, at least one."""

MAX_LENGTH = 16_384
MAX_PARAMETERS = 500
MAX_DEPTH = 6
_KEY = re.compile(r"(?:([^\[\]]+)|\[([^\[\]]+)\])((?:\[[^\[\]]*\])*)")
_LITERAL = (
    r"""(?:'(?:[^'\\]|\\['"\\nrtxuU])*'|"(?:[^"\\]|\\['"\\nrtxuU])*"|-?\d{1,30}(?:\.\d{1,30})?|True|False|None)"""
)
_LIST_LITERAL = re.compile(rf"\[\s*(?:{_LITERAL}\s*(?:,\s*{_LITERAL}\s*)*)?\]")


def parse(query_string: bytes) -> dict[str, Tree]:
    """The parameters as a tree.

    Raises InvalidQuery, QueryTooLarge.
    """
    if len(query_string) > MAX_LENGTH:
        raise QueryTooLarge("", f"A query may have up to {MAX_LENGTH} characters.")
    parameters = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    if len(parameters) > MAX_PARAMETERS:
        raise QueryTooLarge("", f"A query may have up to {MAX_PARAMETERS} parameters.")
    root: dict[str, Tree] = {}
    for key, value in parameters:
        _insert(root, key, value)
    return {name: _with_lists(name, node) for name, node in root.items()}


def _insert(root: dict[str, Tree], key: str, value: str) -> None:
    *objects, last = _names(key)
    node: Tree = root
    for name in objects:
        node = node.setdefault(name, {}) if isinstance(node, dict) else node
    leaf = node.setdefault(last, []) if isinstance(node, dict) else node
    if not isinstance(node, dict) or not isinstance(leaf, list):
        raise InvalidQuery(key, "The same name is given a value and members.")
    leaf.append(value)


def _names(key: str) -> list[str]:
    match = _KEY.fullmatch(key)
    if match is None:
        if "[" in key or "]" in key:
            raise InvalidQuery(key, "The brackets do not pair up.")
        return [key]
    inner = match[3][1:-1].split("][") if match[3] else []
    names = [match[1] or match[2], *inner]
    if names[-1] == "":
        names.pop()
    if len(names) > MAX_DEPTH or "" in names:
        raise InvalidQuery(key, f"Brackets nest up to {MAX_DEPTH - 1} deep, and only the last pair may be empty.")
    return names


def _with_lists(path: str, node: Tree) -> Tree:
    """Turn `{"0": ["A"], "1": ["B"]}` into `["A", "B"]`, everywhere."""
    if isinstance(node, list):
        return [item for value in node for item in _items(value)]
    members = {name: _with_lists(f"{path}[{name}]", member) for name, member in node.items()}
    if not all(name.isascii() and name.isdigit() and len(name) <= 4 for name in members):
        return members
    values: list[str] = []
    for _, member in sorted(members.items(), key=lambda numbered: int(numbered[0])):
        if isinstance(member, dict):
            raise InvalidQuery(path, "Lists of objects mean nothing here.")
        values += member
    return values


def _items(value: str) -> list[str]:
    """The items of a list in Python's notation; anything else is one value."""
    if not _LIST_LITERAL.fullmatch(value):
        return [value]
    try:
        return [item if isinstance(item, str) else str(item) for item in ast.literal_eval(value)]
    except (ValueError, SyntaxError):  # an escape that Python does not know
        return [value]
