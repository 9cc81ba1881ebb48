"""Lists and scans that are read as they are iterated."""

import functools
import inspect
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import aclosing, closing
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import httpx

from ._drift import Drift
from ._drive import async_drive, drive
from ._reading import Ask, Bounds, Steps, read_list
from ._scan import Window, WindowScan
from ._walk import Answer, Page

T = TypeVar("T")


class ListQuery(NamedTuple):
    """One list operation with its arguments: which requests it takes, apart from how they are sent.

    Attributes:
        build: The generated request builder.
        read: Decodes an answer.
        bounds: The times between which records are asked for.
        include: The parameters that add to each record, which no count needs.
    """

    build: Callable[..., dict[str, Any]]
    read: Callable[[httpx.Response, Drift], Answer[Any]]
    page: int | None
    limit: int
    concurrency: int
    bounds: Bounds
    include: dict[str, Any]

    def pages(self) -> Steps[Page[Any]]:
        return read_list(self.page, self.bounds, self.concurrency, now=partial(datetime.now, UTC))

    def windows(self) -> Steps[Window[Any]]:
        return WindowScan[Any](self.bounds, self.limit, self.concurrency, now=partial(datetime.now, UTC)).read()

    def request(self, ask: Ask) -> dict[str, Any]:
        return self.build(limit=self.limit, **self.include, **self._given(ask))

    def count_request(self) -> dict[str, Any]:
        return self.build(limit=1, **self._given(Ask(None, *self.bounds)))

    def _given(self, ask: Ask) -> dict[str, Any]:
        """The parameters of a request, those left out that the operation does not take."""
        parameters = {"page": ask.page, "updated_at_min": ask.minimum, "updated_at_max": ask.maximum}
        taken = taken_by(self.build)
        return {name: value for name, value in parameters.items() if value is not None and name in taken}

    def __str__(self) -> str:
        request = self.build()
        return f"{request['method'].upper()} {request['url']}"


@functools.cache
def taken_by(build: Callable[..., dict[str, Any]]) -> Mapping[str, inspect.Parameter]:
    """The parameters of a generated request builder."""
    return inspect.signature(build).parameters


class Reader(Generic[T]):
    """What a list and a scan have in common: one operation, and a way to ask it."""

    def __init__(self, fetch: Callable[..., Answer[T]], query: ListQuery) -> None:
        self._fetch = fetch
        self._query = query

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._query}>"

    def _answer(self, ask: Ask, stop: threading.Event) -> Answer[T]:
        return self._fetch(self._query, self._query.request(ask), stop)


class AsyncReader(Generic[T]):
    """The twin of `Reader`."""

    def __init__(self, fetch: Callable[[ListQuery, dict[str, Any]], Awaitable[Answer[T]]], query: ListQuery) -> None:
        self._fetch = fetch
        self._query = query

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._query}>"

    async def _answer(self, ask: Ask) -> Answer[T]:
        return await self._fetch(self._query, self._query.request(ask))


class Paginator(Reader[T]):
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
        return drive(self._query.pages(), self._answer)

    def count(self) -> int | None:
        """The server's total for this list, by one request of one record; None where the server tells none."""
        return self._fetch(self._query, self._query.count_request()).count


class AsyncPaginator(AsyncReader[T]):
    """The twin of `Paginator`: `async for`, and `await` for the count."""

    async def __aiter__(self) -> AsyncIterator[T]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    def pages(self) -> AsyncGenerator[Page[T], None]:
        """The pages of the list, those without a new record left out."""
        return async_drive(self._query.pages(), self._answer)

    async def count(self) -> int | None:
        """The server's total for this list, by one request of one record; None where the server tells none."""
        return (await self._fetch(self._query, self._query.count_request())).count


class Scan(Reader[T]):
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
        return drive(self._query.windows(), self._answer)


class AsyncScan(AsyncReader[T]):
    """The twin of `Scan`: `async for`."""

    async def __aiter__(self) -> AsyncIterator[T]:
        async with aclosing(self.windows()) as windows:
            async for window in windows:
                for item in window.items:
                    yield item

    def windows(self) -> AsyncGenerator[Window[T], None]:
        """The windows of time, one after the other, empty ones too: `scan(updated_at_min=window.end)` goes on."""
        return async_drive(self._query.windows(), self._answer)
