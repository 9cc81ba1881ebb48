"""Lists and scans through the real clients, over HTTP, from the mock server."""

import asyncio
import gc
import os
import threading
from contextlib import aclosing, closing
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konvoai import AsyncKonvo, ContractDriftWarning, InternalServerError, Konvo
from konvoai.testing._http_server import serving
from konvoai.testing._server import mock_server
from konvoai.testing._store.changes import Change, moving
from konvoai.testing._store.habits import ORDERS
from konvoai.testing._store.store import Store
from tests.support.both_clients import KEY, ClientMode, ReadMethod, read
from tests.support.http_server import paged, sessions
from tests.support.program import LONG, program

HOUR_AGO = timedelta(hours=1)


def ids(mode: ClientMode, method: ReadMethod, url: str, **arguments: Any) -> list[Any]:
    return [session.id for session in read(mode, url, method=method, **arguments)]


@pytest.mark.drawn
@settings(max_examples=(settings().max_examples) // 10)
@given(
    schedule=st.lists(st.builds(Change, st.sampled_from(["touch", "remove", "add"]), st.integers(0, 60)), max_size=15),
    order=st.sampled_from(ORDERS),
    base=st.integers(0, 1),
    cap=st.integers(2, 20),
    concurrency=st.integers(1, 5),
    mode=st.sampled_from(["sync", "async"]),
    method=st.sampled_from(["list", "scan"]),
)
def test_what_stays_arrives_whatever_changes_between_requests(
    schedule: list[Change], order: str, base: int, cap: int, concurrency: int, mode: ClientMode, method: ReadMethod
) -> None:
    store = Store.of(50, start=datetime.now(UTC) - HOUR_AGO, order=order, page_base=base, cap=cap)
    before = set(store.ids_in_order())
    moving(store, schedule)
    with mock_server(store) as server:
        found = ids(mode, method, server.url, concurrency=concurrency)
    touched = sum(change.what == "touch" for change in schedule) if method == "scan" else 0
    assert sorted(before & set(store.ids_in_order()) - set(found)) == []
    assert len(found) - len(set(found)) <= touched


@pytest.mark.parametrize(("concurrency", "in_flight"), [(1, [1]), (3, [2, 3])])
@pytest.mark.parametrize("method", ["list", "scan"])
def test_no_more_requests_are_in_flight_than_asked_for(
    mode: ClientMode, method: ReadMethod, concurrency: int, in_flight: list[int]
) -> None:
    with mock_server(Store.of(120, order="updated", cap=10), latency=0.02) as server:
        assert len(ids(mode, method, server.url, concurrency=concurrency)) == 120
    assert server.most_in_flight in in_flight


def test_the_order_of_the_server_is_kept_with_many_in_flight(mode: ClientMode) -> None:
    store = Store.of(500, order="-updated")
    with mock_server(store) as server:
        assert ids(mode, "list", server.url, limit=10, concurrency=8) == store.ids_in_order()


def test_a_reader_who_stops_is_never_more_than_the_window_ahead() -> None:
    store = Store.of(500)
    with mock_server(store) as server, Konvo(KEY, base_url=server.url) as konvo:
        with closing(konvo.ai_sessions.list(limit=10, concurrency=4).pages()) as pages:
            next(pages)
            assert len(server.requests) == 1
            next(pages)
        assert len(server.requests) <= 1 + 4
        assert [thread.name for thread in threading.enumerate() if thread.name.startswith("konvoai")] == []


@pytest.mark.anyio
async def test_an_async_reader_who_stops_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    with mock_server(Store.of(500), latency=0.02) as server:
        async with AsyncKonvo(KEY, base_url=server.url) as konvo:
            async with aclosing(konvo.ai_sessions.list(limit=10, concurrency=4).pages()) as pages:
                await anext(pages)
                await anext(pages)
            assert asyncio.all_tasks() == before
        assert len(server.requests) <= 1 + 4


@pytest.mark.anyio
async def test_a_cancelled_reader_leaves_no_task_behind() -> None:
    before = asyncio.all_tasks()
    with mock_server(Store.of(500), latency=0.05) as server:
        async with AsyncKonvo(KEY, base_url=server.url) as konvo:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    [session async for session in konvo.ai_sessions.list(limit=10, concurrency=4)]
            assert asyncio.all_tasks() == before


@pytest.mark.parametrize("method", ["list", "scan"])
def test_an_error_comes_after_what_arrived_and_ends_all(mode: ClientMode, method: ReadMethod) -> None:
    def fault(request: Any) -> Any:
        return (500, {"Retry-After": "0.01"}) if len(server.requests) > 12 else None

    with mock_server(Store.of(500, cap=10, order="updated"), fault=fault) as server:
        with pytest.raises(InternalServerError):
            ids(mode, method, server.url, concurrency=4)
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("konvoai")] == []


