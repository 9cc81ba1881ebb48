"""Checks of page numbers, page size, order, `count`, and of the rejection of invalid requests.

A check is a generator: it yields probes, takes their replies, and adds its findings to the report.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .._resources import MAX_LIMIT
from ..errors import APIStatusError
from .probe import MISSING, Probe, ProbeFlow, Target, Unknown, contains, same_page
from .time_filters import FILTERS, check_time_filters, times_of


def run_checks(target: Target) -> ProbeFlow[None]:
    """Runs all checks of one list operation, with at most 21 probes.

    Raises:
        KonvoError: The first response is not one to compare others with.
    """
    whole = target.whole = target.short = yield from target.send()
    if whole.error and whole.status not in (200, 400):
        raise whole.error
    yield from target.run(check_page_base(target), "page base")
    yield from target.run(check_page_cap(target), "page cap")
    yield from target.run(check_order(target), "order")
    yield from target.run(check_time_filters(target), "time filters", *FILTERS)
    yield from target.run(check_count(target), "count")
    yield from check_rejections(target)


def check_page_base(target: Target) -> ProbeFlow[None]:
    """Finds the number of the first page."""
    limit = max(1, min(10, len(target.whole.records(1)) // 3))
    first = target.short = yield from target.send(limit=limit)
    zero = yield from target.send(0, limit=limit)
    one = yield from target.send(1, limit=limit)
    two = yield from target.send(2, limit=limit)
    for reply in (first, one, two):
        reply.records()
    if same_page(first, one) and same_page(first, two):
        target.report.add("page base", "none: `page` is ignored", "`page` is ignored")
    elif same_page(first, one):
        below = "the first page, too" if same_page(first, zero) else zero.failure or "another page"
        target.report.add("page base", f"1; of page 0: {below}")
        target.base = 1
    elif same_page(first, zero):
        target.report.add("page base", "0")
        target.base = 0
    else:
        raise Unknown(zero.failure or "neither page 0 nor page 1 is what comes without `page`")


def check_page_cap(target: Target) -> ProbeFlow[None]:
    """Finds how many records a full page has."""
    items = target.whole.records(1)
    if len(items) >= MAX_LIMIT:
        target.size = len(items)
        target.report.add("page cap", f"none below the document's {MAX_LIMIT}")
        return
    if target.base is None:
        raise Unknown("no page after the first could be asked for")
    following = yield from target.send(target.base + 1)
    if all(contains(items, item) for item in following.records()):
        target.size = 0
        raise Unknown(f"there are fewer than {MAX_LIMIT} records")
    target.size = len(items)
    target.report.add("page cap", f"{len(items)}, where limit={MAX_LIMIT} is asked")


def check_order(target: Target) -> ProbeFlow[None]:
    """Finds the times by which the first page is sorted."""
    yield from ()  # a check without probes of its own
    columns: dict[str, list[datetime]] = {}
    for item in target.whole.records(3):
        for path, time in times_of(item).items():
            columns.setdefault(path, []).append(time)
    columns = {path: column for path, column in columns.items() if len(column) > 2}
    if not columns:
        raise Unknown("the records show no time")
    columns = {path: column for path, column in columns.items() if len(set(column)) > 1}
    if not columns:
        raise Unknown("all records are of one time")
    orders = []
    for order, reverse in (("ascending", False), ("descending", True)):
        if paths := [path for path, column in columns.items() if column == sorted(column, reverse=reverse)]:
            orders.append(f"by {' or '.join(paths)}, {order}")
    target.report.add("order", "; or ".join(orders) or "by none of the times that the records show")


def check_count(target: Target) -> ProbeFlow[None]:
    """Finds what `count` counts."""
    whole, report = target.whole, target.report
    size = len(whole.records())
    if not is_count(whole.count):
        finding = "missing" if whole.count is MISSING else "null" if whole.count is None else "not a number of records"
        # The decoder reports a wrong type as drift, but not a negative number.
        report.add("count", finding, f"`count` is {finding}" if type(whole.count) is int else "")
        return
    if wrong := (yield from count_error(target)):
        report.add("count", wrong, f"`count` is {wrong}")
        return
    whole.records(2)
    doubt = "; whether truly, could not be told" if wrong is None else ""
    narrowed = [reply for reply in target.filtered if is_count(reply.count) and len(reply.items) < size]
    if not narrowed:
        report.add("count", f"all records; whether the filters narrow it, could not be told{doubt}")
    elif all(reply.count == len(reply.items) for reply in narrowed):
        report.add("count", f"all records that match the filters{doubt}")
    elif all(reply.count >= size for reply in narrowed):
        report.add("count", f"all records, whatever the filters{doubt}", "`count` does not heed the filters")
    else:
        wrong = "not the number of records that match the filters"
        report.add("count", wrong, f"`count` is {wrong}")


def is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def count_error(target: Target) -> ProbeFlow[str | None]:
    """How the `count` of the list without filters is wrong; empty if it is right, None if that is unknown."""
    fewer, more = "less than the number of records", "more than the number of records"
    whole, short, base, size = target.whole, target.short, target.base, target.size
    if short.count == len(short.items) < len(whole.items) == whole.count:
        return "only that of the records of the page"
    if whole.count < len(whole.items):
        return fewer
    if not whole.items or size == 0:
        return more if whole.count > len(whole.items) else ""
    if base is None or size is None:
        return None
    # `count` gives the last page and its length: a longer or shorter one, or a page after it, shows a wrong count.
    last = max(whole.count - 1, 0) // size
    end = yield from target.send(base + last)
    if end.error or not is_count(end.count):
        return None
    expected = end.count - last * size  # by the newer count, as records may have been added
    if len(end.items) < min(expected, size):
        return more
    if len(end.items) > expected:
        return fewer
    if len(end.items) < size:
        return ""
    after = yield from target.send(base + last + 1)
    return None if after.error else fewer if after.items and after.count == end.count else ""


def check_rejections(target: Target) -> ProbeFlow[None]:
    """Checks that the server rejects invalid parameters (400, with the API document's `Error`) and keys (401, 403)."""
    build, above = target.query.build, MAX_LIMIT + 1
    probes = {
        "limit=0": Probe(build(limit=0)),
        f"limit={above}": Probe(build(limit=above)),
        "page=first": Probe(build(page="first")),
        "no key": Probe(build(limit=1), "none"),
        "wrong key": Probe(build(limit=1), "wrong"),
    }
    for name, probe in probes.items():
        yield from target.run(check_rejection(target, name, probe), name)


def check_rejection(target: Target, name: str, probe: Probe) -> ProbeFlow[None]:
    reply = yield probe
    if reply.status is None:
        raise Unknown(reply.failure)
    finding = f"answered {reply.status}"
    if probe.key != "own":
        deviation = "" if reply.status in (401, 403) else f"a request with {name} is {finding}, neither 401 nor 403"
    else:
        documented = isinstance(reply.error, APIStatusError) and reply.error.body is not None
        finding += f", {'with' if documented else 'without'} the document's Error"
        deviation = "" if documented and reply.status == 400 else f"{name} is {finding}"
    target.report.add(name, finding, deviation)
