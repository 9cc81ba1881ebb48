"""The proof that a window of time is whole: pure decisions over responses and a clock."""

from collections.abc import Callable, Generator
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from ..errors import APIStatusError, PaginationError
from .page_tracker import Held
from .protocol import Bounds, PageRequest, PageResponse, ServerTraits, record_keys
from .server_clock import SECOND, ServerClock
from .window_plan import MAX_PAGES, Overflow, PlannedWindow

T = TypeVar("T")
R = TypeVar("R")
Requests = Generator[list[PageRequest], PageResponse[Any], R]
REFUSED = (400, 404, 422)  # the statuses for a page that is not there, or for a time that is not accepted
COMMON_PAGE_SIZES = frozenset({10, 20, 25, 50, 100})  # a page of such a length may be all that the server gives
EMPTY_TIMES = (datetime(1850, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
MAX_IDLE_PASSES = 4  # over the pages of a second, while fewer records arrive than are counted
MAX_PASSES = 40
MAX_BURST_PAGES = 8  # of a window that is not narrow, where there is no `count`
MAX_SHORTFALLS = 2
MAX_UNCOUNTED_PAGES = 100_000


class TimeFiltersError(PaginationError):
    """The server ignores the time bounds, or rounds them."""


class WindowReader(Generic[T]):
    """Reads windows, each until it is proved whole.

    A closed stretch of time, whose end is past, is whole where as many distinct records are in hand as its first
    response counted, as records can only leave it: one that changes gets a later time. What is not proved so is split,
    down to one page, which shows one instant, or one second, whose pages are read from the last to the first: what
    leaves moves the others forward, so none is skipped. Where `count` is missing or untrue, a page that is shorter
    than another proves its window.

    Attributes:
        counted: Whether windows are proved by `count`.
        untrue: Whether `count` is missing or has proved untrue.
        shortfall: How many records are counted in seconds that do not have them.
        longest_page: The most records that a page had.
    """

    def __init__(self, bounds: Bounds, limit: int, now: Callable[[], datetime], traits: ServerTraits) -> None:
        self.bounds, self.traits, self.clock = bounds, traits, ServerClock(now)
        self.counted, self.untrue, self.shortfall, self.longest_page = True, False, 0, 0
        self._limit = self.page_cap = limit
        self._checked = False
        self._shortfalls = self._in_flight = 0

    @property
    def page_size(self) -> int:
        return max(self.longest_page, 1)

    def fetch(self, requests: list[PageRequest]) -> Requests[PageResponse[T]]:
        """The oldest response; of a refused page or time, an empty one with the error."""
        response: PageResponse[T]
        self._in_flight += len(requests)
        try:
            response = yield requests
        except APIStatusError as error:
            if error.status_code not in REFUSED:
                raise
            response = PageResponse([], None, error=error)
        self._in_flight -= 1
        self.clock.observe(response.date)
        return response

    def drain(self) -> Requests[None]:
        """Waits for what is in flight, after a reading was given up."""
        while self._in_flight:
            yield from self.fetch([])

    def run(self, reading: Requests[R]) -> Requests[R]:
        """Reads on its own what else `ScanFlow` reads together with other windows."""
        try:
            requests = next(reading)
            while True:
                requests = reading.send((yield from self.fetch(requests)))
        except StopIteration as end:
            result: R = end.value
            return result

    def distrust_count(self) -> None:
        self.counted, self.untrue = False, True

    def is_whole(self, response: PageResponse[T]) -> bool:
        """Whether one response has all records of its query, by its count."""
        length, count, traits = len(response.items), response.count, self.traits
        capped = length >= self._limit or (length in COMMON_PAGE_SIZES and length >= self.longest_page)
        self.longest_page = max(length, self.longest_page)
        if count is None or count < length:
            self.distrust_count()
        return self.counted and count == length and (not capped or length <= traits.proven_count)

    def read_window(self, window: PlannedWindow[T]) -> Requests[list[T] | Overflow]:
        """All records of a window, or an overflow where they are not proved to be all."""
        longest = self.longest_page
        first = yield [window.request()]
        if first.error is not None:
            raise first.error
        if self.is_whole(first):
            window.set_records(len(first.items))
            return first.items
        if self.counted and first.count is not None:
            window.set_records(first.count)
            outcome = yield from self._by_count(window, Held(first.items), first.count)
            if self.counted or isinstance(outcome, list):
                return outcome
        return (yield from self._without_count(window, first, longest))

    def _by_count(self, window: PlannedWindow[T], held: Held[T], count: int) -> Requests[list[T] | Overflow]:
        pages = -(-count // self.page_size)
        if pages > MAX_PAGES and not window.is_narrow:
            return Overflow(count)
        start = 2 if self.traits.page_base is None else 1 + self.traits.page_base
        base = yield from self._find_base(window, held)
        # One page more than counted where the last is full: a server may count no further than a cap.
        end = base + pages + (count > self.traits.proven_count and count % self.page_size == 0)
        responses = yield from gather([window.request(number) for number in range(start, end)])
        for number, response in enumerate(responses, start):
            held.add(number, response.items)
        counts = [response.count for response in responses if response.count is not None]
        # A full page where a shorter one is counted: it may count no rows of a join, or be too small.
        full = bool(responses) and len(responses[-1].items) >= self.page_size
        doubtful = full and bool(held.repeats or count % self.page_size)
        if held.count > count:
            self.distrust_count()
        elif held.count == count >= max(counts, default=0) and not doubtful:
            self.traits.proven_count = max(count, self.traits.proven_count)
            return list(held.items.values())
        else:
            yield from self.check_filters()
        if self.counted and window.is_narrow:
            return (yield from self.read_backwards(window, held, pages, count))
        return Overflow(count)

    def _find_base(self, window: PlannedWindow[T], held: Held[T]) -> Requests[int]:
        """The number of the first page, which page 1 shows where it is not known."""
        if self.traits.page_base is not None:
            return self.traits.page_base
        first = set(held.items)
        response = yield [window.request(1)]
        keys = set(record_keys(response.items))
        held.add(0 if keys == first else 1, response.items)
        if keys and (keys == first or first.isdisjoint(keys)):  # unstable orders and empty windows show neither
            self.traits.page_base = int(keys == first)
        return int(not first.isdisjoint(keys))

    def read_backwards(
        self, window: PlannedWindow[T], held: Held[T], last: int, count: int | None, *, closed: bool = True
    ) -> Requests[list[T]]:
        """The records of a second, or of an open end, by its pages from the last to the first.

        Repeated until as many are in hand as are counted; without `count`, or an end, until a pass adds none.
        """
        idle, proof = 0, held  # of the proof, nothing has left since its first record
        for _ in range(MAX_PASSES):
            added = False
            for number in [*range(last, 0, -1), None]:  # covers page bases 0 and 1
                response = yield [window.request(number)]
                if count is not None and response.count is not None and response.count != count:
                    proof, count = Held(), response.count
                added = held.add(number or 0, response.items) or added
                proof.add(number or 0, response.items)
            idle = 0 if added else idle + 1
            wanted = count if count is not None and self.counted else 0
            last = max(last, -(-wanted // self.page_size))
            needed = 2 if closed == bool(wanted) else 1  # idle passes, where the proof has not come
            if (wanted and closed and proof.count >= wanted) or (idle >= needed and held.count >= wanted):
                return list(held.items.values())
            if idle == MAX_IDLE_PASSES:
                yield from self.check_filters()
                self._note_shortfall(wanted - held.count)
                return list(held.items.values())
        raise PaginationError(
            "records change faster than they can be read: read them later, or with `updated_at_max` in the past"
        )

    def _note_shortfall(self, missing: int) -> None:
        self.shortfall += missing
        self._shortfalls += 1
        # So many searches down to a second cost too much; the error at the end says what is missing.
        self.counted = self.counted and self._shortfalls < MAX_SHORTFALLS

    def check_filters(self) -> Requests[None]:
        """Finds out, once, whether time bounds and `count` hold, by a second that has no records."""
        if self._checked:
            return
        self._checked = True
        for time in EMPTY_TIMES:
            response = yield [PageRequest(None, time, time + SECOND)]
            if response.error is None:
                if response.items:
                    raise TimeFiltersError("the server ignores updated_at_min and updated_at_max: read it by list()")
                if response.count != 0:
                    self.distrust_count()
                return

    def _without_count(
        self, window: PlannedWindow[T], first: PageResponse[T], longest: int
    ) -> Requests[list[T] | Overflow]:
        length = len(first.items)
        if length < longest or not length:
            return first.items
        if length < self.page_cap and (yield from self._ends_here(window, first)):
            return first.items
        yield from self.check_filters()
        if not window.is_narrow and not window.is_burst:
            return Overflow(0)
        held = Held(first.items)
        last = yield from self.last_page(window, held, MAX_UNCOUNTED_PAGES if window.is_narrow else MAX_BURST_PAGES)
        return Overflow(0) if last is None else (yield from self.read_backwards(window, held, last - 1, None))

    def last_page(self, window: PlannedWindow[T], held: Held[T], limit: int) -> Requests[int | None]:
        """The number of a window's last page, without `count`; None where there are more than `limit`."""
        for number in range(1, limit + 2):
            response = yield [window.request(number)]
            added = held.add(number, response.items)
            if not response.items or (number > 1 and not added) or (added and len(response.items) < self.page_size):
                return number
        return None

    def is_all(self, first: PageResponse[T], horizon: datetime) -> Requests[bool]:
        """Whether the first response has all of the user's query; without `count`, all up to the horizon."""
        length, start = len(first.items), self.bounds[0]
        if self.is_whole(first) or not (length or first.count):
            return True
        if self.counted:
            return first.count == length and (yield from self.run(self._ends_here(PlannedWindow(*self.bounds), first)))
        if length >= self.page_cap or (start is not None and start >= horizon):
            return False
        return (yield from self.run(self._ends_here(PlannedWindow(start, horizon), first)))

    def _ends_here(self, window: PlannedWindow[T], first: PageResponse[T]) -> Requests[bool]:
        """Whether the next pages have nothing more; else the server caps its pages, or counts their records."""
        held, base = Held(first.items), self.traits.page_base
        for number in (1, 2) if base is None else (1 + base,):
            response = yield [window.request(number)]
            if held.add(number, response.items):
                self.page_cap = len(first.items)
                self.counted = self.counted and first.count != len(first.items)
                return False
            if not response.items:
                break
        if self.counted:
            self.traits.proven_count = max(len(first.items), self.traits.proven_count)
            return True
        again = yield [window.request()]
        return bool(again.items == first.items)


def gather(requests: list[PageRequest]) -> Requests[list[PageResponse[Any]]]:
    """The responses to all of these requests."""
    responses = []
    for index in range(len(requests)):
        responses.append((yield [] if index else requests))
    return responses
