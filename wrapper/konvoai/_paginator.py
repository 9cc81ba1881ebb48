"""Lists that are read as they are iterated: two thin drivers of `PageWalk`."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

import httpx

from ._drift import Drift
from ._walk import Answer, Page, PageWalk

T = TypeVar("T")


class ListQuery(NamedTuple):
    """One list operation with its arguments: which requests it takes, apart from how they are sent.

    Attributes:
        build: The generated request builder.
        read: Decodes an answer.
        filters: The parameters that choose records.
        include: The parameters that add to each record, which no count needs.
    """

    build: Callable[..., dict[str, Any]]
    read: Callable[[httpx.Response, Drift], Answer[Any]]
    page: int | None
    limit: int
    concurrency: int
    filters: dict[str, Any]
    include: dict[str, Any]

    def request(self, page: int | None) -> dict[str, Any]:
        number = {} if page is None else {"page": page}
        return self.build(**number, limit=self.limit, **self.filters, **self.include)

    def count_request(self) -> dict[str, Any]:
        return self.build(limit=1, **self.filters)

    def __str__(self) -> str:
        request = self.build()
        return f"{request['method'].upper()} {request['url']}"


class Paginator(Generic[T]):
    """A list of the API: iterate it for its records, each once, in the server's order.

    Nothing is asked before the first record is wanted; iterating again reads again. Iterating raises `KonvoError`:
    `APIStatusError` or `APIConnectionError` for a request that failed, `ResponseValidationError` for an answer that is
    no list, `PaginationError` where the server repeats itself while it says that there is more.
    """

    def __init__(self, fetch: Callable[[ListQuery, dict[str, Any]], Answer[T]], query: ListQuery) -> None:
        self._fetch = fetch
        self._query = query

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._query}>"

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[T]]:
        """The pages of the list, those without a new record left out."""
        walk = PageWalk[T](self._query.page)
        while not walk.ended:
            page = walk.receive(self._fetch(self._query, self._query.request(walk.next_page)))
            if page is not None:
                yield page

    def count(self) -> int | None:
        """The server's total for this list, by one request of one record; None where the server tells none."""
        return self._fetch(self._query, self._query.count_request()).count


class AsyncPaginator(Generic[T]):
    """The twin of `Paginator`: `async for`, and `await` for the count."""

    def __init__(self, fetch: Callable[[ListQuery, dict[str, Any]], Awaitable[Answer[T]]], query: ListQuery) -> None:
        self._fetch = fetch
        self._query = query

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._query}>"

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """The pages of the list, those without a new record left out."""
        walk = PageWalk[T](self._query.page)
        while not walk.ended:
            page = walk.receive(await self._fetch(self._query, self._query.request(walk.next_page)))
            if page is not None:
                yield page

    async def count(self) -> int | None:
        """The server's total for this list, by one request of one record; None where the server tells none."""
        return (await self._fetch(self._query, self._query.count_request())).count
