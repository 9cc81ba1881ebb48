"""Which windows of time a scan reads: pure decisions over responses and a clock."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from .page_tracker import SeenIds
from .protocol import Bounds, Flow, PageRequest, PageResponse, ServerTraits, Window, incomplete
from .stretch_reader import DEFAULT_LAG, StretchReader
from .window_plan import BEGINNING

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
        self._seen: SeenIds[T] | None = None  # kept only where records without an update time are to be found

    def read(self) -> Flow[Window[T]]:
        minimum, maximum = self.bounds
        first: PageResponse[T] = yield from self.first_response(PageRequest(None, minimum, maximum))
        self.began, horizon = self.clock.now(), self.horizon()
        if (yield from self.is_all(first, horizon)):
            yield from self.emit(minimum, horizon, self.without_recent(first.items))
            if not self.counted and first.items:
                yield from self.catch_up(horizon)
            return
        closed: PageResponse[T] | None = None
        if self.counted and self.bounds == (None, None):
            closed = yield from self.first_response(PageRequest(None, None, horizon))
            if closed.count != first.count and (yield from self.has_untimed(first.count, horizon)):
                self._seen = SeenIds()
                closed = None
        if minimum is None or minimum < horizon:
            yield from self.closed_windows(minimum, horizon, first.count if self.counted else None, closed)
        edge = horizon if minimum is None else max(minimum, horizon)
        yield from self.catch_up(edge)
        for _ in range(3):
            if (
                self.counted and self._seen is None and self.earlier < (first.count or 0)
            ):  # a replica may have been behind
                yield from self.catch_up(edge)
        if self._seen is not None and not self.untrue:
            yield from self.read_all_pages(self._seen)
            yield from self.catch_up(edge)  # so that the last copy of each record is its latest state
        elif self.shortfall > 0 and not self.untrue:
            raise incomplete(first.count or 0, (first.count or 0) - self.shortfall)

    def emit(self, start: datetime | None, end: datetime | None, items: list[T]) -> Flow[Window[T]]:
        self.count_earlier(items)
        if self._seen is not None:
            self._seen.new(items)
        start = self._watermark or start or self.bounds[0] or BEGINNING
        # Late writes may still appear after the horizon, so no window ends there.
        self._watermark = max(start, min(end or start, self.horizon()))
        yield Window(start, self._watermark, items)
