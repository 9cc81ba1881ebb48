"""The two thin drivers of a reading: they send what it asks, and hand over what it gives."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from ..errors import KonvoError
from .protocol import Answer, Ask, Steps


class Batch(Protocol):
    items: list[Any]


T = TypeVar("T", bound=Batch)
LONGEST_JOIN = 1.0
"""Seconds that an end waits for its threads: they end within a fraction, but for one that is connecting."""
Send = Callable[[Ask, threading.Event], Answer[Any]]
"""Sends one request, and gives up once the event is set."""


class Sending:
    """One request in flight, by a thread of its own; one that flies alone, by the thread that waits for it."""

    def __init__(self, send: Send, ask: Ask, stop: threading.Event, by_thread: bool) -> None:
        self.ask = ask
        self._answer: Future[Answer[Any]] = Future()
        self._send, self._stop = send, stop
        self._thread = threading.Thread(target=self._run, name="konvoai", daemon=True) if by_thread else None
        if self._thread is not None:
            self._thread.start()

    def _run(self) -> None:
        try:
            self._answer.set_result(self._send(self.ask, self._stop))
        except BaseException as error:
            self._answer.set_exception(error)

    def result(self) -> Answer[Any]:
        return self._send(self.ask, self._stop) if self._thread is None else self._answer.result()

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join(LONGEST_JOIN)


def drive(steps: Steps[T], send: Send) -> Generator[T, None, None]:
    """Sends by threads where more than one request is in flight; when it is closed, none goes on."""
    flight: deque[Sending] = deque()
    stop = threading.Event()
    handed_over = 0
    try:
        step = next(steps)
        while True:
            if not isinstance(step, list):
                handed_over += len(step.items)
                yield step
                step = next(steps)
                continue
            alone = len(step) == 1 and not flight
            flight.extend(Sending(send, ask, stop, by_thread=not alone) for ask in step)
            try:
                found = flight[0].result()
            except KonvoError as error:
                error.tell_place(*flight[0].ask, handed_over)
                raise
            flight.popleft()
            step = steps.send(found)
    except StopIteration:
        return
    finally:
        stop.set()
        for sending in flight:
            sending.join()


async def async_drive(steps: Steps[T], send: Callable[[Ask], Awaitable[Answer[Any]]]) -> AsyncGenerator[T, None]:
    """The twin of `drive`, by tasks."""
    import asyncio

    flight: deque[tuple[Ask, asyncio.Task[Answer[Any]]]] = deque()
    handed_over = 0
    try:
        step = next(steps)
        while True:
            if not isinstance(step, list):
                handed_over += len(step.items)
                yield step
                step = next(steps)
                continue
            flight.extend((ask, asyncio.ensure_future(send(ask))) for ask in step)
            asked, task = flight[0]
            try:
                found = await task
            except KonvoError as error:
                error.tell_place(*asked, handed_over)
                raise
            flight.popleft()
            step = steps.send(found)
    except StopIteration:
        return
    finally:
        for _, task in flight:
            task.cancel()
        await asyncio.gather(*(task for _, task in flight), return_exceptions=True)
