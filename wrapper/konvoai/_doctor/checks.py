"""What a server makes of what the API document leaves open, and where it departs from it: found by asking it.

`probe` decides, without sending anything: a generator that yields questions, is sent what became of each, and fills a
`Report`. `examine` is what asks them, one after the other, over the ordinary client. No finding holds a value of a
record, of a query or of the key.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple

from .._resources import MAX_LIMIT, ListQuery
from ..errors import APIStatusError
from .probe import MISSING, Probe, ProbeFlow, Reply, Report, contains, same_page, send_probe
from .time_filters import time_paths, times_of


def find_page_base(query: ListQuery, report: Report, whole: Reply) -> ProbeFlow[tuple[int | None, Reply]]:
    """The number of the first page, None where it has none or could not be told, and a first page that is short."""
    name = "page base"
    if not whole.items:
        report.unknown(name, whole.failure if whole.error else "there are no records")
        return None, whole
    small = query._replace(limit=max(1, min(10, len(whole.items) // 3)))
    first = yield from send_probe(small, report)
    zero = yield from send_probe(small, report, 0, may_fail=True)
    one = yield from send_probe(small, report, 1)
    two = yield from send_probe(small, report, 2)
    lost = next((reply for reply in (first, one, two) if reply.status != 200), None)
    if lost:
        report.unknown(name, lost.failure)
    elif same_page(first, one) and same_page(first, two):
        report.add(name, "none: `page` is ignored")
        report.add_deviation("`page` is ignored")
    elif same_page(first, one):
        below = "the first page, too" if same_page(first, zero) else zero.failure if zero.error else "another page"
        report.add(name, f"1; of page 0: {below}")
        return 1, first
    elif same_page(first, zero):
        report.add(name, "0")
        return 0, first
    else:
        report.unknown(name, zero.failure if zero.error else "neither page 0 nor page 1 is what comes without `page`")
    return None, first


def find_cap(query: ListQuery, report: Report, whole: Reply, base: int | None) -> ProbeFlow[int | None]:
    """How many records a full page has; 0 where the first is not full, as it holds all; None where it is not known."""
    name, length = "page cap", len(whole.items)
    if length >= query.limit:
        report.add(name, f"none below the document's {query.limit}")
        return length
    if not length:
        report.unknown(name, whole.failure if whole.error else "there are no records")
    elif base is None:
        report.unknown(name, "no page after the first could be asked for")
    else:
        following = yield from send_probe(query, report, base + 1)
        if any(not contains(whole.items, item) for item in following.items):
            report.add(name, f"{length}, where limit={query.limit} is asked")
            return length
        report.unknown(name, following.failure if following.error else f"there are fewer than {query.limit} records")
        return None if following.error else 0
    return None


def find_order(report: Report, whole: Reply) -> None:
    name, times = "order", [times_of(item) for item in whole.items]
    if len(times) < 3:
        report.unknown(name, whole.failure if whole.error else "there are fewer than 3 records")
        return
    columns = {path: [each[path] for each in times if path in each] for path in time_paths(times)}
    columns = {path: column for path, column in columns.items() if len(column) > 2}
    if not columns:
        report.unknown(name, "the records show no time")
    elif all(len(set(column)) == 1 for column in columns.values()):
        report.unknown(name, "all records are of one time")
    else:
        found = {path: way for path, column in columns.items() if (way := direction(column))}
        ways = {way: [path for path in found if found[path] == way] for way in found.values()}
        told = "; or ".join(f"by {' or '.join(by)}, {way}" for way, by in ways.items())
        report.add(name, told or "by none of the times that the records show")


def direction(column: list[datetime]) -> str:
    """Which way the times go; empty where they go both ways, or stand still."""
    ascending = sorted(column)
    if ascending[0] == ascending[-1]:
        return ""
    return "ascending" if column == ascending else "descending" if column == ascending[::-1] else ""


class PageFacts(NamedTuple):
    """What the pages have shown: a first page, a shorter one, the first one's number, and a full one's length."""

    whole: Reply
    first: Reply
    base: int | None
    size: int | None


def find_count(query: ListQuery, report: Report, known: PageFacts, filtered: list[Reply]) -> ProbeFlow[None]:
    name, whole = "count", known.whole
    if whole.error:
        report.unknown(name, whole.failure)
        return
    if not is_count(whole.count):
        words = "missing" if whole.count is MISSING else "null" if whole.count is None else "not a number of records"
        report.add(name, words)
        if type(whole.count) is int:  # else its type is a deviation already
            report.add_deviation(f"`count` is {words}")
        return
    wrong = yield from count_error(query, report, known)
    if wrong:
        report.add(name, wrong)
        report.add_deviation(f"`count` is {wrong}")
    elif len(whole.items) < 2:
        report.unknown(name, "there are fewer than 2 records")
    else:
        doubt = "; whether truly, could not be told" if wrong is None else ""
        narrowed = [reply for reply in filtered if is_count(reply.count) and len(reply.items) < len(whole.items)]
        if not narrowed:
            report.add(name, f"all records; whether the filters narrow it, could not be told{doubt}")
        elif all(reply.count == len(reply.items) for reply in narrowed):
            report.add(name, f"all records that match the filters{doubt}")
        elif all(reply.count >= len(whole.items) for reply in narrowed):
            report.add(name, f"all records, whatever the filters{doubt}")
            report.add_deviation("`count` does not heed the filters")
        else:
            report.add(name, "not the number of records that match the filters")
            report.add_deviation(f"`count` is {report.findings[name]}")


def is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def count_error(query: ListQuery, report: Report, known: PageFacts) -> ProbeFlow[str | None]:
    """How the `count` of a list without filters is wrong; "" where it is right, None where that could not be told."""
    fewer, more = "less than the number of records", "more than the number of records"
    whole, first, base, size = known
    if first.count == len(first.items) < len(whole.items) == whole.count:
        return "only that of the records of the page"
    if whole.count < len(whole.items):
        return fewer
    if not whole.items or size == 0:
        return more if whole.count > len(whole.items) else ""
    if base is None or size is None:
        return None
    # The last page by this count: that it is as short as it should be, or that none comes after it, shows it right.
    last = max(whole.count - 1, 0) // size
    end = yield from send_probe(query, report, base + last)
    if end.error or not is_count(end.count):
        return None
    left = end.count - last * size  # as records may have come meanwhile
    if len(end.items) < min(left, size):
        return more
    if len(end.items) > left:
        return fewer
    if len(end.items) < size:
        return ""
    after = yield from send_probe(query, report, base + last + 1)
    return None if after.error else fewer if after.items and after.count == end.count else ""


def find_rejections(query: ListQuery, report: Report) -> ProbeFlow[None]:
    """Parameters that the document forbids are to be answered 400, with its `Error`."""
    bad: dict[str, dict[str, Any]] = {"limit=0": {"limit": 0}, f"limit={MAX_LIMIT + 1}": {"limit": MAX_LIMIT + 1}}
    bad["page=first"] = {"page": "first"}
    for name, parameters in bad.items():
        reply = yield Probe(query.build(**parameters))
        if reply.status is None:
            report.unknown(name, reply.failure)
            continue
        worded = isinstance(reply.error, APIStatusError) and reply.error.body is not None
        report.add(name, f"answered {reply.status}{', with' if worded else ', without'} the document's Error")
        if reply.status != 400 or not worded:
            report.add_deviation(f"{name} is {report.findings[name]}")


def find_keys(query: ListQuery, report: Report) -> ProbeFlow[None]:
    """Without a key, and with a wrong one, nothing is to be had."""
    kinds: dict[str, Literal["wrong", "none"]] = {"no key": "none", "wrong key": "wrong"}
    for name, kind in kinds.items():
        reply = yield Probe(query.build(limit=1), kind)
        if reply.status is None:
            report.unknown(name, reply.failure)
            continue
        report.add(name, f"answered {reply.status}")
        if reply.status not in (401, 403):
            report.add_deviation(f"a request with {name} is answered {reply.status}, neither 401 nor 403")
