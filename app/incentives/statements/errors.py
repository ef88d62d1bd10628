from app.kit.errors import NotFound


class AccountNotFound(NotFound):
    """404: nobody of that name holds anything of value."""

    def __init__(self, owner: str) -> None:
        super().__init__("account", owner)
