"""Time limits of campaigns and vouchers, between the wire and the columns that keep them."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from app.engine.validity import InvalidValidity, parse_duration, parse_validity
from app.kit.errors import InvalidPayload
from app.kit.wire import Instant, WireIn, WirePatch

RECURRING = ("validity_timeframe", "validity_day_of_week", "validity_hours")
DATES = ("start_date", "expiration_date")


class ValidityTimeframe(WireIn):
    """Open for `duration` at the start of every `interval`, counted from `start_date`; both ISO 8601 durations."""

    interval: Annotated[str, Field(examples=["P7D"])]
    duration: Annotated[str, Field(examples=["PT4H"])]


class ValidityPeriod(WireIn):
    """On these days of the week, from one time of the day until before another, in the project's time zone."""

    start_time: Annotated[str | None, Field(examples=["12:00"])] = None
    expiration_time: Annotated[str | None, Field(examples=["16:00"])] = None
    days_of_week: list[int] | None = None


class ValidityHours(WireIn):
    daily: list[ValidityPeriod] | None = None


DayOfWeek = Annotated[int, Field(ge=0, le=6, description="0 is Sunday.")]


class ScheduleIn(WireIn):
    """The time limits of a request."""

    start_date: Instant | None = None
    expiration_date: Instant | None = None
    validity_timeframe: ValidityTimeframe | None = None
    validity_day_of_week: list[DayOfWeek] | None = None
    validity_hours: ValidityHours | None = None


class SchedulePatch(WirePatch):
    """Changed time limits; null lifts one."""

    start_date: Instant | None = None
    expiration_date: Instant | None = None
    validity_timeframe: ValidityTimeframe | None = None
    validity_day_of_week: list[DayOfWeek] | None = None
    validity_hours: ValidityHours | None = None


def schedule_of(fields: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """The columns `start_date`, `expiration_date` and `validity` for these wire members, of which any may be missing.

    Raises InvalidPayload with the path of what is wrong, which `path` leads.
    """
    plain = {name: _plain(fields.get(name)) for name in (*DATES, *RECURRING)}
    try:
        parse_validity(plain)
    except InvalidValidity as problem:
        raise InvalidPayload(f"{path}{problem.path}", problem.message) from None
    validity = {name: plain[name] for name in RECURRING if plain[name]}
    return {"start_date": plain["start_date"], "expiration_date": plain["expiration_date"], "validity": validity}


def require_duration(path: str, text: str | None) -> None:
    """Raises InvalidPayload when `text` is not an ISO 8601 duration."""
    if text is not None:
        try:
            parse_duration(text)
        except ValueError as problem:
            raise InvalidPayload(path, str(problem)) from None


def _plain(value: Any) -> Any:
    return value.model_dump(exclude_none=True) if isinstance(value, BaseModel) else value
