"""The two drivers of a flow: they send its requests and yield its results, by threads or by tasks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from ..errors import KonvoError
from .protocol import Flow, PageRequest, PageResponse


class Batch(Protocol):
    items: list[Any]


T = TypeVar("T", bound=Batch)
JOIN_TIMEOUT = 1.0
"""Seconds to wait for each thread at the end: all but a connecting one end within a fraction of it."""
Decode = Callable[[], PageResponse[Any]]
"""Decodes a response that has arrived: in the thread that reads, as threads that decode at once only get in the way."""
Send = Callable[[PageRequest, threading.Event], Decode]
"""Sends one request, and gives up once the event is set."""
Result = PageResponse[Any] | KonvoError


class Workers:
    """The threads of one reading, each for one request after the other; those in excess wait in a queue."""

    def __init__(self, send: Send, concurrency: int) -> None:
        self._send, self._concurrency = send, concurrency
        self._stop = threading.Event()
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def send(self, request: PageRequest, in_flight: int) -> Callable[[], Decode]:
        """Returns what waits for the response; the only request in flight uses the thread that waits for it."""
        if in_flight == 1:
            return partial(self._send, request, self._stop)
        response: Future[Decode] = Future()
        # In the context of the reader: its trace and its logger's values belong to these requests, too.
        self._jobs.put(partial(copy_context().run, fulfil, response, self._send, request, self._stop))
        self._threads = [thread for thread in self._threads if thread.is_alive()]  # a fork has none of its parent's
        if len(self._threads) < min(in_flight, self._concurrency):
            self._threads.append(threading.Thread(target=work, args=(self._jobs,), name="konvoai", daemon=True))
            self._threads[-1].start()
        return response.result

    def close(self) -> None:
        """Cancels the requests in flight and ends the threads."""
        self._stop.set()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            if thread is not threading.current_thread():  # where the garbage collector closes an abandoned reading
                thread.join(JOIN_TIMEOUT)


def work(jobs: SimpleQueue[Callable[[], None] | None]) -> None:
    while (job := jobs.get()) is not None:
        job()
        del job  # it holds the response, and the next one may be long in coming


def fulfil(response: Future[Decode], send: Send, request: PageRequest, stop: threading.Event) -> None:
    try:
        response.set_result(send(request, stop))
    except BaseException as error:
        response.set_exception(error)


class FlowRunner:
    """The steps of a flow, its requests in flight, and how many records it has yielded."""

    def __init__(self, flow: Flow[Any]) -> None:
        self._flow = flow
        self._requests: deque[PageRequest] = deque()
        self._records_yielded = 0

    def start(self) -> Any:
        """The first step; None, as of the methods below, where the flow has ended."""
        return self._step(next, self._flow)

    def after(self, batch: Batch) -> Any:
        """The step after a page or window was yielded."""
        self._records_yielded += len(batch.items)
        return self._step(next, self._flow)

    def respond(self, result: Result) -> Any:
        """The step after the oldest request in flight; its error is raised, unless the flow handles it."""
        request = self._requests.popleft()
        if not isinstance(result, KonvoError):
            return self._step(self._flow.send, result)
        result.add_context(*request, self._records_yielded)
        return self._step(self._flow.throw, result)

    def _step(self, move: Callable[..., Any], *arguments: Any) -> Any:
        # Only around the flow: a StopIteration of a user's transport or callback must not end a list.
        try:
            step = move(*arguments)
        except StopIteration:
            return None
        except KonvoError as error:
            if error.records_yielded is None:
                error.records_yielded = self._records_yielded
            raise
        self._requests.extend(step if isinstance(step, list) else ())
        return step


# Below, no variable holds a result: it would keep its records in memory while the next page is decoded.


def run(flow: Flow[T], send: Send, concurrency: int) -> Generator[T, None, None]:
    """Sends by threads where more than one request is in flight; closing it stops all of them."""
    in_flight: deque[Callable[[], Decode]] = deque()
    workers, runner = Workers(send, concurrency), FlowRunner(flow)
    try:
        step = runner.start()
        while step is not None:
            if isinstance(step, list):
                expected = len(in_flight) + len(step)
                in_flight.extend([workers.send(request, expected) for request in step])
                step = runner.respond(result_of(in_flight.popleft()))
            else:
                yield step
                step = runner.after(step)
    finally:
        workers.close()


def result_of(receive: Callable[[], Decode]) -> Result:
    try:
        return receive()()
    except KonvoError as error:
        return error


async def run_async(
    flow: Flow[T], send: Callable[[PageRequest], Awaitable[PageResponse[Any]]], concurrency: int
) -> AsyncGenerator[T, None]:
    """Does what `run` does, by tasks."""
    import asyncio

    async def send_in_turn(request: PageRequest) -> PageResponse[Any]:
        async with turns:
            return await send(request)

    in_flight: deque[asyncio.Future[PageResponse[Any]]] = deque()
    runner, turns = FlowRunner(flow), asyncio.Semaphore(concurrency)
    try:
        step = runner.start()
        while step is not None:
            if isinstance(step, list):
                in_flight.extend([asyncio.ensure_future(send_in_turn(request)) for request in step])
                step = runner.respond(await result_of_task(in_flight[0]))
                in_flight.popleft()
            else:
                yield step
                step = runner.after(step)
    finally:
        for task in in_flight:
            task.cancel()
        await asyncio.gather(*in_flight, return_exceptions=True)


async def result_of_task(task: Awaitable[PageResponse[Any]]) -> Result:
    try:
        return await task
    except KonvoError as error:
        return error
