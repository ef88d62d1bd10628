"""Stacking rules as they are kept in `projects.stacking_rules`; pure."""

from collections.abc import Mapping
from typing import Any

from app.engine.stacking import DEFAULT_STACKING_RULES, StackingRules

Stored = Mapping[str, Any]
"""The rules with `id`, `created_at` and `updated_at`, as they are answered."""


def rules_of(stored: Stored | None) -> StackingRules:
    """What holds in a project: what was saved, or the defaults."""
    return DEFAULT_STACKING_RULES if stored is None else StackingRules.model_validate(stored)


def changed_rules(rules: StackingRules, changes: Mapping[str, Any]) -> StackingRules:
    """The rules with these members; null brings back a default, lists and maps are replaced whole.

    Whoever lowers the redeemables per request below the applicable ones, and is silent about these, lowers both.
    Raises ValidationError.
    """
    kept = rules.model_dump()
    limit = changes.get("redeemables_limit")
    if limit is not None and kept["applicable_redeemables_limit"] > limit:
        kept["applicable_redeemables_limit"] = limit
    merged = {**kept, **changes}
    return StackingRules.model_validate({name: value for name, value in merged.items() if value is not None})
