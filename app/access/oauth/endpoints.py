"""Routes of OAuth. Bodies are forms; the caller is the server key pair itself."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Form, Response

from app.access.authentication import server_key_of
from app.access.callers import Caller
from app.access.oauth import service
from app.access.oauth.schemas import TokenInspected, TokenRead
from app.access.oauth.service import Token
from app.kit import clock
from app.kit.http import Db, Router

router = Router(prefix="/v1/oauth", tags=["oauth"])
ServerKey = Annotated[Caller, Depends(server_key_of)]
AccessToken = Annotated[str | None, Form(max_length=200)]


@router.post("/token")
async def create_token(
    db: Db,
    caller: ServerKey,
    response: Response,
    grant_type: Annotated[str | None, Form(description="`client_credentials`")] = None,
    scope: Annotated[str | None, Form(description="Separated by spaces.", examples=["vouchers redemptions"])] = None,
) -> TokenRead:
    """Get a bearer token that lives 15 minutes."""
    now = clock.now()
    token = await service.mint(db, caller, grant_type, scope, now)
    response.headers["Cache-Control"] = "no-store"
    return TokenRead.model_validate(_members(token, now))


@router.post("/introspect")
async def introspect_token(
    db: Db, caller: ServerKey, response: Response, access_token: AccessToken = None
) -> TokenInspected:
    """Tell whether a token is live, and what it is for."""
    now = clock.now()
    token = await service.find(db, caller, access_token, now)
    response.headers["Cache-Control"] = "no-store"
    return TokenInspected(active=False) if token is None else TokenInspected(active=True, **_members(token, now))


@router.post("/token/revoke", status_code=204)
async def revoke_token(db: Db, caller: ServerKey, access_token: AccessToken = None) -> None:
    """Revoke a token; it stops working at once."""
    await service.revoke(db, caller, access_token)


def _members(token: Token, now: datetime) -> dict[str, object]:
    return {
        "access_token": token.text,
        "client_id": token.client_id,
        "expires_at": int(token.expires_at.timestamp()),
        "expires_in": int((token.expires_at - now).total_seconds()),
        "scope": " ".join(token.scopes),
        "token_type": "Bearer",
    }
