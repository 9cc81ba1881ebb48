"""The two drivers of a flow: they send its requests and yield its results, by threads or by tasks."""

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
"""Seconds to wait for each thread at the end: all but a connecting one end within a fraction of it."""
Send = Callable[[PageRequest, threading.Event], PageResponse[Any]]
"""Sends one request, and gives up once the event is set."""


class InFlightRequest:
    """One request in flight, in a thread of its own; the only one in flight uses the thread that waits for it."""

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


class FlowRunner:
    """The steps of a flow, and how many records it has yielded."""

    def __init__(self, flow: Flow[Any]) -> None:
        self._flow = flow
        self._records_yielded = 0

    def start(self) -> Any:
        """The first step; None, as of the methods below, where the flow has ended."""
        return self._step(next, self._flow)

    def after(self, batch: Batch) -> Any:
        """The step after a page or window was yielded."""
        self._records_yielded += len(batch.items)
        return self._step(next, self._flow)

    def respond(self, request: PageRequest, result: PageResponse[Any] | KonvoError) -> Any:
        """The step after the oldest request in flight; its error is raised, unless the flow handles it."""
        if not isinstance(result, KonvoError):
            return self._step(self._flow.send, result)
        result.add_context(*request, self._records_yielded)
        return self._step(self._flow.throw, result)

    def _step(self, move: Callable[..., Any], *arguments: Any) -> Any:
        # Only around the flow: a StopIteration of a user's transport or callback must not end a list.
        try:
            return move(*arguments)
        except StopIteration:
            return None
        except KonvoError as error:
            if error.records_yielded is None:
                error.records_yielded = self._records_yielded
            raise


def run(flow: Flow[T], send: Send) -> Generator[T, None, None]:
    """Sends by threads where more than one request is in flight; closing it stops all of them."""
    in_flight: deque[InFlightRequest] = deque()
    stop = threading.Event()
    runner = FlowRunner(flow)
    try:
        step = runner.start()
        while step is not None:
            if not isinstance(step, list):
                yield step
                step = runner.after(step)
                continue
            alone = len(step) == 1 and not in_flight
            in_flight.extend(InFlightRequest(send, request, stop, by_thread=not alone) for request in step)
            result: PageResponse[Any] | KonvoError
            try:
                result = in_flight[0].result()
            except KonvoError as error:
                result = error
            step = runner.respond(in_flight.popleft().request, result)
    finally:
        stop.set()
        for request in in_flight:
            request.join()


async def run_async(
    flow: Flow[T], send: Callable[[PageRequest], Awaitable[PageResponse[Any]]]
) -> AsyncGenerator[T, None]:
    """Does what `run` does, by tasks."""
    import asyncio

    in_flight: deque[tuple[PageRequest, asyncio.Future[PageResponse[Any]]]] = deque()
    runner = FlowRunner(flow)
    try:
        step = runner.start()
        while step is not None:
            if not isinstance(step, list):
                yield step
                step = runner.after(step)
                continue
            in_flight.extend((request, asyncio.ensure_future(send(request))) for request in step)
            result: PageResponse[Any] | KonvoError
            try:
                result = await in_flight[0][1]
            except KonvoError as error:
                result = error
            step = runner.respond(in_flight.popleft()[0], result)
    finally:
        for _, task in in_flight:
            task.cancel()
        await asyncio.gather(*(task for _, task in in_flight), return_exceptions=True)
