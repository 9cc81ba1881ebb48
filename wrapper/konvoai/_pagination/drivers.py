"""The two drivers of a flow: they send its requests and yield its results, with threads or with tasks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from ..errors import KonvoError
from .protocol import Flow, PageRequest, PageResponse


class Batch(Protocol):
    items: list[Any]


T = TypeVar("T", bound=Batch)
JOIN_TIMEOUT = 1.0
"""Seconds to wait for threads at the end: most stop within a fraction, except one that is connecting."""
Send = Callable[[PageRequest, threading.Event], PageResponse[Any]]
"""Sends one request, and stops waiting once the event is set."""


class InFlightRequest:
    """One request in flight, on a thread of its own; a lone request runs on the thread that waits for it."""

    def __init__(self, send: Send, request: PageRequest, stop: threading.Event, by_thread: bool) -> None:
        self.request = request
        self._response: Future[PageResponse[Any]] = Future()
        self._send, self._stop = send, stop
        self._thread = threading.Thread(target=self._run, name="konvoai", daemon=True) if by_thread else None
        if self._thread is not None:
            self._thread.start()

    def _run(self) -> None:
        try:
            self._response.set_result(self._send(self.request, self._stop))
        except BaseException as error:
            self._response.set_exception(error)

    def result(self) -> PageResponse[Any]:
        return self._send(self.request, self._stop) if self._thread is None else self._response.result()

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join(JOIN_TIMEOUT)


def run(flow: Flow[T], send: Send) -> Generator[T, None, None]:
    """Run a flow with threads where more than one request is in flight; closing it stops all of them."""
    in_flight: deque[InFlightRequest] = deque()
    stop = threading.Event()
    records_yielded = 0
    try:
        step = next(flow)
        while True:
            if not isinstance(step, list):
                records_yielded += len(step.items)
                yield step
                step = next(flow)
                continue
            alone = len(step) == 1 and not in_flight
            in_flight.extend(InFlightRequest(send, request, stop, by_thread=not alone) for request in step)
            try:
                response = in_flight[0].result()
            except KonvoError as error:
                error.add_context(*in_flight[0].request, records_yielded)
                raise
            in_flight.popleft()
            step = flow.send(response)
    except StopIteration:
        return
    finally:
        stop.set()
        for request in in_flight:
            request.join()


async def run_async(
    flow: Flow[T], send: Callable[[PageRequest], Awaitable[PageResponse[Any]]]
) -> AsyncGenerator[T, None]:
    """Run a flow as `run` does, with tasks."""
    import asyncio

    in_flight: deque[tuple[PageRequest, asyncio.Task[PageResponse[Any]]]] = deque()
    records_yielded = 0
    try:
        step = next(flow)
        while True:
            if not isinstance(step, list):
                records_yielded += len(step.items)
                yield step
                step = next(flow)
                continue
            in_flight.extend((request, asyncio.ensure_future(send(request))) for request in step)
            request, task = in_flight[0]
            try:
                response = await task
            except KonvoError as error:
                error.add_context(*request, records_yielded)
                raise
            in_flight.popleft()
            step = flow.send(response)
    except StopIteration:
        return
    finally:
        for _, task in in_flight:
            task.cancel()
        await asyncio.gather(*(task for _, task in in_flight), return_exceptions=True)
