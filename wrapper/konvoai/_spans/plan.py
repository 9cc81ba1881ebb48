"""Cuts a stretch of time into spans of about equal count: pure decisions over counts."""

from __future__ import annotations

from bisect import insort
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from .._pagination.protocol import MILLISECOND, Bounds
from .._pagination.window_plan import BEGINNING

T = TypeVar("T")
Counting = Generator[Bounds, int | None, T]
"""Yields the bounds to count records of; is sent their count, or None where the server gives none."""
MIN_RECORDS = 200  # of a span: a page, below which another task is not worth its start
TOLERANCE = 0.1  # of a span's share, by which it may differ
MAX_ROUNDS = 30  # for one cut: halving alone brings half a century down to a minute in 24
MAX_COUNTS = 300  # for a plan: further cuts are interpolated
GAP = MILLISECOND
SHIFTS = [timedelta(milliseconds=shift) for shift in (0, 3, -3, 30, -30, 1500, -1500)]
"""Where to look for a gap without records, so that few are on both sides of a cut: bounds are inclusive, or rounded."""


@dataclass(frozen=True)
class Span:
    """A span of time to read: `scan(updated_at_min=span.start, updated_at_max=span.end)`.

    Attributes:
        start: Where it begins, an aware datetime; None for the first session.
        end: Where it ends, an aware datetime.
        count: About how many sessions it has; None where the server does not count.
    """

    start: datetime | None
    end: datetime
    count: int | None


def plan(since: datetime | None, until: datetime, spans: int) -> Counting[list[Span]]:
    """Returns at most so many spans, which cover the time from `since` to `until` without a gap."""
    total = yield since, until
    number = min(spans, -(-(total or 0) // MIN_RECORDS))
    if total is None or number < 2:
        return [Span(since, until, total)]
    curve = Curve(since, until, total)
    yield from curve.find_beginning()
    cuts: list[tuple[datetime, int]] = []
    for share in range(1, number) if curve.rises else ():
        cut, count = yield from curve.time_of(total * share // number, TOLERANCE * total / number)
        cut = yield from curve.gap_near(cut)
        if (cuts[-1][0] if cuts else curve.beginning) < cut < until:
            cuts.append((cut, count))
    starts, ends = [(since, 0), *cuts], [*cuts, (until, total)]
    return [
        Span(start, end, max(after - before, 0)) for (start, before), (end, after) in zip(starts, ends, strict=True)
    ]


class Curve:
    """How many records were updated up to a time, as far as it was counted; data that moves may bend it.

    Attributes:
        beginning: The earliest time, up to which there are none.
    """

    def __init__(self, since: datetime | None, until: datetime, total: int) -> None:
        self.beginning = min(since or BEGINNING, until)
        self._since, self._until, self._total = since, until, total
        self._points = [(self.beginning, 0), (until, total)]
        self._counts = 0

    @property
    def rises(self) -> bool:
        """Whether counts differ by time: a server may count everything, whatever the bounds."""
        return any(count < self._total for _, count in self._points[1:-1]) or len(self._points) == 2

    def find_beginning(self) -> Counting[None]:
        """Counts ever further back, since the first record may be long after the beginning."""
        width, count = timedelta(minutes=1), self._total
        while count and self._until - width > self.beginning:
            count = yield from self._count(self._until - width)
            width *= 4

    def time_of(self, wanted: int, tolerance: float) -> Counting[tuple[datetime, int]]:
        """Returns a time up to which about `wanted` records were updated, and how many."""
        width = timedelta.max
        for _ in range(MAX_ROUNDS):
            (low, fewer), (high, more) = self._around(wanted)
            if more - wanted <= tolerance or high - low <= MILLISECOND:
                return high, more
            if wanted - fewer <= tolerance and low > self.beginning:
                return low, fewer
            # By interpolation, or by half where that did not halve the interval, as records are far from even.
            share = (wanted - fewer) / (more - fewer) if high - low <= width / 2 else 0.5
            width = high - low
            middle = whole_millisecond(low + (high - low) * min(max(share, 0.02), 0.98))
            if not low < middle < high or self._counts >= MAX_COUNTS:
                return middle, wanted
            yield from self._count(middle)
        return self._around(wanted)[1]

    def gap_near(self, cut: datetime) -> Counting[datetime]:
        """Returns a time near the cut around which there is no record; the cut itself where none is found."""
        for shift in SHIFTS if self._counts < MAX_COUNTS else ():
            near = cut + shift
            self._counts += 1
            if (yield near - GAP, near + GAP) == 0:
                return near
        return cut

    def _around(self, wanted: int) -> tuple[tuple[datetime, int], tuple[datetime, int]]:
        """The first point with as many records, and the one before it."""
        above = next(index for index, (_, count) in enumerate(self._points) if count >= wanted)
        return self._points[above - 1], self._points[above]

    def _count(self, time: datetime) -> Counting[int]:
        self._counts += 1
        count = min((yield self._since, time) or 0, self._total)
        insort(self._points, (time, count))
        return count


def whole_millisecond(time: datetime) -> datetime:
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
