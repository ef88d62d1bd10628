"""Wire shapes of OAuth."""

from typing import Annotated, Literal

from pydantic import Field

from app.kit.wire import WireOut


class TokenRead(WireOut):
    access_token: str
    client_id: Annotated[str, Field(description="The id of the server key it was minted from.")]
    expires_at: Annotated[int, Field(description="Unix time in seconds.")]
    expires_in: Annotated[int, Field(description="Seconds left.")]
    scope: str
    token_type: Literal["Bearer"] = "Bearer"


class TokenInspected(WireOut):
    """Of a token that is not live (RFC 7662) only that is said."""

    active: bool
    access_token: str | None = None
    client_id: str | None = None
    expires_at: Annotated[int | None, Field(description="Unix time in seconds.")] = None
    expires_in: Annotated[int | None, Field(description="Seconds left.")] = None
    scope: str | None = None
    token_type: Literal["Bearer"] | None = None
