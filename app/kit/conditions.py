"""The `filters` of a query: read, checked against what its list can be asked, and made into a WHERE."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, or_, true

from app.kit.brackets import Tree
from app.kit.errors import InvalidQuery, QueryTooLarge
from app.kit.filters import Column, Condition, Filter, When, metadata

MAX_CONDITIONS = 20
MAX_VALUES = 100
MAX_VALUE_LENGTH = 1024
METADATA = "metadata."
UNSET = ["None"]
"""Python's SDK sends every attribute and every operator of an object, those without a value like this."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One operator of one attribute with its values, and where the query says so."""

    path: str
    condition: Condition
    values: Sequence[str]

    def where(self, when: When) -> ColumnElement[bool]:
        """Raises InvalidQuery when the values mean nothing to the operator."""
        try:
            return self.condition(self.values, when)
        except ValueError as error:
            raise InvalidQuery(self.path, str(error)) from None


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a query asks of its rows. The conditions on one attribute must all hold; the junction joins attributes."""

    attributes: Sequence[Sequence[Asked]] = ()
    matches_any: bool = False

    def where(self, when: When) -> ColumnElement[bool]:
        """Raises InvalidQuery."""
        if not self.attributes:
            return true()
        each = [and_(*(asked.where(when) for asked in attribute)) for attribute in self.attributes]
        return or_(*each) if self.matches_any else and_(*each)


@dataclass(frozen=True, slots=True)
class Filterable:
    """The attributes a list can be filtered by, and the column whose keys `metadata.<key>` names."""

    attributes: Mapping[str, Filter] = field(default_factory=dict)
    metadata_column: Column | None = None

    def names(self) -> list[str]:
        return [*self.attributes, *([f"{METADATA}<key>"] if self.metadata_column is not None else [])]

    def described(self) -> list[tuple[str, list[str]]]:
        """Each attribute with its operators."""
        of_metadata = [] if self.metadata_column is None else list(metadata(self.metadata_column, "key"))
        return [(name, list(self.attributes.get(name, of_metadata))) for name in self.names()]

    def operators_of(self, attribute: str) -> Filter:
        """Raises InvalidQuery, naming what there is."""
        known = self.attributes.get(attribute)
        if known is None and attribute.startswith(METADATA) and self.metadata_column is not None:
            known = metadata(self.metadata_column, attribute.removeprefix(METADATA))
        if known is None:
            names = self.names()
            allowed = f"can be filtered by {', '.join(names)}" if names else "has no filters"
            raise InvalidQuery(f"filters[{attribute}]", f"Unknown attribute; this list {allowed}.")
        return known

    def read(self, tree: Tree) -> Conditions:
        """The conditions of `filters[<attribute>][conditions][<operator>]=...` and `filters[junction]=...`.

        Raises InvalidQuery, QueryTooLarge.
        """
        if isinstance(tree, list):
            if any(tree):
                raise InvalidQuery("filters", "Filters look like filters[attribute][conditions][operator]=value.")
            return Conditions()
        asked_of = {name: asked for name, asked in tree.items() if name != "junction" and asked != UNSET}
        attributes = [found for name, asked in asked_of.items() if (found := list(self._read_attribute(name, asked)))]
        if sum(map(len, attributes)) > MAX_CONDITIONS:
            raise QueryTooLarge("filters", f"A query may have up to {MAX_CONDITIONS} conditions.")
        junction = tree.get("junction", UNSET)
        return Conditions(attributes, junction != UNSET and _is_or(junction))

    def _read_attribute(self, attribute: str, asked: Tree) -> Iterator[Asked]:
        operators = self.operators_of(attribute)
        path = f"filters[{attribute}]"
        if isinstance(asked, dict) and "conditions" in asked:
            asked, path = asked["conditions"], f"{path}[conditions]"
        if asked == UNSET:
            return
        if isinstance(asked, list):
            raise InvalidQuery(path, f"Ask with an operator: {', '.join(operators)}.")
        for operator, values in asked.items():
            if values == UNSET and len(asked) > 1:  # alone it is a value
                continue
            yield _asked(f"{path}[{operator}]", operators, operator, values)


def _asked(path: str, operators: Filter, operator: str, values: Tree) -> Asked:
    condition = operators.get(operator)
    if condition is None:
        raise InvalidQuery(path, f"Unknown operator; this attribute knows {', '.join(operators)}.")
    if isinstance(values, dict):
        raise InvalidQuery(path, "Takes a value or a list of values.")
    if len(values) > MAX_VALUES or any(len(value) > MAX_VALUE_LENGTH for value in values):
        limits = f"up to {MAX_VALUES} values of up to {MAX_VALUE_LENGTH} characters"
        raise QueryTooLarge(path, f"A condition may have {limits}.")
    return Asked(path, condition, values)


def _is_or(junction: Tree) -> bool:
    names = {name.lower() for name in junction}
    if len(names) != 1 or not names <= {"and", "or"}:
        raise InvalidQuery("filters[junction]", "The junction is AND or OR.")
    return names == {"or"}
