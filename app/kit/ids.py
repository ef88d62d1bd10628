"""Identifiers: a prefix that says what it is, and a UUIDv7 (RFC 9562) in Crockford's base 32, so ids sort by birth."""

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def new_id(prefix: str) -> str:
    """A fresh opaque id such as `v_01kb2m7t9cf3r8n5x0q4w6z1ye`: prefix and 26 characters, ascending by millisecond."""
    number = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
    number = number & ~(0xF << 76) | 0x7 << 76  # version
    number = number & ~(0x3 << 62) | 0x2 << 62  # variant
    return f"{prefix}_{''.join(_PAIRS[number >> shift & 0x3FF] for shift in range(120, -1, -10))}"
