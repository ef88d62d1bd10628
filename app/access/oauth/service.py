"""Bearer tokens: a server key lends what it may do, or less, for a quarter of an hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.audit import record
from app.access.callers import Caller
from app.access.configuration import change_configuration
from app.access.oauth.errors import InvalidGrantType, InvalidScope, MissingParameters, TooManyTokens
from app.access.permissions import SCOPES
from app.access.tokens import new_token, token_hash
from app.kit.db import Database
from app.kit.errors import NotFound
from app.models import OAuthToken

LIFETIME = timedelta(minutes=15)
LIVE_TOKENS = 1000
_MINTING_LOCK = 2
"""First half of an advisory lock pair; the second is the project."""


@dataclass(frozen=True, slots=True)
class Token:
    """A live token. `text` begins with the id of its key, so that it is found inside one project."""

    text: str
    client_id: str
    scopes: tuple[str, ...]
    expires_at: datetime


async def mint(db: Database, caller: Caller, grant_type: str | None, scope: str | None, now: datetime) -> Token:
    """A token for the scopes asked for; what the key's role forbids stays forbidden.

    Raises MissingParameters, InvalidGrantType, InvalidScope, TooManyTokens.
    """
    scopes = _asked_for(grant_type, scope)
    token = Token(f"{caller.api_key_id}.{new_token()}", caller.api_key_id, scopes, now + LIFETIME)
    async with db.write() as session:
        await _make_room(session, caller.project_id, now)
        row = OAuthToken(
            project_id=caller.project_id,
            token_hash=token_hash(token.text),
            api_key_id=caller.api_key_id,
            scopes=list(scopes),
            created_at=now,
            expires_at=token.expires_at,
        )
        session.add(row)
    return token


async def find(db: Database, caller: Caller, text: str | None, now: datetime) -> Token | None:
    """The live token of the caller's project with this text.

    Raises MissingParameters.
    """
    if not text:
        raise MissingParameters("access_token is required.")
    async with db.read() as session:
        row = await session.get(OAuthToken, (caller.project_id, token_hash(text)))
    if row is None or row.expires_at <= now:
        return None
    return Token(text, row.api_key_id, tuple(row.scopes), row.expires_at)


async def revoke(db: Database, caller: Caller, text: str | None) -> None:
    """Make a token of the caller's project worthless at once.

    Raises MissingParameters, NotFound.
    """
    if not text:
        raise MissingParameters("access_token is required.")
    async with db.write() as session:
        revoked = await session.scalar(
            delete(OAuthToken)
            .where(OAuthToken.project_id == caller.project_id, OAuthToken.token_hash == token_hash(text))
            .returning(OAuthToken.api_key_id)
        )
        if revoked is None:
            raise NotFound("access_token", "given")
        # Processes that have seen the token proven ask again.
        await change_configuration(session, caller.project_id)
        record(session, caller, "access_token.revoked", "api_key", revoked)


def _asked_for(grant_type: str | None, scope: str | None) -> tuple[str, ...]:
    if not grant_type or not scope or scope.isspace():
        raise MissingParameters("grant_type and scope are required, as form fields.")
    if grant_type != "client_credentials":
        raise InvalidGrantType("The only grant type is client_credentials.")
    scopes = tuple(dict.fromkeys(scope.split()))
    unknown = [name for name in scopes if name not in SCOPES]
    if unknown:
        raise InvalidScope(f"Unknown scope: {' '.join(unknown)}.")
    return scopes


async def _make_room(session: AsyncSession, project_id: int, now: datetime) -> None:
    """Forget expired tokens and count the live ones, one minting after the other.

    Raises TooManyTokens.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_MINTING_LOCK, project_id)))
    await session.execute(delete(OAuthToken).where(OAuthToken.project_id == project_id, OAuthToken.expires_at <= now))
    live = select(func.count()).select_from(OAuthToken).where(OAuthToken.project_id == project_id)
    if (await session.scalar(live) or 0) >= LIVE_TOKENS:
        raise TooManyTokens(f"The project has {LIVE_TOKENS} live tokens; they live {LIFETIME.seconds // 60} minutes.")
