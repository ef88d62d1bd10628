"""What the lists of collections and of their products can be asked."""

from typing import Annotated, ClassVar

from pydantic import Field

from app.kit.lists import ListQuery, QueryInstant
from app.models import Product, ProductCollection


class CollectionQuery(ListQuery):
    orders: ClassVar = {
        "created_at": ProductCollection.created_at,
        "updated_at": ProductCollection.updated_at,
        "name": ProductCollection.name,
        "type": ProductCollection.type,
    }


class ContentsQuery(ListQuery):
    orders: ClassVar = {"created_at": Product.created_at, "updated_at": Product.updated_at}

    starting_after: Annotated[
        QueryInstant | None, Field(description="Only what was created before this; the `created_at` of the last one.")
    ] = None
