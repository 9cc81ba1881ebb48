"""The proof that a window of time is whole: pure decisions over responses and a clock."""

from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar, cast

from ..errors import APIStatusError, PaginationError
from .page_tracker import MAX_EMPTY_PAGES
from .protocol import DEFAULT_LAG, LOOK_AHEAD, Bounds, PageRequest, PageResponse, ServerTraits
from .record_keys import Key, PassedPages, record_keys
from .window_plan import EARLIEST, SECOND, TARGET_PAGES, PlannedWindow, Split

T = TypeVar("T")
R = TypeVar("R")
Requests = Generator[list[PageRequest], PageResponse[Any], R]
REFUSED_STATUSES = (400, 404, 422)  # the statuses for a page that is not there, or for a time that is not accepted
COMMON_PAGE_SIZES = frozenset({10, 20, 25, 50, 100})  # a page of such a length may be all that the server gives
EMPTY_TIMES = (datetime(1850, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
MAX_PAGES = 20  # of a window
UNCOUNTED_PAGES = 2  # of a window without `count`
MAX_IDLE_PASSES = 4  # over the pages of a second, while fewer records arrive than are counted
MAX_PASSES = 40


class TimeFiltersError(PaginationError):
    """The server ignores the time bounds."""


class WindowReader(Generic[T]):
    """Reads windows, each until it is proved whole.

    A closed stretch of time, whose end is past, is whole where as many distinct records are in hand as its first
    response counted, as records can only leave it: one that changes gets a later time. What is not proved so is split,
    down to one page, which shows one instant, or one second, whose pages are read from the last to the first: what
    leaves moves the others forward, so none is skipped. Where `count` is missing or untrue, each page is requested
    after the page behind it proved empty.

    Attributes:
        counted: Whether windows are proved by `count`.
        shortfall: How many records the server counts and does not give.
        emitted: How many records closed windows had.
        created: When the first and the last of the records in hand were created, as far as they show.
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
        self.bounds = (None, bounds[1]) if bounds[0] == EARLIEST else bounds  # as the first windows of a scan end
        self.traits, self.lag = traits or ServerTraits(), lag
        self.look_ahead = concurrency * LOOK_AHEAD if concurrency > 1 else 1  # requests that wait for their response
        self.counted, self.shortfall, self.emitted = self.traits.filters_count is not False, 0, 0
        self.created: list[datetime] = []
        self._limit, self._longest_page, self._joins, self._checked = limit, 0, False, False
        self._machine_now, self._date, self.in_flight = now, datetime.min.replace(tzinfo=UTC), 0
        self._previous: set[Key] = set()  # of the last window: the next one overlaps it
        self._late: dict[Key, T] | None = None  # what changed meanwhile, all of which is kept

    @property
    def page_size(self) -> int:
        return max(self._longest_page, 1)

    def now(self) -> datetime:
        """The server's time in whole seconds, by its latest `Date`; this machine's until there is one."""
        return (self._date if self._date.year > 1 else self._machine_now().astimezone(UTC)).replace(microsecond=0)

    def fetch(self, requests: list[PageRequest]) -> Requests[PageResponse[T]]:
        """The oldest response; of a refused page or time, an empty one with the error."""
        response: PageResponse[T]
        self.in_flight += len(requests)
        try:
            response = yield requests
        except APIStatusError as error:
            if error.status_code not in REFUSED_STATUSES:
                raise
            response = PageResponse([], None, error=error)
        self.in_flight -= 1
        self._date = max(response.date or self._date, self._date)
        if response.error is None and (response.count is None or response.count < len(response.items)):
            self.counted = False
        return response

    def run(self, reading: Requests[R]) -> Requests[R]:
        """Reads on its own what else is read together with other windows."""
        try:
            requests = next(reading)
            while True:
                requests = reading.send((yield from self.fetch(requests)))
        except StopIteration as end:
            return cast(R, end.value)

    def is_whole(self, response: PageResponse[T]) -> bool:
        """Whether one response has all records of its query, by its count."""
        length, count = len(response.items), response.count
        capped = length >= self._limit or (length in COMMON_PAGE_SIZES and length >= self._longest_page)
        self._longest_page = max(length, self._longest_page)
        return self.counted and count == length and (not capped or length <= self.traits.proven_count)

    def take(self, window: PlannedWindow[T], items: list[T]) -> list[Key]:
        """Adds the records of a response to those that its window will yield; returns their keys."""
        keys = record_keys(items)
        for key, item in zip(keys, items, strict=True):
            known = key in window.keys or key in window.known
            if not known or (self._late is not None and self._late.get(key) != item):
                window.ready[key] = item
            window.keys.add(key)
        return keys

    def read_window(self, window: PlannedWindow[T], first: PageResponse[T] | None = None) -> Requests[Split | None]:
        """Reads a window, of which the first page may be there; returns None where it is proved whole."""
        if not self.counted:
            return (yield from self._without_count(window, first))
        first = first or (yield [window.request()])
        if first.error is not None:
            return Split(error=first.error)
        found = PassedPages()
        self._add(window, found, 0, first)
        if self.is_whole(first):
            return None
        if self.counted:
            window.on_count(first.count or 0)
            part = window.source is not None and (window.records or 0) >= (window.total or 0)
            if part or not first.items or self._repeats(found.keys):  # what it counts, or has, is another's
                yield from self.check_filters()
        if self.counted:
            return (yield from self._by_count(window, found))
        return (yield from self._without_count(window, first))

    def _by_count(self, window: PlannedWindow[T], found: PassedPages) -> Requests[Split | None]:
        """Reads the other pages of a window, of which the first is found."""
        count, length = found.counts[0], found.total
        if self._repeats(found.keys) and not window.open:  # the server rounds bounds, to days for instance
            if count == len(self._previous) and self._late is None:
                return None
            window.unsplit = True
        if not window.is_narrow and count > self.page_size * (1 if window.open else MAX_PAGES):
            return Split(count, TARGET_PAGES)
        yield from self._read_pages(window, found)
        if found.held == found.total == count == max(found.counts) and (length == count or not window.open):
            if count > self.page_size:
                self.traits.proven_count = max(count, self.traits.proven_count)
            return None
        yield from self.check_filters()
        if len(found.keys) > count and not window.open:
            self.counted = False
        if not self.counted:
            return (yield from self._without_count(window))
        if not (window.is_narrow or found.steady):
            return Split(count)
        return (yield from self._by_passes(window, found, count))

    def _read_pages(self, window: PlannedWindow[T], found: PassedPages) -> Requests[None]:
        """Requests the other pages of a window, and those after them while fewer rows came than are counted."""
        count, empty = found.counts[0], 0
        # One page more than counted where the last is full: a server may count no further than a cap.
        full = found.repeats or (count > self.traits.proven_count and count % self.page_size == 0)
        requests = [window.request(self.number(index)) for index in range(1, -(-count // self.page_size) + bool(full))]
        for index in range(len(requests)):
            self._add(window, found, index + 1, (yield requests if index == 0 else []))
        index = len(requests) + 1
        while found.total < count and found.steady and empty < MAX_EMPTY_PAGES:
            empty = 0 if self._add(window, found, index, (yield [window.request(self.number(index))])) else empty + 1
            index += 1

    def number(self, index: int) -> int | None:
        return index + (self.traits.page_base or 0) if index else None

    def _add(self, window: PlannedWindow[T], pages: PassedPages, index: int, response: PageResponse[T]) -> bool:
        row = self.take(window, response.items)
        self._joins = self._joins or len(row) > len(set(row))
        self._longest_page = max(len(row), self._longest_page)
        return pages.add(index, row, response.count)

    def _by_passes(self, window: PlannedWindow[T], before: PassedPages, count: int) -> Requests[Split | None]:
        """Reads the pages of a window again and again, from the last to the first."""
        held, idle = set(before.keys), 0
        for _ in range(MAX_PASSES):
            known = len(held)
            now = yield from self._backwards(window, max(before.rows, default=0) + 1)
            if now.error is not None and not self.counted:
                return Split(error=now.error)
            held |= now.keys
            counted = max(now.counts, default=count)
            whole = now.steady and counted in (now.held, len(now.keys))
            proved = not self.counted or len(held) + now.repeats == count
            idle_open = not self.counted and len(held) == known  # what joins an open end may move others behind it
            if whole or (idle_open if window.open else proved):
                return None
            # Twice the same rows show an order that is stable, so that rows are counted which the pages do not have.
            if now.steady and now.rows == before.rows and (self._joins or now.hides(counted, self.page_size)):
                self._note_shortfall(counted - now.total)
                return None
            if not window.is_narrow:
                return Split(count)
            idle = 0 if len(held) > known else idle + 1
            if (idle > 1 and len(held) + now.repeats >= counted) or idle == MAX_IDLE_PASSES:
                self._note_shortfall(counted - len(held) - now.repeats)
                return None
            before = now
        raise PaginationError(
            "records change faster than they can be read: read them later, or with `updated_at_max` in the past"
        )

    def _backwards(
        self, window: PlannedWindow[T], last: int, behind: PageResponse[T] | None = None
    ) -> Requests[PassedPages]:
        """Reads the pages before the first one, from `last` on, that has nothing new; `behind` is page `last`."""
        found = PassedPages()
        while self._add(window, found, last, behind or (yield [window.request(self.number(last))])):
            last, behind = last + 1, None
        found = PassedPages()
        for index in range(last - 1, -1, -1):
            response = yield [window.request(self.number(index))]
            self._add(window, found, index, response)
            found.error = response.error
        return found

    def _without_count(self, window: PlannedWindow[T], first: PageResponse[T] | None = None) -> Requests[Split | None]:
        """Reads a window from its end to its beginning; a page that is empty shows its end."""
        if window.is_narrow:
            return (yield from self._by_passes(window, PassedPages(), 0))
        last = 1 if window.open or window.source is None else UNCOUNTED_PAGES
        behind = yield [window.request(self.number(last))]
        new = set(record_keys(behind.items)).difference(record_keys(first.items if first else ()))
        if new and not self._repeats(new) and len(behind.items) >= (1 if window.open else self.page_size):
            if not window.open:
                yield from self.check_filters()
            return Split(0, UNCOUNTED_PAGES)
        found = yield from self._backwards(window, last, behind)
        if window.open and found.total >= self.page_size:  # a record that joined may have moved another behind it
            behind = yield [window.request(self.number(1))]
            new = set(record_keys(behind.items)) - found.keys
            return Split() if new else None
        return Split(error=found.error) if found.error is not None else None

    def _repeats(self, keys: set[Key]) -> bool:
        """Whether these are keys of the window before."""
        return bool(keys) and keys <= self._previous

    def _note_shortfall(self, missing: int) -> None:
        self.shortfall += max(missing, 0)
        self.counted = self.counted and missing <= 0

    def check_filters(self) -> Requests[None]:
        """Finds out, once, whether time bounds and `count` hold, by a second that has no records."""
        for time in (*EMPTY_TIMES, self.now() + timedelta(minutes=10)):
            if self._checked or self.traits.filters_count is not None:
                return
            response = yield [PageRequest(None, time, time + SECOND)]
            if response.error is None:
                if response.items:
                    raise TimeFiltersError("the server ignores updated_at_min and updated_at_max: read it by list()")
                self.counted = self.counted and response.count == 0
                self.traits.filters_count = response.count == 0
        self._checked = True
