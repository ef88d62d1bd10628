"""What the list of segments can be asked."""

from typing import ClassVar

from app.kit.lists import ListQuery
from app.models import Segment


class SegmentQuery(ListQuery):
    orders: ClassVar = {"created_at": Segment.created_at, "updated_at": Segment.updated_at, "name": Segment.name}
