"""Which windows of time are read next, and how wide they are: by `count`, or else by the windows before."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from ..errors import APIStatusError
from .protocol import MILLISECOND, PageRequest, PageResponse
from .record_keys import Key

T = TypeVar("T")
SECOND = timedelta(seconds=1)
BEGINNING, EARLIEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)
TARGET_PAGES = 13.0  # of a window, where `count` gives its width
ONE_PAGE = 0.8  # of a page, so that a window somewhat denser than expected still fits
MAX_FILL = 1.25  # of the target: a span that has no more is one window
MAX_GROWTH = 4


class Split(NamedTuple):
    """A window that was not proved whole.

    Attributes:
        records: Its `count`, or 0.
        pages: How many pages its parts should have, by `count`.
        error: Why the server does not accept its bounds.
    """

    records: int = 0
    pages: float = ONE_PAGE
    error: APIStatusError | None = None


@dataclass(eq=False)
class PlannedWindow(Generic[T]):
    """A span of time that is read as one window, or from which windows are cut.

    Attributes:
        records: How many records it has, as far as `count` shows.
        source: The span that it was cut from, whose `records` are those that are left.
        total: How many records that span had by `count`.
        unsplit: Whether it is not split, as that does not help.
        pages: How many pages the windows cut from it should have.
        open: Whether records can join it.
        flow: Its reading, once it has started.
        wanted: The requests that its reading has still to send.
        known: The keys of the records that came before it was split from another window.
        keys: The keys of its records.
        ready: Its records that are to be yielded.
        size: How many of its records were yielded.
        done: Whether it is proved whole.
    """

    start: datetime | None
    end: datetime | None
    records: int | None = None
    source: PlannedWindow[T] | None = None
    total: int | None = None
    unsplit: bool = False
    pages: float = TARGET_PAGES
    open: bool = False
    flow: Generator[list[PageRequest], PageResponse[T], Split | None] | None = None
    wanted: list[PageRequest] = field(default_factory=list)
    known: set[Key] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)
    ready: dict[Key, T] = field(default_factory=dict)
    size: int = 0
    done: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether it is not split any further."""
        if self.open or self.start is None or self.end is None:
            return self.unsplit
        return self.unsplit or self.end - self.start < SECOND * 1.5

    def request(self, page: int | None = None) -> PageRequest:
        """The overlap of a millisecond covers inclusive and exclusive bounds."""
        minimum = self.start - MILLISECOND if self.start is not None and self.start > EARLIEST else None
        return PageRequest(page, minimum, self.end)

    def on_count(self, count: int) -> None:
        """Corrects how many records are left in the span that it was cut from."""
        if self.source is not None and self.source.records is not None:
            self.source.records += (self.records or 0) - count
        self.records = count


class WindowPlan(Generic[T]):
    """The windows and spans of a closed stretch of time that are still to be read, the oldest first.

    Args:
        span: The stretch.
        created: When the first and the last of its records were created, as far as they show.
    """

    def __init__(self, span: PlannedWindow[T], created: Sequence[datetime] = ()) -> None:
        self.windows = [span]
        self._begin, self._last, self._end = min(created, default=None), max(created, default=None), span.end
        self._width: timedelta | None = None  # of windows without `count`

    def next_window(self, index: int, page_size: int, counted: bool) -> PlannedWindow[T]:
        """The window at an index, cut from the span there where that has too many records for one."""
        span = self.windows[index]
        start, end = self._start(span), span.end
        if span.flow is not None or span.done or span.is_narrow or start is None or end is None or start >= end:
            return span
        most = span.pages * page_size
        if counted and (span.records is None or span.records <= most * MAX_FILL):
            return span
        if self._last is not None and start < self._last < end - (end - start) / 8:
            span.end = end = half_second(self._last + 2 * SECOND)
            self.windows.insert(index + 1, PlannedWindow(end, self._end, 0, known=span.known))
        self._last = None
        width = (end - start) * (most / (span.records or 1)) if counted else self._width
        cut = half_second(start + max(width, SECOND)) if width is not None else end
        if width is None or (end - cut) * 8 < width:
            return span
        part = PlannedWindow(
            span.start, cut, None, span, span.total, pages=span.pages, known=span.known, ready=span.ready
        )
        if span.records is not None:
            part.records = round(span.records * ((cut - start) / (end - start)))
            span.records -= part.records
        span.start, span.ready = cut, {}
        self.windows.insert(index, part)
        return part

    def _start(self, span: PlannedWindow[T]) -> datetime | None:
        """Where the records of a span are thought to begin."""
        begin, end = self._begin, span.end
        later = begin and end and begin < end - 2 * SECOND and (span.start is None or span.start < begin)
        return begin if later else span.start

    def split(self, window: PlannedWindow[T], split: Split, page_size: int) -> None:
        """Turns a window that was not proved whole into a span from which smaller windows are cut."""
        end = window.end
        late = window.source is not None and split.records * 2 >= (window.total or 0)
        if window.start is not None and late:
            self._begin = None
        if window.start is None and end is not None and (late or self._start(window) is None):
            self._begin = end - min(max((self._end or end) - end, SECOND) * 8, end - EARLIEST)
            self._width = None
            if self._begin == EARLIEST:
                window.start = EARLIEST
        if (start := self._start(window)) is not None and end is not None:
            self._width = max(min((end - start) / MAX_GROWTH, self._width or end - start), SECOND)
        window.flow, window.source = None, None
        window.known, window.keys = window.known | window.keys, set()
        window.pages = min(split.pages, split.records / 2 / page_size) if split.records else split.pages
        window.records = window.total = split.records or None

    def join(self, window: PlannedWindow[T]) -> bool:
        """Joins a window whose bounds are refused to the next one; returns whether there is one."""
        index = self.windows.index(window)
        if index + 1 == len(self.windows):
            return False
        after = self.windows[index + 1]
        self.windows[index : index + 2] = [
            PlannedWindow(
                window.start,
                after.end,
                unsplit=True,
                known=window.known | after.known | window.keys | after.keys,
                ready=window.ready | after.ready,
            )
        ]
        return True

    def finish(self, page_size: int) -> None:
        """Takes out the first window, and adapts the width of those without `count`."""
        window = self.windows.pop(0)
        if window.start is not None and window.end is not None and self._width is not None:
            width = window.end - window.start
            wanted = width * (ONE_PAGE * window.pages * page_size / window.size) if window.size else width * MAX_GROWTH
            self._width = max(min(wanted, width * MAX_GROWTH), width / MAX_GROWTH, SECOND)


def half_second(time: datetime) -> datetime:
    """Where windows meet, so that what was written or imported at a whole second is in one of them."""
    return (time - SECOND / 2).replace(microsecond=0) + SECOND / 2
