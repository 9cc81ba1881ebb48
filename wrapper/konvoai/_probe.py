"""What a server makes of what the API document leaves open, and where it departs from it: found by asking it.

`probe` decides, without sending anything: a generator that yields questions, is sent what became of each, and fills a
`Report`. `examine` is what asks them, one after the other, over the ordinary client. No finding holds a value of a
record, of a query or of the key.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, TypeVar

import attrs
import httpx

from ._answer import parse
from ._client import Konvo
from ._decode import arms
from ._drift import Drift
from ._paginator import ListQuery
from ._reading import MILLISECOND, Ask
from ._resources import MAX_LIMIT, Resource
from ._settings import KEY_HEADER
from ._walk import same
from .errors import APIStatusError, ContractDriftWarning, KonvoError, ResponseValidationError

T = TypeVar("T")

MOST_REQUESTS = 30
RETRIES = 2
LONGEST_WAIT = 60.0
WRONG_KEY = "a-key-that-no-server-knows"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
WIDTHS = {MILLISECOND: "a millisecond", timedelta(seconds=1): "a second", DAY: "a day"}
LIMIT_HEADERS = ("ratelimit", "x-ratelimit", "x-rate-limit", "retry-after")
MISSING = object()
"""The `count` of an answer that has none."""


class Spent(KonvoError):
    """There is no request left to send."""


class Question(NamedTuple):
    """A request, as a generated builder makes it, and the key that goes with it."""

    request: dict[str, Any]
    key: Literal["own", "wrong", "none"] = "own"


class Heard(NamedTuple):
    """What became of a question.

    Attributes:
        items: The records of the answer; none where there is an error.
        count: As it is in the answer's JSON, of whatever type, or MISSING.
        error: Why there are no records.
    """

    items: list[Any]
    count: Any = MISSING
    error: KonvoError | None = None

    @property
    def status(self) -> int | None:
        """The HTTP status; None where no answer came."""
        if isinstance(self.error, APIStatusError | ResponseValidationError):
            return self.error.status_code
        return None if self.error else 200

    @property
    def why(self) -> str:
        """Why nothing can be told from it."""
        if isinstance(self.error, APIStatusError):
            return f"the answer was {self.status}"
        if isinstance(self.error, ResponseValidationError):
            return "the answer is not what the document says"
        return str(self.error) if isinstance(self.error, Spent) else f"no answer came ({type(self.error).__name__})"


Talk = Generator[Question, Heard, T]


@dataclass
class Report:
    """What was found.

    Attributes:
        findings: Of each thing that the document leaves open, by its name, what the server does.
        departures: Where the server does not do what the document says, each once.
        requests: How many were sent, those sent again included.
    """

    findings: dict[str, str] = field(default_factory=dict)
    departures: list[str] = field(default_factory=list)
    requests: int = 0

    def find(self, name: str, finding: str) -> None:
        self.findings[name] = finding

    def cannot(self, name: str, why: str) -> None:
        self.findings[name] = f"could not be told, because {why}"

    def depart(self, departure: str) -> None:
        if departure not in self.departures:
            self.departures.append(departure)

    def lines(self) -> list[str]:
        """All of it in words."""
        departures = "1 departure" if len(self.departures) == 1 else f"{len(self.departures)} departures"
        return [
            *(f"{name}: {finding}" for name, finding in self.findings.items()),
            *(f"departure: {departure}" for departure in self.departures),
            f"{self.requests} requests, {departures} from the document",
        ]


def probe(query: ListQuery, report: Report, now: datetime) -> Talk[None]:
    """Asks whatever is to be found out about one list operation; at most 21 questions.

    Raises:
        KonvoError: The very first request got no answer that any other could be compared with.
    """
    whole = yield from ask(query, report)
    if whole.status not in (200, 400):
        raise whole.error or KonvoError("no answer")
    base, first = yield from find_page_base(query, report, whole)
    size = yield from find_cap(query, report, whole, base)
    find_order(report, whole)
    filtered = yield from find_filters(query, report, whole, now)
    yield from find_count(query, report, Known(whole, first, base, size), filtered)
    yield from find_refusals(query, report)
    yield from find_keys(query, report)


def ask(
    query: ListQuery,
    report: Report,
    page: int | None = None,
    minimum: datetime | None = None,
    maximum: datetime | None = None,
    *,
    may_refuse: bool = False,
) -> Talk[Heard]:
    """One request that the document allows.

    Args:
        may_refuse: Whether a refusal is no departure.
    """
    heard = yield Question(query.request(Ask(page, minimum, maximum)))
    if isinstance(heard.error, ResponseValidationError):
        report.depart(str(heard.error))
    elif isinstance(heard.error, APIStatusError) and not may_refuse and heard.status != 429:
        report.depart(f"a request that the document allows is answered {heard.status}")
    if len(heard.items) > query.limit:
        report.depart("an answer has more records than `limit`")
    return heard


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


def alike(one: Heard, other: Heard) -> bool:
    """Whether two answers are one page, even if a record came or went meanwhile."""
    return 2 * sum(among(item, one.items) for item in other.items) > len(other.items)


def among(item: Any, items: Iterable[Any]) -> bool:
    return any(same(item, other) for other in items)


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


def everything(resource: Resource[Any, Any]) -> ListQuery:
    """The list of a resource, with all that its flags add to a record."""
    hints = typing.get_type_hints(type(resource).build)
    flags = {name: True for name, hint in hints.items() if name != "return" and arms(hint) == [bool]}
    return resource._query((None, None), 1, **flags)


def resources(konvo: Konvo) -> dict[str, Resource[Any, Any]]:
    """The list operations of a client, by the name of their attribute."""
    return {name: value for name, value in vars(konvo).items() if isinstance(value, Resource)}


def examine(
    name: str | None = None,
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    most: int = MOST_REQUESTS,
    hear: Callable[[httpx.Response], object] = lambda response: None,
) -> Report:
    """Asks a server all that `probe` wants to know, one request at a time.

    Args:
        name: The resource, as the attribute of `Konvo` is named; None is the first.
        api_key: As for `Konvo`.
        base_url: As for `Konvo`.
        most: Requests at most, those sent again included.
        hear: Given each answer to a request that carried the key, its content read.

    Raises:
        KonvoError: There is no key, the address or the key does not do, or the server is out of reach.
        KeyError: There is no such resource.
    """
    report = Report()
    limits: dict[str, list[str]] = {}

    def count(request: httpx.Request) -> None:
        if report.requests >= most:
            raise Spent(f"the {most} requests that are allowed were spent")
        report.requests += 1

    def note(response: httpx.Response) -> None:
        for header, value in response.headers.multi_items():
            if header.startswith(LIMIT_HEADERS):
                limits.setdefault(header, []).append(value)

    def told(warning: ContractDriftWarning) -> None:
        report.depart(f"{warning.kind} at {warning.place}")

    def open_client(key: str | None, *hooks: Callable[[httpx.Request], None]) -> Konvo:
        client = closing.enter_context(Konvo(key, base_url=base_url, timeout=LONGEST_WAIT, max_retries=RETRIES))
        client._sender.http.event_hooks = {"request": [count, *hooks], "response": [note]}
        return client

    with ExitStack() as closing:
        own = open_client(api_key)
        clients = {"own": own, "wrong": open_client(WRONG_KEY), "none": open_client(WRONG_KEY, without_key)}
        offered = resources(own)
        query = everything(offered[name or next(iter(offered))])
        drift = Drift(told)

        def answer(question: Question) -> Heard:
            try:
                response = clients[question.key]._sender.send(question.request)
            except KonvoError as error:
                if isinstance(error, APIStatusError) and question.key == "own":
                    hear(error.response)
                return Heard([], error=error)
            if question.key != "own":
                return Heard([])
            hear(response)
            try:
                items = query.read(response, drift).items
            except KonvoError as error:
                return Heard([], error=error)
            return Heard(items, parse(response.content, unread).get("count", MISSING))

        talk = probe(query, report, datetime.now(UTC))
        try:
            question = next(talk)
            while True:
                question = talk.send(answer(question))
        except StopIteration:
            pass
        key = own._sender._settings.api_key
    shown = [f"{header} {' to '.join(dict.fromkeys((v[0], v[-1])))}" for header, v in limits.items()]
    report.find("rate-limit headers", ", ".join(shown).replace(key, "**********") or "none")
    return report


def without_key(request: httpx.Request) -> None:
    request.headers.pop(KEY_HEADER, None)


def unread(reason: str) -> typing.NoReturn:
    raise ValueError(reason)
