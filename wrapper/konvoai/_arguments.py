"""What a list operation takes, read from its generated builder; checks of arguments, and how times are spelled."""

import functools
import inspect
import re
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from ._decoding.fields import union_members
from ._pagination.protocol import DEFAULT_LAG, MILLISECOND, Bounds

LAST_MILLISECOND = datetime.max.replace(microsecond=999_000, tzinfo=UTC)


PAGES, LIMITS = ("page", "page_number"), ("limit", "per_page", "page_size")
BOUNDS = {"min": "max", "from": "to", "after": "before", "since": "until", "start": "end", "gte": "lte"}
PLAIN: dict[Any, tuple[type, ...]] = {bool: (bool,), int: (int,), float: (int, float), str: (str,), date: (date,)}
WORDS = {bool: "True or False", int: "a whole number", float: "a number", str: "a text", date: "a date"}
Range = tuple[float | None, float | None]
TIME_NAME = re.compile(r"(^|_)(at|on|date|time|since|until|from|to)(_|$)")


class Parameters(NamedTuple):
    """The parameters of a list operation, by their Python names.

    Attributes:
        page: The number of the page; None where the list has no pages.
        limit: The number of records of a page.
        times: The lower and the upper time filter; None where the operation has no such pair.
        others: Every other parameter, with its type.
        required: Those of `others` without a default.
        flags: Those of `others` that are true or false, false by default.
    """

    page: str | None
    limit: str | None
    times: tuple[str, str] | None
    others: Mapping[str, Any]
    required: frozenset[str]
    flags: frozenset[str]


@functools.cache
def parameters_of(build: Callable[..., dict[str, Any]]) -> Parameters:
    """Returns the parameters of a generated request builder."""
    taken, hints = inspect.signature(build).parameters, typing.get_type_hints(build)
    page, limit = (next((name for name in names if name in taken), None) for names in (PAGES, LIMITS))
    times = time_filters({name: union_members(hints[name]) for name in taken})
    others = {name: hints[name] for name in taken if name not in (page, limit, *(times or ()))}
    return Parameters(
        page,
        limit,
        times,
        others,
        frozenset(name for name in others if taken[name].default is inspect.Parameter.empty),
        frozenset(name for name in others if taken[name].default is False),
    )


def time_filters(types: Mapping[str, list[Any]]) -> tuple[str, str] | None:
    """Returns the first pair of parameters that bound a time, such as `updated_at_min` and `updated_at_max`.

    The API document may call them texts. Then their names must be those of times.
    """
    for name, members in types.items():
        is_time = members == [datetime] or (members in ([str], [Any]) and TIME_NAME.search(name))
        words = name.split("_")
        for index, word in enumerate(words):
            other = "_".join([*words[:index], BOUNDS.get(word, ""), *words[index + 1 :]])
            if is_time and word in BOUNDS and types.get(other) == members:
                return name, other
    return None


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


def validate_range(name: str, value: Any, minimum: float | None, maximum: float | None) -> None:
    """Checks a number, or each of a list, against the bounds of the API document."""
    for number in value if isinstance(value, list) else [value]:
        if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
            low, high = ("any" if bound is None else bound for bound in (minimum, maximum))
            raise ValueError(f"{name} must be from {low} to {high}, not {number!r}")


def validate_period(times: tuple[str, str] | None, bounds: Bounds) -> Bounds:
    """Returns the values of two time filters in UTC."""
    if times is None:
        if bounds != (None, None):
            raise ValueError("this list has no time filters: leave the times out")
        return bounds
    minimum, maximum = (validate_time(name, time) for name, time in zip(times, bounds, strict=True))
    if minimum is not None and maximum is not None and minimum > maximum:
        raise ValueError(f"{times[0]} must not be after {times[1]}: swap them")
    return minimum, maximum


def wire_values(arguments: Mapping[str, Any], names: Parameters, ranges: Mapping[str, Range]) -> dict[str, Any]:
    """Returns the arguments as a generated builder takes them, without those that are None to leave them out."""
    never_none = names.required | names.flags
    given = {name: value for name, value in arguments.items() if value is not None or name in never_none}
    values = {name: wire_value(name, value, names.others[name]) for name, value in given.items()}
    for name in values.keys() & ranges.keys():
        validate_range(name, values[name], *ranges[name])
    return values


def wire_value(name: str, value: Any, hint: Any) -> Any:
    """Returns an argument as its generated builder takes it.

    Raises:
        ValueError: It cannot be a value of the type.
    """
    members = union_members(hint)
    for member in members:
        if typing.get_origin(member) is list:
            if not isinstance(value, list | tuple):
                raise ValueError(f"{name} must be a list, not {value!r}")
            return [wire_value(name, item, typing.get_args(member)[0]) for item in value]
        if member is datetime:
            return wire_time(validate_time(name, value))
        if isinstance(member, type) and issubclass(member, Enum | UUID):
            return enum_value(name, value, member)
    kinds = tuple(kind for member in members for kind in PLAIN.get(member, (object,)))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in members and object not in kinds):
        expected = " or ".join(WORDS.get(member, "a value") for member in members)
        raise ValueError(f"{name} must be {expected}, not {value!r}")
    return value


def enum_value(name: str, value: Any, member: type) -> Any:
    """Returns a member of an enumeration, or a UUID."""
    try:
        return value if isinstance(value, member) else member(value)
    except (ValueError, AttributeError, TypeError):
        listed = "one of " + ", ".join(repr(item.value) for item in member) if issubclass(member, Enum) else "a UUID"
        raise ValueError(f"{name} must be {listed}, not {value!r}") from None


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


def validate_lag(value: timedelta | None) -> timedelta:
    if value is None:
        return DEFAULT_LAG
    if not isinstance(value, timedelta) or value < timedelta(0):
        raise ValueError(f"lag must be a timedelta that is not negative, not {value!r}")
    return value


def with_return_type(method: Callable[..., Any], result: Any) -> Callable[..., Any]:
    """Returns the method with the type that it returns on this client instead of a type variable, for `help()`."""

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        return method(*args, **kwargs)

    call.__signature__ = inspect.signature(method).replace(return_annotation=result)  # type: ignore[attr-defined]
    return call
