"""What parsing a rule can fail with."""


class InvalidRule(ValueError):
    """A rule that means nothing. `path` points into the definition (`rules.2.conditions.$more_than[0]`)."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message
