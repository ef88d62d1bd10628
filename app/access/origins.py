"""Where a client key may be used: the project's trusted domains against the browser's Origin."""

import re
from collections.abc import Sequence

_PORT = re.compile(r":\d+$")


def is_trusted(origin: str | None, trusted_domains: Sequence[str]) -> bool:
    """Whether pages of `origin` may use client keys.

    A trusted domain is an origin (`https://shop.example.com`), a host on any scheme and port (`shop.example.com`), a
    host with its port, either with `*.` for everything below it, or `*` for everything, even callers without an Origin.
    """
    if "*" in trusted_domains:
        return True
    return origin is not None and any(_covers(domain, origin) for domain in trusted_domains)


def _covers(domain: str, origin: str) -> bool:
    wanted_scheme, has_scheme, wanted_host = domain.lower().rstrip("/").rpartition("://")
    scheme, _, host = origin.lower().rpartition("://")
    if has_scheme and scheme != wanted_scheme:
        return False
    hosts = [host] if has_scheme else [host, _PORT.sub("", host)]
    if wanted_host.startswith("*."):
        return any(candidate.endswith(wanted_host[1:]) for candidate in hosts)
    return wanted_host in hosts
