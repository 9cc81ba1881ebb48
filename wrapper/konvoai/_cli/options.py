"""Options that commands share, and the times that they take."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import click

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Moment(click.ParamType):  # type: ignore[type-arg] # older ones take none
    """A time: ISO 8601, a date, which is its midnight, or a span before now; local where it names no zone."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        if ctx and param and param.name:
            ctx.meta[f"{__name__}.{param.name}"] = value
        if span := re.fullmatch(r"(\d+)([smhdw])", value):
            try:
                return datetime.now().astimezone() - timedelta(**{UNITS[span[2]]: int(span[1])})
            except OverflowError:
                self.fail(f"{value!r} is too long", param, ctx)
        try:
            return datetime.fromisoformat(value).astimezone()
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is no time: give 2026-11-01, 2026-11-01T09:30+01:00, or a span as 7d or 12h", param, ctx
            )


class Span(click.ParamType):  # type: ignore[type-arg]
    """A length of time, as 12h or 1d."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        span = re.fullmatch(r"(\d{1,6})([smhdw])", value)
        if not span:
            self.fail(f"{value!r} is no span: give a number and s, m, h, d or w, as 12h or 1d", param, ctx)
        return timedelta(**{UNITS[span[2]]: int(span[1])})


SINCE = click.option("--since", type=Moment(), help="Only what was updated after this time, date or span.")
UNTIL = click.option("--until", type=Moment(), help="Only what was updated before this time, date or span.")
CONCURRENCY = click.option(
    "--concurrency", type=click.IntRange(1, 16), default=4, show_default=True, help="Requests in flight at most."
)


def raw_times() -> list[str | None]:
    """How --since and --until were told to the command that runs."""
    meta = click.get_current_context().meta
    return [meta.get(f"{__name__}.{name}") for name in ("since", "until")]


def examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  konvo {line}" for line in lines)
