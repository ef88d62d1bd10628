"""What can be wrong with a filter."""


class InvalidFilter(ValueError):
    """A filter that means nothing. `path` says where; the message completes "<path> ..."."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path} {message}")
        self.path = path
        self.message = message
