"""The pages of one query: which to request, and when all have been read. Pure decisions over responses."""

from collections import deque
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from .protocol import Page, PageResponse, ServerTraits, record_key, record_keys

T = TypeVar("T")
MAX_BASE_CHECKS = 3
MAX_EMPTY_PAGES = 3  # in a row, while `count` says that there is more


class ReadInterval(NamedTuple):
    """A page that was read: its offset in the list, and how many records the list had then."""

    offset: int
    total: int


class SeenIds(Generic[T]):
    """The keys of the records that were yielded."""

    def __init__(self) -> None:
        self._keys: set[str | bytes] = set()

    def __len__(self) -> int:
        return len(self._keys)

    def unseen(self, items: list[T]) -> list[T]:
        """Those of `items` that are not among them, each once."""
        return list(self._unseen(items, record_keys(items)).values())

    def _unseen(self, items: list[T], keys: list[str | bytes]) -> dict[str | bytes, T]:
        found: dict[str | bytes, T] = {}
        for key, item in zip(keys, items, strict=True):
            if key not in self._keys:
                found.setdefault(key, item)  # of a record that a page repeats, the first copy
        return found

    def new(self, items: list[T], keys: list[str | bytes] | None = None) -> list[T]:
        """Those of `items` that are seen for the first time; `keys` are theirs, where these are known."""
        found = self._unseen(items, record_keys(items) if keys is None else keys)
        self._keys.update(found)
        return list(found.values())


class Held(Generic[T]):
    """The records of a window that are in hand."""

    def __init__(self, first: Sequence[T] = ()) -> None:
        self.items: dict[str | bytes, T] = {}
        self._repeats: dict[int, int] = {}
        self.add(0, first)

    def add(self, index: int, items: Sequence[T]) -> bool:
        """Adds those of a page; returns whether any is new."""
        before, rows = len(self.items), list(zip(record_keys(items), items, strict=True))
        self.items.update(rows)
        # A join may list a record twice within one page, and count it twice.
        self._repeats[index] = max(self._repeats.get(index, 0), len(rows) - len(dict(rows)))
        return len(self.items) > before

    @property
    def count(self) -> int:
        return len(self.items) + self.repeats

    @property
    def repeats(self) -> int:
        """How many rows repeat a record of their page."""
        return sum(self._repeats.values())


def same(one: Any, other: Any) -> bool:
    """Whether two records are one."""
    return record_key(one) == record_key(other)


