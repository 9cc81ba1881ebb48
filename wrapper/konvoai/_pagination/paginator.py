"""Lists and scans as users iterate them; the flows decide, the drivers send."""

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import aclosing, closing
from typing import Any, Generic, TypeVar

from .drivers import run, run_async
from .protocol import Page, PageRequest, Query, Window

T = TypeVar("T")


class LazyResult(Generic[T]):
    """A query that sends no request until it is iterated, and reads again when it is iterated again."""

    def __init__(self, fetch: Callable[..., Any], query: Query) -> None:
        self._fetch = fetch
        self._query = query

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._query}>"

    def _send(self, request: PageRequest, *stop: threading.Event) -> Any:
        """Sends one request: the response, or for the async client an awaitable of it."""
        return self._fetch(self._query, self._query.request(request), *stop)


class Paginator(LazyResult[T]):
    """A list of the API: iterate it for its records, each exactly once, in the server's order.

    Raises, while it is iterated:
        APIStatusError, APIConnectionError: A request failed after its retries.
        ResponseValidationError: A response is not a list of records.
        PaginationError: The server repeats itself while its `count` says that there is more.
    """

    def __iter__(self) -> Iterator[T]:
        with closing(self.pages()) as pages:
            for page in pages:
                items = page.items
                del page  # so that no page lives while the next is decoded
                yield from items
                del items

    def pages(self) -> Generator[Page[T], None, None]:
        """Iterates over the pages; pages without a new record are left out."""
        return run(self._query.pages(), self._send, self._query.concurrency)

    def first(self) -> T | None:
        """Returns the first record of the list, or None where there is none; least costly with `list(limit=1)`."""
        with closing(self.pages()) as pages:
            return next((page.items[0] for page in pages), None)

    def count(self) -> int | None:
        """Returns the server's total, from one request for one record; None where the server sends no total."""
        count: int | None = self._fetch(self._query, self._query.count_request()).count
        return count


class AsyncPaginator(LazyResult[T]):
    """`Paginator` for `async for`; `count` and `first` are coroutines."""

    async def __aiter__(self) -> AsyncIterator[T]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    def pages(self) -> AsyncGenerator[Page[T], None]:
        """Iterates over the pages; pages without a new record are left out."""
        return run_async(self._query.pages(), self._send, self._query.concurrency)

    async def first(self) -> T | None:
        """Returns the first record of the list, or None where there is none; least costly with `list(limit=1)`."""
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                return page.items[0]
        return None

    async def count(self) -> int | None:
        """Returns the server's total, from one request for one record; None where the server sends no total."""
        count: int | None = (await self._fetch(self._query, self._query.count_request())).count
        return count


class Scan(LazyResult[T]):
    """A scan of the API: iterate it for its records, the oldest update first.

    Each record comes once; one that changes during the scan may come again, in its later state. Iterating raises the
    errors of `Paginator`.
    """

    def __iter__(self) -> Iterator[T]:
        with closing(self.windows()) as windows:
            for window in windows:
                items = window.items
                del window
                yield from items
                del items

    def windows(self) -> Generator[Window[T], None, None]:
        """Iterates over the time windows in order, empty ones included; `scan(updated_at_min=window.end)` resumes."""
        return run(self._query.windows(), self._send, self._query.concurrency)


class AsyncScan(LazyResult[T]):
    """`Scan` for `async for`."""

    async def __aiter__(self) -> AsyncIterator[T]:
        async with aclosing(self.windows()) as windows:
            async for window in windows:
                for item in window.items:
                    yield item

    def windows(self) -> AsyncGenerator[Window[T], None]:
        """Iterates over the time windows in order, empty ones included; `scan(updated_at_min=window.end)` resumes."""
        return run_async(self._query.windows(), self._send, self._query.concurrency)
