"""The pages of one query in the server's order: which to request, and when all have been read."""

from collections import deque
from collections.abc import Sized
from typing import Any, NamedTuple

from .protocol import PageResponse, ServerTraits
from .record_keys import Key

MAX_EMPTY_PAGES = 3  # in a row, while `count` says that there is more


class ReadPage(NamedTuple):
    """A page that was read: its offset in the list, and how many records the list had then."""

    offset: int
    total: int


class PageTracker:
    """Reads the pages of one query, in order, while records leave it.

    While no record joins the query, `count` only falls, so it shows which of two responses is older, even with
    several requests in flight. `_read` is the length of the list's prefix, at the lowest count, whose records have all
    arrived or left. When the count falls by d, the records that left may all have been in the prefix, which is now d
    shorter; a page that starts within the prefix extends it. See docs/pagination.md.

    The first page is requested without a number and the next as 1: where that has a record of the first page again,
    the server counts from 1.

    Args:
        seen: The keys of the records that were yielded; those of each response are in it before `on_response`.
        start: The number of the page to start at, or None for the first.
        closed: Whether no record can join the query, so that `count` only falls where it is true; else the walk ends
            at the first empty page.

    Attributes:
        closed: As the argument.
        rose: Whether `count` rose: it is untrue, or records joined.
    """

    def __init__(self, traits: ServerTraits, seen: Sized, start: int | None = None, *, closed: bool) -> None:
        self._traits, self._seen, self._start, self.closed = traits, seen, start, closed
        self.base = traits.page_base if start is None else start
        self._size = self._read = self._empty_pages = 0
        self.lowest: int | None = None
        self.rose = self.ended = False
        self._in_flight: deque[tuple[int, int | None]] = deque()  # each index with the lowest count known then
        self._ahead: list[ReadPage] = []
        self._head: set[Key] = set()
        self._last: tuple[int, list[Key]] = 0, []
        self._repeats: dict[int, int] = {}  # by page

    @property
    def waiting(self) -> int:
        """How many responses are still to come."""
        return len(self._in_flight)

    @property
    def repeats(self) -> int:
        """How many rows repeat a record of their page: a join may list a record twice, and count it twice."""
        return sum(self._repeats.values())

    def next_pages(self, room: int) -> list[int | None]:
        """The numbers of the pages to request now, at most `room`; None is the first page, whatever its number."""
        if self.base is None or not self._size:
            room = min(room, 1 - self.waiting)
        if self.ended or room <= 0:
            return []
        needed = self._read // self._size if self._size else 0
        known = {page.offset // self._size for page in self._ahead} | {index for index, _ in self._in_flight}
        end = needed + len(known) + room
        if self.lowest is not None and self.closed:  # no further than the count says, but always one
            end = max(needed + 1, min(end, self.lowest // self._size + 1))
        indexes = [index for index in range(needed, end) if index not in known][:room]
        self._in_flight += [(index, self.lowest) for index in indexes]
        return [index + (self.base or 0) if index else self._start for index in indexes]

    def on_response(self, response: PageResponse[Any], row: list[Key]) -> int:
        """Takes the response to the oldest request in flight, with its keys; returns the number of its page."""
        index, known_count = self._in_flight.popleft()
        if not self.ended:
            if self.base is None and index:
                known = self.closed and known_count is not None  # else records may move, and `count` stays
                unchanged = known and len(self._head) <= (known_count or 0) == response.count
                self.base = self._traits.learn_base(self._head, row, unchanged=unchanged)
                index -= self.base
            if index == 0:
                self._head, self._size = set(row) or self._head, self._size or max(len(row), 1)
            if len(row) > len(set(row)):
                self._repeats[index] = len(row) - len(set(row))
            self._follow(index, known_count, response, row)
        return index + (self.base or 0)

    def _follow(self, index: int, known_count: int | None, response: PageResponse[Any], row: list[Key]) -> None:
        count = response.count
        if count is not None:
            before = count if self.lowest is None else self.lowest
            self.rose = self.rose or (known_count is not None and count > known_count)
            self.lowest = min(before, count)
            if self.closed and not self.rose:
                self._read = max(self._read - (before - self.lowest), 0)
        if response.error is None:
            self._extend(index, count)
        if index * self._size <= self._read:
            self._decide_end(index, row, response.error is not None)
        self._last = index, row

    def _extend(self, index: int, count: int | None) -> None:
        self._ahead.append(ReadPage(index * self._size, count or 0))
        falls = self.closed and not self.rose and count is not None
        for page in sorted(self._ahead):
            if page.offset <= self._read:
                left = max(page.total - (self.lowest or 0), 0) if falls else 0
                self._read = max(self._read, page.offset + self._size - left)
        self._ahead = [page for page in self._ahead if page.offset > self._read]

    def _decide_end(self, index: int, row: list[Key], refused: bool) -> None:
        length, lowest, (last_index, last_row) = len(row), self.lowest, self._last
        held = len(self._seen) + self.repeats
        self._empty_pages = 0 if length else self._empty_pages + 1
        if refused or (length and index > last_index and row == last_row):
            self.ended = True
        elif not length:
            whole = lowest is None or not self.closed or held >= lowest
            self.ended = whole or self._empty_pages >= MAX_EMPTY_PAGES
        elif lowest is not None and self.closed and self._read >= lowest and held == lowest:
            self.ended = length < self._size or (lowest <= self._traits.proven_count and not self.repeats)