class PageTracker(Generic[T]):
    """Reads the pages of one query, in order, while records leave it.

    The first page is requested without a number and the next as 1: where that has a record of the first page again,
    the server counts from 1. While no record joins the query, `count` only falls, so it shows which of two responses
    is older, even with several requests in flight. `_read` is the length of the list's prefix, at the lowest count,
    whose records have all arrived or left. When the count falls by d, the records that left may all have been in the
    prefix, which is now d shorter; a page that starts within the prefix extends it. See docs/pagination.md.

    Args:
        start: The page to start at, or None for the first.
        seen: The records that were yielded before.
        bounded: Whether no record can join the query, so that `count` only falls where it is true; else it ends at the
            first empty page.
    """

    def __init__(
        self, start: int | None, seen: SeenIds[T], traits: ServerTraits | None = None, *, bounded: bool = True
    ) -> None:
        self._traits = traits or ServerTraits()
        self._seen, self._start = seen, start
        self.base = self._traits.page_base if start is None else start
        self._size = self._read = self._empty_pages = self._base_checks = 0
        self.lowest: int | None = None
        self._bounded = self._falls = bounded
        self._in_flight: deque[tuple[int | None, int | None]] = deque()  # each number with the count known then
        self._ahead: list[ReadInterval] = []
        self._repeats: dict[int, int] = {}  # by page: a join may list a record twice, and count it twice
        self._head: set[str | bytes] = set()
        self._last: tuple[int, list[T]] = 0, []
        self._first: Page[T] | None = None
        self.rose = False
        self.ended = False

    @property
    def waiting(self) -> int:
        """How many responses are still to come."""
        return len(self._in_flight)

    @property
    def held(self) -> int:
        """How many of the records that `count` counts have arrived."""
        return len(self._seen) + self.repeats

    @property
    def repeats(self) -> int:
        """How many rows of its pages repeat a record of the same page."""
        return sum(self._repeats.values())

    def next_pages(self, room: int) -> list[int | None]:
        """The numbers of the pages to request now, at most `room`; None is the first page, whatever its number."""
        if self.ended or room <= 0:
            return []
        numbers = self._numbers(room) if self._size else [] if self._in_flight else [self._start]
        self._in_flight += [(number, self.lowest) for number in numbers]
        return numbers

    def _numbers(self, room: int) -> list[int | None]:
        needed = self._read // self._size
        known = {interval.offset // self._size for interval in self._ahead}
        known |= {self._index(number) for number, _ in self._in_flight}
        end = needed + len(known) + room
        if self.lowest is not None and self._start is None:  # no further than the count says, but always one
            end = max(needed + 1, min(end, self.lowest // self._size + 1))
        indexes = [index for index in range(needed, end) if index not in known][:room]
        return [index + (self.base or 0) if index else self._start for index in indexes]

    def _index(self, number: int | None) -> int:
        return 0 if number is None else number - (self.base or 0)

    def on_response(self, response: PageResponse[T]) -> Page[T] | None:
        """Takes the response to the oldest number requested; returns the page to yield, or None if nothing is new."""
        number, known_count = self._in_flight.popleft()
        page_keys = record_keys(response.items)
        new = self._seen.new(response.items, page_keys)
        if not self.ended:
            self._follow(number, known_count, response, set(page_keys))
        if not new:
            return None
        page = Page(number if number is not None else self.base or 0, new, response.count)
        self._first = self._first or page
        return page

    def _follow(
        self, number: int | None, known_count: int | None, response: PageResponse[T], keys: set[str | bytes]
    ) -> None:
        items = response.items
        if number == self._start:
            self._head, self._size = keys or self._head, self._size or max(len(items), 1)
        elif self.base is None:
            self._find_base(number, keys, response.count == known_count)
        index = 0 if number == self._start else self._index(number)
        if len(items) > len(keys):
            self._repeats[index] = max(self._repeats.get(index, 0), len(items) - len(keys))
        self._shorten(response.count, known_count)
        if response.error is None and (self.base is not None or index == 0):
            self._extend(index, response.count)
        self._decide_end(index, response)
        self._last = index, items

    def _find_base(self, number: int | None, keys: set[str | bytes], unchanged: bool) -> None:
        """Learns the number of the first page from page 1; where the query has changed, it may be read again first."""
        overlaps = not self._head.isdisjoint(keys)
        self._base_checks += number == 1
        if number == 1 and (overlaps or unchanged or not keys or self._base_checks == MAX_BASE_CHECKS):
            self.base = int(overlaps)
            if self._first is not None:
                self._first.number = self.base
            if keys and (keys == self._head or (unchanged and not overlaps)):  # an unstable order shows neither
                self._traits.page_base = self.base

    def _shorten(self, count: int | None, known_count: int | None) -> None:
        if count is None:
            return
        before = count if self.lowest is None else self.lowest
        self.rose = self.rose or (known_count is not None and count > known_count)
        if self._falls and not self.rose:
            self._read = max(self._read - max(before - count, 0), 0)
        self.lowest = min(before, count)

    def _extend(self, index: int, count: int | None) -> None:
        self._ahead.append(ReadInterval(index * self._size, count or 0))
        falls = self._falls and not self.rose and count is not None
        for interval in sorted(self._ahead):
            if interval.offset <= self._read:
                left = max(interval.total - (self.lowest or 0), 0) if falls else 0
                self._read = max(self._read, interval.offset + self._size - left)
        self._ahead = [interval for interval in self._ahead if interval.offset > self._read]

    def _decide_end(self, index: int, response: PageResponse[T]) -> None:
        length, lowest = len(response.items), self.lowest if self._bounded else None
        if index * self._size > self._read:
            return
        short = length < self._size
        last_index, last_items = self._last
        self._empty_pages = 0 if length else self._empty_pages + 1
        if response.error is not None or (length and index > last_index and response.items == last_items):
            self.ended = True
        elif self._start is not None:  # how many records precede the start is not known where pages count from 1
            self.ended = not length or (
                short and lowest is not None and lowest <= (index + self._start) * self._size + length
            )
        elif not length:
            self.ended = lowest is None or self.held >= lowest or self._empty_pages >= MAX_EMPTY_PAGES
        elif lowest is not None and self._read >= lowest and self.held == lowest:
            self.ended = short or (lowest <= self._traits.proven_count and not self.repeats)
