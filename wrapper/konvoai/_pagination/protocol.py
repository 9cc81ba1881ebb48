"""What list and scan are made of: requests, responses, pages, windows, and the flow between them."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")


@dataclass
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        number: As the server numbers pages. Of the first page of a list that was begun without one it is 0 until
            the next page shows where the server begins to count; `list(page=page.number)` begins there again.
        items: Those of its records that no page before it had.
        count: The server's total, or None where it tells none.
    """

    number: int
    items: list[T]
    count: int | None


@dataclass(frozen=True)
class PageResponse(Generic[T]):
    """What one request brought: the records of a page, the server's total and the time of its clock, or None."""

    items: list[T]
    count: int | None
    date: datetime | None = None


MILLISECOND = timedelta(milliseconds=1)  # what the times of the document are told to


class PageRequest(NamedTuple):
    """One request: its page (None is the first), and its bounds of time."""

    page: int | None
    minimum: datetime | None
    maximum: datetime | None


Bounds = tuple[datetime | None, datetime | None]
Flow = Generator[list[PageRequest] | T, PageResponse[Any], Any]


@dataclass
class Window(Generic[T]):
    """What was updated in a span of time.

    Attributes:
        start: Where it begins, an aware datetime.
        end: Everything up to here has been handed over: `scan(updated_at_min=window.end)` goes on from there.
        items: Its records.
    """

    start: datetime
    end: datetime
    items: list[T]


class Query(Protocol):
    """One list operation with its arguments: its flows, and the request of each step, whatever sends it."""

    def pages(self) -> Flow[Page[Any]]: ...

    def windows(self) -> Flow[Window[Any]]: ...

    def request(self, ask: PageRequest) -> dict[str, Any]: ...

    def count_request(self) -> dict[str, Any]: ...
