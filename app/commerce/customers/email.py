"""One mailbox, one text: the normal form under which addresses are compared."""

import unicodedata

import idna

MAX_LENGTH = 254
"""What SMTP can carry (RFC 5321, 4.5.3.1.3, without the angle brackets)."""


def normal_email(address: str) -> str | None:
    """The address trimmed, in NFKC and lower case, its domain as ASCII (UTS 46); None for an empty text.

    A domain that is no host name keeps its letters: the form only has to be the same for the same mailbox.
    """
    lower = unicodedata.normalize("NFKC", address).lower()
    text = unicodedata.normalize("NFKC", lower).strip()  # some letters come apart when they are made small
    local, at, domain = text.rpartition("@")
    if text.isascii() or not at:
        return text or None
    return f"{local}@{_ascii(domain)}"


def _ascii(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain
