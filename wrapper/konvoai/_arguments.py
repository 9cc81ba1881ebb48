"""Checks the arguments of lists and scans, and spells times as the API document does."""

from datetime import UTC, datetime, timedelta

from ._pagination.protocol import MILLISECOND, Bounds

LAST_MILLISECOND = datetime.max.replace(microsecond=999_000, tzinfo=UTC)


class WireTime(str):
    """A time as it is sent; generated builders call `isoformat` where the API document says `format: date-time`."""

    __slots__ = ()

    def isoformat(self) -> str:
        return self


def wire_time(time: datetime | None, *, round_up: bool = False) -> WireTime | None:
    """Returns a UTC time as RFC 3339 with milliseconds and `Z`, which strict servers require; bounds never shrink."""
    if time is None:
        return None
    if round_up and time.microsecond % 1000 and time < LAST_MILLISECOND:
        time += MILLISECOND
    return WireTime(time.isoformat(timespec="milliseconds").replace("+00:00", "Z"))


def validate_int(name: str, value: int, minimum: int, maximum: int | None = None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < minimum or value > (maximum or value):
        span = f"{minimum} or above" if maximum is None else f"from {minimum} to {maximum}"
        raise ValueError(f"{name} must be a whole number {span}, not {value!r}")
    return value


def validate_flag(name: str, value: bool) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be True or False, not {value!r}")
    return value


def validate_period(updated_at_min: datetime | None, updated_at_max: datetime | None) -> Bounds:
    """Returns the two time filters in UTC."""
    minimum, maximum = validate_time("updated_at_min", updated_at_min), validate_time("updated_at_max", updated_at_max)
    if minimum is not None and maximum is not None and minimum > maximum:
        raise ValueError("updated_at_min must not be after updated_at_max: swap them")
    return minimum, maximum


def validate_time(name: str, value: datetime | None) -> datetime | None:
    """Returns a plain `datetime` in UTC, whatever kind of aware datetime came in (pandas, pendulum, zoneinfo)."""
    if value is None:
        return None
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ValueError(f"{name} must be a datetime with a time zone, such as datetime.now(UTC), not {value!r}")
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} must be within the years 1 to 9999 in UTC, not {value!r}") from None
    return datetime.combine(utc.date(), utc.time(), UTC)


def validate_lag(value: timedelta) -> timedelta:
    if not isinstance(value, timedelta) or value < timedelta(0):
        raise ValueError(f"lag must be a timedelta that is not negative, not {value!r}")
    return value
