"""What metadata may look like, definition by definition."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.metadata_schema import MetadataSchema, MetadataValidationFailed, compile_schemas, schema_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-100, 100) | st.floats(allow_nan=False) | st.text("ab", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner, max_size=3),
    max_leaves=8,
)
TYPES = ("string", "number", "object", "date", "datetime", "geopoint", "boolean", "image_url")


def paths(schema: MetadataSchema, metadata: dict[str, Any]) -> list[str]:
    return [path for path, _ in schema.problems(metadata, "metadata", 1)]


@pytest.mark.parametrize(
    ("definition", "good", "bad"),
    [
        ({"type": "string"}, ["", "a"], [1, True, [], {}]),
        ({"type": "number"}, [0, -1, 1.5], ["1", True, []]),
        ({"type": "boolean"}, [True, False], [1, "true"]),
        ({"type": "date"}, ["2026-11-27"], ["2026-11-27T10:00:00Z", "27.11.2026", "2026-02-30", 5]),
        ({"type": "datetime"}, ["2026-11-27T10:00:00Z", "2026-11-27T10:00:00+01:00"], ["2026-11-27", "soon", 5]),
        ({"type": "image_url"}, ["https://a/b.png"], ["b.png", "ftp://a/b.png", 1]),
        ({"type": "geopoint"}, ["52.52,13.41", "-33, 151.2"], ["91,0", "0,181", "Berlin", [52, 13]]),
        ({"type": "object"}, [{}, {"a": 1}], ["{}", [], 1]),
        ({"type": "number", "array": True}, [[], [1, 2]], [1, ["1"], "1"]),
        ({"type": "string", "eq": ["S", "L"]}, ["S", "L"], ["M", ""]),
        ({"type": "number", "eq": [1, 2]}, [1, 2.0], [3]),
        ({"type": "string", "ne": ["X"]}, ["S"], ["X"]),
        ({"type": "number", "lt": 5, "gte": 1}, [1, 4.9], [5, 0.9]),
        ({"type": "number", "lte": 5, "gt": 1}, [5, 1.1], [5.1, 1]),
        ({"type": "string", "min_length": 2, "max_length": 3}, ["ab", "abc"], ["a", "abcd"]),
        ({"type": "string", "exact_length": 2}, ["ab"], ["a", "abc"]),
    ],
)
def test_a_definition_accepts_what_it_says(definition: dict[str, Any], good: list[Any], bad: list[Any]) -> None:
    schema = schema_of({"key": definition})

    assert [value for value in good if paths(schema, {"key": value})] == []
    assert [value for value in bad if not paths(schema, {"key": value})] == []


def test_every_problem_is_told_with_its_path() -> None:
    schemas = compile_schemas(
        {
            "customer": {
                "allow_defined_only": True,
                "properties": {
                    "name": {"type": "string", "optional": False},
                    "sizes": {"type": "string", "array": True, "eq": ["S", "L"]},
                    "address": {"type": "object", "object_type": "address"},
                    "old": {"type": "string", "deleted": True},
                },
            },
            "address": {"allow_defined_only": False, "properties": {"city": {"type": "string", "optional": False}}},
        }
    )
    metadata = {"sizes": ["S", "M"], "address": {"street": "Torstr."}, "shoe": 42, "old": "x"}

    with pytest.raises(MetadataValidationFailed) as refused:
        schemas["customer"].check(metadata)

    assert [problem["path"] for problem in refused.value.extra["errors"]] == [
        "metadata.sizes[1]",
        "metadata.address.city",
        "metadata.shoe",
        "metadata.old",
        "metadata.name",
    ]


def test_what_is_not_defined_is_accepted_unless_only_defined_keys_are_allowed() -> None:
    properties = {"a": {"type": "string"}}

    assert paths(schema_of(properties), {"b": 1}) == []
    assert paths(schema_of(properties, allow_defined_only=True), {"b": 1}) == ["metadata.b"]


def test_a_schema_that_nests_itself_ends() -> None:
    schemas = compile_schemas(
        {"node": {"allow_defined_only": False, "properties": {"node": {"type": "object", "object_type": "node"}}}}
    )
    deep: dict[str, Any] = {}
    for _ in range(30):
        deep = {"node": deep}

    assert paths(schemas["node"], deep) == []


@given(st.dictionaries(st.sampled_from("abc"), JSON), st.dictionaries(st.sampled_from("abc"), st.sampled_from(TYPES)))
def test_any_metadata_gets_an_answer_and_only_about_defined_keys(metadata: Any, types: dict[str, str]) -> None:
    schema = schema_of({key: {"type": kind} for key, kind in types.items()})

    found = paths(schema, metadata)

    assert {path.removeprefix("metadata.") for path in found} <= types.keys() & metadata.keys()
