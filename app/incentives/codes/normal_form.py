"""The form in which codes are compared and are unique."""

import unicodedata

MAX_LENGTH = 255


def normalise(code: str, case_sensitive: bool) -> str:
    """The normal form of `code`: NFKC, and case-folded unless the project tells upper from lower case.

    Applying it again changes nothing. Two codes with one normal form are the same code.
    """
    if code.isascii():
        return code if case_sensitive else code.lower()
    if case_sensitive:
        return unicodedata.normalize("NFKC", code)
    # Unicode 3.13, D146: folding can undo a normalisation and the other way round, so each is done twice.
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", code).casefold())
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", folded.casefold()))


def problem_of(code: str) -> str | None:
    """Why `code` cannot be a code, as the end of a sentence; None when it can."""
    if not code or code != code.strip():
        return "must not be empty, nor begin or end with white space"
    if len(code) > MAX_LENGTH or len(normalise(code, False)) > MAX_LENGTH:
        return f"must not be longer than {MAX_LENGTH} characters"
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in code):
        return "must not contain control characters"
    return None
