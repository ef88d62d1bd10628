"""Whatever arrives as a definition is parsed or refused with a path, and what is parsed can be asked."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.rules import InvalidRule, RuleSet, parse_rule_set, print_rule_set
from app.engine.rules.registry import FACTS, NOT_YET, OPERATORS
from app.engine.validity import InvalidValidity, Validity, parse_validity
from tests.engine.rules.subjects import BARE_CART, BERLIN, CART, NOW, subject

words = st.sampled_from(
    [
        *("", "1", "10", "true", "2026-11-27", "2026-11-27T18:00:00Z", "18:00;20:00;1", "P1D", "prod_hat", "product"),
        *("2026-01-01;P1D;PT1H", "2026-01-01;2026-12-31", "\x00", "\ud83d\ude00"),
    ]
)
scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | words | st.text(max_size=5)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "source_id", "object", "message", "1", "logic", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
facts = st.sampled_from(sorted(FACTS) + sorted(NOT_YET)) | json_values
operators = st.sampled_from(sorted({name for each in OPERATORS.values() for name in each} | {"$from", "$odd"}))


def rule_objects(depth: int) -> st.SearchStrategy[Any]:
    rule = st.fixed_dictionaries(
        {"name": facts, "conditions": st.dictionaries(operators, st.lists(json_values, max_size=3), max_size=2)},
        optional={
            "property": words | json_values,
            "rules": rule_objects(depth - 1) if depth else json_values,
            "error": json_values,
        },
    )
    return st.fixed_dictionaries(
        {}, optional={"1": rule, "2": rule, "logic": st.sampled_from(["1", "2", "1 or 2", ""])}
    )


def parsed(definition: dict[str, Any]) -> RuleSet | InvalidRule:
    try:
        return parse_rule_set(definition)
    except InvalidRule as refusal:
        return refusal


@given(
    st.fixed_dictionaries(
        {"rules": rule_objects(2) | json_values}, optional={"name": json_values, "error": json_values}
    )
)
def test_any_definition_is_parsed_or_refused_and_any_rule_set_answers(definition: dict[str, Any]) -> None:
    rule_set = parsed(definition)
    if isinstance(rule_set, InvalidRule):
        assert rule_set.path.split(".")[0] in ("rules", "name", "error")
        return

    assert print_rule_set(parse_rule_set(print_rule_set(rule_set))) == print_rule_set(rule_set)
    for about in (subject(), subject(BARE_CART), subject(campaign_id=None, holder_id=None)):
        short, full = rule_set.evaluate(about), rule_set.evaluate(about, explain=True)
        assert short.holds == full.holds == (short.error_key is None)
        assert short.holds == (not short.findings)


@given(st.sampled_from(sorted(FACTS)), operators, st.lists(json_values, min_size=1, max_size=2), st.booleans())
def test_any_condition_on_any_fact_is_refused_or_answers(
    name: str, operator: str, values: list[Any], explain: bool
) -> None:
    definition = {"rules": {"1": {"name": name, "property": "since", "conditions": {operator: values}}}}
    rule_set = parsed(definition)
    if isinstance(rule_set, InvalidRule):
        assert rule_set.path.startswith("rules.1.")
        return

    outcome = rule_set.evaluate(subject(), explain)

    assert outcome.holds == all(finding.holds for finding in outcome.findings)


periods = st.fixed_dictionaries(
    {},
    optional={
        "days_of_week": st.lists(st.integers(-1, 7), max_size=3) | json_values,
        "start_time": st.sampled_from(["09:00", "24:00", "9:00"]) | json_values,
        "expiration_time": st.sampled_from(["10:00", "00:00", "24:00"]) | json_values,
    },
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "start_date": st.sampled_from(["2026-11-27T00:00:00Z", "9999-12-31T23:59:59-12:00"]) | json_values,
        "expiration_date": st.sampled_from(["2027-11-27T00:00:00Z"]) | json_values,
        "validity_timeframe": st.fixed_dictionaries({"interval": words | json_values, "duration": words}) | json_values,
        "validity_day_of_week": st.lists(st.integers(-1, 7), max_size=3) | json_values,
        "validity_hours": st.fixed_dictionaries({"daily": st.lists(periods, max_size=3) | json_values}) | json_values,
    },
)


def parsed_limits(written: dict[str, Any]) -> Validity | InvalidValidity:
    try:
        return parse_validity(written)
    except InvalidValidity as refusal:
        return refusal


@given(fields)
def test_any_time_limits_are_parsed_or_refused_and_can_be_checked(written: dict[str, Any]) -> None:
    validity = parsed_limits(written)
    if isinstance(validity, InvalidValidity):
        assert validity.path.split(".")[0].split("[")[0] in written
        return

    closed = validity.closed_because(NOW, BERLIN)

    if closed is not None and closed.opens_at is not None:
        assert closed.opens_at > NOW
        assert validity.closed_because(closed.opens_at, BERLIN) is None


CANDIDATES: list[Any] = [
    *(0, 6, "10", True, "text", {"a": 1}, "2026-11-27", "2026-11-27T18:00:00Z"),
    *("2026-01-01;P1D;PT1H", "2026-01-01;2026-12-31", "18:00;20:00;1", {"id": "prod_hat"}),
]


@pytest.mark.parametrize("name", FACTS)
def test_every_operator_of_a_fact_takes_some_value_and_answers(name: str) -> None:
    under = getattr(FACTS[name], "only_under", "")
    seen_values = [*CANDIDATES, 0.5, [1, "text"], None]
    subjects = [subject(replace(CART, metadata={"p": value}), gift_credits=5) for value in seen_values]
    for operator in OPERATORS[FACTS[name].type]:
        taken = 0
        for value in CANDIDATES:
            rule = {"name": name, "property": "p", "conditions": {operator: [value]}}
            if under:
                rule = {"name": under, "property": "color", "conditions": {"$is": ["red"]}, "rules": {"1": rule}}
            rule_set = parsed({"rules": {"1": rule}})
            if isinstance(rule_set, InvalidRule):
                assert rule_set.path.endswith(f".conditions.{operator}[0]")
                continue
            taken += 1
            for about in subjects:
                short, full = rule_set.evaluate(about), rule_set.evaluate(about, explain=True)
                assert short.holds == full.holds == (not short.findings)

        assert taken
