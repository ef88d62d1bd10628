"""Secrets of keys: made from 32 random bytes, shown once, kept as a hash.

SHA-256 without salt or stretching is enough here. Those protect passwords, which people choose and others can guess; a
token with 256 random bits cannot be guessed from its hash at any speed, and a slow hash would be paid on every request.
"""

import hashlib
import hmac
import secrets
import uuid

_NOBODY = hashlib.sha256(secrets.token_bytes(32)).digest()


def new_key_id() -> str:
    """The public half of a key pair, as the contract shapes it: a UUID."""
    return str(uuid.uuid4())


def new_token() -> str:
    """The secret half: 43 characters that are safe in headers, URLs and files."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def token_matches(token: str, stored_hash: bytes | None) -> bool:
    """Whether `token` has the stored hash; without one the comparison is made all the same and fails."""
    return hmac.compare_digest(token_hash(token), stored_hash or _NOBODY) and stored_hash is not None
