"""One phone, one text: the normal form under which numbers are compared."""

from functools import cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

UNKNOWN_REGION = phonenumbers.UNKNOWN_REGION


def normal_phone(number: str, dial_code: str | None = None) -> str | None:
    """The number as E.164 (`+4930901820`); where it cannot be one, its digits alone; None without any digit.

    `dial_code` is that of the country whose numbers are written without one, such as 49.
    """
    region = region_of(dial_code)
    digits: str = phonenumbers.normalize_digits_only(number)
    text = f"+{digits[2:]}" if digits.startswith("00") and region == UNKNOWN_REGION else number
    return _e164(text, region) or digits or None


def _e164(text: str, region: str) -> str | None:
    try:
        parsed = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    written: str = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return written


@cache
def region_of(dial_code: str | None) -> str:
    """The country with this calling code, the largest of those that share it; `ZZ` when there is none."""
    digits = phonenumbers.normalize_digits_only(dial_code or "")
    return str(phonenumbers.region_code_for_country_code(int(digits))) if digits else UNKNOWN_REGION
