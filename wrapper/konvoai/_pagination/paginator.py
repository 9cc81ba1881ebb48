"""Lists and scans as users iterate them; the flows decide, the drivers send."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import KonvoError
from .drivers import run, run_async
from .protocol import Page, PageRequest, Query, Window

if TYPE_CHECKING:
    import pyarrow

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

    _parts: Callable[[], Any]
    """Iterates over the pages of a list or the windows of a scan."""

    def _tables(self, columns: Sequence[str] | None, raw: bool) -> tuple[Any, Any]:
        """Returns the pages or windows of raw records, and the tables that are built of them."""
        query, tables = self._query.tables(columns, raw)
        return type(self)(self._fetch, query)._parts(), tables


class SyncResult(LazyResult[T]):
    """What a list and a scan share.

    Attributes:
        error: The error that ended the last use of `to_arrow_batches` or of the C stream, or None. A library that reads
            the C stream raises an error of its own, with the same text.
    """

    error: KonvoError | None = None

    def to_arrow(self, columns: Sequence[str] | None = None, raw: bool = False) -> pyarrow.Table:
        """Returns all records as an Arrow table, each once, in its latest state.

        Args:
            columns: The names of the columns, as docs/columns.md lists them; they decide what is requested: messages
                and state only where a column needs them. None builds every column, of what the list or scan requests.
            raw: Whether to add the column `raw`, the JSON of each record as received.

        Raises:
            KonvoError: pyarrow is not installed, or the reading failed as iterating may.
            ValueError: A column does not exist.
        """
        parts, tables = self._tables(columns, raw)
        builder = tables.builder()
        with closing(parts):
            for part in parts:
                builder.add(part.items)
        return builder.table()

    def to_arrow_batches(self, columns: Sequence[str] | None = None, raw: bool = False) -> pyarrow.RecordBatchReader:
        """Returns the records as Arrow batches, one for each page or window, which are read as you go.

        Arguments and errors are those of `to_arrow`. A session that changes during a scan may come again, in its later
        state, as by iteration.
        """
        parts, tables = self._tables(columns, raw)
        return tables.reader(self._noting_error(parts))

    def _noting_error(self, parts: Generator[Any, None, None]) -> Iterator[Any]:
        self.error = None
        try:
            with closing(parts):
                yield from parts
        except KonvoError as error:
            self.error = error
            raise

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Returns the batches of `to_arrow_batches` as an Arrow C stream, which pandas, polars and DuckDB read.

        Each use of the stream reads the API again.
        """
        return self.to_arrow_batches().__arrow_c_stream__(requested_schema)


class AsyncResult(LazyResult[T]):
    """What an async list and an async scan share."""

    async def to_arrow(self, columns: Sequence[str] | None = None, raw: bool = False) -> pyarrow.Table:
        """Returns all records as an Arrow table, as `Paginator.to_arrow` does."""
        parts, tables = self._tables(columns, raw)
        builder = tables.builder()
        async with aclosing(parts):
            async for part in parts:
                builder.add(part.items)
        return builder.table()

    def to_arrow_batches(
        self, columns: Sequence[str] | None = None, raw: bool = False
    ) -> AsyncGenerator[pyarrow.RecordBatch, None]:
        """Iterates over the records as Arrow batches, as those of `Paginator.to_arrow_batches`."""
        parts, tables = self._tables(columns, raw)
        return batches_of(parts, tables)


async def batches_of(parts: AsyncGenerator[Any, None], tables: Any) -> AsyncGenerator[Any, None]:
    async with aclosing(parts):
        async for part in parts:
            if part.items:
                yield tables.batch(part.items)


class Paginator(SyncResult[T]):
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

    _parts = pages

    def first(self) -> T | None:
        """Returns the first record of the list, or None where there is none; least costly with `list(limit=1)`."""
        with closing(self.pages()) as pages:
            return next((page.items[0] for page in pages), None)

    def count(self) -> int | None:
        """Returns the server's total, from one request for one record; None where the server sends no total."""
        count: int | None = self._fetch(self._query, self._query.count_request()).count
        return count


class AsyncPaginator(AsyncResult[T]):
    """`Paginator` for `async for`; `count` and `first` are coroutines."""

    async def __aiter__(self) -> AsyncIterator[T]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    def pages(self) -> AsyncGenerator[Page[T], None]:
        """Iterates over the pages; pages without a new record are left out."""
        return run_async(self._query.pages(), self._send, self._query.concurrency)

    _parts = pages

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


class Scan(SyncResult[T]):
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

    _parts = windows


class AsyncScan(AsyncResult[T]):
    """`Scan` for `async for`."""

    async def __aiter__(self) -> AsyncIterator[T]:
        async with aclosing(self.windows()) as windows:
            async for window in windows:
                for item in window.items:
                    yield item

    def windows(self) -> AsyncGenerator[Window[T], None]:
        """Iterates over the time windows in order, empty ones included; `scan(updated_at_min=window.end)` resumes."""
        return run_async(self._query.windows(), self._send, self._query.concurrency)

    _parts = windows
