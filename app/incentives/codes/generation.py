"""Drawing codes from the operating system's random source, many at a time."""

import os
import random
from collections.abc import Iterator
from itertools import islice

from app.incentives.codes.shapes import CodeShape

_system = random.SystemRandom()
SMALL_CAPACITY = 2**18


def generate(shape: CodeShape, count: int) -> list[str]:
    """`count` independent codes, every possible code as likely as any other; some may be equal.

    Works on whole columns of bytes, one column per position of the code, because a million calls would take seconds.
    """
    width = len(shape.template)
    alphabet = sorted({*shape.template, *shape.charset})
    byte_of = {character: index for index, character in enumerate(alphabet)}
    if max(alphabet) < "\u0100":
        byte_of = {character: ord(character) for character in alphabet}
    rows = bytearray(bytes(byte_of[character] for character in shape.template) * count)
    letters = bytes(byte_of[character] for character in shape.charset)
    drawn = _draw(letters, count * len(shape.holes))
    for column, hole in enumerate(shape.holes):
        rows[hole::width] = drawn[column * count : (column + 1) * count]
    text = rows.decode("latin-1")
    if any(ord(character) != byte for character, byte in byte_of.items()):
        text = text.translate({byte: character for character, byte in byte_of.items()})
    return [text[start : start + width] for start in range(0, width * count, width)]


def _draw(letters: bytes, count: int) -> bytes:
    """`count` of `letters`, each independent and equally likely.

    Bytes above the largest multiple of the number of letters are thrown away: keeping them would make the first letters
    more likely than the others.
    """
    size = len(letters)
    usable = 256 // size * size
    table = bytes(letters[byte % size] for byte in range(256))
    refused = bytes(range(usable, 256))
    drawn = b""
    while len(drawn) < count:
        drawn += os.urandom((count - len(drawn)) * 256 // usable + 64).translate(table, refused)
    return drawn[:count]


def draws(shape: CodeShape) -> "Draws":
    """A source of codes that never runs dry before every possible code has been drawn."""
    return Shuffled(shape) if shape.capacity <= SMALL_CAPACITY else Draws(shape)


class Draws:
    """Codes of a shape with so many possibilities that drawing one twice is rare."""

    def __init__(self, shape: CodeShape) -> None:
        self.shape = shape

    def take(self, count: int) -> list[str]:
        """Up to `count` different codes; fewer when some were drawn twice, none when there are no others."""
        return list(dict.fromkeys(generate(self.shape, count)))


class Shuffled(Draws):
    """Every code of a shape with few possibilities, in random order and each once: a shape can be used up to its last
    code, which drawing at random would take ever longer to hit."""

    def __init__(self, shape: CodeShape) -> None:
        super().__init__(shape)
        numbers = list(range(shape.capacity))
        _system.shuffle(numbers)
        self._numbers: Iterator[int] = iter(numbers)

    def take(self, count: int) -> list[str]:
        return [code_number(self.shape, number) for number in islice(self._numbers, count)]


def code_number(shape: CodeShape, number: int) -> str:
    """The code that `number` (0 to capacity - 1) writes with the charset as its digits."""
    characters = list(shape.template)
    for hole in shape.holes:
        number, digit = divmod(number, len(shape.charset))
        characters[hole] = shape.charset[digit]
    return "".join(characters)
