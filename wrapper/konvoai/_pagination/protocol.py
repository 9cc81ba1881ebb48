"""The vocabulary of list and scan: requests, responses, pages, windows, and the flow between them."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from ..errors import APIStatusError, IncompleteError

T = TypeVar("T")
MILLISECOND = timedelta(milliseconds=1)  # the resolution of the API document's times


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
    """

    page_base: int | None = None
    proven_count: int = 0


Bounds = tuple[datetime | None, datetime | None]
Flow = Generator[list[PageRequest] | T, PageResponse[Any], Any]
"""Yields the requests to send now (none: wait for the oldest in flight), or a page or window to emit.

It is sent the response to the oldest request in flight; where that failed, the `KonvoError` is thrown into it.
"""


@dataclass
class Window(Generic[T]):
    """What was updated in a span of time.

    Attributes:
        start: Where it begins, an aware datetime.
        end: Everything up to here has been yielded: `scan(updated_at_min=window.end)` continues from there.
        items: Its records.
    """

    start: datetime
    end: datetime
    items: list[T]


class Query(Protocol):
    """One list operation with its arguments: its flows, and the request of each step, whatever sends it."""

    def pages(self) -> Flow[Page[Any]]: ...

    def windows(self) -> Flow[Window[Any]]: ...

    def request(self, request: PageRequest) -> dict[str, Any]: ...

    def count_request(self) -> dict[str, Any]: ...


def record_key(item: Any) -> str | bytes:
    """Identifies a record: its id, or a hash of its JSON where the id is missing or no text."""
    key = getattr(item, "id", None)
    if isinstance(key, str) and key:
        return key
    raw = getattr(item, "raw", None)
    text = raw if isinstance(raw, str) else json.dumps(item.to_dict(), sort_keys=True, default=str)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def record_keys(items: Iterable[Any]) -> list[str | bytes]:
    """The keys of the records of one response; equal ones without an id are distinguished by their number.

    An overlap or a repeated page has them again, with the same keys.
    """
    numbers: Counter[bytes] = Counter()
    keys: list[str | bytes] = []
    for key in map(record_key, items):
        if isinstance(key, bytes):
            numbers[key] += 1
            key += bytes(numbers[key] - 1)
        keys.append(key)
    return keys


def incomplete(expected: int, received: int) -> IncompleteError:
    return IncompleteError(
        f"{received} of {expected} records arrived: the server counts more than it gives. Read them by scan(), or by "
        "shorter spans of `updated_at_min` and `updated_at_max`",
        expected,
        received,
    )
