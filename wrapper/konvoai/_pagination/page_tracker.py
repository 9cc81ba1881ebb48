"""Which pages of one query are asked, and when all of it has been read: pure decisions over answers."""

from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

from ..errors import PaginationError
from .protocol import Page, PageResponse

T = TypeVar("T")


class ReadInterval(NamedTuple):
    """A page that was read: where it began in the list, and how many records the list had then."""

    offset: int
    total: int


class SeenIds(Generic[T]):
    """The ids of the records that were handed over."""

    def __init__(self) -> None:
        self._ids: set[Any] = set()

    def new(self, items: Iterable[T]) -> list[T]:
        """Those of `items` that are seen for the first time; one without an id is taken for no other."""
        found = []
        for item in items:
            key = getattr(item, "id", None)
            if key:
                if key in self._ids:
                    continue
                self._ids.add(key)
            found.append(item)
        return found


def same(one: Any, other: Any) -> bool:
    """Whether two records are one; without an id, whether they are equal."""
    return bool(one.id == other.id if getattr(one, "id", None) else one == other)


class PageTracker(Generic[T]):
    """Reads the pages of one query, in order, while records leave it.

    Where pages begin and how long they are. The document does not say whether the first page is 0 or 1, so the first
    is asked without a number and the next is 1: where that has a record of the first again, the server counts from 1.
    The first page, if it is not the last, is as long as the server makes pages.

    What is known to be read. No record joins the query or changes its place within it, as its upper bound lies in the
    past, but records leave, and each that leaves moves those behind it forward. So `count` only falls, and tells which
    of two answers is the older, even where several requests are in flight. `_read` is the length of the prefix of the
    list, as it was at the lowest count, whose records have all arrived, but for those that left. When the count falls
    by d, the records that left may all have stood within the prefix, so it is now d shorter. A page that began within
    the prefix makes it longer: the page of an older state, of a count higher by d, held all that now stands before its
    end less d. Where the prefix ends within a page that was asked before, that page is asked again. A count that
    rises shows that the server does not heed the bound, or lies: from then on counts move nothing.

    The end is a page that begins within the prefix and is empty, or is shorter than the first page while `count` does
    not say that more is to come. Where `count` is missing or a lie nothing moves the prefix back: data that stands
    still is read whole. A server that ignores `page` repeats itself; that ends the walk, or is a `PaginationError`
    where the count says that there is more.

    Args:
        bounded: Whether the query's upper bound lies in the past; else counts move nothing, and nothing is an error.
        counted: Whether `count` is known to be true, so that a full page can be the last.
    """

    def __init__(self, page: int | None, seen: SeenIds[T], *, bounded: bool = True, counted: bool = False) -> None:
        self._counted = counted
        self._seen = seen
        self._start = page
        self.base = page or None
        self._size = 0
        self._read = 0
        self._count: int | None = None
        self._arrived = 0
        self._ahead: list[ReadInterval] = []
        self._asked: list[tuple[int | None, int | None]] = []  # each number with the count that was known then
        self._falls = self._bounded = bounded
        self._head: list[T] = []
        self._furthest = -1
        self._first: Page[T] | None = None
        self._last: list[T] = []
        self.moved = False
        self.ended = False

    @property
    def size(self) -> int:
        """How many records the server puts on a page, as far as is known."""
        return self._size

    @property
    def waiting(self) -> int:
        """How many answers are still to come."""
        return len(self._asked)

    def next_pages(self, room: int) -> list[int | None]:
        """The numbers of the pages to ask now, at most `room`; None is the first page, whatever its number."""
        if self.ended or room <= 0:
            return []
        wanted = self._numbers(room) if self._size else [] if self._asked else [self._start]
        self._asked += [(number, self._count) for number in wanted]
        return wanted

    def _numbers(self, room: int) -> list[int | None]:
        needed = self._read // self._size
        known = {coverage.offset // self._size for coverage in self._ahead}
        known |= {(number or 0) - (self.base or 0) for number, _ in self._asked}
        most = needed + len(known) + room
        if self._count is not None and not self._start:  # the last is short, or after a full one empty
            most = max(needed + 1, min(most, self._count // self._size + 1))
        indexes = [index for index in range(needed, most) if index not in known][:room]
        return [index + (self.base or 0) if index or self.base else self._start for index in indexes]

    def on_response(self, answer: PageResponse[T]) -> Page[T] | None:
        """Takes the answer to the oldest number asked; gives the page to hand over, or None if it has nothing new."""
        number, known_count = self._asked.pop(0)
        if self.ended:
            return None
        new = [] if answer.items == self._last else self._seen.new(answer.items)
        self._last = answer.items
        self._arrived += len(new)
        self._shorten(answer.count, known_count)
        index = self._index(number, answer.items)
        self._extend(index, answer.count)
        self._decide_end(index, answer, len(new))
        if not new:
            return None
        page = Page(number if number is not None else self.base or 0, new, answer.count)
        self._first = self._first or page
        return page

    def _shorten(self, count: int | None, known_count: int | None) -> None:
        if count is None:
            return
        before = count if self._count is None else self._count
        self.moved = self.moved or count != before
        if known_count is not None and count > known_count:
            self._falls = False
        if self._falls:
            self._read = max(self._read - max(before - count, 0), 0)
        self._count = min(before, count)

    def _index(self, number: int | None, items: list[T]) -> int:
        """How many pages stand before the one of this number."""
        if number == self._start:
            self._head, self._size = self._head or items, self._size or max(len(items), 1)
            return 0
        if self.base is None:
            # Where all of the first page has left, it may be 0 by mistake: one off for the numbers as for the prefix.
            self.base = 1 if any(same(item, first) for first in self._head for item in items[:1]) else 0
            if self._first is not None:
                self._first.number = self.base
        return (number or 0) - self.base

    def _extend(self, index: int, count: int | None) -> None:
        self._ahead.append(ReadInterval(index * self._size, count or 0))
        for coverage in sorted(self._ahead):
            if coverage.offset <= self._read:
                left = max(coverage.total - (self._count or 0), 0) if self._falls else 0
                self._read = max(self._read, coverage.offset + self._size - left)
        self._ahead = [coverage for coverage in self._ahead if coverage.offset > self._read]

    def _decide_end(self, index: int, answer: PageResponse[T], new: int) -> None:
        offset, length, count = index * self._size, len(answer.items), answer.count or 0
        first_time, self._furthest = index > self._furthest, max(index, self._furthest)
        if offset > self._read:
            return
        owed = not self._start and count > offset + length
        if not length or (length < self._size and not owed) or (self._counted and count == offset + length):
            self.ended = True
        elif first_time and not new and (not self.moved or offset >= count):
            self.ended = True
            self.moved = self.moved or not self._bounded
            if not self._start and self._falls and count > self._arrived:
                raise PaginationError(
                    f"the server repeats itself at page {index + (self.base or 0)}: {self._arrived} of {count} "
                    "arrived; it may not know the parameter `page`"
                )
        elif first_time and new < length:
            self.moved = True
