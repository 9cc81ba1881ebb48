"""The two thin drivers of a reading: they send what it asks, and hand over what it gives."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from ._reading import Ask, Steps
from ._walk import Answer

T = TypeVar("T")


def drive(steps: Steps[T], send: Callable[[Ask], Answer[Any]], concurrency: int) -> Generator[T, None, None]:
    """Sends by threads where more than one request is in flight; when it is closed, none goes on."""
    flight: deque[Future[Answer[Any]]] = deque()
    pool = ThreadPoolExecutor(concurrency, thread_name_prefix="konvoai")
    try:
        step = next(steps)
        while True:
            if not isinstance(step, list):
                yield step
                step = next(steps)
            elif len(step) == 1 and not flight:
                step = steps.send(send(step[0]))
            else:
                flight.extend(pool.submit(send, ask) for ask in step)
                step = steps.send(flight.popleft().result())
    except StopIteration:
        return
    finally:
        pool.shutdown(cancel_futures=True)


async def async_drive(
    steps: Steps[T], send: Callable[[Ask], Awaitable[Answer[Any]]], concurrency: int
) -> AsyncGenerator[T, None]:
    """The twin of `drive`, by tasks."""
    import asyncio

    flight: deque[asyncio.Task[Answer[Any]]] = deque()
    try:
        step = next(steps)
        while True:
            if not isinstance(step, list):
                yield step
                step = next(steps)
            else:
                flight.extend(asyncio.ensure_future(send(ask)) for ask in step)
                step = steps.send(await flight[0])
                flight.popleft()
    except StopIteration:
        return
    finally:
        for task in flight:
            task.cancel()
        await asyncio.gather(*flight, return_exceptions=True)
