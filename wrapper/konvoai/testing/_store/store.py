"""An online shop's sessions, and the responses to `GET /ai-sessions` from them: in memory, without HTTP or waits.

Where the API document is silent, the store has the habits that its options give.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import InitVar, dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple, Self

from .factories import EPOCH, TICK, identifier, micros, number_of, record, record_messages, record_state
from .habits import COUNTS, OMITTED, START, Habits, RequestError
from .list_parameters import ListParameters
from .session_table import NO_TIME, Rows, SessionTable


class Response(NamedTuple):
    """A response to `GET /ai-sessions`; `offset` is the number of records before its page."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]
    offset: int = 0


class Snapshot(NamedTuple):
    time: datetime
    table: SessionTable


@dataclass(kw_only=True, eq=False)
class Store(Habits):
    """The sessions of an online shop, and how its server lists them; safe to use from any number of threads.

    It can hold a million: a time window is found at once where `filters` and `order` are about the same time.

    Attributes:
        created: When each session was created; the first is session 0. `add` makes more.
        updated: When each was last updated, where that is not when it was created. None is a session without an
            update time: no time filter matches it, and it is first in the order of updates.
        requests: The queries that got a response, in order.
    """

    created: InitVar[Iterable[datetime]] = ()
    updated: InitVar[Iterable[datetime | None] | None] = None
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
    def of(cls, number: int, start: datetime = START, step: timedelta = timedelta(minutes=1), **habits: Any) -> Self:
        """Returns a store of so many sessions, evenly spread in time."""
        return cls(created=(start + i * step for i in range(number)), **habits)

    @classmethod
    def bursts(
        cls, sizes: Iterable[int], start: datetime = START, step: timedelta = timedelta(hours=1), **habits: Any
    ) -> Self:
        """Returns a store with bursts of so many sessions, each at one instant, a step apart."""
        return cls(created=(start + i * step for i, size in enumerate(sizes) for _ in range(size)), **habits)

    def __len__(self) -> int:
        return len(self._table.listed)

    def ids_in_order(self) -> list[str]:
        """Returns the ids of all sessions, as a list without filters has them now."""
        with self._lock:
            return [self._id(number) for number in self._in_order(self._table.listed)]

    def id_at(self, index: int) -> str:
        """Returns the id of the session at an index of the list as it is now."""
        with self._lock:
            return self._id(self._table.listed[-1 - index if self.order[0] == "-" else index])

    def times(self, session_id: str) -> tuple[datetime, datetime | None]:
        """Returns when a session was created, and when it was last updated."""
        number = self._number(session_id)
        created, updated = self._table.created[number], self._table.updated[number]
        return EPOCH + created * TICK, None if updated == NO_TIME else EPOCH + updated * TICK

    def clock(self) -> datetime:
        return (self.now or datetime.now(UTC)) + self.skew

    def add(self, created: datetime | None = None, updated: datetime | None = None) -> str:
        """Adds a session, by default now, and returns its id, which is above all others."""
        with self._lock:
            time = self._stored(created or self.clock())
            number = self._table.reserve(time, self._stored(updated) if updated else time)
            self._publish_later(lambda: self._table.insert(number))
            return self._id(number)

    def touch(self, session_id: str, at: datetime | None = None) -> None:
        """Updates a session, by default now."""
        with self._lock:
            number, time = self._number(session_id), self._stored(at or self.clock())
            self._publish_later(lambda: self._table.touch(number, time))

    def remove(self, session_id: str) -> None:
        with self._lock:
            self._table.remove(self._number(session_id))

    def respond(self, query: Mapping[str, str]) -> Response:
        """Returns the response to `GET /ai-sessions` with these parameters."""
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
        """Returns the headers of every response."""
        return {"Date": http_date(self.clock().replace(microsecond=0))} if self.dated else {}

    def _id(self, number: int) -> str:
        return identifier(number)

    def _number(self, session_id: str) -> int:
        """Returns the number of a session; raises KeyError where it is removed."""
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
        """Applies the changes that are visible by now."""
        due = sorted((entry for entry in self._pending if entry[0] <= self.clock()), key=lambda entry: entry[0])
        self._pending = [entry for entry in self._pending if entry not in due]
        for _, change in due:
            change()

    def _current_table(self) -> SessionTable:
        """Returns the sessions as the server or its replica has them."""
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

    def _slice(self, table: SessionTable, rows: Rows, begin: int, end: int) -> Sequence[int]:
        """Returns the rows from one index of the list to another."""
        first, last = (len(rows) - end, len(rows) - begin) if self.order[0] == "-" else (begin, end)
        first, last = first + rows.low, last + rows.low
        if self.unstable_ties and first < last:
            return self._in_order(self._shuffled(table, rows, first, last))
        return self._in_order(rows.numbers[first:last])

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


def error_body(status: int, message: str) -> dict[str, Any]:
    return {"error": status, "message": message}


@lru_cache
def http_date(time: datetime) -> str:
    return format_datetime(time, usegmt=True)
