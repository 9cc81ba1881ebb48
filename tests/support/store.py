"""A shop's sessions, and how Konvo answers `GET /ai-sessions` from them: in memory, without a server or a wait.

Wherever the API document is silent the shop has the habits that it is given.
"""

from __future__ import annotations

import re
import threading
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from tests.support.factories import identifier, micros, record, record_messages, record_state

ORDERS = ("created", "-created", "updated", "-updated")
LEFT_OUT = object()
"""What a `count` function returns for an envelope without `count`."""
COUNTS: dict[str, Callable[[int], Any]] = {
    "honest": lambda total: total,
    "missing": lambda total: LEFT_OUT,
    "null": lambda total: None,
    "text": lambda total: "many",
    "small": lambda total: total // 2,
    "large": lambda total: 2 * total + 1,
}
START = datetime(2026, 1, 1, tzinfo=UTC)
EARLIEST, LATEST, GONE = -(2**62), 2**62, 2**63 - 1
INT32, LARGEST_PAGE = 2**31 - 1, 200
WHOLE_NUMBER = re.compile(r"-?[0-9]{1,10}")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


class Answer(NamedTuple):
    """An answer to `GET /ai-sessions`; `offset` is the number of records that the page passes over."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]
    offset: int = 0


class Asked(NamedTuple):
    """The parameters of a request; times are microseconds since 1970."""

    page: int | None
    limit: int
    updated_at_min: int | None
    updated_at_max: int | None
    messages: bool
    state: bool


class Change(NamedTuple):
    """What happens to the session at a place of the list, and how far the clock is moved on before."""

    what: Literal["touch", "remove", "add", "nothing"]
    place: int
    milliseconds: int = 0


@dataclass(kw_only=True, eq=False)
class Store:
    """The sessions of a shop, and how its server lists them; any number of threads may ask and change it.

    It can hold a million: a window of time is found at once where `filters` speak of the time that `order` goes by.

    Attributes:
        created: When each session was created; the first is session 0. `add` makes more.
        updated: When each was updated last, where that is not when it was created.
        page_base: The number of the first page, which is also what a request without `page` gets.
        below_base: What a page below that gets, -1 too: the first page, or status 400.
        page_ignored: Every page is the first.
        order: By which time sessions are listed, and then by id; with `-`, the reverse of it.
        cap: The largest page, whatever `limit` asks for.
        filters: Which time `updated_at_min` and `updated_at_max` speak of; None ignores them.
        inclusive: Whether a session exactly at the minimum, and one at the maximum, belongs to what is asked for.
        count: What the envelope says of the total: a name of `COUNTS`, or a function of the true one.
        ids: Whether records carry an `id`.
        now: The server's clock, which stands still until it is moved; None follows the machine's.
        skew: How far the server's clock is ahead of that.
        dated: Whether answers carry the clock as `Date`.
        between: Called before each answer with its number, counted from 0: the place for changes between requests.
        requests: The queries that were answered, in order.
    """

    created: InitVar[Iterable[datetime]] = ()
    updated: InitVar[Iterable[datetime] | None] = None
    page_base: int = 0
    below_base: Literal["first", "refused"] = "first"
    page_ignored: bool = False
    order: str = "created"
    cap: int = LARGEST_PAGE
    filters: Literal["created", "updated"] | None = "updated"
    inclusive: tuple[bool, bool] = (True, True)
    count: str | Callable[[int], Any] = "honest"
    ids: bool = True
    now: datetime | None = None
    skew: timedelta = timedelta(0)
    dated: bool = True
    between: Callable[[int], object] = lambda number: None
    requests: list[dict[str, str]] = field(default_factory=list, init=False)

    def __post_init__(self, created: Iterable[datetime], updated: Iterable[datetime] | None) -> None:
        births = array("q", map(micros, created))
        self._times = {"created": births, "updated": births[:] if updated is None else array("q", map(micros, updated))}
        self._ordered_by = self._times[self.order.removeprefix("-")]
        self._listed = array("q", sorted(range(len(births)), key=self._ordered_by.__getitem__))
        self._lock = threading.RLock()

    @classmethod
    def of(cls, number: int, start: datetime = START, step: timedelta = timedelta(minutes=1), **habits: Any) -> Store:
        """So many sessions, evenly spread."""
        return cls(created=(start + i * step for i in range(number)), **habits)

    @classmethod
    def bursts(
        cls, sizes: Iterable[int], start: datetime = START, step: timedelta = timedelta(hours=1), **habits: Any
    ) -> Store:
        """So many sessions at one instant, then so many a step later, and on."""
        return cls(created=(start + i * step for i, size in enumerate(sizes) for _ in range(size)), **habits)

    def __len__(self) -> int:
        return len(self._listed)

    def ids_in_order(self) -> list[str]:
        """Of all sessions, as a list without filters has them now."""
        with self._lock:
            return [identifier(number) for number in self._in_order(self._listed)]

    def id_at(self, place: int) -> str:
        """Of the session at a place of the list as it is now."""
        with self._lock:
            return identifier(self._listed[-1 - place if self.order[0] == "-" else place])

    def clock(self) -> datetime:
        return (self.now or datetime.now(UTC)) + self.skew

    def add(self, created: datetime | None = None, updated: datetime | None = None) -> str:
        """A new session, of now if nothing else is said; its id is above all others."""
        with self._lock:
            moment = micros(created or self.clock())
            self._times["created"].append(moment)
            self._times["updated"].append(micros(updated) if updated else moment)
            number = len(self._ordered_by) - 1
            insort(self._listed, number, key=self._rank)
            return identifier(number)

    def touch(self, session_id: str, at: datetime | None = None) -> None:
        """The session is updated, now if nothing else is said."""
        with self._lock:
            number = self._take_out(session_id)
            self._times["updated"][number] = micros(at or self.clock())
            insort(self._listed, number, key=self._rank)

    def remove(self, session_id: str) -> None:
        with self._lock:
            self._times["updated"][self._take_out(session_id)] = GONE

    def _take_out(self, session_id: str) -> int:
        number = int(session_id.removeprefix("session-"))
        if self._times["updated"][number] == GONE:
            raise KeyError(session_id)
        del self._listed[bisect_left(self._listed, self._rank(number), key=self._rank)]
        return number

    def _rank(self, number: int) -> tuple[int, int]:
        return self._ordered_by[number], number

    def answer(self, query: Mapping[str, str]) -> Answer:
        """What `GET /ai-sessions` answers to these parameters."""
        with self._lock:
            self.between(len(self.requests))
            self.requests.append(dict(query))
            try:
                asked = understand(query)
                page = self._page(asked.page)
            except ValueError as reason:
                return Answer(400, self.headers(), refusal(400, str(reason)))
            return self._answer(asked, page)

    def headers(self) -> dict[str, str]:
        """Those of every answer."""
        return {"Date": http_date(self.clock().replace(microsecond=0))} if self.dated else {}

    def _page(self, asked: int | None) -> int:
        """How many pages come before the one that is asked for."""
        if asked is None or self.page_ignored:
            return 0
        if asked < self.page_base and self.below_base == "refused":
            raise ValueError(f"page must be {self.page_base} or above")
        return max(asked - self.page_base, 0)

    def _answer(self, asked: Asked, page: int) -> Answer:
        found, low, high = self._matching(asked)
        size = min(asked.limit, self.cap)
        first, last = min(page * size, high - low), min((page + 1) * size, high - low)
        numbers = found[high - last : high - first] if self.order[0] == "-" else found[low + first : low + last]
        total = (COUNTS[self.count] if isinstance(self.count, str) else self.count)(high - low)
        body = {} if total is LEFT_OUT else {"count": total}
        body["result"] = [self._record(number, asked) for number in self._in_order(numbers)]
        return Answer(200, self.headers(), body, offset=first)

    def _matching(self, asked: Asked) -> tuple[Sequence[int], int, int]:
        """Sessions in ascending order, and from where to where they are what is asked for."""
        if self.filters is None or (asked.updated_at_min is None and asked.updated_at_max is None):
            return self._listed, 0, len(self._listed)
        low = EARLIEST if asked.updated_at_min is None else asked.updated_at_min + (not self.inclusive[0])
        high = LATEST if asked.updated_at_max is None else asked.updated_at_max - (not self.inclusive[1])
        times = self._times[self.filters]
        if times is self._ordered_by:
            begin = bisect_left(self._listed, low, key=times.__getitem__)
            end = bisect_right(self._listed, high, key=times.__getitem__)
            return self._listed, begin, max(begin, end)
        found = [number for number in self._listed if low <= times[number] <= high]
        return found, 0, len(found)

    def _in_order(self, numbers: Sequence[int]) -> Sequence[int]:
        return numbers[::-1] if self.order[0] == "-" else numbers

    def _record(self, number: int, asked: Asked) -> dict[str, Any]:
        made = record(number, self._times["created"][number])
        if asked.state:
            made |= record_state(number, self._times["created"][number], self._times["updated"][number])
        if asked.messages:
            made["messages"] = record_messages(number, self._times["created"][number])
        if not self.ids:
            del made["id"]
        return made


def moving(store: Store, schedule: Iterable[Change]) -> None:
    """Lets the changes happen, one before each answer but the first, and a clock that stands still be moved on."""
    left = iter(schedule)

    def between(number: int) -> None:
        change, place, milliseconds = next(left, Change("nothing", 0, 1)) if number else Change("nothing", 0, 0)
        if store.now is not None:
            store.now += timedelta(milliseconds=milliseconds)
        if change == "add":
            store.add()
        elif len(store) and change != "nothing":
            getattr(store, change)(store.id_at(place % len(store)))

    store.between = between


def understand(query: Mapping[str, str]) -> Asked:
    """The parameters by their types in the API document; raises ValueError where one is not what it says."""
    return Asked(
        whole_number(query, "page", -INT32 - 1, INT32),
        whole_number(query, "limit", 1, LARGEST_PAGE) or LARGEST_PAGE,
        moment(query, "updated_at_min"),
        moment(query, "updated_at_max"),
        truth(query, "messages"),
        truth(query, "state"),
    )


def whole_number(query: Mapping[str, str], name: str, least: int, most: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not WHOLE_NUMBER.fullmatch(text) or not least <= int(text) <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most}")
    return int(text)


def moment(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    with suppress(ValueError):
        if RFC_3339.fullmatch(text):
            return micros(datetime.fromisoformat(text.upper()))
    raise ValueError(f"{name} must be a time like 2026-02-25T16:46:34.206Z")


def truth(query: Mapping[str, str], name: str) -> bool:
    text = query.get(name, "false")
    if text not in ("true", "false"):
        raise ValueError(f"{name} must be true or false")
    return text == "true"


def refusal(status: int, message: str) -> dict[str, Any]:
    return {"error": status, "message": message}


@lru_cache
def http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)
