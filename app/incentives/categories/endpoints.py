"""Routes of categories."""

from typing import Annotated

from fastapi import Path, Query

from app.access.authentication import requires
from app.access.callers import Caller
from app.incentives.categories import service
from app.incentives.categories.schemas import CategoryCreate, CategoryRead, CategoryUpdate
from app.kit.http import Db, Router
from app.kit.lists import ListBody

router = Router(prefix="/v1/categories", tags=["categories"])
Reader = Annotated[Caller, requires("categories:read")]
Writer = Annotated[Caller, requires("categories:write")]
CategoryId = Annotated[str, Path(alias="categoryId")]


@router.post("")
async def create_category(db: Db, caller: Writer, body: CategoryCreate) -> CategoryRead:
    """Create a category. Stacking rules say what it means that a redeemable has it."""
    return CategoryRead.model_validate(await service.create(db, caller, body))


@router.get("")
async def list_categories(db: Db, caller: Reader) -> ListBody[CategoryRead]:
    """List all categories, newest first."""
    categories = await service.search(db, caller)
    return ListBody(data=[CategoryRead.model_validate(category) for category in categories], total=len(categories))


@router.get("/{categoryId}")
async def get_category(db: Db, caller: Reader, category_id: CategoryId) -> CategoryRead:
    """Get a category."""
    return CategoryRead.model_validate(await service.get(db, caller, category_id))


@router.put("/{categoryId}")
async def update_category(db: Db, caller: Writer, category_id: CategoryId, body: CategoryUpdate) -> CategoryRead:
    """Change a category. What is left out stays."""
    return CategoryRead.model_validate(await service.update(db, caller, category_id, body))


@router.delete("/{categoryId}", status_code=204)
async def delete_category(
    db: Db,
    caller: Writer,
    category_id: CategoryId,
    remove_from_stacking_rules: Annotated[
        bool, Query(description="Take it out of the stacking rules, too; else one they name is not deleted.")
    ] = False,
) -> None:
    """Delete a category. Campaigns, vouchers and promotions that had it have none from now on."""
    await service.delete(db, caller, category_id, remove_from_stacking_rules=remove_from_stacking_rules)
