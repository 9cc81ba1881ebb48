"""A fault at any request of a list or a scan: the whole result, or the error for that fault."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import konvoai
from konvoai._http import retry
from konvoai.testing._http_server import Reply, Request
from konvoai.testing._server import Fault, mock_server
from konvoai.testing._store.store import Store
from tests.support.both_clients import KEY, ClientMode, ReadMethod, read
from tests.support.http_server import open_sockets

SESSIONS = 60
AT_ONCE = {"Retry-After": "0"}
PASSING_FAULTS: dict[str, Fault] = {
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
    "invalid gzip": Reply(b"not gzip", 200, {"Content-Encoding": "gzip"}),
}
LASTING_FAULTS: dict[str, tuple[Fault, type[konvoai.KonvoError], int]] = {
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
    "not JSON": (Reply(b"<html>"), konvoai.ResponseValidationError, 1),
    "no result": (Reply({"count": 3}), konvoai.ResponseValidationError, 1),
}
POSITIONS = ["first", "middle", "last", "catch-up"]

methods = pytest.mark.parametrize("method", ["list", "scan"])
windows = pytest.mark.parametrize("concurrency", [1, 4])
every_position = [
    pytest.param(position, marks=() if position == "middle" else pytest.mark.long, id=position.replace("-", " "))
    for position in POSITIONS
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
    """Makes one request of a list or a scan fail: the first, a middle or the last one, or the catch-up."""

    def __init__(self, position: str, fault: Fault, method: ReadMethod) -> None:
        self._lock = threading.Lock()
        self._fault = fault
        self._wanted = {"first": 0, "middle": 4, "last": requests_of(method) - 1}.get(position)
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
    """Return how many requests a list or a scan sends where nothing fails."""
    if method not in known:
        with mock_server(store()) as server:
            read("sync", server.url, method=method, concurrency=1)
        known[method] = len(server.requests)
    return known[method]


known: dict[str, int] = {}


@pytest.mark.parametrize("position", every_position)
@pytest.mark.parametrize("fault", PASSING_FAULTS)
@methods
@windows
def test_a_passing_fault_is_retried(
    mode: ClientMode, method: ReadMethod, concurrency: int, fault: str, position: str
) -> None:
    served, once = store(), Once(position, PASSING_FAULTS[fault], method)
    with mock_server(served, fault=once) as server:
        found = read(mode, server.url, method=method, concurrency=concurrency)
    assert sorted(session.id for session in found) == sorted(served.ids_in_order())
    assert once.failed is not None
    assert sum(request.query == once.failed.query for request in server.requests) >= 2


MISSING_PAGES = ("400", "404 HTML")


@pytest.mark.parametrize("position", every_position)
@pytest.mark.parametrize("fault", LASTING_FAULTS)
@methods
@windows
def test_a_lasting_fault_raises_its_error_with_its_page(
    mode: ClientMode, method: ReadMethod, concurrency: int, fault: str, position: str
) -> None:
    shown, kind, attempts = LASTING_FAULTS[fault]
    once = Once(position, shown, method)

    def decide(request: Request) -> Fault:
        return once(request) or (shown if once.failed is not None and request.query == once.failed.query else None)

    sessions, error = store(), None
    with mock_server(sessions, fault=decide) as server:
        try:
            found = read(mode, server.url, method=method, concurrency=concurrency, client={"max_retries": 2})
        except konvoai.KonvoError as raised:
            error = raised
    assert once.failed is not None
    query = once.failed.query
    if error is None:  # a page after the first, or a time, that the server does not have: others have its records
        assert (True, True) == (fault in MISSING_PAGES, bool({"page", "updated_at_max"} & query.keys()))
        assert sorted(session.id for session in found) == sorted(sessions.ids_in_order())
        return
    assert type(error) is kind
    assert error.page == (int(query["page"]) if "page" in query else None)
    assert [time and time.isoformat(timespec="milliseconds").replace("+00:00", "Z") for time in error.window] == [
        query.get("updated_at_min"),
        query.get("updated_at_max"),
    ]
    assert error.records_yielded is not None
    assert 0 <= error.records_yielded <= SESSIONS
    assert f"{error.records_yielded} records yielded" in str(error)
    assert not any(value in str(error) for name, value in query.items() if name.startswith("updated"))
    assert ("(3 attempts)" in str(error)) == (attempts == 3)
    if isinstance(shown, int):
        assert "injected fault" in str(error)


def test_all_requests_of_a_client_wait_for_retry_after(mode: ClientMode) -> None:
    """Two lists of one client run at once; a request in flight when the first receives it may still arrive."""
    paused, arrived = [], []

    def decide(request: Request) -> Fault:
        arrived.append(time.monotonic())
        if len(arrived) != 6:
            return None
        paused.append(time.monotonic())
        return (503, {"Retry-After": "1"})

    with mock_server(store(), fault=decide, latency=0.01) as server:
        assert twice(mode, server.url) == [SESSIONS, SESSIONS]
    after = [arrival - paused[0] for arrival in arrived if arrival > paused[0]]
    assert len([seconds for seconds in after if seconds < 0.95]) <= 1
    assert len(after) > 8


def twice(mode: ClientMode, url: str) -> list[int]:
    """Return the number of sessions in each of two lists that one client reads at the same time."""
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
