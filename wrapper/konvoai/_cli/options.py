"""Options that several commands share, and the types of their values."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import click

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


SINCE = click.option("--since", type=TimeType(), help="Only updates after this time, e.g. 2026-11-01 or 7d.")
UNTIL = click.option("--until", type=TimeType(), help="Only updates before this time, e.g. 2026-12-01 or 12h.")
CONCURRENCY = click.option(
    "--concurrency", type=click.IntRange(1, 16), default=8, show_default=True, help="Maximum requests in flight."
)


def raw_times() -> list[str | None]:
    """Returns --since and --until as the user wrote them for the running command."""
    meta = click.get_current_context().meta
    return [meta.get(f"{__name__}.{name}") for name in ("since", "until")]


def examples(*lines: str) -> str:
    """Returns a block of example commands, to follow the options in --help."""
    return "\b\nExamples:\n" + "\n".join(f"  konvo {line}" for line in lines)
