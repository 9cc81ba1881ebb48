"""The check of the time filters: by which time they select, and whether their bounds are inclusive."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from .._pagination.protocol import MILLISECOND, Bounds
from .probe import ProbeFlow, Reply, Target, Unknown, contains, same_page

FILTERS = ("updated_at_min", "updated_at_max")
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WIDTHS = {MILLISECOND: "a millisecond", timedelta(seconds=1): "a second", DAY: "a day"}


def times_of(record: Any) -> dict[str, datetime]:
    """The times at which a record was created and updated, by path: `created_at`, `status.last_updated`."""
    found: dict[str, datetime] = {}
    for part in attrs.fields(type(record)):
        value = getattr(record, part.name)
        if isinstance(value, datetime):
            if ("created" in part.name or "updated" in part.name) and 1970 <= value.year < 9000:
                found[part.name] = value
        elif attrs.has(type(value)):
            found |= {f"{part.name}.{path}": time for path, time in times_of(value).items()}
    return found


def check_time_filters(target: Target) -> ProbeFlow[None]:
    """Finds by which time the filters select, and whether their bounds are inclusive.

    A minimum of tomorrow and a maximum of long ago show whether each filter has an effect. Narrow windows around the
    times of one record show by which time the filters select; those that start or end there, whether bounds include it.
    """
    report, items = target.report, target.whole.records(1)
    latest = max([target.now, *(time for item in items for time in times_of(item).values())])
    after = yield from target.send(bounds=(latest + DAY, None))
    before = yield from target.send(bounds=(None, LONG_AGO))
    for name, reply in zip(FILTERS, (after, before), strict=True):
        if reply.items:
            finding = "ignored" if same_page(target.whole, reply) else "not heeded as the document says"
            report.add(name, finding, f"`{name}` is {finding}")
        else:
            target.filtered.append(reply)
    if not after.records() and not before.records():
        yield from check_bounds(target)
    elif after.items and before.items:
        report.add("time filters", report.findings[FILTERS[0]])
    else:
        report.add("time filters", f"{FILTERS[bool(after.items)]} alone is heeded")
        raise Unknown("the other bound is not heeded")


def check_bounds(target: Target) -> ProbeFlow[None]:
    report, items = target.report, target.whole.items
    times = reference_times(items)
    if not times:
        raise Unknown("the records show no time")
    # A server may truncate times to seconds or days: then only wider windows have records.
    for width in WIDTHS:
        windows: list[tuple[datetime, Reply]] = []
        for time in dict.fromkeys(times.values()):
            windows.append((time, (yield from target.send(bounds=(time - width, time + width)))))
        found = [record for _, reply in windows for record in reply.records()]
        by = [path for path in times if all(selects_by(path, time, width, reply, items) for time, reply in windows)]
        if found and by:
            break
    else:
        raise Unknown("what comes fits none of the times that the records show")
    target.filtered += [reply for _, reply in windows]
    selected_by = f"by {' or '.join(by)}"
    if width != MILLISECOND:
        report.add("time filters", f"{selected_by}, told apart by {WIDTHS[width]} at least")
        raise Unknown(f"the filters tell no times apart by less than {WIDTHS[width]}")
    report.add("time filters", selected_by)
    time = times[by[0]]
    for name, bounds in zip(FILTERS, ((time, time + width), (time - width, time)), strict=True):
        yield from target.run(check_bound(target, name, bounds, by[0], time), name)


def selects_by(path: str, time: datetime, width: timedelta, reply: Reply, known: list[Any]) -> bool:
    """Whether a reply has the records that a filter by the time at this path selects from around a time."""

    def distance(record: Any) -> timedelta | None:
        own = times_of(record).get(path)
        return abs(own - time) if own else None

    if any(away > width for record in reply.items if (away := distance(record)) is not None):
        return False
    known_distances = [(record, away) for record in known if (away := distance(record)) is not None]
    if width != MILLISECOND and all(away <= width for _, away in known_distances):
        return False  # a window around all known records proves nothing
    if len(reply.items) >= len(known):  # more may follow on a second page
        return bool(reply.items)
    return all(contains(reply.items, record) for record, away in known_distances if away < width)


def check_bound(target: Target, name: str, bounds: Bounds, path: str, time: datetime) -> ProbeFlow[None]:
    """Finds whether a window that starts or ends at the time of a record has that record."""
    reply = yield from target.send(bounds=bounds)
    target.filtered.append(reply)
    if any(times_of(record).get(path) == time for record in reply.records()):
        target.report.add(name, "inclusive")
    elif len(reply.items) >= len(target.whole.items) > 1:
        raise Unknown("a millisecond holds more records than a page")
    else:
        target.report.add(name, "exclusive")


def reference_times(items: Iterable[Any]) -> dict[str, datetime]:
    """The times of the most telling record: they differ, have milliseconds, and are old."""

    def rank(times: dict[str, datetime]) -> tuple[int, int, datetime]:
        without_fraction = sum(not time.microsecond for time in times.values())
        return -len(set(times.values())), without_fraction, max(times.values())

    return min((times for times in map(times_of, items) if times), key=rank, default={})
