"""Which time the filters speak of, and whether their bounds are inclusive."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import attrs

from .._pagination.protocol import MILLISECOND
from .._resources import ListQuery
from .probe import ProbeFlow, Reply, Report, contains, same_page, send_probe

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WIDTHS = {MILLISECOND: "a millisecond", timedelta(seconds=1): "a second", DAY: "a day"}


def times_of(record: Any) -> dict[str, datetime]:
    """When a record was created and updated, as it shows it, by path: `created_at`, `status.last_updated`."""
    found: dict[str, datetime] = {}
    for part in attrs.fields(type(record)):
        value = getattr(record, part.name)
        if isinstance(value, datetime):
            if ("created" in part.name or "updated" in part.name) and 1970 <= value.year < 9000:
                found[part.name] = value
        elif attrs.has(type(value)):
            found |= {f"{part.name}.{path}": time for path, time in times_of(value).items()}
    return found


def time_paths(times: Iterable[dict[str, datetime]]) -> list[str]:
    return list(dict.fromkeys(path for each in times for path in each))


class FilteredReply(NamedTuple):
    """The answer to a window of time."""

    low: datetime
    high: datetime
    reply: Reply


def find_filters(query: ListQuery, report: Report, whole: Reply, now: datetime) -> ProbeFlow[list[Reply]]:
    """Which time the filters speak of, and whether a record exactly at a bound is within it.

    A bound of tomorrow, and one of long ago, show whether it is heeded at all; a window of a millisecond to each side
    of a time of one record, of which time it speaks; and windows that begin or end with that time, the rest.

    Returns:
        The answers in which the filters were heeded.
    """
    names = ("updated_at_min", "updated_at_max")
    times = [times_of(item) for item in whole.items]
    if not whole.items:
        for name in ("time filters", *names):
            report.unknown(name, whole.failure if whole.error else "there are no records")
        return []
    tomorrow = max([now, *(time for each in times for time in each.values())]) + DAY
    bounds = ((tomorrow, None), (None, LONG_AGO))
    nothing = []
    for bound in bounds:
        nothing.append((yield from send_probe(query, report, None, *bound)))
    failed = next((reply for reply in nothing if reply.error), None)
    for name, reply in zip(names, nothing, strict=True):
        if reply.items:
            report.add(name, "ignored" if same_page(whole, reply) else "not heeded as the document says")
            report.add_deviation(f"`{name}` is {report.findings[name]}")
        else:
            report.unknown(name, reply.failure if reply.error else "the other bound is not heeded")
    if failed:
        report.unknown("time filters", failed.failure)
    elif all(reply.items for reply in nothing):
        report.add("time filters", report.findings[names[0]])
    elif any(reply.items for reply in nothing):
        report.add("time filters", f"{names[bool(nothing[0].items)]} alone is heeded")
    else:
        return [*nothing, *(yield from find_bounds(query, report, whole))]
    return [reply for reply in nothing if not reply.error and not reply.items]


def find_bounds(query: ListQuery, report: Report, whole: Reply) -> ProbeFlow[list[Reply]]:
    names = ("updated_at_min", "updated_at_max")
    times = reference_times(whole.items)
    if not times:
        for name in ("time filters", *names):
            report.unknown(name, "the records show no time")
        return []
    # A server may cut times to seconds or days: where the narrow windows do not tell, wider ones may.
    for width in WIDTHS:
        windows = []
        for time in dict.fromkeys(times.values()):
            low, high = time - width, time + width
            windows.append(FilteredReply(low, high, (yield from send_probe(query, report, None, low, high))))
        lost = next((window.reply for window in windows if window.reply.error), None)
        brought = any(window.reply.items for window in windows)
        by = [path for path in times if all(matches_window(path, window, whole.items) for window in windows)]
        if width != MILLISECOND:
            by = [path for path in by if all(excludes_some(path, window, whole.items) for window in windows)]
        if lost or (brought and by):
            break
    if lost or not brought or not by:
        for name in ("time filters", *names):
            report.unknown(name, lost.failure if lost else "what comes fits none of the times that the records show")
        return []
    coarse = "" if width == MILLISECOND else f", told apart by {WIDTHS[width]} at least"
    report.add("time filters", f"by {' or '.join(by)}{coarse}")
    reply = [window.reply for window in windows]
    time = times[by[0]]
    for name, low, high in ((names[0], time, time + MILLISECOND), (names[1], time - MILLISECOND, time)):
        if coarse:
            report.unknown(name, f"the filters tell no times apart by less than {WIDTHS[width]}")
            continue
        at_bound = yield from send_probe(query, report, None, low, high)
        reply.append(at_bound)
        if at_bound.error:
            report.unknown(name, at_bound.failure)
        elif any(times_of(item).get(by[0]) == time for item in at_bound.items):
            report.add(name, "inclusive")
        elif len(at_bound.items) >= len(whole.items) > 1:
            report.unknown(name, "a millisecond holds more records than a page")
        else:
            report.add(name, "exclusive")
    return [one for one in reply if not one.error]


def reference_times(items: Iterable[Any]) -> dict[str, datetime]:
    """The times of that record which tells max_requests: its times differ, have milliseconds, and are old."""

    def rank(times: dict[str, datetime]) -> tuple[int, int, datetime]:
        whole = sum(not time.microsecond for time in times.values())
        return -len(set(times.values())), whole, max(times.values())

    return min((times for times in map(times_of, items) if times), key=rank, default={})


def matches_window(path: str, window: FilteredReply, known: list[Any]) -> bool:
    """Whether a window brought what it would if the filters spoke of the time at this path."""
    low, high, reply = window
    if any(not low <= time <= high for item in reply.items if (time := times_of(item).get(path))):
        return False
    if len(reply.items) >= len(known):  # there may be more of it on a second page
        return bool(reply.items)
    inside = [item for item in known if (time := times_of(item).get(path)) and low < time < high]
    return all(contains(reply.items, item) for item in inside)


def excludes_some(path: str, window: FilteredReply, known: list[Any]) -> bool:
    """Whether a window can show anything: one that holds all that is known does not."""
    times = [times_of(item).get(path) for item in known]
    return any(time and not window.low <= time <= window.high for time in times)
