"""Checks of page numbers, page size, order, `count`, and of the rejection of invalid requests."""

from datetime import datetime
from functools import partial
from typing import Any

from ..errors import APIStatusError
from .probe import MISSING, Probe, ProbeFlow, Target, Unknown, contains, same_page
from .time_filters import check_time_filters, times_of


def run_checks(target: Target) -> ProbeFlow[None]:
    """Runs all checks of a list operation, with at most 21 probes; raises KonvoError if there is no first page."""
    whole = target.whole = target.short = yield from target.send()
    if whole.error and whole.status not in (200, 400):  # invalid parameters and keys can be checked without a page
        raise whole.error
    yield from target.run(check_page_base(target), "page base")
    yield from target.run(check_page_cap(target), "page cap")
    yield from target.run(check_order(target), "order")
    yield from target.run(check_time_filters(target), "time filters", *(target.names.times or ()))
    yield from target.run(check_count(target), "count")
    yield from check_rejections(target)


def check_page_base(target: Target) -> ProbeFlow[None]:
    """Finds the number of the first page."""
    if target.names.page is None:
        raise Unknown("the list has no pages")
    limit = max(1, min(10, len(target.whole.records(1)) // 3))
    first = target.short = yield from target.send(limit=limit)
    zero = yield from target.send(0, limit=limit)
    one = yield from target.send(1, limit=limit)
    two = yield from target.send(2, limit=limit)
    if same_page(first, one) and same_page(first, two):
        target.report.add("page base", "none: `page` is ignored", "`page` is ignored")
    elif same_page(first, one):
        target.base = 1
        effect = zero.failure or ("same as page 1" if same_page(first, zero) else "another page")
        target.report.add("page base", f"1 (page 0: {effect})")
    elif same_page(first, zero):
        target.base = 0
        target.report.add("page base", "0")
    else:
        raise Unknown("the first page is neither page 0 nor page 1")


def check_page_cap(target: Target) -> ProbeFlow[None]:
    """Finds how many records a full page has."""
    most, items = target.query.limit, target.whole.records(1)
    finding = f"none below the API document's {most}"
    if len(items) < most:
        if target.base is None:
            raise Unknown("the number of the second page is unknown")
        following = yield from target.send(target.base + 1)
        if all(contains(items, item) for item in following.records()):
            target.size = 0
            raise Unknown(f"fewer than {most} records")
        finding = f"{len(items)} for limit={most}"
    target.size = len(items)
    target.report.add("page cap", finding)


def check_order(target: Target) -> ProbeFlow[None]:
    """Finds the times by which the first page is sorted."""
    yield from ()  # a check without probes of its own
    columns: dict[str, list[datetime]] = {}
    for record in target.whole.records(3):
        for path, time in times_of(record).items():
            columns.setdefault(path, []).append(time)
    columns = {path: times for path, times in columns.items() if len(times) > 2}
    distinct = {path: times for path, times in columns.items() if len(set(times)) > 1}
    if not distinct:
        raise Unknown("all records have the same time" if columns else "the records have no times")
    orders: list[str] = []
    for order, reverse in (("ascending", False), ("descending", True)):
        ordered = [path for path, times in distinct.items() if times == sorted(times, reverse=reverse)]
        orders += [f"by {' or '.join(ordered)}, {order}"] if ordered else []
    target.report.add("order", "; or ".join(orders) or "by none of the times in the records")


def check_count(target: Target) -> ProbeFlow[None]:
    """Finds what `count` counts."""
    whole, report = target.whole, target.report
    size = len(whole.records())
    if error := (yield from count_error(target)):
        # The decoder reports a wrong type as drift, but not a negative number.
        report.add("count", error, f"`count` is {error}" if type(whole.count) is int else "")
        return
    whole.records(2)
    doubt = " (not verified)" if error is None else ""
    narrowed = [reply for reply in target.filtered if is_count(reply.count) and len(reply.items) < size]
    if not narrowed:
        report.add("count", f"all records; effect of the filters unknown{doubt}")
    elif all(reply.count == len(reply.items) for reply in narrowed):
        report.add("count", f"all records that match the filters{doubt}")
    elif all(reply.count >= size for reply in narrowed):
        report.add("count", f"all records, regardless of the filters{doubt}", "`count` ignores the filters")
    else:
        wrong = "not the number of records that match the filters"
        report.add("count", wrong, f"`count` is {wrong}")


def is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def count_error(target: Target) -> ProbeFlow[str | None]:
    """How `count` is wrong without filters; empty if it is right, None if that is unknown."""
    fewer, more = "less than the number of records", "more than the number of records"
    whole, short, base, size = target.whole, target.short, target.base, target.size
    if not is_count(whole.count):
        return "missing" if whole.count is MISSING else "null" if whole.count is None else "not a number of records"
    if short.count == len(short.items) < len(whole.items) == whole.count:
        return "only the number of records on the page"
    if whole.count < len(whole.items):
        return fewer
    if not whole.items or size == 0:
        return more if whole.count > len(whole.items) else ""
    if base is None or size is None:
        return None
    # `count` implies the number and the length of the last page; only a correct one predicts both.
    last = max(whole.count - 1, 0) // size
    end = yield from target.send(base + last)
    if end.error or not is_count(end.count):
        return None
    expected = end.count - last * size  # by the newer count, as records may have been added
    if len(end.items) > expected:
        return fewer
    if len(end.items) < size:
        return more if len(end.items) < expected else ""
    after = yield from target.send(base + last + 1)
    return None if after.error else fewer if after.items and after.count == end.count else ""


def check_rejections(target: Target) -> ProbeFlow[None]:
    """Checks that the server rejects invalid parameters (400, with the API document's `Error`) and keys (401, 403)."""
    names, build, above = target.names, partial(target.query.build, **target.query.filters), target.query.limit + 1
    probes = {f"{names.limit}={value}": Probe(build(**{names.limit: value})) for value in (0, above) if names.limit}
    if names.page:
        probes[f"{names.page}=first"] = Probe(build(**{names.page: "first"}))
    one = target.query.count_request()
    probes |= {"no key": Probe(one, "none"), "wrong key": Probe(one, "wrong")}
    for name, probe in probes.items():
        reply = yield probe
        finding, correct = f"status {reply.status}", reply.status in (401, 403)
        if probe.key == "own":
            documented = isinstance(reply.error, APIStatusError) and reply.error.body is not None
            finding += f" {'with' if documented else 'without'} the API document's Error"
            correct = documented and reply.status == 400
        deviation = "" if correct or reply.status is None else f"{name} gets {finding}"
        target.report.add(name, finding if reply.status else f"unknown: {reply.failure}", deviation)
