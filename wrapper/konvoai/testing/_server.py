"""A mock of the Konvo API: a `Store` behind a real HTTP server, with faults and delays on demand."""

from __future__ import annotations

import gzip
import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Literal, Self

from ._http_server import Drop, Reply, Request, serving
from ._store.store import Response, Store, error_body

PATH = "/ai-sessions"
KEY_HEADER = "x-api-key"

Fault = int | tuple[int, Mapping[str, str]] | Reply | Literal["drop", "cut", "cut gzip", "slow"] | None
"""What replaces the store's response: a status, one with headers, a reply, a closed connection, half of the body, half
of its gzip stream, no response until the server stops; None is no fault."""


RETRYABLE_FAULTS: list[Fault] = [
    429,
    500,
    (503, {"Retry-After": "0"}),
    Reply(b"<html>Bad Gateway</html>", 502, {"Content-Type": "text/html"}),
    520,
    "drop",
    "cut",
    "cut gzip",
]


def no_fault(request: Request) -> Fault:
    return None


@dataclass(kw_only=True, eq=False)
class MockServer:
    """The state of a running `mock_server`; every attribute may change while it runs.

    Attributes:
        key: The only accepted key; None accepts any.
        latency: Seconds before each response is sent.
        latency_per_offset: Additional seconds for each record before the page.
        fault: Called with each request; returns its fault.
        requests: All requests in order, faults and errors included; `store.requests` has those that reached the store.
        most_in_flight: The largest number of requests in flight at once.
    """

    store: Store
    key: str | None = None
    latency: float = 0.0
    latency_per_offset: float = 0.0
    fault: Callable[[Request], Fault] = no_fault
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    most_in_flight: int = 0
    _in_flight: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def reply(self, request: Request) -> Reply | Drop:
        with self._lock:
            self.requests.append(request)
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            return self._reply(request, self.fault(request))
        finally:
            with self._lock:
                self._in_flight -= 1

    def _reply(self, request: Request, fault: Fault) -> Reply | Drop:
        if fault == "drop":
            return Drop()
        if isinstance(fault, Reply):
            return fault
        response = self._fault_response(fault) or self._error(request) or self.store.respond(request.query)
        seconds = None if fault == "slow" else self.latency + response.offset * self.latency_per_offset
        if self._stopping.wait(seconds):
            return Drop()
        body = json.dumps(response.body).encode()
        if fault == "cut":
            return Reply(body[: len(body) // 2], response.status, response.headers, declared=len(body))
        if fault == "cut gzip":
            packed = gzip.compress(body)
            return Reply(packed[: len(packed) // 2], response.status, {**response.headers, "Content-Encoding": "gzip"})
        return Reply(body, response.status, response.headers)

    def _fault_response(self, fault: Fault) -> Response | None:
        if fault is None or isinstance(fault, str | Reply):
            return None
        status, headers = fault if isinstance(fault, tuple) else (fault, {})
        return Response(status, {**self.store.headers(), **headers}, error_body(status, "injected fault"))

    def _error(self, request: Request) -> Response | None:
        if request.path != PATH:
            return Response(404, self.store.headers(), error_body(404, f"no resource at {request.path}"))
        if request.method != "GET":
            return Response(405, {**self.store.headers(), "Allow": "GET"}, error_body(405, f"{PATH} is read-only"))
        key = request.headers.get(KEY_HEADER)
        if not key or self.key not in (None, key):
            return Response(401, self.store.headers(), error_body(401, f"the header {KEY_HEADER} is missing or wrong"))
        return None

    @contextmanager
    def running(self, port: int = 0) -> Iterator[Self]:
        """Serves on a port, by default a free one, while the context lasts."""
        self._stopping.clear()
        with serving(self.reply, port=port) as server:
            self.url = server.url
            try:
                yield self
            finally:
                self._stopping.set()


def mock_server(
    store: Store,
    *,
    key: str | None = None,
    latency: float = 0.0,
    latency_per_offset: float = 0.0,
    fault: Callable[[Request], Fault] = no_fault,
) -> AbstractContextManager[MockServer]:
    """Serves the store on a free port while the context lasts."""
    server = MockServer(store=store, key=key, latency=latency, latency_per_offset=latency_per_offset, fault=fault)
    return server.running()


def random_faults(share: float) -> Callable[[Request], Fault]:
    """Returns a `fault` that lets such a share of the requests fail, each with a retryable fault."""
    draw = random.Random(7)
    return lambda request: draw.choice(RETRYABLE_FAULTS) if draw.random() < share else None
