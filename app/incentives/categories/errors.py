"""What can go wrong with categories."""

from app.kit.errors import AppError, DuplicateFound, NotFound


class CategoryNotFound(NotFound):
    """404: the project has no such category."""

    def __init__(self, name_or_id: str) -> None:
        super().__init__("category", name_or_id)


class CategoryNameTaken(DuplicateFound):
    """409: another category of the project has the name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"A category with the name {name} already exists.", resource_type="category")


class CategoryInUse(AppError):
    """400: the project's stacking rules name the category. Repeat with `remove_from_stacking_rules=true`."""

    key = "resource_in_use"
    message = "Resource in use"

    def __init__(self, category_id: str) -> None:
        super().__init__(
            "Stacking rules name the category; delete it with remove_from_stacking_rules=true to take it out of them.",
            resource_id=category_id,
            resource_type="category",
        )
