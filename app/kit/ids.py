"""Identifiers: a prefix that says what it is, and a UUIDv7 (RFC 9562) in Crockford's base 32, so ids sort by birth."""

import os
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def new_id(prefix: str) -> str:
    """A fresh opaque id such as `v_01kb2m7t9cf3r8n5x0q4w6z1ye`: prefix and 26 characters.

    Ids of one process ascend: the 12 bits after the millisecond are its fraction (RFC 9562, section 6.2, method 3), which
    tells apart what is a quarter of a microsecond apart.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    fraction = (nanoseconds << 12) // 1_000_000
    number = milliseconds << 80 | 0x7 << 76 | fraction << 64 | int.from_bytes(os.urandom(8))
    number = number & ~(0x3 << 62) | 0x2 << 62  # variant
    return f"{prefix}_{''.join(_PAIRS[number >> shift & 0x3FF] for shift in range(120, -1, -10))}"


def new_ids(prefix: str, count: int) -> list[str]:
    """As many ids at once, born in the same millisecond and in random order among themselves; far cheaper than one by one.

    Of the random bits of the format 70 are used, so two ids of one batch of a million are equal once in 10^9 batches.
    """
    start = new_id(prefix)[:-16]
    letters = bytes(ord(_ALPHABET[byte % 32]) for byte in range(256))
    drawn = os.urandom(14 * count).translate(letters).decode()
    # "e" and "8" hold the version and the variant, beside bits we leave 0.
    return [f"{start}e{drawn[n : n + 2]}8{drawn[n + 2 : n + 14]}" for n in range(0, 14 * count, 14)]
