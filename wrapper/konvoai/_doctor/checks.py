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
from .probe import MISSING, Heard, Question, Report, Talk, alike, among, ask
from .time_filters import places, times_of


def find_page_base(query: ListQuery, report: Report, whole: Heard) -> Talk[tuple[int | None, Heard]]:
    """The number of the first page, None where it has none or could not be told, and a first page that is short."""
    name = "page base"
    if not whole.items:
        report.cannot(name, whole.why if whole.error else "there are no records")
        return None, whole
    small = query._replace(limit=max(1, min(10, len(whole.items) // 3)))
    first = yield from ask(small, report)
    zero = yield from ask(small, report, 0, may_refuse=True)
    one = yield from ask(small, report, 1)
    two = yield from ask(small, report, 2)
    lost = next((heard for heard in (first, one, two) if heard.status != 200), None)
    if lost:
        report.cannot(name, lost.why)
    elif alike(first, one) and alike(first, two):
        report.find(name, "none: `page` is ignored")
        report.depart("`page` is ignored")
    elif alike(first, one):
        below = "the first page, too" if alike(first, zero) else zero.why if zero.error else "another page"
        report.find(name, f"1; of page 0: {below}")
        return 1, first
    elif alike(first, zero):
        report.find(name, "0")
        return 0, first
    else:
        report.cannot(name, zero.why if zero.error else "neither page 0 nor page 1 is what comes without `page`")
    return None, first


def find_cap(query: ListQuery, report: Report, whole: Heard, base: int | None) -> Talk[int | None]:
    """How many records a full page has; 0 where the first is not full, as it holds all; None where it is not known."""
    name, length = "page cap", len(whole.items)
    if length >= query.limit:
        report.find(name, f"none below the document's {query.limit}")
        return length
    if not length:
        report.cannot(name, whole.why if whole.error else "there are no records")
    elif base is None:
        report.cannot(name, "no page after the first could be asked for")
    else:
        following = yield from ask(query, report, base + 1)
        if any(not among(item, whole.items) for item in following.items):
            report.find(name, f"{length}, where limit={query.limit} is asked")
            return length
        report.cannot(name, following.why if following.error else f"there are fewer than {query.limit} records")
        return None if following.error else 0
    return None


def find_order(report: Report, whole: Heard) -> None:
    name, times = "order", [times_of(item) for item in whole.items]
    if len(times) < 3:
        report.cannot(name, whole.why if whole.error else "there are fewer than 3 records")
        return
    columns = {place: [each[place] for each in times if place in each] for place in places(times)}
    columns = {place: column for place, column in columns.items() if len(column) > 2}
    if not columns:
        report.cannot(name, "the records show no time")
    elif all(len(set(column)) == 1 for column in columns.values()):
        report.cannot(name, "all records are of one time")
    else:
        found = {place: way for place, column in columns.items() if (way := way_of(column))}
        ways = {way: [place for place in found if found[place] == way] for way in found.values()}
        told = "; or ".join(f"by {' or '.join(by)}, {way}" for way, by in ways.items())
        report.find(name, told or "by none of the times that the records show")


def way_of(column: list[datetime]) -> str:
    """Which way the times go; empty where they go both ways, or stand still."""
    ascending = sorted(column)
    if ascending[0] == ascending[-1]:
        return ""
    return "ascending" if column == ascending else "descending" if column == ascending[::-1] else ""


class Known(NamedTuple):
    """What the pages have shown: a first page, a shorter one, the first one's number, and a full one's length."""

    whole: Heard
    first: Heard
    base: int | None
    size: int | None


def find_count(query: ListQuery, report: Report, known: Known, filtered: list[Heard]) -> Talk[None]:
    name, whole = "count", known.whole
    if whole.error:
        report.cannot(name, whole.why)
        return
    if not is_count(whole.count):
        words = "missing" if whole.count is MISSING else "null" if whole.count is None else "not a number of records"
        report.find(name, words)
        if type(whole.count) is int:  # else its type is a departure already
            report.depart(f"`count` is {words}")
        return
    wrong = yield from what_is_wrong_with_count(query, report, known)
    if wrong:
        report.find(name, wrong)
        report.depart(f"`count` is {wrong}")
    elif len(whole.items) < 2:
        report.cannot(name, "there are fewer than 2 records")
    else:
        doubt = "; whether truly, could not be told" if wrong is None else ""
        narrowed = [heard for heard in filtered if is_count(heard.count) and len(heard.items) < len(whole.items)]
        if not narrowed:
            report.find(name, f"all records; whether the filters narrow it, could not be told{doubt}")
        elif all(heard.count == len(heard.items) for heard in narrowed):
            report.find(name, f"all records that match the filters{doubt}")
        elif all(heard.count >= len(whole.items) for heard in narrowed):
            report.find(name, f"all records, whatever the filters{doubt}")
            report.depart("`count` does not heed the filters")
        else:
            report.find(name, "not the number of records that match the filters")
            report.depart(f"`count` is {report.findings[name]}")


def is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def what_is_wrong_with_count(query: ListQuery, report: Report, known: Known) -> Talk[str | None]:
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
    end = yield from ask(query, report, base + last)
    if end.error or not is_count(end.count):
        return None
    left = end.count - last * size  # as records may have come meanwhile
    if len(end.items) < min(left, size):
        return more
    if len(end.items) > left:
        return fewer
    if len(end.items) < size:
        return ""
    after = yield from ask(query, report, base + last + 1)
    return None if after.error else fewer if after.items and after.count == end.count else ""


def find_refusals(query: ListQuery, report: Report) -> Talk[None]:
    """Parameters that the document forbids are to be answered 400, with its `Error`."""
    bad: dict[str, dict[str, Any]] = {"limit=0": {"limit": 0}, f"limit={MAX_LIMIT + 1}": {"limit": MAX_LIMIT + 1}}
    bad["page=first"] = {"page": "first"}
    for name, parameters in bad.items():
        heard = yield Question(query.build(**parameters))
        if heard.status is None:
            report.cannot(name, heard.why)
            continue
        worded = isinstance(heard.error, APIStatusError) and heard.error.body is not None
        report.find(name, f"answered {heard.status}{', with' if worded else ', without'} the document's Error")
        if heard.status != 400 or not worded:
            report.depart(f"{name} is {report.findings[name]}")


def find_keys(query: ListQuery, report: Report) -> Talk[None]:
    """Without a key, and with a wrong one, nothing is to be had."""
    kinds: dict[str, Literal["wrong", "none"]] = {"no key": "none", "wrong key": "wrong"}
    for name, kind in kinds.items():
        heard = yield Question(query.build(limit=1), kind)
        if heard.status is None:
            report.cannot(name, heard.why)
            continue
        report.find(name, f"answered {heard.status}")
        if heard.status not in (401, 403):
            report.depart(f"a request with {name} is answered {heard.status}, neither 401 nor 403")
