"""Which pages and windows a list reads: pure decisions over responses and a clock."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from .page_tracker import PageTracker, SeenIds
from .protocol import Bounds, Flow, Page, PageRequest, PageResponse, ServerTraits, incomplete
from .stretch_reader import StretchReader
from .window_reader import TimeFiltersError

T = TypeVar("T")


class ListFlow(StretchReader[T]):
    """Reads a list by its pages, in the server's order, then whatever these are not proved to have.

    1. The first request has the user's bounds; where its page has all that is counted, that is the list.
    2. The pages after it are read within a bound that is past, so that records only leave (`PageTracker`).
    3. What changed since that bound is read, by one response or by closed windows of time.
    4. The list is whole where as many records that existed at the first request are in hand as it counted. Else all
       of it is read by windows, each proved whole, then the records that no filter of time lets through.

    A list that starts at a page has step 2 alone, within the user's bounds, as has one of an operation without time
    filters (`timed`), which is read again until as many records are in hand as are counted.
    """

    def __init__(
        self,
        page: int | None,
        bounds: Bounds,
        limit: int,
        concurrency: int,
        now: Callable[[], datetime],
        traits: ServerTraits | None = None,
        *,
        timed: bool = True,
    ) -> None:
        super().__init__(bounds, limit, concurrency, now, traits)
        self._page, self._timed = page, timed
        self._seen: SeenIds[T] = SeenIds()

    def read(self) -> Flow[Page[T]]:
        minimum, maximum = self.bounds
        tracker = PageTracker[T](self._page, self._seen, self.traits)
        request = PageRequest(tracker.next_pages(1)[0], minimum, maximum)
        first: PageResponse[T] = yield from self.first_response(request)
        self.began, until = self.clock.now(), self.horizon()
        yield from self._emit_page(tracker.on_response(first))
        if self._page is not None:
            yield from self._read_pages(tracker, self.bounds)
            return
        if (yield from self.is_all(first, until)):
            if not self.counted and first.items and self._timed:
                yield from self._by_windows(self.catch_up(until))
            return
        timed = self._timed and (minimum is None or minimum < until)
        yield from self._read_pages(tracker, (minimum, until) if timed and self.counted else self.bounds)
        ignored, before = not timed, self.earlier
        if self._timed and (maximum is None or until < maximum):
            ignored = yield from self._by_windows(self.catch_up(until if minimum is None else max(minimum, until)))
        in_hand = self.earlier + tracker.repeats
        proved = self.counted and not tracker.rose and in_hand == first.count
        still = first.count is None and self.earlier == before  # without count, a change shows in what came last
        if not (proved or still):
            yield from self._read_rest(first.count or 0, until, ignored)

    def _read_pages(self, tracker: PageTracker[T], bounds: Bounds) -> Flow[Page[T]]:
        while not tracker.ended or tracker.waiting:
            numbers = tracker.next_pages(self.concurrency - tracker.waiting)
            response: PageResponse[T] = yield from self.fetch([PageRequest(number, *bounds) for number in numbers])
            yield from self._emit_page(tracker.on_response(response))

    def _by_windows(self, windows: Flow[Any]) -> Flow[Any]:
        """Reads windows; returns whether that cannot be, as the server's time filters do not work."""
        try:
            yield from windows
        except TimeFiltersError:
            yield from self.drain()
            return True
        return False

    def _read_rest(self, total: int, until: datetime, ignored: bool) -> Flow[Page[T]]:
        """Step 4: what the pages did not prove to be all."""
        if not ignored:
            ignored = yield from self._by_windows(self._closed_list(until))
        if self.untrue:
            return
        if ignored or (self.bounds == (None, None) and (yield from self.has_untimed(None, until))):
            yield from self.read_all_pages(self._seen)
        elif self.shortfall > 0:
            raise incomplete(total, total - self.shortfall)

    def _closed_list(self, until: datetime) -> Flow[Any]:
        yield from self.run(self.check_filters())
        self.catching_up = False
        yield from self.closed_windows(self.bounds[0], until)
        yield from self.catch_up(until)

    def emit(self, start: datetime | None, end: datetime | None, items: list[T]) -> Flow[Page[T]]:
        new = self._seen.new(items)
        yield from self._emit_page(Page(0, new, None) if new else None)

    def _emit_page(self, page: Page[T] | None) -> Flow[Page[T]]:
        if page is not None:
            self.count_earlier(page.items)
            yield page
