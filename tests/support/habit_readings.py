"""Readings of a drawn server in memory: by list, by scan, by a resumed scan, and by a naive page loop."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from random import Random
from typing import Any
from unittest.mock import patch

import httpx

from konvoai import APIStatusError, BadRequestError, KonvoError, NotFoundError
from konvoai._pagination.paginator import AsyncPaginator, AsyncScan
from konvoai._pagination.protocol import PageResponse
from konvoai._query import list_query
from konvoai._resources import AISessions
from konvoai.models import UNSET, AISession, AISessionStatus
from konvoai.testing._store.changes import Change, apply_change
from konvoai.testing._store.factories import EPOCH, TICK, identifier, number_of
from konvoai.testing._store.list_parameters import ListParameters
from konvoai.testing._store.session_table import NO_TIME
from konvoai.testing._store.store import Store
from tests.support.habit_models import Draw

TURNS = 3
ERRORS: dict[int, type[APIStatusError]] = {400: BadRequestError, 404: NotFoundError}
Session = tuple[int, int]
"""A session as it was read: its number, and its update time in microseconds since 1970, or `NO_TIME`."""


class EndlessReading(BaseException):
    """Raised into a reading that sends far more requests than it needs."""


@dataclass(frozen=True)
class Reading:
    """The result of one reading.

    Attributes:
        there: How many sessions were there throughout, or for a resumed scan when its last turn started.
        lost: How many of these did not come in the state that they had then.
        doubled: How many came again without a change.
        error: Whether the reading ended in a `KonvoError`.
        endless: Whether it was stopped because it sent far too many requests.
    """

    there: int
    lost: int
    doubled: int
    requests: int
    ideal: int
    error: str | None = None
    endless: bool = False


class RecordedStore(Store):
    """A store whose responses carry decoded records, made once for each state of a session."""

    records: dict[Session, AISession]

    def _record(self, number: int, parameters: ListParameters) -> Any:
        key = number, self._served.updated[number]
        if key not in self.records:
            self.records[key] = self._decoded(*key)
        return self.records[key]

    def _decoded(self, number: int, updated: int) -> AISession:
        record = AISession(feed_id=f"{number}/{updated}", created_at=EPOCH + self._served.created[number] * TICK)
        record.status = AISessionStatus(last_updated=UNSET if updated == NO_TIME else EPOCH + updated * TICK)
        if self.ids is True:
            record.id = identifier(number)
        elif self.ids:
            record.additional_properties["id"] = number if self.ids == "number" else {"value": number}
        return record


class Server:
    """A drawn server, its client's clock, and what is known of its sessions."""

    def __init__(self, draw: Draw, concurrency: int, records: dict[Session, AISession]) -> None:
        self.store = RecordedStore(created=draw.created, updated=draw.updated, **draw.options)
        self.store.records = records
        self.store.between = self._between
        self.concurrency = concurrency
        self.size = min(draw.limit, self.store.cap)
        self.ideal = max(1, math.ceil(len(draw.created) / self.size))
        self.max_requests = 50 * self.ideal + 200
        self._draw, self._random = draw, Random(draw.options["seed"])
        self._imported: set[int] = set()
        self.touched: Counter[int] = Counter()

    def query(self, method: str, minimum: datetime | None = None) -> Any:
        arguments = {"updated_at_min": minimum, "state": True, "concurrency": self.concurrency}
        return getattr(AISessions(as_is, as_is), method)(**arguments)._replace(limit=self._draw.limit)

    def there(self) -> dict[int, int]:
        """Return the sessions that any list shows now, with their update times: a replica those of its state."""
        table = self.store._snapshots[0].table if self.store.replica_lag else self.store._table
        shown = (number for number in table.listed if number not in self.store.hidden)
        return {number: table.updated[number] for number in shown if number not in self._imported}

    async def fetch(self, query: Any, request: dict[str, Any]) -> PageResponse[AISession]:
        for _ in range(self._random.randrange(3) if self.concurrency > 1 else 0):
            await asyncio.sleep(0)  # so that requests in flight get their responses in any order
        return self.get(request["params"])

    def get(self, params: dict[str, Any]) -> PageResponse[AISession]:
        if len(self.store.requests) >= self.max_requests:
            raise EndlessReading
        response = self.store.respond({name: wire_text(value) for name, value in params.items()})
        if response.status != 200:
            raise ERRORS.get(response.status, APIStatusError)("rejected", response=httpx.Response(response.status))
        count = response.body.get("count")
        date = self.store.clock().replace(microsecond=0) if self.store.dated else None
        return PageResponse(response.body["result"], count if type(count) is int else None, date)

    def pause(self) -> None:
        """Let time pass between two turns, with some changes at its end."""
        store, random = self.store, self._random
        self._apply(Change("nothing", 0, random.choice([200, 3_000, 600_000])))
        for _ in range(random.randrange(20)):
            if self._draw.weights and self._draw.rate:
                self._apply(self._draw.change())
        self._apply(Change("nothing", 0, random.choice([50, 1_000])))
        store._publish()

    def _between(self, number: int) -> None:
        for change in self._draw.changes() if number else ():
            self._apply(change)

    def _apply(self, change: Change) -> None:
        store = self.store
        if self._draw.late:
            store.visible_after = self._draw.late if self._random.random() < 0.2 else timedelta(0)
        if change.what == "touch" and len(store):
            self.touched[number_of(store.id_at(change.position % len(store)))] += 1
        known = len(store._table.created)
        apply_change(store, change)
        if change.what == "import":
            self._imported.update(range(known, len(store._table.created)))


