"""The check of the time filters: which time they use, and whether their bounds are inclusive."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from .._pagination.protocol import MILLISECOND
from .probe import ProbeFlow, Reply, Target, Unknown, contains, same_page

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
WIDTHS = {MILLISECOND: "a millisecond", timedelta(seconds=1): "a second", timedelta(days=1): "a day"}


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


def reference_times(records: Iterable[Any]) -> dict[str, datetime]:
    """The times of the record that distinguishes best: its times differ, have milliseconds, and are old."""

    def rank(times: dict[str, datetime]) -> tuple[int, int, datetime]:
        return -len(set(times.values())), sum(not time.microsecond for time in times.values()), max(times.values())

    return min((times for times in map(times_of, records) if times), key=rank, default={})


def check_time_filters(target: Target) -> ProbeFlow[None]:
    """Finds whether each filter has an effect; if both do, which time they use and whether they are inclusive."""
    filters, report, items = target.names.times, target.report, target.whole.records(1)
    if filters is None:
        raise Unknown("the list has no time filters")
    latest = max([target.now, *(time for item in items for time in times_of(item).values())])
    for name, bounds in zip(filters, ((latest + timedelta(days=1), None), (None, LONG_AGO)), strict=True):
        reply = yield from target.send(bounds=bounds)
        if reply.items:
            finding = "ignored" if same_page(target.whole, reply) else "not applied as documented"
            report.add(name, finding, f"`{name}` is {finding}")
        else:
            target.filtered.append(reply)
    for reply in target.filtered:
        reply.records()
    effective = [name for name in filters if name not in report.findings]
    if len(effective) == 2:
        yield from check_bounds(target, filters)
    else:
        report.add("time filters", f"only {effective[0]} has an effect" if effective else report.findings[filters[0]])
        raise Unknown("the other filter has no effect")


def check_bounds(target: Target, filters: tuple[str, str]) -> ProbeFlow[None]:
    """Finds which time of a record the filters use, and whether a filter that equals it includes the record."""
    report, items = target.report, target.whole.items
    times = reference_times(items)
    if not times:
        raise Unknown("the records have no times")
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
        raise Unknown("the filtered records match none of their times")
    target.filtered += [reply for _, reply in windows]
    if width != MILLISECOND:
        report.add("time filters", f"by {' or '.join(by)}, precise to {WIDTHS[width]}")
        raise Unknown(f"the filters are only precise to {WIDTHS[width]}")
    report.add("time filters", f"by {' or '.join(by)}")
    time = times[by[0]]
    for name, bounds in zip(filters, ((time, time + width), (time - width, time)), strict=True):
        reply = yield from target.send(bounds=bounds)
        target.filtered.append(reply)
        if any(times_of(record).get(by[0]) == time for record in reply.items):
            report.add(name, "inclusive")
        elif reply.error or len(reply.items) >= len(items) > 1:
            report.add(name, f"unknown: {reply.failure or 'one millisecond has more records than a page'}")
        else:
            report.add(name, "exclusive")


def selects_by(path: str, time: datetime, width: timedelta, reply: Reply, known: list[Any]) -> bool:
    """Whether a reply has the records whose time at this path is within a width of a time, as far as they are known."""

    def distance(record: Any) -> timedelta:
        return abs(times_of(record).get(path, time + width) - time)  # at the bound, a record proves nothing

    if any(distance(record) > width for record in reply.items):
        return False
    if width != MILLISECOND and all(distance(record) <= width for record in known):
        return False  # neither does a window around all known records
    if len(reply.items) >= len(known):  # more may follow on a second page
        return bool(reply.items)
    return all(contains(reply.items, record) for record in known if distance(record) < width)
