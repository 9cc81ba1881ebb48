"""Options that several commands share, and the types of their values."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, get_args, get_origin

import click

if TYPE_CHECKING:
    from .._resources import Resource

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class TimeType(click.ParamType):  # type: ignore[type-arg] # older versions of click take no argument
    """An ISO 8601 time, a date (its midnight) or a duration before now; local time where no zone is given."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        if ctx and param and param.name:
            ctx.meta[f"{__name__}.{param.name}"] = value
        if duration := re.fullmatch(r"(\d+)([smhdw])", value):
            try:
                return datetime.now().astimezone() - timedelta(**{UNITS[duration[2]]: int(duration[1])})
            except OverflowError:
                self.fail(f"invalid time {value!r}: use a shorter duration", param, ctx)
        try:
            return datetime.fromisoformat(value).astimezone()
        except (ValueError, OverflowError):
            usage = "use 2026-11-01, 2026-11-01T09:30+01:00, or a duration before now, e.g. 7d or 12h"
            self.fail(f"invalid time {value!r}: {usage}", param, ctx)


class DurationType(click.ParamType):  # type: ignore[type-arg]
    """A number with a unit, e.g. 12h or 1d."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        duration = re.fullmatch(r"(\d{1,6})([smhdw])", value)
        if not duration:
            usage = "use a number with the unit s, m, h, d or w, e.g. 12h or 1d"
            self.fail(f"invalid duration {value!r}: {usage}", param, ctx)
        return timedelta(**{UNITS[duration[2]]: int(duration[1])})


class DateType(click.ParamType):  # type: ignore[type-arg]
    """A day, e.g. 2026-11-01."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"invalid date {value!r}: use 2026-11-01", param, ctx)


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
ARGUMENT = "argument_"
"""What precedes the name of an operation's parameter among the values of the options, so that it is like no other."""
TYPES: dict[Any, Any] = {int: int, float: float, datetime: TimeType(), date: DateType()}
OWN_OPTIONS = ("since", "until", "take", "output", "to", "drop", "hash", "resume", "overwrite", "concurrency", "help")
DROP = click.option("--drop", multiple=True, metavar="FIELD", help="Leave out a field, e.g. messages.message.")
HASH = click.option(
    "--hash",
    "hashed",
    multiple=True,
    metavar="FIELD",
    help="Replace a field by its HMAC-SHA256; the key is KONVO_HASH_SECRET.",
)
CONCURRENCY = click.option(
    "--concurrency", type=click.IntRange(1, 16), default=8, show_default=True, help="Maximum requests in flight."
)


def time_options(times: tuple[str, str] | None) -> Decorator:
    """Returns a decorator that adds --since and --until where a list has time filters."""
    if times is None:
        return lambda command: command
    what = {"updated": "updates", "created": "records created"}.get(times[0].partition("_")[0], "records")
    since = click.option("--since", type=TimeType(), help=f"Only {what} after this time, e.g. 2026-11-01 or 7d.")
    until = click.option("--until", type=TimeType(), help=f"Only {what} before this time, e.g. 2026-12-01 or 12h.")
    return lambda command: since(until(command))


def argument_options(resource: type[Resource[Any, Any]], *, flags: bool | None) -> Decorator:
    """Returns a decorator that adds an option for each other parameter of a list.

    Args:
        flags: The default of the parameters that add fields to a record; None leaves these out.
    """
    names = resource.parameters()

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed([*names.others]):
            if name not in resource.flags:
                command = filter_option(resource, name)(command)
            elif flags is not None:
                option = f"--{spelled(name)}/--no-{spelled(name)}" if flags else f"--{spelled(name)}"
                words = resource.flags[name]
                option_of = click.option(
                    option, ARGUMENT + name, is_flag=True, default=flags, show_default=flags, help=words
                )
                command = option_of(command)
        return command

    return decorate


def filter_option(resource: type[Resource[Any, Any]], name: str) -> Decorator:
    """Returns the option of a parameter that selects records; a list can be given by several."""
    from .._decoding.fields import union_members

    names = resource.parameters()
    members = union_members(names.others[name])
    several = next((get_args(member)[0] for member in members if get_origin(member) is list), None)
    kind = several if several is not None else members[0]
    words = resource.filters.get(name, "")
    option = spelled(name)
    if kind is bool and several is None:
        return click.option(f"--{option}/--no-{option}", ARGUMENT + name, default=None, help=words)
    choice = [str(item.value) for item in kind] if isinstance(kind, type) and issubclass(kind, Enum) else []
    return click.option(
        f"--{option}",
        ARGUMENT + name,
        type=click.Choice(choice) if choice else TYPES.get(kind, str),
        multiple=several is not None,
        required=name in names.required,
        help=words + (" Can be repeated." if several is not None else ""),
    )


def spelled(name: str) -> str:
    """Returns the option of a parameter; one that the commands have themselves gets another name."""
    option = name.strip("_").replace("_", "-")
    return f"{option}-filter" if option in OWN_OPTIONS else option


def raw_times() -> list[str | None]:
    """Returns --since and --until as the user wrote them for the running command."""
    meta = click.get_current_context().meta
    return [meta.get(f"{__name__}.{name}") for name in ("since", "until")]


def examples(*lines: str) -> str:
    """Returns a block of example commands, to follow the options in --help."""
    return "\b\nExamples:\n" + "\n".join(f"  konvo {line}" for line in lines)
