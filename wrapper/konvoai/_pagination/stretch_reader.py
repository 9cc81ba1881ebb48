"""Reads stretches of time by windows, the oldest first: pure decisions over responses and a clock."""

from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from .page_tracker import Held, PageTracker, SeenIds
from .protocol import MILLISECOND, Bounds, Flow, PageRequest, PageResponse, ServerTraits, incomplete, record_keys
from .server_clock import SECOND
from .window_plan import Overflow, PlannedWindow, WindowPlan
from .window_reader import Requests, TimeFiltersError, WindowReader

T = TypeVar("T")
DEFAULT_LAG = timedelta(seconds=5)
MAX_ROUNDS = 6
MAX_REPEATED = 8
FUTURE, END = timedelta(days=1), datetime(9999, 1, 1, tzinfo=UTC)


class StretchReader(WindowReader[T]):
    """Reads closed stretches of time by windows, then what changed meanwhile.

    Closed windows up to a time that is past are read, several at a time. When all of them are proved whole, one
    response from there on has what left them, and what is of the future. Where that does not fit one page, it is read
    like the rest, up to a new time, and so on.
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
        super().__init__(bounds, limit, now, traits or ServerTraits())
        self.concurrency, self._lag = concurrency, max(lag, SECOND)
        self._recent: deque[dict[str | bytes, Any]] = deque(maxlen=3)
        self.catching_up = False
        self._repeated = 0  # windows in a row that had little new
        self.began: datetime | None = None
        self.earlier = 0  # how many of the records yielded existed at the first request

    @abstractmethod
    def emit(self, start: datetime | None, end: datetime | None, items: list[T]) -> Flow[Any]:
        """Yields the records of a window."""

    def first_response(self, request: PageRequest) -> Requests[PageResponse[T]]:
        response = yield from self.fetch([request])
        if response.error is not None:
            raise response.error
        return response

    def horizon(self, margin: timedelta | None = None) -> datetime:
        """The end of the closed stretch: the server's now, less the lag of late writes."""
        end = self.clock.now() - max(margin or self._lag, SECOND)
        return end if self.bounds[1] is None else min(end, self.bounds[1])

    def closed_windows(
        self,
        start: datetime | None,
        end: datetime,
        records: int | None = None,
        first: PageResponse[T] | None = None,
    ) -> Flow[Any]:
        """The windows of a closed stretch of time, of which the first page may be there."""
        plan = WindowPlan[T](PlannedWindow(start, end, records))
        if first is not None:
            self._start(plan.windows[0])
            plan.windows[0].wanted.clear()
            self._receive(plan, plan.windows[0], first)
        yield from self._emit_read(plan)
        in_flight: deque[PlannedWindow[T]] = deque()
        while plan.windows:
            requests = []
            for window, request in self._due(plan, self.concurrency - len(in_flight)):
                in_flight.append(window)
                requests.append(request)
            response = yield from self.fetch(requests)
            window = in_flight.popleft()
            self._receive(plan, window, response)
            yield from self._emit_read(plan)

    def _start(self, window: PlannedWindow[T]) -> None:
        window.flow = self.read_window(window)
        window.wanted = next(window.flow)

    def _receive(self, plan: WindowPlan[T], window: PlannedWindow[T], response: PageResponse[T]) -> None:
        window.on_response(response)
        if isinstance(window.outcome, Overflow) and window in plan.windows:
            plan.split(window, window.outcome.records, self.page_size)

    def _emit_read(self, plan: WindowPlan[T]) -> Flow[Any]:
        while plan.windows and isinstance(items := plan.windows[0].outcome, list):
            new = self.without_recent(items)
            self._repeated = self._repeated + 1 if len(new) * 2 < len(items) else 0
            if self._repeated >= MAX_REPEATED and not self.catching_up:
                raise TimeFiltersError(
                    "the server rounds updated_at_min and updated_at_max, so that its windows repeat themselves: "
                    "read it by list()"
                )
            yield from self.emit(plan.windows[0].start, plan.windows[0].end, new)
            plan.finish(len(new), None if self.counted else min(self.page_cap, self.page_size))

    def _due(self, plan: WindowPlan[T], room: int) -> list[tuple[PlannedWindow[T], PageRequest]]:
        """The next requests, and whose they are. No more windows are read ahead than requests may be in flight."""
        due: list[tuple[PlannedWindow[T], PageRequest]] = []
        for index in range(self.concurrency):
            if len(due) >= room or index >= len(plan.windows):
                break
            window = plan.next_window(index, self.page_size, self.counted)
            if window is None:
                break
            if window.flow is None:
                self._start(window)
            now, window.wanted = window.wanted[: room - len(due)], window.wanted[room - len(due) :]
            due += [(window, request) for request in now]
        return due

    def catch_up(self, edge: datetime) -> Flow[Any]:
        """Everything from a time on: closed windows, until one response has all that is after them."""
        self.catching_up, maximum = True, self.bounds[1]
        self._recent = deque(self._recent)  # little changes meanwhile, and all of it is kept
        for turn in range(MAX_ROUNDS):
            if maximum is not None and edge >= maximum:
                return
            tail = PlannedWindow[T](edge, maximum)
            longest = self.longest_page
            first: PageResponse[T] = yield from self.first_response(tail.request())
            length, known = len(first.items), not self._unknown(first.items)
            short = not self.counted and (length < longest or (length < self.page_cap and known))
            if self.is_whole(first) or not length or short:
                yield from self.emit(edge, None, self.without_recent(first.items))
                return
            yield from self.run(self.check_filters())
            if turn == 1 and maximum is None:
                maximum = yield from self._read_future()
            margins = (self._lag, self._lag / 2, self._lag / 4, SECOND)
            until = next((time for time in map(self.horizon, margins) if time > edge), None)
            if until is None:  # a clock that stands still, or more than a page in a second
                break
            yield from self.closed_windows(edge, until)
            edge = until
        held = Held[T](first.items)
        last = -(-(first.count or 0) // self.page_size) if self.counted else None
        last = last or (yield from self.run(self.last_page(tail, held, 1000))) or 1000
        items = yield from self.run(self.read_backwards(tail, held, last, first.count, closed=False))
        yield from self.emit(edge, None, self.without_recent(items))

    def _read_future(self) -> Flow[Any]:
        """Records with times of the future, which no response has with the rest; returns where they start."""
        start = self.clock.now() + FUTURE
        response = yield from self.fetch([PageRequest(None, start, None)])
        if not response.items:
            return None
        yield from self.closed_windows(start, END, response.count)
        return start

    def has_untimed(self, total: int | None, horizon: datetime) -> Requests[bool]:
        """Whether there seem to be records without an update time, which no filter lets through.

        Changes between the requests can only make it seem so, unless one is added before and another removed after
        the parts are counted; such records would be there in each of three rounds.
        """
        for _ in range(3):
            rest = yield from self.fetch([PageRequest(None, horizon + MILLISECOND, None)])
            closed = yield from self.fetch([PageRequest(None, None, horizon)])
            again = (yield from self.fetch([PageRequest(None, None, None)])).count
            if max(total or 0, again or 0) <= (rest.count or 0) + (closed.count or 0):
                return False
            total = again
        return True

    def read_all_pages(self, seen: SeenIds[T]) -> Flow[Any]:
        """All pages of the user's query, until as many records are in hand as it counts."""
        counts, idle = list[int](), 0
        for _ in range(MAX_ROUNDS):
            before, tracker = len(seen), PageTracker[T](None, SeenIds(), self.traits, bounded=False)
            while not tracker.ended or tracker.waiting:
                numbers = tracker.next_pages(self.concurrency - tracker.waiting)
                response: PageResponse[T]
                response = yield from self.fetch([PageRequest(number, *self.bounds) for number in numbers])
                counts += [] if response.count is None else [response.count]
                tracker.on_response(response)
                if new := seen.unseen(response.items):
                    yield from self.emit(None, None, new)
            idle = 0 if len(seen) > before else idle + 1
            if idle == 2 or tracker.held >= max(counts, default=0):
                break
        if len(seen) < min(counts, default=0) and tracker.held < max(counts):
            raise incomplete(min(counts), len(seen))

    def without_recent(self, items: list[T]) -> list[T]:
        """The records that no window just before had; one that changed since comes again."""
        new = self._unknown(items)
        if items:
            self._recent.append(dict(zip(record_keys(items), items, strict=True)))
        return new

    def _unknown(self, items: list[T]) -> list[T]:
        found = dict(zip(record_keys(items), items, strict=True))
        return [item for key, item in found.items() if not any(near.get(key) == item for near in self._recent)]

    def count_earlier(self, items: list[T]) -> None:
        self.earlier += sum(created_before(item, self.began) for item in items)


def created_before(item: Any, time: datetime | None) -> bool:
    """Whether a record existed at a time, as far as it shows when it was created."""
    created = getattr(item, "created_at", None) or getattr(item, "data", {}).get("created_at")
    try:
        created = datetime.fromisoformat(created) if isinstance(created, str) else created
    except ValueError:
        return True
    return not isinstance(created, datetime) or created.tzinfo is None or time is None or created < time
