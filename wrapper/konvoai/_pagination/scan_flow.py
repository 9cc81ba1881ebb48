"""Which windows of time a scan reads: pure decisions over responses and a clock."""

from datetime import datetime
from typing import TypeVar

from .protocol import Flow, PageRequest, PageResponse, Window, incomplete
from .record_keys import SeenIds
from .stretch_reader import StretchReader
from .window_plan import EARLIEST, PlannedWindow, WindowPlan
from .window_reader import MAX_PAGES

T = TypeVar("T")


class ScanFlow(StretchReader[T]):
    """Reads all windows of a scan, from the first to the server's now.

    The first request has the user's bounds; where its page has all that is counted, it is the only one.
    """

    _watermark: datetime | None = None
    _seen: SeenIds[T] | None = None  # kept only where records without an update time are to be found

    def read(self) -> Flow[Window[T]]:
        minimum, maximum = self.bounds
        first: PageResponse[T] = yield from self.first_response(PageRequest(None, minimum, maximum))
        horizon, total = self.horizon(), first.count or 0
        one = PlannedWindow[T](minimum, maximum, open=True)
        if self.is_whole(first) or not (first.items or total):
            self.take(one, first.items)
        else:
            yield from self.find_base(first)
            if (yield from self.run(self.read_window(one, first))) is not None:
                yield from self._read_windows(first.items, total, horizon)
                return
        yield from self.emit(horizon, self.unknown(one))

    def _read_windows(self, items: list[T], total: int, horizon: datetime) -> Flow[Window[T]]:
        minimum = self.bounds[0]
        self.observe_times(items)
        if self.counted and self.unbounded and (yield from self.has_untimed(total)):
            self._seen = SeenIds()
        elif self.counted and total > MAX_PAGES * self.page_size and not self.unbounded:
            yield from self.last_page(total, self.bounds)
        if minimum is None or minimum < horizon:
            records = total if self.counted else None
            span = PlannedWindow[T](minimum, horizon, records, total=records)
            yield from self.closed_windows(WindowPlan(span, self.created))
        edge = horizon if minimum is None else max(minimum, horizon)
        yield from self.catch_up(edge, self.counted and self.emitted >= total)
        if self._seen is not None and not self.shortfall:
            yield from self.read_all_pages(self._seen)
            yield from self.catch_up(edge)  # so that the last copy of each record is its latest state
        elif self.shortfall:
            raise incomplete(total, max(total - self.shortfall, 0))

    def emit(self, end: datetime | None, items: list[T]) -> Flow[Window[T]]:
        if self._seen is not None:
            self._seen.add(items)
        start = self._watermark or self.bounds[0] or EARLIEST
        # Late writes may still appear after the horizon, so no window ends there.
        self._watermark = max(start, min(end or start, self.horizon()))
        yield Window(start, self._watermark, items)
