"""Which pages and windows a list reads: pure decisions over responses and a clock."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from .page_tracker import PageTracker
from .protocol import Bounds, Flow, Page, PageRequest, PageResponse, ServerTraits, incomplete
from .record_keys import SeenIds, record_keys
from .stretch_reader import StretchReader, created_at
from .window_plan import PlannedWindow, WindowPlan
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
        self._began: datetime | None = None
        self._first: Page[T] | None = None  # of which the number shows later
        self._earlier = 0  # how many of the records yielded existed at the first request

    def read(self) -> Flow[Page[T]]:
        minimum, maximum = self.bounds
        tracker = PageTracker(self.traits, self._seen, self._page, closed=self._page is None and self._timed)
        first: PageResponse[T] = yield from self.first_response(PageRequest(tracker.next_pages(1)[0], *self.bounds))
        self._began, until, total = self.now(), self.horizon(), first.count
        whole = self.is_whole(first)
        yield from self._on_page(tracker, first)
        if self._page is None and (whole or not (first.items or total)):
            return
        timed = self._timed and self._page is None and (minimum is None or minimum < until)
        tracker.closed = timed and self.counted
        bounds = (minimum, until) if tracker.closed else self.bounds
        while not tracker.ended or tracker.waiting:
            numbers = tracker.next_pages(self.look_ahead - tracker.waiting)
            requests = [PageRequest(number, *bounds) for number in numbers]
            yield from self._on_page(tracker, (yield from self.fetch(requests)))
        if self._page is not None:
            return
        if self._timed and not self.counted:
            yield from self.find_base(first)
            if (yield from self._is_one_page(first)):
                return
        ignored = not timed
        if self._timed and (maximum is None or until < maximum):
            edge, complete = max(minimum or until, until), self._earlier + tracker.repeats == total
            ignored = yield from self._by_windows(self.catch_up(edge, complete))
        if not self.counted or tracker.rose or self._earlier + tracker.repeats != total:
            yield from self._read_rest(total, until, ignored)

    def _on_page(self, tracker: PageTracker, response: PageResponse[T]) -> Flow[Page[T]]:
        keys = record_keys(response.items)
        new = self._seen.add(response.items, keys)
        number = tracker.on_response(response, keys)
        if self._first is not None and tracker.base is not None:
            self._first.number, self._first = tracker.base, None
        yield from self._emit_page(number, new, response.count)

    def emit(self, end: datetime | None, items: list[T]) -> Flow[Page[T]]:
        yield from self._emit_page(0, self._seen.add(items), None)

    def _emit_page(self, number: int, new: list[T], count: int | None) -> Flow[Page[T]]:
        if new:
            times = [created_at(item) for item in new]
            self._earlier += sum(time is None or self._began is None or time < self._began for time in times)
            self.observe_times(new)
            page = Page(number, new, count)
            self._first = page if len(self._seen) == len(new) else self._first
            yield page

    def _is_one_page(self, first: PageResponse[T]) -> Flow[Any]:
        """Whether one page has all, where there is no count."""
        window = PlannedWindow[T](*self.bounds, open=True)
        whole = (yield from self.run(self.read_window(window, first))) is None
        yield from self.emit(None, list(window.ready.values()))
        return whole

    def _by_windows(self, windows: Flow[Any]) -> Flow[Any]:
        """Reads windows; returns whether that cannot be, as the server's time filters do not work."""
        try:
            yield from windows
        except TimeFiltersError:
            while self.in_flight:
                yield from self.fetch([])
            return True
        return False

    def _read_rest(self, total: int | None, until: datetime, ignored: bool) -> Flow[Page[T]]:
        """Step 4: what the pages did not prove to be all."""
        if not ignored:
            ignored = yield from self._by_windows(self._all_windows(until, total))
        missing = self.counted and self._earlier < (total or 0)
        if ignored or (missing and self.unbounded and (yield from self.has_untimed(total or 0))):
            yield from self.read_all_pages(self._seen)
        elif self.shortfall and len(self._seen) < (total or 0):
            raise incomplete(total or 0, len(self._seen))

    def _all_windows(self, until: datetime, total: int | None) -> Flow[Any]:
        self._late = None
        yield from self.closed_windows(WindowPlan(PlannedWindow(self.bounds[0], until, total), self.created))
        yield from self.catch_up(until)
