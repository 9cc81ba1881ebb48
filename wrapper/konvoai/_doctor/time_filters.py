"""Which time the filters speak of, and whether their bounds are inclusive."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import attrs

from .._pagination.protocol import MILLISECOND
from .._resources import ListQuery
from .probe import Heard, Report, Talk, alike, among, ask

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WIDTHS = {MILLISECOND: "a millisecond", timedelta(seconds=1): "a second", DAY: "a day"}


def times_of(record: Any) -> dict[str, datetime]:
    """When a record was created and updated, as it shows it, by place: `created_at`, `status.last_updated`."""
    found: dict[str, datetime] = {}
    for part in attrs.fields(type(record)):
        value = getattr(record, part.name)
        if isinstance(value, datetime):
            if ("created" in part.name or "updated" in part.name) and 1970 <= value.year < 9000:
                found[part.name] = value
        elif attrs.has(type(value)):
            found |= {f"{part.name}.{place}": time for place, time in times_of(value).items()}
    return found


def places(times: Iterable[dict[str, datetime]]) -> list[str]:
    return list(dict.fromkeys(place for each in times for place in each))


class Window(NamedTuple):
    """The answer to a window of time."""

    low: datetime
    high: datetime
    heard: Heard


def find_filters(query: ListQuery, report: Report, whole: Heard, now: datetime) -> Talk[list[Heard]]:
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
            report.cannot(name, whole.why if whole.error else "there are no records")
        return []
    tomorrow = max([now, *(time for each in times for time in each.values())]) + DAY
    bounds = ((tomorrow, None), (None, LONG_AGO))
    nothing = []
    for bound in bounds:
        nothing.append((yield from ask(query, report, None, *bound)))
    failed = next((heard for heard in nothing if heard.error), None)
    for name, heard in zip(names, nothing, strict=True):
        if heard.items:
            report.find(name, "ignored" if alike(whole, heard) else "not heeded as the document says")
            report.depart(f"`{name}` is {report.findings[name]}")
        else:
            report.cannot(name, heard.why if heard.error else "the other bound is not heeded")
    if failed:
        report.cannot("time filters", failed.why)
    elif all(heard.items for heard in nothing):
        report.find("time filters", report.findings[names[0]])
    elif any(heard.items for heard in nothing):
        report.find("time filters", f"{names[bool(nothing[0].items)]} alone is heeded")
    else:
        return [*nothing, *(yield from find_bounds(query, report, whole))]
    return [heard for heard in nothing if not heard.error and not heard.items]


def find_bounds(query: ListQuery, report: Report, whole: Heard) -> Talk[list[Heard]]:
    names = ("updated_at_min", "updated_at_max")
    times = telling(whole.items)
    if not times:
        for name in ("time filters", *names):
            report.cannot(name, "the records show no time")
        return []
    # A server may cut times to seconds or days: where the narrow windows do not tell, wider ones may.
    for width in WIDTHS:
        windows = []
        for time in dict.fromkeys(times.values()):
            low, high = time - width, time + width
            windows.append(Window(low, high, (yield from ask(query, report, None, low, high))))
        lost = next((window.heard for window in windows if window.heard.error), None)
        brought = any(window.heard.items for window in windows)
        by = [place for place in times if all(agrees(place, window, whole.items) for window in windows)]
        if width != MILLISECOND:
            by = [place for place in by if all(leaves_out(place, window, whole.items) for window in windows)]
        if lost or (brought and by):
            break
    if lost or not brought or not by:
        for name in ("time filters", *names):
            report.cannot(name, lost.why if lost else "what comes fits none of the times that the records show")
        return []
    coarse = "" if width == MILLISECOND else f", told apart by {WIDTHS[width]} at least"
    report.find("time filters", f"by {' or '.join(by)}{coarse}")
    heard = [window.heard for window in windows]
    time = times[by[0]]
    for name, low, high in ((names[0], time, time + MILLISECOND), (names[1], time - MILLISECOND, time)):
        if coarse:
            report.cannot(name, f"the filters tell no times apart by less than {WIDTHS[width]}")
            continue
        at_bound = yield from ask(query, report, None, low, high)
        heard.append(at_bound)
        if at_bound.error:
            report.cannot(name, at_bound.why)
        elif any(times_of(item).get(by[0]) == time for item in at_bound.items):
            report.find(name, "inclusive")
        elif len(at_bound.items) >= len(whole.items) > 1:
            report.cannot(name, "a millisecond holds more records than a page")
        else:
            report.find(name, "exclusive")
    return [one for one in heard if not one.error]


def telling(items: Iterable[Any]) -> dict[str, datetime]:
    """The times of that record which tells most: its times differ, have milliseconds, and are old."""

    def rank(times: dict[str, datetime]) -> tuple[int, int, datetime]:
        whole = sum(not time.microsecond for time in times.values())
        return -len(set(times.values())), whole, max(times.values())

    return min((times for times in map(times_of, items) if times), key=rank, default={})


def agrees(place: str, window: Window, known: list[Any]) -> bool:
    """Whether a window brought what it would if the filters spoke of the time at this place."""
    low, high, heard = window
    if any(not low <= time <= high for item in heard.items if (time := times_of(item).get(place))):
        return False
    if len(heard.items) >= len(known):  # there may be more of it on a second page
        return bool(heard.items)
    inside = [item for item in known if (time := times_of(item).get(place)) and low < time < high]
    return all(among(item, heard.items) for item in inside)


def leaves_out(place: str, window: Window, known: list[Any]) -> bool:
    """Whether a window can show anything: one that holds all that is known does not."""
    times = [times_of(item).get(place) for item in known]
    return any(time and not window.low <= time <= window.high for time in times)
