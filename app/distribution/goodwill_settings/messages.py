"""The text that goes to the customer: a marketer's sentence with places for code, worth and date."""

from collections.abc import Mapping
from string import Formatter

PLACEHOLDERS = ("code", "worth", "expires_on", "agent", "customer_name")
DEFAULT_MESSAGE = (
    "We are sorry for the trouble. Your code {code} is worth {worth}. It is for you alone and valid until {expires_on}."
)
AUTOMATIC_MESSAGE = (
    "We are sorry for the trouble. {worth} will be taken off your next order by itself, until {expires_on}. Should you "
    "be asked for a code, it is {code}."
)


def check_message(message: str) -> str:
    """The message, if all in braces is a placeholder that we know. Raises ValueError with a sentence."""
    try:
        parts = list(Formatter().parse(message))
    except ValueError:
        raise ValueError("a brace is not closed; write {{ and }} for braces that shall be seen") from None
    for _, name, specification, conversion in parts:
        if name is not None and (name not in PLACEHOLDERS or specification or conversion):
            raise ValueError(
                f"{{{name}}} is not known; there are {', '.join(f'{{{known}}}' for known in PLACEHOLDERS)}"
            )
    return message


def fill(message: str, values: Mapping[str, str]) -> str:
    """A message that was checked, with `values` at its placeholders; what they say is never read as a placeholder."""
    return "".join(
        literal + (values[name] if name is not None else "") for literal, name, _, _ in Formatter().parse(message)
    )
