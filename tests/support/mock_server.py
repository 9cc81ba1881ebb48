"""A Konvo that stands in for the real one: a `Store` behind a real HTTP server, with faults and waits on demand.

`python -m tests.support.mock_server` runs one as a process of its own, prints its address, and ends with its input.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from tests.support.http_server import Drop, Reply, Request, serving
from tests.support.store import LARGEST_PAGE, ORDERS, Answer, Store, refusal

PATH = "/ai-sessions"
KEY_HEADER = "x-api-key"

Fault = int | tuple[int, Mapping[str, str]] | Reply | Literal["drop", "cut", "cut gzip", "slow"] | None
"""A status instead of an answer, one with headers, another answer, none, half of one, half of a gzip stream, none
before the server stops; no fault."""


PASSING: list[Fault] = [
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
    """What `mock_server` runs. All of it may be changed while it runs.

    Attributes:
        key: The only key that is let in; None lets any in.
        latency: Seconds before each answer is sent.
        latency_per_offset: Seconds more for each record that the page passes over.
        fault: Asked for each request: what goes wrong with it.
        requests: All requests in order, faults and errors included; `store.requests` has those that the store served.
        most_in_flight: The largest number of requests that waited for an answer at once.
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
        answer = self._failure(fault) or self._refused(request) or self.store.answer(request.query)
        seconds = None if fault == "slow" else self.latency + answer.offset * self.latency_per_offset
        if self._stopping.wait(seconds):
            return Drop()
        body = json.dumps(answer.body).encode()
        if fault == "cut":
            return Reply(body[: len(body) // 2], answer.status, answer.headers, declared=len(body))
        if fault == "cut gzip":
            packed = gzip.compress(body)
            return Reply(packed[: len(packed) // 2], answer.status, {**answer.headers, "Content-Encoding": "gzip"})
        return Reply(body, answer.status, answer.headers)

    def _failure(self, fault: Fault) -> Answer | None:
        if fault is None or isinstance(fault, str | Reply):
            return None
        status, headers = fault if isinstance(fault, tuple) else (fault, {})
        return Answer(status, {**self.store.headers(), **headers}, refusal(status, "a fault on demand"))

    def _refused(self, request: Request) -> Answer | None:
        if request.path != PATH:
            return Answer(404, self.store.headers(), refusal(404, f"there is nothing at {request.path}"))
        if request.method != "GET":
            return Answer(405, {**self.store.headers(), "Allow": "GET"}, refusal(405, f"{PATH} is only read"))
        key = request.headers.get(KEY_HEADER)
        if not key or self.key not in (None, key):
            return Answer(401, self.store.headers(), refusal(401, f"the header {KEY_HEADER} is missing or wrong"))
        return None


@contextmanager
def mock_server(
    store: Store,
    *,
    key: str | None = None,
    latency: float = 0.0,
    latency_per_offset: float = 0.0,
    fault: Callable[[Request], Fault] = no_fault,
) -> Iterator[MockServer]:
    """Serves the shop on a free port while the context lasts."""
    running = MockServer(store=store, key=key, latency=latency, latency_per_offset=latency_per_offset, fault=fault)
    with serving(running.reply) as server:
        running.url = server.url
        try:
            yield running
        finally:
            running._stopping.set()


def at_random(share: float) -> Callable[[Request], Fault]:
    """Lets such a share of the requests fail, each in one of the ways that pass."""
    luck = random.Random(7)
    return lambda request: luck.choice(PASSING) if luck.random() < share else None


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve made-up sessions until the standard input ends.")
    parser.add_argument("--sessions", type=int, default=5000, help="default: %(default)s")
    parser.add_argument("--order", choices=ORDERS, default="created", help="default: %(default)s")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds for each answer")
    parser.add_argument(
        "--latency-per-offset", type=float, default=0.0, help="seconds more for each record passed over"
    )
    parser.add_argument("--cap", type=int, default=LARGEST_PAGE, help="sessions on a page at most")
    parser.add_argument("--faults", type=float, default=0.0, help="the share of requests that fail, as 0.2")
    options = parser.parse_args()
    store = Store.of(options.sessions, order=options.order, filters=options.order.removeprefix("-"), cap=options.cap)
    fault = at_random(options.faults)
    with mock_server(
        store, latency=options.latency, latency_per_offset=options.latency_per_offset, fault=fault
    ) as running:
        print(running.url, flush=True)
        sys.stdin.read()
        print(len(running.requests), "requests came,", len(store.requests), "were answered")


if __name__ == "__main__":
    main()