class ClientClock:
    """Replaces `datetime` where flows take the machine's time; the store's time without its skew is the machine's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def now(self, zone: tzinfo | None = None) -> datetime:
        return self._store.clock() - self._store.skew


Reader = Callable[[Server, list[AISession]], Awaitable[dict[int, int]]]


async def read_list(server: Server, found: list[AISession]) -> dict[int, int]:
    there = {number: NO_TIME for number in server.there()}
    await collect(server, AsyncPaginator(server.fetch, server.query("list")).pages, found)
    return there


async def read_scan(server: Server, found: list[AISession]) -> dict[int, int]:
    there = {number: NO_TIME for number in server.there()}
    await collect(server, AsyncScan(server.fetch, server.query("scan")).windows, found)
    return there


async def read_in_turns(server: Server, found: list[AISession]) -> dict[int, int]:
    """Scan in turns, each from the end of the last window; what changed between them has to come too."""
    end = None
    for turn in range(TURNS):
        if turn:
            server.pause()
        there = server.there()
        window = await collect(server, AsyncScan(server.fetch, server.query("scan", end)).windows, found)
        end = window.end if window else end
    return there


async def read_page_loop(server: Server, found: list[AISession]) -> dict[int, int]:
    there = {number: NO_TIME for number in server.there()}
    page = server.store.page_base
    while items := server.get({"page": page, "limit": server._draw.limit}).items:
        found += items
        page += 1
    return there


READERS: dict[str, Reader] = {
    "list": read_list,
    "scan": read_scan,
    "resumed scan": read_in_turns,
    "page loop": read_page_loop,
}


async def collect(server: Server, batches: Callable[[], Any], found: list[AISession]) -> Any:
    """Read to the end; return the last page or window."""
    last = None
    with patch.object(list_query, "datetime", ClientClock(server.store)):
        flow = batches()
    async with aclosing(flow) as steps:
        async for last in steps:
            found += last.items
    return last


def read(reader: str, server: Server) -> Reading:
    """Read a server and compare what came with what was there."""
    found: list[AISession] = []
    error, endless, there = None, False, {}
    try:
        there = asyncio.run(READERS[reader](server, found))
    except KonvoError as raised:
        error = f"{type(raised).__name__}: {raised}"
    except EndlessReading:
        endless = True
    ideal = server.ideal + (TURNS - 1 if reader == "resumed scan" else 0)
    requests = len(server.store.requests)
    if error or endless:
        return Reading(len(server.there()), 0, 0, requests, ideal, error, endless)
    sessions = [session_of(record) for record in found]
    latest: dict[int, int] = {}
    for number, updated in sessions:
        latest[number] = max(updated, latest.get(number, NO_TIME))
    remaining = server.there().keys() & there.keys()
    lost = sum(number not in latest or latest[number] < there[number] for number in remaining)
    again = server.touched if "scan" in reader else Counter[int]()
    came = Counter(number for number, _ in sessions)
    doubled = sum(max(times - 1 - again[number], 0) for number, times in came.items())
    return Reading(len(remaining), lost, doubled, requests, ideal)


def session_of(record: AISession) -> Session:
    number, updated = str(record.feed_id).split("/")
    return int(number), int(updated)


def wire_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_is(query: Any) -> Any:
    return query
