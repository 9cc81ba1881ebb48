"""Reads stretches of time by windows, the oldest first: pure decisions over responses and a clock."""

from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from .protocol import Bounds, Flow, PageRequest, PageResponse, ServerTraits, record_key
from .server_clock import SECOND
from .window_plan import Overflow, PlannedWindow, WindowPlan
from .window_reader import Held, Requests, WindowReader

T = TypeVar("T")
DEFAULT_LAG = timedelta(seconds=5)
MAX_ROUNDS = 6


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
        maximum = self.bounds[1]
        for turn in range(MAX_ROUNDS):
            if maximum is not None and edge >= maximum:
                return
            tail = PlannedWindow[T](edge, maximum)
            longest = self.traits.longest_page
            first: PageResponse[T] = yield from self.first_response(tail.request())
            if self.is_whole(first) or not first.items or (not self.counted and len(first.items) < longest):
                yield from self.emit(edge, None, self.without_recent(first.items))
                return
            yield from self.run(self.check_filters())
            until = self.horizon(self._lag) if turn == 0 else self.horizon(SECOND)
            if until <= edge or turn == MAX_ROUNDS - 1:
                break
            yield from self.closed_windows(edge, until)
            edge = until
        held = Held[T](first.items)
        last = -(-(first.count or 0) // self.page_size) if self.counted else None
        last = last or (yield from self.run(self.last_page(tail, held, 1000))) or 1000
        items = yield from self.run(self.read_backwards(tail, held, last, first.count, closed=False))
        yield from self.emit(edge, None, self.without_recent(items))

    def without_recent(self, items: Iterable[T]) -> list[T]:
        """The records that no window just before had; one that changed since comes again."""
        found = {record_key(item): item for item in items}
        new = [item for key, item in found.items() if not any(near.get(key) == item for near in self._recent)]
        if found:
            self._recent.append(found)
        return new
