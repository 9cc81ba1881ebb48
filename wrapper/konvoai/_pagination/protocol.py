"""The vocabulary of list and scan: requests, responses, pages, windows, and the flow between them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ..errors import APIStatusError, IncompleteError
from .record_keys import Key

T = TypeVar("T")
DEFAULT_LAG = timedelta(seconds=5)  # after which a change is visible
HTML_ITEMS = 10
MILLISECOND = timedelta(milliseconds=1)  # the resolution of the API document's times


def html_list(part: Any, items: Sequence[Any]) -> str:
    """Returns the representation of a page or window in a notebook, with its first items."""
    shown = "".join(f"<li>{escape(repr(item))}</li>" for item in items[:HTML_ITEMS])
    return f"<p>{escape(repr(part))}</p><ol>{shown}</ol>"


@dataclass
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        number: As the server numbers pages. The first page of a list that starts without a number has 0 until the
            next page shows where the server starts to count; `list(page=page.number)` starts there again.
        items: Its records, without those of earlier pages.
        count: The server's total, or None where it gives none.
    """

    number: int
    items: list[T]
    count: int | None

    def __repr__(self) -> str:
        total = "" if self.count is None else f" of {self.count}"
        return f"<Page {self.number}: {len(self.items)} items{total}>"

    def _repr_html_(self) -> str:
        return html_list(self, self.items)


@dataclass(frozen=True)
class PageResponse(Generic[T]):
    """The result of one request.

    Attributes:
        items: The records of a page.
        count: The server's total, or None.
        date: The server's clock, or None.
        error: Why there are no records: the server has no such page, or accepts no such time.
    """

    items: list[T]
    count: int | None
    date: datetime | None = None
    error: APIStatusError | None = None


class PageRequest(NamedTuple):
    """One request: its page (None is the first) and its time bounds."""

    page: int | None
    minimum: datetime | None
    maximum: datetime | None


@dataclass
class ServerTraits:
    """What the requests of a client have shown about its server; one object for all lists and scans of a client.

    Attributes:
        page_base: The number of the first page, once a reading has proved it.
        proven_count: The largest `count` that proved true.
        filters_count: Whether a second that has no records counts none, once that was requested.
    """

    page_base: int | None = None
    proven_count: int = 0
    filters_count: bool | None = None

    def learn_base(self, head: set[Key], row: Sequence[Key], *, unchanged: bool) -> int:
        """Returns the number of the first page, of which `head` are the records, by those of page 1.

        It is remembered where it is certain: where records move or come in another order, both pages share some.
        """
        shared = len(head.intersection(row))
        base = int(shared * 2 > len(head))
        if row and unchanged and not 0.1 < shared / max(len(head), 1) < 0.9:
            self.page_base = base
        return base


Bounds = tuple[datetime | None, datetime | None]
LOOK_AHEAD = 2  # requests for each that is in flight, so that one slow response does not stop the others
Flow = Generator[list[PageRequest] | T, PageResponse[Any], Any]
"""Yields the requests to send next (none: wait for the oldest), or a page or window to emit.

It is sent the response to the oldest request in flight; where that failed, the `KonvoError` is thrown into it.
"""


@dataclass
class Window(Generic[T]):
    """What was updated in a span of time, or a piece of it.

    Attributes:
        start: Where it begins, an aware datetime.
        end: Everything up to here has been yielded: `scan(updated_at_min=window.end)` continues from there. While more
            records of its span are to come, it is `start`.
        items: Its records.
    """

    start: datetime
    end: datetime
    items: list[T]

    def __repr__(self) -> str:
        start, end = (time.isoformat(timespec="seconds") for time in (self.start, self.end))
        return f"<Window {start} to {end}: {len(self.items)} items>"

    def _repr_html_(self) -> str:
        return html_list(self, self.items)


class Query(Protocol):
    """One list operation with its arguments: its flows, and the request of each step, whatever sends it."""

    @property
    def concurrency(self) -> int: ...

    def pages(self) -> Flow[Page[Any]]: ...

    def windows(self) -> Flow[Window[Any]]: ...

    def request(self, request: PageRequest) -> dict[str, Any]: ...

    def count_request(self) -> dict[str, Any]: ...

    def tables(self, columns: Sequence[str] | None, raw: bool) -> tuple[Query, Any]:
        """Returns the query of raw records that have these columns, and what builds Arrow tables of them."""


def incomplete(expected: int, received: int) -> IncompleteError:
    return IncompleteError(
        f"{received} of {expected} records arrived: the server counts more than it gives. Read them by scan(), or by "
        "shorter spans of `updated_at_min` and `updated_at_max`",
        expected,
        received,
    )
