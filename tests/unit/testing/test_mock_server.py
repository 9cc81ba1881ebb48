import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from konvoai.testing._http_server import Request
from konvoai.testing._server import Fault, MockServer, mock_server
from konvoai.testing._store.store import Store

KEY = {"x-api-key": "key"}


@pytest.fixture
def running() -> Iterator[MockServer]:
    with mock_server(Store.of(5, now=datetime(2026, 3, 1, tzinfo=UTC))) as server:
        yield server


def get(
    server: MockServer,
    method: str = "GET",
    path: str = "/ai-sessions",
    *,
    headers: dict[str, str] = KEY,
    seconds: float = 60,
    **query: Any,
) -> httpx.Response:
    with httpx.Client(verify=False, timeout=seconds) as client:
        return client.request(method, server.url + path, headers=headers, params=query)


@pytest.mark.parametrize("query", [{}, {"page": 1, "limit": 2}, {"limit": 0}])
def test_it_responds_as_its_store_does(running: MockServer, query: dict[str, int]) -> None:
    expected = running.store.respond({name: str(value) for name, value in query.items()})
    found = get(running, **query)
    assert (expected.status, expected.body) == (found.status_code, found.json())


def test_its_clock_is_that_of_the_store(running: MockServer) -> None:
    assert ["Sun, 01 Mar 2026 00:00:00 GMT"] == get(running).headers.get_list("date")


def test_requests_are_recorded_in_order(running: MockServer) -> None:
    for page in range(3):
        get(running, page=page)
    assert [{"page": "0"}, {"page": "1"}, {"page": "2"}] == [request.query for request in running.requests]


def test_a_parameter_given_twice_gets_400(running: MockServer) -> None:
    assert 400 == get(running, limit=["1", "2"]).status_code


@pytest.mark.parametrize("headers", [{}, {"x-api-key": ""}])
def test_a_request_without_a_key_gets_401(running: MockServer, headers: dict[str, str]) -> None:
    response = get(running, headers=headers)
    assert (401, 401) == (response.status_code, response.json()["error"])


@pytest.mark.parametrize(("key", "status"), [("right", 200), ("wrong", 401)])
def test_it_may_accept_one_key_only(key: str, status: int) -> None:
    with mock_server(Store.of(1), key="right") as server:
        assert status == get(server, headers={"x-api-key": key}).status_code


@pytest.mark.parametrize("path", ["/", "/ai-sessions/", "/contacts"])
def test_another_path_gets_404(running: MockServer, path: str) -> None:
    response = get(running, path=path)
    assert (404, 404) == (response.status_code, response.json()["error"])


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"])
def test_another_method_gets_405_with_allow(running: MockServer, method: str) -> None:
    response = get(running, method)
    assert (405, "GET", 405) == (response.status_code, response.headers["allow"], response.json()["error"])


def test_the_response_to_head_has_no_body(running: MockServer) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(running.url).port)) as connection:
        connection.sendall(b"HEAD /ai-sessions HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with connection.makefile("rb") as response:
            head, body = response.read().split(b"\r\n\r\n")
    assert (b"HTTP/1.1 405 Method Not Allowed", b"") == (head.splitlines()[0], body)


def test_a_connection_is_reused(running: MockServer) -> None:
    connection = HTTPConnection(urlsplit(running.url).netloc)
    try:
        sockets = []
        for _ in range(2):
            connection.request("GET", "/ai-sessions", headers=KEY)
            connection.getresponse().read()
            sockets.append(connection.sock)
    finally:
        connection.close()
    assert isinstance(sockets[0], socket.socket)
    assert sockets[0] is sockets[1]


def failing(*faults: Fault) -> Callable[[Request], Fault]:
    """Return a `fault` that gives these in turn, and then none."""
    left = list(faults)
    return lambda request: left.pop(0) if left else None


@pytest.mark.parametrize("status", [429, 503, 520])
def test_a_fault_is_a_status_with_the_documented_error(running: MockServer, status: int) -> None:
    running.fault = failing(status)
    response = get(running)
    assert (status, status) == (response.status_code, response.json()["error"])


def test_a_fault_may_have_headers(running: MockServer) -> None:
    running.fault = failing((429, {"Retry-After": "7"}))
    assert "7" == get(running).headers["retry-after"]


def test_a_response_may_be_dropped(running: MockServer) -> None:
    running.fault = failing("drop")
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected without sending a response"):
        get(running)


def test_a_response_may_be_cut(running: MockServer) -> None:
    running.fault = failing("cut")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        get(running)


def test_a_response_may_never_come(running: MockServer) -> None:
    running.fault = failing("slow")
    with pytest.raises(httpx.ReadTimeout):
        get(running, seconds=0.1)


@pytest.mark.parametrize("fault", [503, "drop", "cut", "slow"])
def test_after_a_fault_it_responds_again(running: MockServer, fault: Fault) -> None:
    running.fault = failing(fault)
    with suppress(httpx.TransportError):
        get(running, seconds=0.1)
    assert 200 == get(running).status_code


def test_a_fault_depends_on_the_request(running: MockServer) -> None:
    running.fault = lambda request: 500 if request.query["page"] == "1" else None
    assert [200, 500, 200] == [get(running, page=page).status_code for page in range(3)]


@pytest.mark.parametrize("fault", [503, "drop"])
def test_a_failed_request_does_not_reach_the_store(running: MockServer, fault: Fault) -> None:
    running.fault = failing(fault)
    with suppress(httpx.RemoteProtocolError):
        get(running, page=0)
    get(running, page=1)
    assert [{"page": "1"}] == running.store.requests


def test_the_largest_number_of_requests_in_flight_is_recorded(running: MockServer) -> None:
    all_there = threading.Barrier(3)

    def meet(request: Request) -> None:
        all_there.wait()

    running.fault = meet
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda _: get(running), range(3)))
    assert 3 == running.most_in_flight


def test_requests_one_after_the_other_are_one_in_flight(running: MockServer) -> None:
    for _ in range(3):
        get(running)
    assert 1 == running.most_in_flight


def test_threads_may_send_requests_while_the_store_changes() -> None:
    store = Store.of(100, order="-updated")
    with mock_server(store) as server, ThreadPoolExecutor(5) as threads:
        responses = [threads.submit(get, server) for _ in range(40)]
        for number in range(100):
            store.touch(f"session-{number:07}")
        found = [{record["id"] for record in response.result().json()["result"]} for response in responses]
    assert [100] * 40 == [len(ids) for ids in found]


def test_a_deep_page_may_take_longer(running: MockServer) -> None:
    running.latency_per_offset = 3600
    assert 200 == get(running, page=0, limit=2).status_code
    with pytest.raises(httpx.ReadTimeout):
        get(running, page=1, limit=2, seconds=0.1)


def test_it_leaves_no_thread_when_it_stops_with_open_requests() -> None:
    before = set(threading.enumerate())
    idle = HTTPConnection("127.0.0.1")
    with ThreadPoolExecutor(2) as threads:
        with mock_server(Store.of(5)) as server:
            idle.port = urlsplit(server.url).port
            idle.request("GET", "/ai-sessions", headers=KEY)
            idle.getresponse().read()
            server.latency = 3600
            late = [threads.submit(get, server) for _ in range(2)]
            while len(server.requests) < 3:
                time.sleep(0.001)
        lost = [type(response.exception()) for response in late]
    idle.close()
    assert ([httpx.RemoteProtocolError] * 2, set()) == (lost, set(threading.enumerate()) - before)
