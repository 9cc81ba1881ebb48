"""Lists and scans that are read as they are iterated."""

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import aclosing, closing
from typing import Generic, TypeVar

from .drivers import run, run_async
from .protocol import Page, PageRequest, PageResponse, Query, Window

T = TypeVar("T")


class LazyResult(Generic[T]):
    """What a list and a scan have in common: one operation, and a way to ask it."""

    def __init__(self, fetch: Callable[..., PageResponse[T]], query: Query) -> None:
        self._fetch = fetch
        self._query = query

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._query}>"

    def _answer(self, ask: PageRequest, stop: threading.Event) -> PageResponse[T]:
        return self._fetch(self._query, self._query.request(ask), stop)


class AsyncLazyResult(Generic[T]):
    """The twin of `LazyResult`."""

    def __init__(self, fetch: Callable[..., Awaitable[PageResponse[T]]], query: Query) -> None:
        self._fetch = fetch
        self._query = query

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._query}>"

    async def _answer(self, ask: PageRequest) -> PageResponse[T]:
        return await self._fetch(self._query, self._query.request(ask))


class Paginator(LazyResult[T]):
    """A list of the API: iterate it for its records, each once, in the server's order.

    Nothing is asked before the first record is wanted; iterating again reads again. Iterating raises `KonvoError`:
    `APIStatusError` or `APIConnectionError` for a request that failed, `ResponseValidationError` for an answer that is
    no list, `PaginationError` where the server repeats itself while it says that there is more.
    """

    def __iter__(self) -> Iterator[T]:
        with closing(self.pages()) as pages:
            for page in pages:
                yield from page.items

    def pages(self) -> Generator[Page[T], None, None]:
        """The pages of the list, those without a new record left out."""
        return run(self._query.pages(), self._answer)

    def count(self) -> int | None:
        """The server's total for this list, by one request of one record; None where the server tells none."""
        return self._fetch(self._query, self._query.count_request()).count


class AsyncPaginator(AsyncLazyResult[T]):
    """The twin of `Paginator`: `async for`, and `await` for the count."""

    async def __aiter__(self) -> AsyncIterator[T]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    def pages(self) -> AsyncGenerator[Page[T], None]:
        """The pages of the list, those without a new record left out."""
        return run_async(self._query.pages(), self._answer)

    async def count(self) -> int | None:
        """The server's total for this list, by one request of one record; None where the server tells none."""
        return (await self._fetch(self._query, self._query.count_request())).count


class Scan(LazyResult[T]):
    """A scan of the API: iterate it for its records, the oldest update first.

    Each record comes once; one that changes meanwhile may come again, in its later state. Iterating again reads
    again, and raises what iterating a `Paginator` does.
    """

    def __iter__(self) -> Iterator[T]:
        with closing(self.windows()) as windows:
            for window in windows:
                yield from window.items

    def windows(self) -> Generator[Window[T], None, None]:
        """The windows of time, one after the other, empty ones too: `scan(updated_at_min=window.end)` goes on."""
        return run(self._query.windows(), self._answer)


class AsyncScan(AsyncLazyResult[T]):
    """The twin of `Scan`: `async for`."""

    async def __aiter__(self) -> AsyncIterator[T]:
        async with aclosing(self.windows()) as windows:
            async for window in windows:
                for item in window.items:
                    yield item

    def windows(self) -> AsyncGenerator[Window[T], None]:
        """The windows of time, one after the other, empty ones too: `scan(updated_at_min=window.end)` goes on."""
        return run_async(self._query.windows(), self._answer)
