"""Which windows of time a scan asks for: pure decisions over answers and a clock."""

from collections import deque
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from ..errors import PaginationError
from .list_flow import MAX_ROUNDS, changing_too_fast, ignores_time_filters, read_pages, read_until_stable
from .page_tracker import PageTracker, SeenIds
from .protocol import MILLISECOND, Bounds, Flow, PageRequest, PageResponse, Window
from .server_clock import ServerClock
from .window_plan import Overflow, PlannedWindow, after

T = TypeVar("T")
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
TARGET_FILL = 0.85  # of a page, so that a window somewhat denser than the last still fits
MAX_GROWTH = 4.0
MAX_WIDTH = timedelta(days=3650)
MIN_SPLIT_RATIO = 1 / 64
FIRST_SPLITS = 12
MAX_PAGES = 8
MIN_REMAINDER = 8  # times what is left of a span, if it is less than the part before it, is not worth a request
DENSITY_DECAY = 0.5  # of the density, from window to window


class ScanFlow(Generic[T]):
    """Reads by windows of time that each fit one request, the oldest first.

    A page number tells a place in a list that moves; a window of time in the past tells records: none joins it, and
    those that leave it, because they change, get a time beyond all windows that were asked before. So windows up to a
    moment just past are read, several at a time, and when all of them are answered the last one, from there to the
    server's now: what changed meanwhile is in it. Where it does not fit one page, it is read like the rest, up to a
    new moment, and so on.

    A window is taken for whole where its page is shorter than another was, or than `limit`; where a page is longer
    than any before, its next pages are asked once, to tell a server that caps its pages from one that has no more. A
    window of a few pages is read by these: by `PageTracker` where `count` has proved true, otherwise twice, and taken
    where both times brought the same, so that nothing left it meanwhile. What still does not fit is split, unless it
    is a millisecond. How wide the next is follows the density of the last ones. Where the first records are, nobody
    knows: the years up to the present are split into ever shorter spans towards it.
    """

    def __init__(self, bounds: Bounds, limit: int, concurrency: int, now: Callable[[], datetime]) -> None:
        self._minimum, self._maximum = bounds
        self._concurrency = concurrency
        self._clock = ServerClock(now)
        self._watermark = self._minimum or BEGINNING
        self._width: timedelta | None = None
        self._planned: list[PlannedWindow[T]] = []
        self._longest = 0
        self._heeds_time = False
        self._proven = False
        self._honest = True
        self._base: int | None = None
        self._density: tuple[float, timedelta] = (0.0, timedelta(0))
        self._cap = limit
        self._recent: deque[dict[Any, Any]] = deque(maxlen=2)

    def read(self) -> Flow[Window[T]]:
        yield from self._read_to(self._horizon())
        for _ in range(MAX_ROUNDS):
            if self._maximum is not None and self._watermark >= self._maximum:
                return
            if (yield from self._read_tail()):
                return
            horizon = self._horizon()
            if horizon <= self._watermark:  # a clock that tells whole seconds, or stands
                last = self._watermark - MILLISECOND, self._maximum
                items: list[T] = yield from collected(read_until_stable(last, self._concurrency, SeenIds()))
                yield self._window(self._watermark, self._watermark, items)
                return
            yield from self._read_to(horizon)
        raise changing_too_fast()

    def _horizon(self) -> datetime:
        now = self._clock.now()
        return now if self._maximum is None else min(now, self._maximum)

    def _read_to(self, horizon: datetime) -> Flow[Window[T]]:
        """The windows up to a moment that is past."""
        self._planned = [PlannedWindow(self._watermark, horizon)] if self._watermark < horizon else []
        in_flight: deque[PlannedWindow[T]] = deque()
        while self._planned:
            asks = []
            for window, ask in self._due(self._concurrency - len(in_flight)):
                in_flight.append(window)
                asks.append(ask)
            answer = yield asks
            window = in_flight.popleft()
            if self._clock.observe(answer.date):  # the first answer, of a server whose clock is another: begin again
                yield from self._read_to(self._horizon())
                return
            window.take(answer)
            if isinstance(window.outcome, Overflow):
                self._split(window, window.outcome.records, horizon)
            while self._planned and isinstance(items := self._planned[0].outcome, list):
                yield self._emit(self._planned.pop(0), items)

    def _due(self, room: int) -> list[tuple[PlannedWindow[T], PageRequest]]:
        """The next requests, and whose they are. No more spans are read ahead than requests may be in flight."""
        due: list[tuple[PlannedWindow[T], PageRequest]] = []
        for place in range(self._concurrency):
            if len(due) >= room or place >= len(self._planned):
                break
            if self._planned[place].flow is None:
                self._begin(place)
            window = self._planned[place]
            now, window.wanted = window.wanted[: room - len(due)], window.wanted[room - len(due) :]
            due += [(window, ask) for ask in now]
        return due

    def _begin(self, place: int) -> None:
        """Begins to read a span, or as much of it as may fit."""
        window = self._planned[place]
        widths = [width for width in (self._width, window.most) if width is not None]
        end = min([window.end, *(after(window.start, width) for width in widths)])
        if (window.end - end) * MIN_REMAINDER > end - window.start:
            self._planned.insert(place + 1, PlannedWindow(end, window.end, window.most))
            window.end = end
        window.flow = self._read_span(window)
        window.wanted = next(window.flow)

    def _read_span(self, window: PlannedWindow[T]) -> Generator[list[PageRequest], PageResponse[T], list[T] | Overflow]:
        first = yield [window.ask()]
        if (yield from self._is_whole(window, first)):
            return first.items
        count = (first.count or 0) if self._honest else 0
        instant = window.width <= MILLISECOND
        items = None
        if 0 < count and (instant or count <= MAX_PAGES * self._cap):
            yield from self._hold_to_time()
            items = yield from self._read_by_count(window, first, count)
        elif not count and not instant and self._is_burst(window):
            yield from self._hold_to_time()
            items = yield from self._read_twice(window, first)
        if items is None and instant:
            yield from self._hold_to_time()
            items = yield from collected(read_until_stable(window.ask()[1:], 1, SeenIds()))
        return Overflow(count) if items is None else items

    def _is_whole(self, window: PlannedWindow[T], answer: PageResponse[T]) -> Generator[Any, PageResponse[T], bool]:
        length = len(answer.items)
        shorter, self._longest = not length or length < self._longest, max(length, self._longest)
        whole = shorter or (length < self._cap and (yield from self._ends_here(window, answer.items)))
        self._honest = self._honest and (answer.count == length if whole else (answer.count or 0) >= length)
        return whole

    def _ends_here(self, window: PlannedWindow[T], items: list[T]) -> Generator[Any, PageResponse[T], bool]:
        """Whether the pages after the first have nothing more; else the server caps its pages at this length.

        The first page is asked again after them: where it is as it was, no record of theirs can have moved into it.
        """
        seen: SeenIds[T] = SeenIds()
        seen.new(items)
        for page in (1, 2):  # wherever pages begin
            answer = yield [window.ask(page)]
            if answer.items != items and seen.new(answer.items):
                self._cap = len(items)
                return False
        answer = yield [window.ask()]
        return answer.items == items

    def _hold_to_time(self) -> Generator[Any, PageResponse[T], None]:
        if not self._heeds_time and (yield from ignores_time_filters(self._clock)):
            raise PaginationError("the server ignores updated_at_min and updated_at_max: read it by list()")
        self._heeds_time = True

    def _is_burst(self, window: PlannedWindow[T]) -> bool:
        """Whether it does not fit though, as dense as those before it, it would."""
        records, time = self._density
        return bool(records) and records * window.width <= self._cap * time

    def _read_by_count(
        self, window: PlannedWindow[T], first: PageResponse[T], count: int
    ) -> Generator[Any, PageResponse[T], list[T] | None]:
        """All of a span by the pages that follow its first; None where its count was untrue, on which they relied."""
        tracker: PageTracker[T] = PageTracker(None, SeenIds(), counted=self._proven)
        tracker.base = self._base
        items = yield from self._rest(window, first, tracker, self._concurrency)
        if not tracker.moved:
            self._proven = self._honest = self._honest and len(items) == count
            self._base = tracker.base if self._proven else None
        return items if self._proven else None

    def _read_twice(
        self, window: PlannedWindow[T], first: PageResponse[T]
    ) -> Generator[Any, PageResponse[T], list[T] | None]:
        """All of a span by its pages, of which the server does not tell the number; None where there are too many."""
        most = MAX_PAGES * self._cap
        items = yield from self._rest(window, first, PageTracker(None, SeenIds()), 1, most)
        if len(items) > most:
            return None
        first = yield [window.ask()]
        again = yield from self._rest(window, first, PageTracker(None, SeenIds()), 1, most)
        return items if items == again else None

    def _rest(
        self,
        window: PlannedWindow[T],
        first: PageResponse[T],
        tracker: PageTracker[T],
        concurrency: int,
        most: int | None = None,
    ) -> Generator[Any, PageResponse[T], list[T]]:
        """A span by its pages, of which the first is there; once there are more than `most` records, no further."""
        tracker.next_pages(1)
        page = tracker.on_response(first)
        pages = read_pages(tracker, window.ask()[1:], concurrency)
        return (page.items if page else []) + (yield from collected(pages, most))

    def _split(self, window: PlannedWindow[T], records: int, horizon: datetime) -> None:
        place = self._planned.index(window)
        if window.start == BEGINNING and window.end == horizon:
            ends = [after(horizon, -window.width / MAX_GROWTH**rung) for rung in range(1, FIRST_SPLITS)] + [horizon]
            self._planned = [PlannedWindow(start, end) for start, end in zip([window.start, *ends], ends, strict=False)]
            return
        share = min(max(TARGET_FILL * self._cap / records, MIN_SPLIT_RATIO), 0.5) if records > self._cap else 0.5
        self._width = max(window.width * share, MILLISECOND)
        self._planned[place] = PlannedWindow(window.start, window.end, most=max(window.width / 2, MILLISECOND))

    def _emit(self, window: PlannedWindow[T], items: list[T]) -> Window[T]:
        self._watermark = window.end
        records, time = self._density
        if records or items:  # what lies before the first of all says nothing of those that follow
            self._density = records, time = records * DENSITY_DECAY + len(items), time * DENSITY_DECAY + window.width
        if self._width or items:
            before = self._width or window.width
            width = time * (TARGET_FILL * self._cap / records) if records >= 1 else window.width * MAX_GROWTH
            self._width = max(min(width, before * MAX_GROWTH, MAX_WIDTH), before / MAX_GROWTH, MILLISECOND)
        return self._window(window.start, window.end, items)

    def _window(self, start: datetime, end: datetime, items: list[T]) -> Window[T]:
        window = Window(start, end, [item for item in items if not self._is_known(item)])
        self._recent.append({getattr(item, "id", None): item for item in items})
        return window

    def _is_known(self, item: Any) -> bool:
        """Whether a window just before handed it over, equal to the letter: a changed one comes again."""
        key = getattr(item, "id", None)
        return any(near.get(key) == item for near in self._recent) if key else False

    def _read_tail(self) -> Generator[Any, PageResponse[T], bool]:
        """The window from the edge to the server's now; tells whether it fitted one page."""
        end = max(self._horizon(), self._watermark)
        answer = yield [PageRequest(None, self._watermark - MILLISECOND, self._maximum)]
        if not answer.items or len(answer.items) < min(self._longest, self._cap):
            yield self._window(self._watermark, end, answer.items)
            return True
        return all(map(self._is_known, answer.items)) and (yield from ignores_time_filters(self._clock))


def collected(
    pages: Generator[Any, PageResponse[T], Any], most: int | None = None
) -> Generator[Any, PageResponse[T], list[T]]:
    """The records of pages, in one list; no more are asked once there are more than `most`."""
    items: list[T] = []
    try:
        step = next(pages)
        while most is None or len(items) <= most:
            if isinstance(step, list):
                step = pages.send((yield step))
            else:
                items += step.items
                step = next(pages)
    except StopIteration:
        pass
    return items
