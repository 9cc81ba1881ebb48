"""A Konvo that stands in for the real one: a `Shop` behind a real HTTP server, with faults and waits on demand.

`python tests/standin.py` runs one as a process of its own, prints its address, and ends with its input.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from server import Drop, Reply, Request, serving
from shop import ORDERS, Answer, Shop, refusal

PATH = "/ai-sessions"
KEY_HEADER = "x-api-key"

Fault = int | tuple[int, Mapping[str, str]] | Literal["drop", "cut", "slow"] | None
"""A status instead of an answer, one with headers, no answer, half of one, none before the server stops; no fault."""


def no_fault(request: Request) -> Fault:
    return None


@dataclass(kw_only=True, eq=False)
class Standin:
    """What `standin` runs. All of it may be changed while it runs.

    Attributes:
        key: The only key that is let in; None lets any in.
        latency: Seconds before each answer is sent.
        latency_per_offset: Seconds more for each record that the page passes over.
        fault: Asked for each request: what goes wrong with it.
        requests: All that came, in order, faults and refusals too; those that the shop answered are in `shop.requests`.
        most_in_flight: The largest number of requests that waited for an answer at once.
    """

    shop: Shop
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
        answer = self._failure(fault) or self._refused(request) or self.shop.answer(request.query)
        seconds = None if fault == "slow" else self.latency + answer.offset * self.latency_per_offset
        if self._stopping.wait(seconds):
            return Drop()
        body = json.dumps(answer.body).encode()
        if fault == "cut":
            return Reply(body[: len(body) // 2], answer.status, answer.headers, declared=len(body))
        return Reply(body, answer.status, answer.headers)

    def _failure(self, fault: Fault) -> Answer | None:
        if fault is None or isinstance(fault, str):
            return None
        status, headers = fault if isinstance(fault, tuple) else (fault, {})
        return Answer(status, {**self.shop.headers(), **headers}, refusal(status, "a fault on demand"))

    def _refused(self, request: Request) -> Answer | None:
        if request.path != PATH:
            return Answer(404, self.shop.headers(), refusal(404, f"there is nothing at {request.path}"))
        if request.method != "GET":
            return Answer(405, {**self.shop.headers(), "Allow": "GET"}, refusal(405, f"{PATH} is only read"))
        key = request.headers.get(KEY_HEADER)
        if not key or self.key not in (None, key):
            return Answer(401, self.shop.headers(), refusal(401, f"the header {KEY_HEADER} is missing or wrong"))
        return None


@contextmanager
def standin(
    shop: Shop,
    *,
    key: str | None = None,
    latency: float = 0.0,
    latency_per_offset: float = 0.0,
    fault: Callable[[Request], Fault] = no_fault,
) -> Iterator[Standin]:
    """Serves the shop on a free port while the context lasts."""
    running = Standin(shop=shop, key=key, latency=latency, latency_per_offset=latency_per_offset, fault=fault)
    with serving(running.reply) as server:
        running.url = server.url
        try:
            yield running
        finally:
            running._stopping.set()


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve made-up sessions until the standard input ends.")
    parser.add_argument("--sessions", type=int, default=5000, help="default: %(default)s")
    parser.add_argument("--order", choices=ORDERS, default="created", help="default: %(default)s")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds for each answer")
    parser.add_argument(
        "--latency-per-offset", type=float, default=0.0, help="seconds more for each record passed over"
    )
    options = parser.parse_args()
    shop = Shop.of(options.sessions, order=options.order, filters=options.order.removeprefix("-"))
    with standin(shop, latency=options.latency, latency_per_offset=options.latency_per_offset) as running:
        print(running.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
