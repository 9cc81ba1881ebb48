"""Which windows of time a scan reads: pure decisions over responses and a clock."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from .page_tracker import PageTracker, SeenIds
from .protocol import MILLISECOND, Bounds, Flow, PageRequest, PageResponse, ServerTraits, Window
from .stretch_reader import DEFAULT_LAG, StretchReader
from .window_plan import BEGINNING
from .window_reader import Requests, incomplete

T = TypeVar("T")


class ScanFlow(StretchReader[T]):
    """Reads all windows of a scan, from the first to the server's now.

    The first request has the user's bounds; where its page has all that is counted, it is the only one.
    """

    def __init__(
        self,
        bounds: Bounds,
        limit: int,
        concurrency: int,
        now: Callable[[], datetime],
        traits: ServerTraits | None = None,
        lag: timedelta = DEFAULT_LAG,
    ) -> None:
        super().__init__(bounds, limit, concurrency, now, traits, lag)
        self._watermark: datetime | None = None
        self._seen: SeenIds[T] | None = None

    def read(self) -> Flow[Window[T]]:
        minimum, maximum = self.bounds
        first: PageResponse[T] = yield from self.first_response(PageRequest(None, minimum, maximum))
        horizon = self.horizon()
        if (yield from self.is_all(first)):
            yield from self.emit(minimum, horizon, self.without_recent(first.items))
            return
        closed: PageResponse[T] | None = None
        if self.counted and self.bounds == (None, None):
            closed = yield from self._look_for_untimed(first.count, horizon)
        if minimum is None or minimum < horizon:
            yield from self.closed_windows(minimum, horizon, first.count if self.counted else None, closed)
        yield from self.catch_up(horizon if minimum is None else max(minimum, horizon))
        if self._seen is not None and not self.untrue:
            yield from self._read_untimed(self._seen)
        if self.shortfall and not self.untrue:
            raise incomplete(first.count or 0, (first.count or 0) - self.shortfall)

    def emit(self, start: datetime | None, end: datetime | None, items: list[T]) -> Flow[Window[T]]:
        if self._seen is not None:
            self._seen.new(items)
        start = self._watermark or start or self.bounds[0] or BEGINNING
        # Late writes may still appear after the horizon, so no window ends there.
        self._watermark = max(start, min(end or start, self.horizon()))
        yield Window(start, self._watermark, items)

    def _look_for_untimed(self, total: int | None, horizon: datetime) -> Requests[PageResponse[T]]:
        """The first page of the closed stretch; ids are kept where it and the rest do not add up to the total.

        Records without an update time pass no filter. The rest is counted before the stretch is counted again: a
        record that changes between the two is then in neither, which is checked, and never in both, which hides one.
        """
        closed: PageResponse[T] = yield from self.first_response(PageRequest(None, None, horizon))
        if closed.count != total:
            rest = yield from self.fetch([PageRequest(None, horizon + MILLISECOND, None)])
            closed = yield from self.first_response(PageRequest(None, None, horizon))
            if (closed.count or 0) + (rest.count or 0) < (total or 0):
                self._seen = SeenIds()
        return closed

    def _read_untimed(self, seen: SeenIds[T]) -> Flow[Window[T]]:
        """The records that no filter of time lets through, by the pages of the whole list."""
        tracker = PageTracker[T](None, seen, self.traits, bounded=False)
        items: list[T] = []
        count = 0
        while not tracker.ended or tracker.waiting:
            numbers = tracker.next_pages(self.concurrency - tracker.waiting)
            response = yield from self.fetch([PageRequest(number, None, None) for number in numbers])
            page = tracker.on_response(response)
            items += page.items if page else []
            count = response.count or count
        if items:
            yield from self.emit(None, None, items)
        if count > tracker.held and not self.untrue:
            raise incomplete(count, tracker.held)
