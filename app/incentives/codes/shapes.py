"""What the codes of a campaign look like, and how many different ones there can be."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.incentives.codes.errors import InvalidCodeConfig
from app.incentives.codes.normal_form import MAX_LENGTH, normalise, problem_of

DEFAULT_LENGTH = 8
DEFAULT_CHARSET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MAX_CHARACTERS = 256


@dataclass(frozen=True, slots=True)
class CodeShape:
    """A text with holes, and the characters that may fill them; no two of those are the same when codes are compared.

    `template` has a # at each position in `holes`. The template and the charset together use at most 256
    different characters.
    """

    template: str
    holes: tuple[int, ...]
    charset: str

    @property
    def capacity(self) -> int:
        """How many different codes there can be."""
        return int(len(self.charset) ** len(self.holes))


def code_config_of(
    config: Mapping[str, Any], default_charset: str = DEFAULT_CHARSET, default_length: int = DEFAULT_LENGTH
) -> dict[str, Any]:
    """The code config as it is kept and shown: what was given, and the defaults for the rest."""
    known = {name: config[name] for name in ("charset", "prefix", "postfix", "pattern") if config.get(name)}
    if "pattern" in known:
        length = known["pattern"].count("#")
    else:
        length = default_length if config.get("length") is None else config["length"]
    return {"charset": default_charset, "length": length, **known}


def shape_of(config: Mapping[str, Any], case_sensitive: bool) -> CodeShape:
    """The shape that a code config describes: `prefix`, then the `pattern` or `length` holes, then `postfix`.

    In a project that ignores case, `A` and `a` of the charset count once.

    Raises InvalidCodeConfig with a sentence.
    """
    length = config.get("length", DEFAULT_LENGTH)
    if isinstance(length, float) and length.is_integer():
        length = int(length)
    pattern, prefix, postfix = (_text(config, name) for name in ("pattern", "prefix", "postfix"))
    if not pattern:
        if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= MAX_LENGTH:
            raise InvalidCodeConfig(f"code_config.length must be a whole number from 1 to {MAX_LENGTH}.", "length")
        pattern = "#" * length
    template = prefix + pattern + postfix
    holes = tuple(len(prefix) + index for index, character in enumerate(pattern) if character == "#")
    if not holes:
        raise InvalidCodeConfig(
            "code_config.pattern must contain at least one #, which a random character replaces.", "pattern"
        )
    charset = _charset(_text(config, "charset") or DEFAULT_CHARSET, case_sensitive)
    problem = problem_of(template)
    if problem is not None:
        raise InvalidCodeConfig(f"Codes of the form {template} are not possible: a code {problem}.")
    if len(set(template) | set(charset)) > MAX_CHARACTERS:
        raise InvalidCodeConfig(
            f"code_config.charset and the fixed text may use at most {MAX_CHARACTERS} different characters together.",
            "charset",
        )
    return CodeShape(template, holes, charset)


def _text(config: Mapping[str, Any], name: str) -> str:
    value = config.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidCodeConfig(f"code_config.{name} must be a text.", name)
    return value


def _charset(charset: str, case_sensitive: bool) -> str:
    """One character for each normal form among those of `charset`, in their order."""
    if any(unicodedata.category(character)[0] in "CZ" for character in charset):
        raise InvalidCodeConfig("code_config.charset must not contain white space or control characters.", "charset")
    distinct: dict[str, str] = {}
    for character in charset:
        distinct.setdefault(normalise(character, case_sensitive), character)
    chosen = "".join(distinct.values())
    if len(chosen) > MAX_CHARACTERS:
        raise InvalidCodeConfig(
            f"code_config.charset may hold at most {MAX_CHARACTERS} different characters.", "charset"
        )
    if not chosen.isascii():
        _refuse_combining(chosen, case_sensitive)
    return chosen


def _refuse_combining(charset: str, case_sensitive: bool) -> None:
    """Characters that merge with a neighbour (accents, Korean jamo) or stand for several would make the count of
    possible codes wrong."""
    forms = {character: normalise(character, case_sensitive) for character in charset}
    for first, form in forms.items():
        if len(form) != 1:
            raise InvalidCodeConfig(
                f"code_config.charset: {first} is the same as {form} when codes are compared.", "charset"
            )
        for second in charset:
            if normalise(first + second, case_sensitive) != form + forms[second]:
                raise InvalidCodeConfig(f"code_config.charset: {first} and {second} merge when they meet.", "charset")
