"""Which windows of time a scan asks for: pure decisions over answers and a clock."""

from collections import deque
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from ..errors import PaginationError
from .list_flow import MOST_ROUNDS, heeds_no_time, read_pages, read_until_still, too_fast
from .page_tracker import PageWalk, Seen
from .protocol import MILLISECOND, Answer, Ask, Bounds, Steps, Window
from .server_clock import ServerClock
from .window_plan import Overfull, Span, after

T = TypeVar("T")
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FILL = 0.85  # of a page, so that a window somewhat denser than the last still fits
GROWTH = 4.0
WIDEST = timedelta(days=3650)
LEAST_SHARE = 1 / 64
LADDER = 12
MOST_PAGES = 8
SLACK = 8  # times what is left of a span, if it is less than the part before it, is not worth a request
MEMORY = 0.5  # of the density, from window to window


class WindowScan(Generic[T]):
    """Reads by windows of time that each fit one request, the oldest first.

    A page number tells a place in a list that moves; a window of time in the past tells records: none joins it, and
    those that leave it, because they change, get a time beyond all windows that were asked before. So windows up to a
    moment just past are read, several at a time, and when all of them are answered the last one, from there to the
    server's now: what changed meanwhile is in it. Where it does not fit one page, it is read like the rest, up to a
    new moment, and so on.

    A window is taken for whole where its page is shorter than another was, or than `limit`; where a page is longer
    than any before, its next pages are asked once, to tell a server that caps its pages from one that has no more. A
    window of a few pages is read by these: by `PageWalk` where `count` has proved true, otherwise twice, and taken
    where both times brought the same, so that nothing left it meanwhile. What still does not fit is split, unless it
    is a millisecond. How wide the next is follows the density of the last ones. Where the first records are, nobody
    knows: the years up to the present are split into ever shorter spans towards it.
    """

    def __init__(self, bounds: Bounds, limit: int, concurrency: int, now: Callable[[], datetime]) -> None:
        self._minimum, self._maximum = bounds
        self._concurrency = concurrency
        self._clock = ServerClock(now)
        self._edge = self._minimum or BEGINNING
        self._width: timedelta | None = None
        self._spans: list[Span[T]] = []
        self._longest = 0
        self._heeds_time = False
        self._proven = False
        self._honest = True
        self._base: int | None = None
        self._density: tuple[float, timedelta] = (0.0, timedelta(0))
        self._cap = limit
        self._recent: deque[dict[Any, Any]] = deque(maxlen=2)

    def read(self) -> Steps[Window[T]]:
        yield from self._read_to(self._horizon())
        for _ in range(MOST_ROUNDS):
            if self._maximum is not None and self._edge >= self._maximum:
                return
            if (yield from self._read_last()):
                return
            horizon = self._horizon()
            if horizon <= self._edge:  # a clock that tells whole seconds, or stands
                last = self._edge - MILLISECOND, self._maximum
                items: list[T] = yield from collected(read_until_still(last, self._concurrency, Seen()))
                yield self._window(self._edge, self._edge, items)
                return
            yield from self._read_to(horizon)
        raise too_fast()

    def _horizon(self) -> datetime:
        moment = self._clock.moment()
        return moment if self._maximum is None else min(moment, self._maximum)

    def _read_to(self, horizon: datetime) -> Steps[Window[T]]:
        """The windows up to a moment that is past."""
        self._spans = [Span(self._edge, horizon)] if self._edge < horizon else []
        flight: deque[Span[T]] = deque()
        while self._spans:
            asks = []
            for span, ask in self._due(self._concurrency - len(flight)):
                flight.append(span)
                asks.append(ask)
            answer = yield asks
            span = flight.popleft()
            if self._clock.hear(answer.date):  # the first answer, of a server whose clock is another: begin again
                yield from self._read_to(self._horizon())
                return
            span.take(answer)
            if isinstance(span.outcome, Overfull):
                self._split(span, span.outcome.records, horizon)
            while self._spans and isinstance(items := self._spans[0].outcome, list):
                yield self._handed_over(self._spans.pop(0), items)

    def _due(self, room: int) -> list[tuple[Span[T], Ask]]:
        """The next requests, and whose they are. No more spans are read ahead than requests may be in flight."""
        due: list[tuple[Span[T], Ask]] = []
        for place in range(self._concurrency):
            if len(due) >= room or place >= len(self._spans):
                break
            if self._spans[place].steps is None:
                self._begin(place)
            span = self._spans[place]
            now, span.wanted = span.wanted[: room - len(due)], span.wanted[room - len(due) :]
            due += [(span, ask) for ask in now]
        return due

    def _begin(self, place: int) -> None:
        """Begins to read a span, or as much of it as may fit."""
        span = self._spans[place]
        widths = [width for width in (self._width, span.most) if width is not None]
        end = min([span.end, *(after(span.start, width) for width in widths)])
        if (span.end - end) * SLACK > end - span.start:
            self._spans.insert(place + 1, Span(end, span.end, span.most))
            span.end = end
        span.steps = self._read_span(span)
        span.wanted = next(span.steps)

    def _read_span(self, span: Span[T]) -> Generator[list[Ask], Answer[T], list[T] | Overfull]:
        first = yield [span.ask()]
        if (yield from self._is_whole(span, first)):
            return first.items
        count = (first.count or 0) if self._honest else 0
        instant = span.width <= MILLISECOND
        items = None
        if 0 < count and (instant or count <= MOST_PAGES * self._cap):
            yield from self._hold_to_time()
            items = yield from self._read_by_count(span, first, count)
        elif not count and not instant and self._is_burst(span):
            yield from self._hold_to_time()
            items = yield from self._read_twice(span, first)
        if items is None and instant:
            yield from self._hold_to_time()
            items = yield from collected(read_until_still(span.ask()[1:], 1, Seen()))
        return Overfull(count) if items is None else items

    def _is_whole(self, span: Span[T], answer: Answer[T]) -> Generator[Any, Answer[T], bool]:
        length = len(answer.items)
        shorter, self._longest = not length or length < self._longest, max(length, self._longest)
        whole = shorter or (length < self._cap and (yield from self._ends_here(span, answer.items)))
        self._honest = self._honest and (answer.count == length if whole else (answer.count or 0) >= length)
        return whole

    def _ends_here(self, span: Span[T], items: list[T]) -> Generator[Any, Answer[T], bool]:
        """Whether the pages after the first have nothing more; else the server caps its pages at this length.

        The first page is asked again after them: where it is as it was, no record of theirs can have moved into it.
        """
        seen: Seen[T] = Seen()
        seen.new(items)
        for page in (1, 2):  # wherever pages begin
            answer = yield [span.ask(page)]
            if answer.items != items and seen.new(answer.items):
                self._cap = len(items)
                return False
        answer = yield [span.ask()]
        return answer.items == items

    def _hold_to_time(self) -> Generator[Any, Answer[T], None]:
        if not self._heeds_time and (yield from heeds_no_time(self._clock)):
            raise PaginationError("the server ignores updated_at_min and updated_at_max: read it by list()")
        self._heeds_time = True

    def _is_burst(self, span: Span[T]) -> bool:
        """Whether it does not fit though, as dense as those before it, it would."""
        records, time = self._density
        return bool(records) and records * span.width <= self._cap * time

    def _read_by_count(self, span: Span[T], first: Answer[T], count: int) -> Generator[Any, Answer[T], list[T] | None]:
        """All of a span by the pages that follow its first; None where its count was untrue, on which they relied."""
        walk: PageWalk[T] = PageWalk(None, Seen(), counted=self._proven)
        walk.base = self._base
        items = yield from self._rest(span, first, walk, self._concurrency)
        if not walk.moved:
            self._proven = self._honest = self._honest and len(items) == count
            self._base = walk.base if self._proven else None
        return items if self._proven else None

    def _read_twice(self, span: Span[T], first: Answer[T]) -> Generator[Any, Answer[T], list[T] | None]:
        """All of a span by its pages, of which the server does not tell the number; None where there are too many."""
        most = MOST_PAGES * self._cap
        items = yield from self._rest(span, first, PageWalk(None, Seen()), 1, most)
        if len(items) > most:
            return None
        first = yield [span.ask()]
        again = yield from self._rest(span, first, PageWalk(None, Seen()), 1, most)
        return items if items == again else None

    def _rest(
        self, span: Span[T], first: Answer[T], walk: PageWalk[T], concurrency: int, most: int | None = None
    ) -> Generator[Any, Answer[T], list[T]]:
        """A span by its pages, of which the first is there; once there are more than `most` records, no further."""
        walk.ask(1)
        page = walk.receive(first)
        pages = read_pages(walk, span.ask()[1:], concurrency)
        return (page.items if page else []) + (yield from collected(pages, most))

    def _split(self, span: Span[T], records: int, horizon: datetime) -> None:
        place = self._spans.index(span)
        if span.start == BEGINNING and span.end == horizon:
            ends = [after(horizon, -span.width / GROWTH**rung) for rung in range(1, LADDER)] + [horizon]
            self._spans = [Span(start, end) for start, end in zip([span.start, *ends], ends, strict=False)]
            return
        share = min(max(FILL * self._cap / records, LEAST_SHARE), 0.5) if records > self._cap else 0.5
        self._width = max(span.width * share, MILLISECOND)
        self._spans[place] = Span(span.start, span.end, most=max(span.width / 2, MILLISECOND))

    def _handed_over(self, span: Span[T], items: list[T]) -> Window[T]:
        self._edge = span.end
        records, time = self._density
        if records or items:  # what lies before the first of all says nothing of those that follow
            self._density = records, time = records * MEMORY + len(items), time * MEMORY + span.width
        if self._width or items:
            before = self._width or span.width
            width = time * (FILL * self._cap / records) if records >= 1 else span.width * GROWTH
            self._width = max(min(width, before * GROWTH, WIDEST), before / GROWTH, MILLISECOND)
        return self._window(span.start, span.end, items)

    def _window(self, start: datetime, end: datetime, items: list[T]) -> Window[T]:
        window = Window(start, end, [item for item in items if not self._is_known(item)])
        self._recent.append({getattr(item, "id", None): item for item in items})
        return window

    def _is_known(self, item: Any) -> bool:
        """Whether a window just before handed it over, equal to the letter: a changed one comes again."""
        key = getattr(item, "id", None)
        return any(near.get(key) == item for near in self._recent) if key else False

    def _read_last(self) -> Generator[Any, Answer[T], bool]:
        """The window from the edge to the server's now; tells whether it fitted one page."""
        end = max(self._horizon(), self._edge)
        answer = yield [Ask(None, self._edge - MILLISECOND, self._maximum)]
        if not answer.items or len(answer.items) < min(self._longest, self._cap):
            yield self._window(self._edge, end, answer.items)
            return True
        return all(map(self._is_known, answer.items)) and (yield from heeds_no_time(self._clock))


def collected(pages: Generator[Any, Answer[T], Any], most: int | None = None) -> Generator[Any, Answer[T], list[T]]:
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
