"""Which windows of time are read next, and how wide they are: by `count`, or else by the windows before."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from .protocol import MILLISECOND, PageRequest, PageResponse
from .server_clock import SECOND

T = TypeVar("T")
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
TARGET_PAGES = 10  # of a window, where `count` gives its width
MAX_PAGES = 16
FIRST_WIDTH, FIRST_RATIO, FIRST_SPLITS = timedelta(days=3650), 8, 4
TARGET_FILL = 0.85  # of a page without `count`, so that a window somewhat denser than the last still fits
MAX_GROWTH = 4.0
MIN_REMAINDER = 8  # what is left of a span is not worth a request where a window is so many times as wide
DENSITY_DECAY = 0.5  # from window to window


class Overflow(NamedTuple):
    """The outcome of a window that was not proved whole: how many records it has by `count`, or 0."""

    records: int


@dataclass(eq=False)
class PlannedWindow(Generic[T]):
    """A span of time that is read as one window, or from which windows are cut.

    Attributes:
        records: How many records it has, as far as `count` shows.
        source: The span that it was cut from, whose `records` are those that are left.
        target: How many records a window that is cut from it should have.
        is_burst: Whether it fits one page unless it is denser than those before it.
        min_width: How wide such a window should be, as the one before it was nearly empty.
        max_width: How wide such a window may be, where there is no `count`.
        flow: Its reading, once it has started.
        wanted: The requests that its reading has still to send.
    """

    start: datetime | None
    end: datetime | None
    records: int | None = None
    source: PlannedWindow[T] | None = None
    target: float | None = None
    min_width: timedelta = SECOND
    max_width: timedelta | None = None
    is_burst: bool = False
    flow: Generator[list[PageRequest], PageResponse[T], list[T] | Overflow] | None = None
    wanted: list[PageRequest] = field(default_factory=list)
    outcome: list[T] | Overflow | None = None

    @property
    def width(self) -> timedelta | None:
        return None if self.start is None or self.end is None else self.end - self.start

    @property
    def is_narrow(self) -> bool:
        """Whether it is not split any further."""
        return self.width is not None and self.width < SECOND * 1.5

    def request(self, page: int | None = None) -> PageRequest:
        """The overlap of a millisecond covers inclusive and exclusive bounds."""
        minimum = self.start - MILLISECOND if self.start is not None and self.start > EARLIEST else None
        return PageRequest(page, minimum, self.end)

    def set_records(self, records: int) -> None:
        """Corrects how many records it has, and so how many are left in the span that it was cut from."""
        if self.source is not None and self.source.records is not None:
            self.source.records += (self.records or 0) - records
            if self.width is not None and self.flow is not None and self.outcome is None:
                self.source.min_width = self.width * 2 if records * 4 < (self.records or 0) else SECOND
        self.records = records

    def on_response(self, response: PageResponse[T]) -> None:
        if self.flow is None or self.outcome is not None:
            return
        try:
            self.wanted += self.flow.send(response)
        except StopIteration as end:
            self.outcome, self.wanted = end.value, []


class WindowPlan(Generic[T]):
    """The spans of a closed stretch of time that are still to be read, the oldest first.

    With a true `count`, a window is as wide as should hold TARGET_PAGES pages, at the density of what is left of its
    span. A span with little left is joined to the next, so no records are expected where none is requested, but
    nothing goes unrequested. Without `count` the density of the last windows decides, for windows of one page.
    """

    def __init__(self, root: PlannedWindow[T]) -> None:
        self.windows = [root]
        self._width: timedelta | None = None
        self._density: tuple[float, timedelta] = (0.0, timedelta(0))

    def next_window(self, index: int, page_size: int, counted: bool) -> PlannedWindow[T] | None:
        """The window at this index, cut from its span where that is too large; None to wait for those before it."""
        if self.windows[index].flow is not None:
            return self.windows[index]
        if any(other.source is self.windows[index] and other.records is None for other in self.windows[:index]):
            return None
        if counted:
            self._join_next(index, page_size)
        window = self._cut(index, self._width_for(self.windows[index], page_size, counted))
        window.is_burst = self._is_burst(window, page_size)
        return window

    def _width_for(self, span: PlannedWindow[T], page_size: int, counted: bool) -> timedelta | None:
        """How wide a window of this span should be; None for all of it."""
        if not counted:
            return min((limit for limit in (self._width, span.max_width) if limit is not None), default=None)
        target = span.target or TARGET_PAGES * page_size
        if span.records is None or span.width is None or span.records * TARGET_PAGES <= target * MAX_PAGES:
            return None
        return max(span.width * (target / span.records), span.min_width)

    def _cut(self, index: int, width: timedelta | None) -> PlannedWindow[T]:
        span = self.windows[index]
        if width is None or span.start is None or span.end is None or width >= span.end - span.start:
            return span
        end = half_second(span.start + max(width, SECOND))
        if (span.end - end) * MIN_REMAINDER < width:
            return span
        window = PlannedWindow(span.start, end, source=span, target=span.target, max_width=span.max_width)
        if span.records is not None:
            window.set_records(round(span.records * ((end - span.start) / (span.end - span.start))))
        span.start = end
        self.windows.insert(index, window)
        return window

    def _join_next(self, index: int, page_size: int) -> None:
        """Joins a span with less than half a page left to the next one, where that is unread."""
        span, after = self.windows[index], self.windows[index + 1] if index + 1 < len(self.windows) else None
        if after is None or after.flow is not None or after.records is None:
            return
        if span.records is not None and span.records * 2 <= page_size:
            if span.source is after:
                span.set_records(0)
            after.start = span.start
            del self.windows[index]

    def split(self, window: PlannedWindow[T], records: int, page_size: int) -> None:
        """Turns a window that was not proved whole into a span from which smaller windows are cut."""
        index = self.windows.index(window)
        span = PlannedWindow[T](window.start, window.end, records or None, window.source)
        self.windows[index] = span
        for other in self.windows:
            other.source = span if other.source is window else other.source
        if span.start is None and span.end is not None:
            self.windows[index : index + 1] = first_splits(span)
        elif span.width is not None:
            span.max_width = max(span.width / 2, SECOND)
            self._width = min(span.max_width, self._width or span.max_width)
            few = records <= MAX_PAGES * page_size  # its pages did not prove it, so its halves are tried
            span.target = records / 2 if few and records else window.target

    def finish(self, new: int, page_size: int | None) -> None:
        """Takes out the first window, of which so many records were new; adapts the width of those without `count`."""
        window = self.windows.pop(0)
        window.set_records(new)
        if window.width is None or not (self._width or new):
            return
        records, time = self._density
        self._density = records, time = records * DENSITY_DECAY + new, time * DENSITY_DECAY + window.width
        if page_size is not None:
            before = self._width or window.width
            width = time * (TARGET_FILL * page_size / records) if records >= 1 else window.width * MAX_GROWTH
            self._width = max(min(width, before * MAX_GROWTH, FIRST_WIDTH), before / MAX_GROWTH, SECOND)

    def _is_burst(self, window: PlannedWindow[T], page_size: int) -> bool:
        """Whether a window would have fitted if it were as dense as those before it."""
        records, time = self._density
        return bool(records) and window.width is not None and records * window.width <= page_size * time


def first_splits(span: PlannedWindow[T]) -> list[PlannedWindow[T]]:
    """Ever shorter windows towards the end of a span that has no start, then what is left of it."""
    if span.end is None or span.end - EARLIEST < FIRST_WIDTH / 365:
        span.start = EARLIEST
        return [span]
    room = min(FIRST_WIDTH, (span.end - EARLIEST) / 2)
    ends = [half_second(span.end - room / FIRST_RATIO**power) for power in range(FIRST_SPLITS)]
    starts: list[datetime | None] = [None, *ends]
    cut = [PlannedWindow(start, end, source=span) for start, end in zip(starts, ends, strict=False)]
    span.start = ends[-1]
    return [*cut, span]


def half_second(time: datetime) -> datetime:
    """Where windows meet, so that what was written or imported at a whole second is in one of them."""
    return (time - SECOND / 2).replace(microsecond=0) + SECOND / 2
