"""The two thin drivers of a reading: they send what it asks, and hand over what it gives."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from ._reading import Ask, Steps
from ._walk import Answer

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


def drive(steps: Steps[T], send: Callable[[Ask], Answer[Any]], concurrency: int) -> Generator[T, None, None]:
    """Sends by threads where more than one request is in flight; when it is closed, none goes on."""
    flight: deque[Future[Answer[Any]]] = deque()
    with ThreadPoolExecutor(concurrency, thread_name_prefix="konvoai") as pool:
        try:
            step = next(steps)
            while True:
                if isinstance(step, list):
                    if len(step) == 1 and not flight:
                        step = steps.send(send(step[0]))
                        continue
                    flight.extend(pool.submit(send, ask) for ask in step)
                    step = steps.send(flight.popleft().result())
                else:
                    yield step
                    step = next(steps)
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
            if isinstance(step, list):
                flight.extend(asyncio.ensure_future(send(ask)) for ask in step)
                step = steps.send(await flight[0])
                flight.popleft()
            else:
                yield step
                step = next(steps)
    except StopIteration:
        return
    finally:
        for task in flight:
            task.cancel()
        await asyncio.gather(*flight, return_exceptions=True)
