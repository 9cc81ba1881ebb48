"""An online shop's sessions, and the responses to `GET /ai-sessions` from them: in memory, without HTTP or waits.

Where the API document is silent, the store has the habits that its options give.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from random import Random
from typing import Any, Literal, NamedTuple

from tests.support.factories import EPOCH, TICK, identifier, micros, record, record_messages, record_state
from tests.support.list_parameters import MAX_LIMIT, ListParameters, parse_query
from tests.support.session_table import MAX_TIME, MIN_TIME, NO_TIME, Rows, SessionTable

ORDERS = ("created", "-created", "updated", "-updated")
OMITTED = object()
"""What a `count` function returns for an envelope without `count`."""
COUNTS: dict[str, Callable[[int], Any]] = {
    "honest": lambda total: total,
    "missing": lambda total: OMITTED,
    "null": lambda total: None,
    "text": lambda total: "many",
    "small": lambda total: total // 2,
    "large": lambda total: 2 * total + 1,
}
START = datetime(2026, 1, 1, tzinfo=UTC)


class Response(NamedTuple):
    """A response to `GET /ai-sessions`; `offset` is the number of records before its page."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]
    offset: int = 0


class Change(NamedTuple):
    """What happens to the session at a position of the list, and how far the clock moves before.

    An import adds a session that was created and updated at the times of the session at the position.
    """

    what: Literal["touch", "remove", "add", "import", "nothing"]
    position: int
    milliseconds: int = 0


class Snapshot(NamedTuple):
    time: datetime
    table: SessionTable


