"""Identifiers: a prefix that says what it is, and a UUIDv7 (RFC 9562) in Crockford's base 32, so ids sort by birth."""

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def new_id(prefix: str) -> str:
    """A fresh opaque id such as `v_01kb2m7t9cf3r8n5x0q4w6z1ye`: prefix and 26 characters.

    Ids of one process ascend: the 12 bits after the millisecond are its fraction (RFC 9562, section 6.2, method 3),
    which tells apart what is a quarter of a microsecond apart.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = (nanoseconds << 12) // 1_000_000
    number = milliseconds << 80 | 0x7 << 76 | fraction << 64 | int.from_bytes(os.urandom(8))
    number = number & ~(0x3 << 62) | 0x2 << 62  # variant
    return f"{prefix}_{''.join(_PAIRS[number >> shift & 0x3FF] for shift in range(120, -1, -10))}"


def new_ids(prefix: str, count: int) -> list[str]:
    """As many ids at once, born together and in random order among themselves; far cheaper than one by one.

    They differ in their last 60 bits, so of 20,000 of them two are equal once in 10^9 times.
    """
    start = new_id(prefix)[:-12]
    letters = bytes(ord(_ALPHABET[byte % 32]) for byte in range(256))
    drawn = os.urandom(12 * count).translate(letters).decode()
    return [f"{start}{drawn[n : n + 12]}" for n in range(0, 12 * count, 12)]
