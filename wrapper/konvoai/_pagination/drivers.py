"""The two thin drivers of a reading: they send what it asks, and hand over what it gives."""

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
"""Seconds that an end waits for its threads: they end within a fraction, but for one that is connecting."""
Send = Callable[[PageRequest, threading.Event], PageResponse[Any]]
"""Sends one request, and gives up once the event is set."""


class InFlightRequest:
    """One request in flight, by a thread of its own; one that flies alone, by the thread that waits for it."""

    def __init__(self, send: Send, ask: PageRequest, stop: threading.Event, by_thread: bool) -> None:
        self.ask = ask
        self._answer: Future[PageResponse[Any]] = Future()
        self._send, self._stop = send, stop
        self._thread = threading.Thread(target=self._run, name="konvoai", daemon=True) if by_thread else None
        if self._thread is not None:
            self._thread.start()

    def _run(self) -> None:
        try:
            self._answer.set_result(self._send(self.ask, self._stop))
        except BaseException as error:
            self._answer.set_exception(error)

    def result(self) -> PageResponse[Any]:
        return self._send(self.ask, self._stop) if self._thread is None else self._answer.result()

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join(JOIN_TIMEOUT)


def run(flow: Flow[T], send: Send) -> Generator[T, None, None]:
    """Sends by threads where more than one request is in flight; when it is closed, none goes on."""
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
            in_flight.extend(InFlightRequest(send, ask, stop, by_thread=not alone) for ask in step)
            try:
                found = in_flight[0].result()
            except KonvoError as error:
                error.add_context(*in_flight[0].ask, records_yielded)
                raise
            in_flight.popleft()
            step = flow.send(found)
    except StopIteration:
        return
    finally:
        stop.set()
        for request in in_flight:
            request.join()


async def run_async(
    flow: Flow[T], send: Callable[[PageRequest], Awaitable[PageResponse[Any]]]
) -> AsyncGenerator[T, None]:
    """The twin of `run`, by tasks."""
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
            in_flight.extend((ask, asyncio.ensure_future(send(ask))) for ask in step)
            asked, task = in_flight[0]
            try:
                found = await task
            except KonvoError as error:
                error.add_context(*asked, records_yielded)
                raise
            in_flight.popleft()
            step = flow.send(found)
    except StopIteration:
        return
    finally:
        for _, task in in_flight:
            task.cancel()
        await asyncio.gather(*(task for _, task in in_flight), return_exceptions=True)
