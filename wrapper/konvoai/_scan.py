"""Which windows of time a scan asks for: pure decisions over answers and a clock."""

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from ._reading import (
    MILLISECOND,
    MOST_ROUNDS,
    Ask,
    Bounds,
    ServerClock,
    Steps,
    heeds_no_time,
    read_pages,
    read_until_still,
    too_fast,
)
from ._walk import Answer, PageWalk, Seen
from .errors import PaginationError

T = TypeVar("T")

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FILL = 0.85  # of a page, so that a window somewhat denser than the last still fits
GROWTH = 4.0
WIDEST = timedelta(days=3650)
MOST_PARTS = 1 / 64
MOST_PAGES = 8
MEMORY = 0.5  # of the density, from window to window


@dataclass
class Window(Generic[T]):
    """What was updated in a span of time.

    Attributes:
        start: Where it begins, an aware datetime.
        end: Everything up to here has been handed over: `scan(updated_at_min=window.end)` goes on from there.
        items: Its records.
    """

    start: datetime
    end: datetime
    items: list[T]


@dataclass
class Span(Generic[T]):
    """A window in the making."""

    start: datetime
    end: datetime
    asked: bool = False
    answer: Answer[T] | None = None

    @property
    def width(self) -> timedelta:
        return self.end - self.start

    def ask(self, page: int | None = None) -> Ask:
        """The overlap of a millisecond makes inclusive and exclusive bounds both right."""
        return Ask(page, self.start - MILLISECOND, self.end)


class WindowScan(Generic[T]):
    """Reads by windows of time that each fit one request, the oldest first.

    A page number tells a place in a list that moves; a window of time in the past tells records: none joins it, and
    those that leave it, because they change, get a time beyond all windows that were asked before. So windows up to a
    moment just past are read, several at a time, and when all of them are answered the last one, from there to the
    server's now: what changed meanwhile is in it. Where it does not fit one page, it is read like the rest, up to a
    new moment, and so on.

    A window is taken for whole where its page is shorter than another was, or than `limit`; where a page is longer
    than any before, its next pages are asked once, to tell a server that caps its pages from one that has no more. A
    window that does not fit is split. Where `count` has proved true and tells of a few pages, they are read instead,
    by `PageWalk`; of others only a window of a millisecond is. The width of the next follows the density of the last
    ones; until the first record is found, the span that holds it is halved.
    """

    def __init__(self, bounds: Bounds, limit: int, concurrency: int, now: Callable[[], datetime]) -> None:
        self._minimum, self._maximum = bounds
        self._concurrency = concurrency
        self._clock = ServerClock(now)
        self._edge = self._minimum or BEGINNING
        self._width: timedelta | None = None
        self._found = False
        self._full_to: datetime | None = None
        self._spans: deque[Span[T]] = deque()
        self._flight: deque[Span[T]] = deque()
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
        while self._spans or self._edge < horizon:
            answer = yield self._asks(horizon)
            self._flight.popleft().answer = answer
            if self._clock.hear(answer.date):  # the first answer, of a server whose clock is another: begin again
                self._edge, horizon = self._minimum or BEGINNING, self._horizon()
                self._spans.clear()
                continue
            while self._spans and (found := self._spans[0].answer) is not None:
                first = self._spans[0]
                if (yield from self._is_whole(first, found)):
                    yield self._handed_over(self._spans.popleft(), found.items)
                    continue
                items = None
                if first.width <= MILLISECOND or (self._honest and (found.count or 0) <= MOST_PAGES * self._cap):
                    items = yield from self._read_by_pages(first, found)
                if items is None:
                    self._split(self._spans.popleft(), found)
                else:
                    yield self._handed_over(self._spans.popleft(), items)

    def _asks(self, horizon: datetime) -> list[Ask]:
        while len(self._spans) < (self._concurrency if self._found else 1) and self._edge < horizon:
            end = min(after(self._edge, self._next_width(horizon)), horizon)
            self._spans.append(Span(self._edge, end))
            self._edge = end
        wanted = [span for span in self._spans if not span.asked][: self._concurrency - len(self._flight)]
        for span in wanted:
            span.asked = True
        self._flight.extend(wanted)
        return [span.ask() for span in wanted]

    def _next_width(self, horizon: datetime) -> timedelta:
        """Until the first record is found, half of the span that is known to hold it."""
        if self._found:
            return self._width or GROWTH * MILLISECOND
        if self._full_to is None or self._full_to <= self._edge:
            return horizon - self._edge + MILLISECOND
        return max((self._full_to - self._edge) / 2, MILLISECOND)

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
        yield from self._land()
        seen: Seen[T] = Seen()
        seen.new(items)
        for page in (1, 2):  # wherever pages begin
            answer = yield [span.ask(page)]
            if answer.items != items and seen.new(answer.items):
                self._cap = len(items)
                return False
        answer = yield [span.ask()]
        return answer.items == items

    def _read_by_pages(self, span: Span[T], first: Answer[T]) -> Generator[Any, Answer[T], list[T] | None]:
        """All of a window that does not fit one page; None where its count was untrue, on which its pages relied."""
        yield from self._land()
        if not self._heeds_time and (yield from heeds_no_time(self._clock)):
            raise PaginationError("the server ignores updated_at_min and updated_at_max: read it by list()")
        self._heeds_time = True
        walk: PageWalk[T] = PageWalk(None, Seen(), counted=self._proven)
        walk.base = self._base
        walk.ask(1)
        page = walk.receive(first)
        items = page.items if page else []
        items += yield from collected(read_pages(walk, span.ask()[1:], self._concurrency))
        if not walk.moved:
            self._proven = self._honest = self._honest and len(items) == first.count
            self._base = walk.base if self._proven else None
        return items if self._proven or span.width <= MILLISECOND else None

    def _land(self) -> Generator[Any, Answer[T], None]:
        """Waits for all that is in flight, so that the next answer is the next question's."""
        while self._flight:
            answer = yield []
            self._flight.popleft().answer = answer

    def _split(self, span: Span[T], answer: Answer[T]) -> None:
        if not self._found:
            self._edge, self._full_to = span.start, span.end
            return
        count = answer.count or 0
        share = min(FILL * self._cap / count, 0.5) if count > len(answer.items) else 0.5
        if self._spans:
            share = max(share, MOST_PARTS)
        self._width = width = max(span.width * share, MILLISECOND)
        if not self._spans:  # nothing is planned beyond: what is left of it is planned anew
            self._edge = after(span.start, width)
            self._spans.append(Span(span.start, self._edge))
            return
        parts = []
        start = span.start
        while start < span.end:
            end = min(after(start, width), span.end)
            parts.append(Span[T](start, end))
            start = end
        self._spans.extendleft(reversed(parts))

    def _handed_over(self, span: Span[T], items: list[T]) -> Window[T]:
        records, time = self._density
        self._density = records, time = records * MEMORY + len(items), time * MEMORY + span.width
        before = self._width if self._found else span.width
        self._found = self._found or bool(items)
        if self._found and before is not None:
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


def collected(pages: Generator[Any, Answer[T], Any]) -> Generator[Any, Answer[T], list[T]]:
    """The records of pages, in one list."""
    items: list[T] = []
    try:
        step = next(pages)
        while True:
            if isinstance(step, list):
                step = pages.send((yield step))
            else:
                items += step.items
                step = next(pages)
    except StopIteration:
        return items


def after(moment: datetime, width: timedelta) -> datetime:
    """A width after a moment, to the millisecond, which is what the times of the document are told to."""
    end = moment + width
    return end.replace(microsecond=end.microsecond // 1000 * 1000)
