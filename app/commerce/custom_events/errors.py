"""What can go wrong with custom events."""

from app.kit.errors import DuplicateFound


class EventSchemaExists(DuplicateFound):
    """409: the event has a schema already; change that one."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The event {name} has a schema already.", resource_type="custom_event_schema")
