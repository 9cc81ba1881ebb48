"""What goes wrong on the way, on any request of a list or a scan: the whole result or the error of its name."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import konvoai
from konvoai._http import retry
from tests.support.both_clients import KEY, ClientMode, ReadMethod, read
from tests.support.http_server import Reply, Request, open_sockets
from tests.support.mock_server import Fault, mock_server
from tests.support.store import Store

SESSIONS = 60
AT_ONCE = {"Retry-After": "0"}
PASSING: dict[str, Fault] = {
    "408": 408,
    "429": 429,
    "429, wait 0": (429, AT_ONCE),
    "500": 500,
    "502 HTML": Reply(b"<html>Bad Gateway</html>", 502, {"Content-Type": "text/html"}),
    "503": (503, AT_ONCE),
    "503 by a date gone by": (503, {"Retry-After": "Thu, 01 Jan 2026 00:00:00 GMT"}),
    "504": 504,
    "520": 520,
    "529": 529,
    "dropped": "drop",
    "cut short": "cut",
    "gzip cut short": "cut gzip",
    "gzip of nonsense": Reply(b"no gzip", 200, {"Content-Encoding": "gzip"}),
}
LASTING: dict[str, tuple[Fault, type[konvoai.KonvoError], int]] = {
    "redirect": (Reply(b"", 302, {"Location": "/elsewhere"}), konvoai.APIStatusError, 1),
    "400": (400, konvoai.BadRequestError, 1),
    "401": (401, konvoai.AuthenticationError, 1),
    "403 list": (Reply([], 403), konvoai.PermissionDeniedError, 1),
    "404 HTML": (Reply(b"<html>", 404), konvoai.NotFoundError, 1),
    "429": (429, konvoai.RateLimitError, 3),
    "429, wait an hour": ((429, {"Retry-After": "3600"}), konvoai.RateLimitError, 1),
    "500": (500, konvoai.InternalServerError, 3),
    "501": (501, konvoai.InternalServerError, 1),
    "529 empty": (Reply(b"", 529), konvoai.InternalServerError, 3),
    "dropped": ("drop", konvoai.APIConnectionError, 3),
    "cut short": ("cut", konvoai.APIConnectionError, 3),
    "gzip cut short": ("cut gzip", konvoai.APIConnectionError, 3),
    "no JSON": (Reply(b"<html>"), konvoai.ResponseValidationError, 1),
    "no list": (Reply({"count": 3}), konvoai.ResponseValidationError, 1),
}
PLACES = ["first", "middle", "last", "catch-up"]

methods = pytest.mark.parametrize("method", ["list", "scan"])
windows = pytest.mark.parametrize("concurrency", [1, 4])
everywhere = [
    pytest.param(place, marks=() if place == "middle" else pytest.mark.long, id=place.replace("-", " "))
    for place in PLACES
]


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "INITIAL_BACKOFF", 0.005)


@pytest.fixture(autouse=True)
def nothing_is_left() -> Any:
    before = open_sockets()
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("konvoai")] == []
    assert open_sockets() == before


def store() -> Store:
    return Store.of(SESSIONS, start=datetime.now(UTC) - timedelta(hours=2), cap=10, order="updated")


def is_catch_up(request: Request) -> bool:
    return "updated_at_max" not in request.query


class Once:
    """Lets one request of a reading fail, by its place."""

    def __init__(self, place: str, fault: Fault, method: ReadMethod) -> None:
        self._lock = threading.Lock()
        self._fault = fault
        self._wanted = {"first": 0, "middle": 4, "last": requests_of(method) - 1}.get(place)
        self._number = 0
        self.failed: Request | None = None

    def __call__(self, request: Request) -> Fault:
        with self._lock:
            number, self._number = self._number, self._number + 1
            due = is_catch_up(request) if self._wanted is None else number >= self._wanted
            if not due or self.failed is not None:
                return None
            self.failed = request
            return self._fault


def requests_of(method: ReadMethod) -> int:
    """How many a reading takes where nothing goes wrong."""
    if method not in known:
        with mock_server(store()) as server:
            read("sync", server.url, method=method, concurrency=1)
        known[method] = len(server.requests)
    return known[method]


known: dict[str, int] = {}


@pytest.mark.parametrize("place", everywhere)
@pytest.mark.parametrize("fault", PASSING)
@methods
@windows
def test_a_fault_that_passes_is_not_noticed(
    mode: ClientMode, method: ReadMethod, concurrency: int, fault: str, place: str
) -> None:
    stands, once = store(), Once(place, PASSING[fault], method)
    with mock_server(stands, fault=once) as server:
        found = read(mode, server.url, method=method, concurrency=concurrency)
    assert sorted(session.id for session in found) == sorted(stands.ids_in_order())
    assert once.failed is not None
    assert sum(request.query == once.failed.query for request in server.requests) >= 2


REFUSED_PAGES = (
    "400",
    "404 HTML",
)  # a page beyond the first that is refused is the end of the pages, not of the reading


def assert_whole_or_refused(read_all: Callable[[], list[Any]], stands: Store, kind: type[konvoai.KonvoError]) -> None:
    with suppress(kind):
        assert sorted(session.id for session in read_all()) == sorted(stands.ids_in_order())


@pytest.mark.parametrize("place", everywhere)
@pytest.mark.parametrize("fault", LASTING)
@methods
@windows
def test_a_fault_that_lasts_is_its_error_and_tells_the_place(
    mode: ClientMode, method: ReadMethod, concurrency: int, fault: str, place: str
) -> None:
    shown, kind, attempts = LASTING[fault]
    once = Once(place, shown, method)

    def decide(request: Request) -> Fault:
        return once(request) or (shown if once.failed is not None and request.query == once.failed.query else None)

    stands = store()
    if fault in REFUSED_PAGES:
        with mock_server(stands, fault=decide) as server:
            assert_whole_or_refused(
                lambda: read(mode, server.url, method=method, concurrency=concurrency), stands, kind
            )
        return
    with mock_server(store(), fault=decide) as server:
        with pytest.raises(konvoai.KonvoError) as caught:
            read(mode, server.url, method=method, concurrency=concurrency, client={"max_retries": 2})
    error = caught.value
    assert type(error) is kind
    assert once.failed is not None
    asked = once.failed.query
    assert error.page == (int(asked["page"]) if "page" in asked else None)
    assert [time and time.isoformat(timespec="milliseconds").replace("+00:00", "Z") for time in error.window] == [
        asked.get("updated_at_min"),
        asked.get("updated_at_max"),
    ]
    assert error.records_yielded is not None
    assert 0 <= error.records_yielded <= SESSIONS
    assert f"{error.records_yielded} records yielded" in str(error)
    assert not any(value in str(error) for name, value in asked.items() if name.startswith("updated"))
    assert ("(3 attempts)" in str(error)) == (attempts == 3)
    if isinstance(shown, int):
        assert "a fault on demand" in str(error)


def test_nothing_is_sent_while_one_request_has_been_told_to_wait(mode: ClientMode) -> None:
    """Of two readings at a time with one client; those in flight when the server tells one to wait may arrive after."""
    told, arrived = [], []

    def decide(request: Request) -> Fault:
        arrived.append(time.monotonic())
        if len(arrived) != 6:
            return None
        told.append(time.monotonic())
        return (503, {"Retry-After": "1"})

    with mock_server(store(), fault=decide, latency=0.01) as server:
        assert twice(mode, server.url) == [SESSIONS, SESSIONS]
    after = [moment - told[0] for moment in arrived if moment > told[0]]
    assert len([seconds for seconds in after if seconds < 0.95]) <= 1
    assert len(after) > 8


def twice(mode: ClientMode, url: str) -> list[int]:
    """How many sessions came by two lists of one client that are read at the same time."""
    if mode == "sync":
        with konvoai.Konvo(KEY, base_url=url) as konvo, ThreadPoolExecutor() as pool:
            lists = [konvo.ai_sessions.list(concurrency=1) for _ in range(2)]
            return [len(found) for found in pool.map(list, lists)]

    async def read_both() -> list[int]:
        async with konvoai.AsyncKonvo(KEY, base_url=url) as konvo:

            async def count() -> int:
                return len([session async for session in konvo.ai_sessions.list(concurrency=1)])

            return await asyncio.gather(count(), count())

    return asyncio.run(read_both())