def test_the_windows_of_a_scan_touch_up_to_the_lag() -> None:
    began = datetime.now(UTC)
    with mock_server(Store.of(100, order="updated", cap=20)) as server, Konvo(KEY, base_url=server.url) as konvo:
        windows = list(konvo.ai_sessions.scan(updated_at_min=datetime(2025, 12, 1, tzinfo=UTC)).windows())
    assert windows[0].start == datetime(2025, 12, 1, tzinfo=UTC)
    assert [window.end for window in windows[:-1]] == [window.start for window in windows[1:]]
    assert began - timedelta(seconds=7) < windows[-1].end <= datetime.now(UTC) - timedelta(seconds=5)
    assert sum(len(window.items) for window in windows) == 100


def test_flags_and_bounds_reach_every_request_of_a_scan(mode: ClientMode) -> None:
    store = Store.of(100, order="updated", cap=20)
    until = datetime(2026, 1, 1, 1, tzinfo=UTC)
    with mock_server(store) as server:
        found = ids(mode, "scan", server.url, updated_at_max=until, messages=True, state=True)
    assert len(found) == 61
    assert {(query["messages"], query["state"]) for query in store.requests} == {("true", "true")}
    assert max(query.get("updated_at_max", "") for query in store.requests) == "2026-01-01T01:00:00.000Z"


def test_a_server_whose_clock_is_an_hour_off_is_read_by_its_own(mode: ClientMode) -> None:
    store = Store.of(50, start=datetime.now(UTC) - HOUR_AGO, step=timedelta(minutes=2), skew=HOUR_AGO, cap=10)
    with mock_server(store) as server:
        assert len(ids(mode, "list", server.url)) == 50
    upper = {datetime.fromisoformat(query["updated_at_max"]) for query in store.requests if "updated_at_max" in query}
    assert max(upper) - datetime.now(UTC) > timedelta(minutes=50)


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("method", ["list", "scan"])
def test_threads_are_kept_and_none_starts_for_one_request(method: ReadMethod, concurrency: int) -> None:
    seen: set[threading.Thread] = set()

    def note(request: httpx.Request) -> None:
        seen.add(threading.current_thread())

    with httpx.Client(event_hooks={"request": [note]}) as own, mock_server(Store.of(300, cap=10)) as server:
        with Konvo(KEY, base_url=server.url, http_client=own) as konvo:
            assert len(list(getattr(konvo.ai_sessions, method)(concurrency=concurrency))) == 300
    assert len(server.requests) >= 30
    assert threading.current_thread() in seen
    assert len(seen) <= (1 if concurrency == 1 else 1 + concurrency)


def test_pages_are_decoded_by_the_thread_that_reads() -> None:
    decoding: list[threading.Thread] = []

    def note(warning: ContractDriftWarning) -> None:
        decoding.append(threading.current_thread())

    with serving(paged([{**record, f"unknown_{record['id']}": 1} for record in sessions(100)])) as server:
        with Konvo(KEY, base_url=server.url, on_drift=note) as konvo:
            assert len(list(konvo.ai_sessions.list(limit=10, concurrency=4))) == 100
    assert decoding == [threading.current_thread()] * 100


TRACE: ContextVar[str] = ContextVar("TRACE", default="lost")


@pytest.mark.parametrize("method", ["list", "scan"])
def test_every_request_runs_in_the_context_of_the_reader(method: ReadMethod) -> None:
    seen: list[str] = []

    def note(request: httpx.Request) -> None:
        seen.append(TRACE.get())

    with httpx.Client(event_hooks={"request": [note]}) as own, mock_server(Store.of(200, cap=10)) as server:
        with Konvo(KEY, base_url=server.url, http_client=own) as konvo:
            token = TRACE.set("of the reader")
            assert len(list(getattr(konvo.ai_sessions, method)(concurrency=4))) == 200
            TRACE.reset(token)
    assert len(seen) >= 20
    assert set(seen) == {"of the reader"}


@pytest.mark.parametrize("method", ["list", "scan"])
def test_no_response_outlives_its_use(mode: ClientMode, method: ReadMethod) -> None:
    with mock_server(Store.of(300, cap=10)) as server:
        gc.collect()
        gc.disable()
        try:
            before = responses()
            assert len(ids(mode, method, server.url, concurrency=4)) == 300
            assert responses() - before <= 0
        finally:
            gc.enable()


def responses() -> int:
    return sum(isinstance(found, httpx.Response) for found in gc.get_objects())


FORKED = """
import os, sys, time
from konvoai import Konvo

with Konvo() as konvo:
    pages = konvo.ai_sessions.list(limit=10, concurrency=4).pages()
    found = [next(pages) for _ in range(3)]
    while konvo._transport._throttle.in_flight:
        time.sleep(0.01)
    time.sleep(0.5)  # the threads wait for the next request
    child = os.fork()
    found += pages
    print(sorted({page.number for page in found}) == list(range(30)) and len(found), flush=True)
    os._exit(0) if not child else sys.exit(os.wait()[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_goes_on_with_a_list_of_its_parent() -> None:
    with mock_server(Store.of(300)) as server, program(server.url, FORKED) as process:
        printed = process.communicate(timeout=LONG)
    assert printed[0].split() == ["30", "30"], printed
