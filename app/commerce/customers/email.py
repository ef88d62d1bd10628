"""One mailbox, one text: the normal forms under which addresses are compared."""

import unicodedata
from collections.abc import Mapping

import idna

MAX_LENGTH = 254
"""What SMTP can carry (RFC 5321, 4.5.3.1.3, without the angle brackets)."""


IGNORING_DOTS: Mapping[str, str] = {
    "gmail.com": "gmail.com",
    "googlemail.com": "gmail.com",
    "pm.me": "proton.me",
    "proton.me": "proton.me",
    "protonmail.com": "proton.me",
}
"""Providers to whom dots mean nothing, under each of their domains, with the one that stands for all of these."""


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


def mailbox(address: str) -> str | None:
    """Whose letters these are: the normal form without a plus tag and, where the provider ignores them, without dots.

    Somebody who writes their address in another way is still the same person. None for an empty text.
    """
    normal = normal_email(address)
    if normal is None:
        return None
    local, at, domain = normal.rpartition("@")
    if not at:
        return normal
    person = local.partition("+")[0] or local  # nothing but a tag is a name
    provider = IGNORING_DOTS.get(domain)
    if provider is not None:
        person = person.replace(".", "") or person
    return f"{person}@{provider or domain}"


def _ascii(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain
