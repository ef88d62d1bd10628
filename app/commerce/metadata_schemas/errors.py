"""What can go wrong with metadata schemas."""

from app.kit.errors import DuplicateFound


class SchemaExists(DuplicateFound):
    """409: the resource has a schema already; change that one."""

    def __init__(self, related_object: str) -> None:
        super().__init__(f"There is a metadata schema for {related_object} already.", resource_type="metadata_schema")