class RequestError(Exception):
    """A request that the store responds to with a status of 400 or above."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(kw_only=True, eq=False)
class Store:
    """The sessions of an online shop, and how its server lists them; safe to use from any number of threads.

    It can hold a million: a time window is found at once where `filters` and `order` are about the same time.

    Attributes:
        created: When each session was created; the first is session 0. `add` makes more.
        updated: When each was last updated, where that is not when it was created. None is a session without an
            update time: no time filter matches it, and it is first in the order of updates.
        page_base: The number of the first page, which is also the page without `page`.
        below_base: The response to a page below that, -1 too: the first page, or status 400.
        page_ignored: Every page is the first.
        after_last: The status of a page after the last one; 200 is an empty page. The first page always exists.
        max_offset: How many records of a list the pages reach; None is all.
        beyond_max_offset: The status of a page beyond that; 200 is an empty page.
        order: By which time sessions are listed, and then by id; with `-`, reversed.
        unstable_ties: Sessions with equal times come in another order at each request.
        cap: The largest page, whatever `limit` requests.
        hidden: The numbers of sessions that are removed from pages after paging.
        repeated: The numbers of sessions that have two rows in lists, as from a JOIN; `count` counts rows.
        filters: Which time `updated_at_min` and `updated_at_max` are about; None ignores them.
        inclusive: Whether a session exactly at the minimum, and one at the maximum, matches.
        bounds_rounded_to: Both bounds are rounded down to multiples of this since 1970.
        days_included: With rounded bounds, everything within the unit of the maximum matches too.
        accepted_times: The earliest and latest bound; others get status 400. None accepts all.
        count: The envelope's `count`: a name of `COUNTS`, or a function of the true total.
        counted: What the total counts: rows of the query, those not hidden, of the whole store, or of the page.
        count_cached: For how many more requests with the same filters a `count` is repeated.
        ids: Whether records have an `id`, and of which type: True is text.
        now: The server's clock, which stands still until it is moved; None follows the machine's.
        skew: How far the server's clock is ahead of that.
        dated: Whether responses carry the clock as `Date`.
        time_resolution: Times are stored in multiples of this, rounded down.
        visible_after: How long after its time an added or touched session is seen; until then lists are as before.
        replica_lag: Every second response is from a replica, which is so many requests or so much time behind.
        seed: Of the random order of `unstable_ties`.
        between: Called before each response with its number, counted from 0: for changes between requests.
        requests: The queries that got a response, in order.
    """

    created: InitVar[Iterable[datetime]] = ()
    updated: InitVar[Iterable[datetime | None] | None] = None
    page_base: int = 0
    below_base: Literal["first", "refused"] = "first"
    page_ignored: bool = False
    after_last: int = 200
    max_offset: int | None = None
    beyond_max_offset: int = 200
    order: str = "created"
    unstable_ties: bool = False
    cap: int = MAX_LIMIT
    hidden: Container[int] = ()
    repeated: Container[int] = ()
    filters: Literal["created", "updated"] | None = "updated"
    inclusive: tuple[bool, bool] = (True, True)
    bounds_rounded_to: timedelta = TICK
    days_included: bool = False
    accepted_times: tuple[datetime, datetime] | None = None
    count: str | Callable[[int], Any] = "honest"
    counted: Literal["query", "shown", "store", "page"] = "query"
    count_cached: int = 0
    ids: bool | Literal["number", "object"] = True
    now: datetime | None = None
    skew: timedelta = timedelta(0)
    dated: bool = True
    time_resolution: timedelta = TICK
    visible_after: timedelta = timedelta(0)
    replica_lag: int | timedelta = 0
    seed: int = 0
    between: Callable[[int], object] = lambda number: None
    requests: list[dict[str, str]] = field(default_factory=list, init=False)

    def __post_init__(self, created: Iterable[datetime], updated: Iterable[datetime | None] | None) -> None:
        births = [self._stored(time) for time in created]
        updates = births if updated is None else [NO_TIME if time is None else self._stored(time) for time in updated]
        self._table = SessionTable(births, updates, self.order.removeprefix("-"))
        self._pending: list[tuple[datetime, Callable[[], None]]] = []
        self._snapshots = deque([Snapshot(self.clock(), self._table.copy())] if self.replica_lag else [])
        self._counts: dict[tuple[int | None, int | None], list[int]] = {}
        self._random = Random(self.seed)
        self._served = self._table
        self._lock = threading.RLock()

    @classmethod
    def of(cls, number: int, start: datetime = START, step: timedelta = timedelta(minutes=1), **habits: Any) -> Store:
        """Return a store of so many sessions, evenly spread in time."""
        return cls(created=(start + i * step for i in range(number)), **habits)

    @classmethod
    def bursts(
        cls, sizes: Iterable[int], start: datetime = START, step: timedelta = timedelta(hours=1), **habits: Any
    ) -> Store:
        """Return a store with bursts of so many sessions, each at one instant, a step apart."""
        return cls(created=(start + i * step for i, size in enumerate(sizes) for _ in range(size)), **habits)

    def __len__(self) -> int:
        return len(self._table.listed)

    def ids_in_order(self) -> list[str]:
        """Return the ids of all sessions, as a list without filters has them now."""
        with self._lock:
            return [identifier(number) for number in self._in_order(self._table.listed)]

    def id_at(self, index: int) -> str:
        """Return the id of the session at an index of the list as it is now."""
        with self._lock:
            return identifier(self._table.listed[-1 - index if self.order[0] == "-" else index])

    def times(self, session_id: str) -> tuple[datetime, datetime | None]:
        """Return when a session was created, and when it was last updated."""
        created, updated = self._table.created[number_of(session_id)], self._table.updated[number_of(session_id)]
        return EPOCH + created * TICK, None if updated == NO_TIME else EPOCH + updated * TICK

    def clock(self) -> datetime:
        return (self.now or datetime.now(UTC)) + self.skew

    def add(self, created: datetime | None = None, updated: datetime | None = None) -> str:
        """Add a session, by default now, and return its id, which is above all others."""
        with self._lock:
            time = self._stored(created or self.clock())
            number = self._table.reserve(time, self._stored(updated) if updated else time)
            self._publish_later(lambda: self._table.insert(number))
            return identifier(number)

    def touch(self, session_id: str, at: datetime | None = None) -> None:
        """Update a session, by default now."""
        with self._lock:
            number, time = self._number(session_id), self._stored(at or self.clock())
            self._publish_later(lambda: self._table.touch(number, time))

    def remove(self, session_id: str) -> None:
        with self._lock:
            self._table.remove(self._number(session_id))

    def respond(self, query: Mapping[str, str]) -> Response:
        """Return the response to `GET /ai-sessions` with these parameters."""
        with self._lock:
            self.between(len(self.requests))
            self.requests.append(dict(query))
            self._publish()
            try:
                self._served = self._current_table()
                return self._page(self._served, self._parse(query))
            except RequestError as error:
                return Response(error.status, self.headers(), error_body(error.status, str(error)))

    def headers(self) -> dict[str, str]:
        """Return the headers of every response."""
        return {"Date": http_date(self.clock().replace(microsecond=0))} if self.dated else {}

    def _number(self, session_id: str) -> int:
        with suppress(KeyError):
            self._table.require(number_of(session_id))
            return number_of(session_id)
        raise KeyError(session_id)

    def _stored(self, time: datetime) -> int:
        return micros(time) // (self.time_resolution // TICK) * (self.time_resolution // TICK)

    def _publish_later(self, change: Callable[[], None]) -> None:
        if self.visible_after:
            self._pending.append((self.clock() + self.visible_after, change))
        else:
            change()

    def _publish(self) -> None:
        """Apply the changes that are visible by now."""
        due = sorted((entry for entry in self._pending if entry[0] <= self.clock()), key=lambda entry: entry[0])
        self._pending = [entry for entry in self._pending if entry not in due]
        for _, change in due:
            change()

    def _current_table(self) -> SessionTable:
        """Return the sessions as the server or its replica has them."""
        if not self.replica_lag:
            return self._table
        self._snapshots.append(Snapshot(self.clock(), self._table.copy()))
        while len(self._snapshots) > 1 and self._is_replicated(self._snapshots[1], len(self._snapshots) - 2):
            self._snapshots.popleft()
        return self._snapshots[0 if len(self.requests) % 2 == 0 else -1].table

    def _is_replicated(self, snapshot: Snapshot, requests_ago: int) -> bool:
        if isinstance(self.replica_lag, timedelta):
            return snapshot.time <= self.clock() - self.replica_lag
        return requests_ago >= self.replica_lag

    def _parse(self, query: Mapping[str, str]) -> ListParameters:
        try:
            parameters = parse_query(query)
        except ValueError as error:
            raise RequestError(400, str(error)) from None
        if parameters.page is not None and parameters.page < self.page_base and self.below_base == "refused":
            raise RequestError(400, f"page must be {self.page_base} or above")
        for name in ("updated_at_min", "updated_at_max"):
            bound = getattr(parameters, name)
            if self.accepted_times and bound is not None:
                first, last = map(micros, self.accepted_times)
                if not first <= bound <= last:
                    raise RequestError(400, f"{name} is out of range")
        return parameters

    def _page(self, table: SessionTable, parameters: ListParameters) -> Response:
        page = 0 if parameters.page is None or self.page_ignored else max(parameters.page - self.page_base, 0)
        rows = self._matching(table, parameters)
        size = min(parameters.limit, self.cap)
        begin, end = page * size, min((page + 1) * size, len(rows))
        if begin >= len(rows) and page and self.after_last != 200:
            raise RequestError(self.after_last, "there is no such page")
        if self.max_offset is not None and (page + 1) * size > self.max_offset:
            if self.beyond_max_offset != 200:
                raise RequestError(self.beyond_max_offset, f"pages end at {self.max_offset} records")
            end = min(end, self.max_offset)
        begin, end = min(begin, len(rows)), max(end, min(begin, len(rows)))
        numbers = [number for number in self._slice(table, rows, begin, end) if number not in self.hidden]
        total = self._total(table, rows, len(numbers), parameters)
        count = (COUNTS[self.count] if isinstance(self.count, str) else self.count)(total)
        body = {} if count is OMITTED else {"count": count}
        body["result"] = [self._record(number, parameters) for number in numbers]
        return Response(200, self.headers(), body, offset=begin)

    def _matching(self, table: SessionTable, parameters: ListParameters) -> Rows:
        minimum, maximum = parameters.updated_at_min, parameters.updated_at_max
        if self.filters is None or (minimum is None and maximum is None):
            rows = table.all()
        else:
            unit = self.bounds_rounded_to // TICK
            low = MIN_TIME if minimum is None else minimum // unit * unit + (not self.inclusive[0])
            high = MAX_TIME if maximum is None else maximum // unit * unit - (not self.inclusive[1])
            rows = table.select(self.filters, low, high + (unit - 1 if self.days_included else 0))
        if not self.repeated:
            return rows
        numbers = [
            number for number in rows.numbers[rows.low : rows.high] for _ in range(1 + (number in self.repeated))
        ]
        return Rows(numbers, 0, len(numbers))

    def _slice(self, table: SessionTable, rows: Rows, begin: int, end: int) -> Sequence[int]:
        """Return the rows from one index of the list to another."""
        first, last = (len(rows) - end, len(rows) - begin) if self.order[0] == "-" else (begin, end)
        first, last = first + rows.low, last + rows.low
        if self.unstable_ties and first < last:
            return self._in_order(self._shuffled(table, rows, first, last))
        return self._in_order(rows.numbers[first:last])

    def _shuffled(self, table: SessionTable, rows: Rows, first: int, last: int) -> list[int]:
        """Return `rows.numbers[first:last]` with equal times in random order, those around the slice included."""
        times, numbers = table.order_times, rows.numbers
        low, high = first, last
        while low > rows.low and times[numbers[low - 1]] == times[numbers[first]]:
            low -= 1
        while high < rows.high and times[numbers[high]] == times[numbers[last - 1]]:
            high += 1
        ranked = sorted(numbers[low:high], key=lambda number: (times[number], self._random.random()))
        return ranked[first - low : last - low]

    def _in_order(self, numbers: Sequence[int]) -> Sequence[int]:
        return numbers[::-1] if self.order[0] == "-" else numbers

    def _total(self, table: SessionTable, rows: Rows, length: int, parameters: ListParameters) -> int:
        total = {"query": len(rows), "store": len(table.listed), "page": length}.get(self.counted)
        if total is None:
            total = sum(number not in self.hidden for number in rows.numbers[rows.low : rows.high])
        if not self.count_cached:
            return total
        cached = self._counts.setdefault((parameters.updated_at_min, parameters.updated_at_max), [total, 0])
        if cached[1] > self.count_cached:
            cached[:] = total, 0
        cached[1] += 1
        return cached[0]

    def _record(self, number: int, parameters: ListParameters) -> dict[str, Any]:
        created, updated = self._served.created[number], self._served.updated[number]
        made = record(number, created)
        if parameters.state:
            made |= record_state(number, created, None if updated == NO_TIME else updated)
        if parameters.messages:
            made["messages"] = record_messages(number, created)
        if self.ids in ("number", "object"):
            made["id"] = number if self.ids == "number" else {"value": made["id"]}
        elif not self.ids:
            del made["id"]
        return made


def moving(store: Store, schedule: Iterable[Change]) -> None:
    """Let the changes happen, one before each response but the first, and move a clock that stands still."""
    left = iter(schedule)

    def between(number: int) -> None:
        if number:
            apply_change(store, next(left, Change("nothing", 0, 1)))

    store.between = between


def apply_change(store: Store, change: Change) -> None:
    if store.now is not None:
        store.now += timedelta(milliseconds=change.milliseconds)
    if change.what == "add" or (change.what == "import" and not len(store)):
        store.add()
    elif len(store) and change.what != "nothing":
        session_id = store.id_at(change.position % len(store))
        if change.what == "import":
            store.add(*store.times(session_id))
        else:
            getattr(store, change.what)(session_id)


def capped_count(maximum: int) -> Callable[[int], int]:
    """Return a `count` that stops at a maximum."""
    return lambda total: min(total, maximum)


def noisy_count(share: float, seed: int = 0) -> Callable[[int], int]:
    """Return a `count` that is up to such a share too small or too large, drawn for each response."""
    random = Random(seed)
    return lambda total: round(total * random.uniform(1 - share, 1 + share))


def number_of(session_id: str) -> int:
    return int(session_id.removeprefix("session-"))


def error_body(status: int, message: str) -> dict[str, Any]:
    return {"error": status, "message": message}


@lru_cache
def http_date(time: datetime) -> str:
    return format_datetime(time, usegmt=True)
