"""How categories look on the wire, by themselves and in what has one."""

from typing import Any

from app.engine.stacking import StackingRules
from app.kit.wire import format_instant
from app.models import Category


def category_read(category: Category) -> dict[str, Any]:
    """The contract's Category as JSON values."""
    shown = {
        "id": category.id,
        "name": category.name,
        "hierarchy": category.hierarchy,
        "object": "category",
        "created_at": format_instant(category.created_at),
    }
    return shown | ({"updated_at": format_instant(category.updated_at)} if category.updated_at else {})


def category_members(category: Category | None) -> dict[str, Any]:
    """What a campaign, a voucher or a promotion tells of its category."""
    if category is None:
        return {"category_id": None, "categories": []}
    return {"category": category.name, "category_id": category.id, "categories": [category_read(category)]}


def stacked_categories(category: Category | None, stacking: StackingRules) -> list[dict[str, Any]]:
    """The `categories` of a redeemable: each with how stacking rules see it."""
    if category is None:
        return []
    type_ = stacking.type_of(category.id)
    return [category_read(category) | ({"stacking_rules_type": type_} if type_ else {})]
