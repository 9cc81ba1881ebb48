"""Reads stretches of time by windows, the oldest first: pure decisions over responses and a clock."""

from abc import abstractmethod
from collections import deque
from datetime import datetime, timedelta
from typing import Any, TypeVar

from .page_tracker import PageTracker
from .protocol import Bounds, Flow, PageRequest, PageResponse, incomplete
from .record_keys import SeenIds, record_keys
from .window_plan import SECOND, PlannedWindow, WindowPlan, half_second
from .window_reader import Requests, WindowReader

T = TypeVar("T")
MAX_ROUNDS = 6
MAX_TAILS = 3


class StretchReader(WindowReader[T]):
    """Reads closed stretches of time by windows, then what changed meanwhile.

    Closed windows up to a time that is past are read, several at a time. When all of them are proved whole, one
    response from there on has what left them, and what is of the future. Where that does not fit one page, it is read
    like the rest, up to a new time, and so on.
    """

    @abstractmethod
    def emit(self, end: datetime | None, items: list[T]) -> Flow[Any]:
        """Yields records; where there is an end, all up to there have been yielded."""

    @property
    def unbounded(self) -> bool:
        return self.bounds == (None, None)

    def first_response(self, request: PageRequest) -> Requests[PageResponse[T]]:
        response = yield from self.fetch([request])
        if response.error is not None:
            raise response.error
        return response

    def horizon(self, lag: timedelta | None = None) -> datetime:
        """The end of the closed stretch: the server's now, less the lag of late writes."""
        end = half_second(self.now() - max(self.lag if lag is None else lag, SECOND))
        return end if self.bounds[1] is None else min(end, self.bounds[1])

    def closed_windows(self, plan: WindowPlan[T]) -> Flow[Any]:
        """The windows of a closed stretch of time."""
        in_flight: deque[PlannedWindow[T]] = deque()
        while plan.windows:
            requests = []
            for window, request in self._due(plan, self.look_ahead - len(in_flight)):
                in_flight.append(window)
                requests.append(request)
            self._receive(plan, in_flight.popleft(), (yield from self.fetch(requests)))
            yield from self._emit_ready(plan)
        for _ in in_flight:
            yield from self.fetch([])

    def _due(self, plan: WindowPlan[T], room: int) -> list[tuple[PlannedWindow[T], PageRequest]]:
        """The next requests, and whose they are. No more windows are read ahead than requests may be waiting."""
        due: list[tuple[PlannedWindow[T], PageRequest]] = []
        uncertain = False
        for index in range(self.look_ahead):
            # How wide the next window should be shows when the count of the one before is known.
            if len(due) >= room or index >= len(plan.windows) or uncertain:
                break
            window = plan.next_window(index, self.page_size, self.counted)
            if window.flow is None and not window.done:
                window.flow = self.read_window(window)
                window.wanted = next(window.flow)
            now, window.wanted = window.wanted[: room - len(due)], window.wanted[room - len(due) :]
            due += [(window, request) for request in now]
            uncertain = self.counted and window.pages > 1 and not (window.keys or window.done)
        return due

    def _receive(self, plan: WindowPlan[T], window: PlannedWindow[T], response: PageResponse[T]) -> None:
        if window.flow is None or window not in plan.windows:  # it was joined to another one
            return
        try:
            window.wanted += window.flow.send(response)
        except StopIteration as end:
            window.flow, window.done = None, end.value is None
            if window.done:
                return
            if end.value.error is None:
                plan.split(window, end.value, self.page_size)
            elif not plan.join(window):
                raise end.value.error from None

    def _emit_ready(self, plan: WindowPlan[T]) -> Flow[Any]:
        """Yields what the first window has so far, and its end once it is whole."""
        while plan.windows and (plan.windows[0].done or plan.windows[0].ready):
            window = plan.windows[0]
            new = self.unknown(window)
            window.size += len(new)
            yield from self.emit(window.end if window.done else None, new)
            if not window.done:
                return
            self._previous = window.keys or self._previous
            plan.finish(self.page_size)

    def unknown(self, window: PlannedWindow[T]) -> list[T]:
        """The records of a window to yield: those that no window before it had, or that have changed since."""
        if self._late is None:
            new = [item for key, item in window.ready.items() if key not in self._previous]
            self.emitted += len(new)
        else:
            new = [item for key, item in window.ready.items() if self._late.get(key) != item]
            self._late |= window.ready
        window.ready = {}
        return new

    def catch_up(self, edge: datetime, complete: bool = False) -> Flow[Any]:
        """Everything from a time on: closed windows, until one response has all that is after them.

        Unless all records are in hand already, that is requested again: a replica may not have what left the windows.
        """
        self._late = {} if self._late is None else self._late
        maximum, tails = self.bounds[1], 0
        for _ in range(MAX_ROUNDS):
            tail = PlannedWindow[T](edge, maximum, open=True)
            if maximum is not None and edge >= maximum:
                return
            split = yield from self.run(self.read_window(tail))
            if split is None:
                new, tails = self.unknown(tail), tails + 1
                yield from self.emit(None, new)
                if (not new and (complete or tails > 1)) or tails == MAX_TAILS:
                    return
                continue
            if split.error is not None:
                raise split.error
            yield from self.run(self.check_filters())
            margins = (self.lag, self.lag / 2, self.lag / 4, SECOND)
            until = next((time for time in map(self.horizon, margins) if time > edge), None)
            if until is None:  # a clock that stands still, or more than a page in a second
                break
            yield from self.closed_windows(WindowPlan(PlannedWindow(edge, until)))
            edge = until
        tail = PlannedWindow(edge, maximum, open=True, unsplit=True)
        split = yield from self.run(self.read_window(tail))
        if split is not None and split.error is not None:
            raise split.error
        yield from self.emit(None, self.unknown(tail))

    def has_untimed(self, total: int) -> Requests[bool]:
        """Whether there seem to be records without an update time, which no filter lets through.

        `total` was counted before. Of it and two parts, additions in between can only make it seem so.
        """
        cut = self.now() + timedelta(minutes=10)  # what changes meanwhile stays before it
        for _ in range(MAX_TAILS):
            before = yield from self.last_page(total, (None, cut))
            if before.error is None and total <= (before.count or 0):
                return False
            after = yield from self.fetch([PageRequest(None, cut, None)])
            again = yield from self.fetch([PageRequest(None, None, None)])
            if min(total, again.count or 0) <= (before.count or 0) + (after.count or 0):
                return False
            total = again.count or 0
        return True

    def last_page(self, total: int, bounds: Bounds) -> Requests[PageResponse[T]]:
        """The last page of a query of so many records, which shows when they were created."""
        last = max(total - 1, 0) // self.page_size
        response = yield from self.fetch([PageRequest(self.number(last), *bounds)])
        self.observe_times(response.items)
        return response

    def find_base(self, first: PageResponse[T]) -> Requests[None]:
        """Learns the number of the first page, unless the query keeps changing."""
        for _ in range(MAX_TAILS if self.traits.page_base is None else 0):
            page = yield from self.fetch([PageRequest(1, *self.bounds)])
            again = yield from self.fetch([PageRequest(None, *self.bounds)])
            head, row = set(record_keys(first.items)), record_keys(page.items)
            self.traits.learn_base(head, row, unchanged=again.items == first.items)
            if self.traits.page_base is not None or not row:
                return
            first = again

    def observe_times(self, items: list[T]) -> None:
        times = sorted([*self.created, *filter(None, map(created_at, items))])
        self.created = times[:1] + times[-1:]

    def read_all_pages(self, seen: SeenIds[T]) -> Flow[Any]:
        """All pages of the user's query, until as many records are in hand as it counts."""
        counts, idle = list[int](), 0
        for _ in range(MAX_ROUNDS):
            before, held = len(seen), SeenIds[T]()
            tracker = PageTracker(self.traits, held, closed=False)
            while not tracker.ended or tracker.waiting:
                numbers = tracker.next_pages(self.look_ahead - tracker.waiting)
                response = yield from self.fetch([PageRequest(number, *self.bounds) for number in numbers])
                counts += [] if response.count is None else [response.count]
                keys = record_keys(response.items)
                held.add(response.items, keys)
                tracker.on_response(response, keys)
                yield from self.emit(None, seen.unseen(response.items, keys))
            idle = 0 if len(seen) > before else idle + 1
            if idle == 2 or len(held) + tracker.repeats >= max(counts, default=0):
                break
        if len(seen) < min(counts, default=0) and len(held) + tracker.repeats < max(counts):
            raise incomplete(min(counts), len(seen))


def created_at(item: Any) -> datetime | None:
    """When a record was created, or None where it does not show."""
    created = getattr(item, "created_at", None) or getattr(item, "data", {}).get("created_at")
    try:
        created = datetime.fromisoformat(created) if isinstance(created, str) else created
    except ValueError:
        return None
    return created if isinstance(created, datetime) and created.tzinfo is not None else None
