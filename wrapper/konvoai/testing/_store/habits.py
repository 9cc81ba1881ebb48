"""What a server does where the API document is silent, as options of a store."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal

from .factories import TICK, micros
from .list_parameters import MAX_LIMIT, ListParameters, parse_query
from .session_table import MAX_TIME, MIN_TIME, Rows, SessionTable

ORDERS = ("created", "-created", "updated", "-updated")
OMITTED = object()
"""What a `count` function returns for an envelope without `count`."""
COUNTS: dict[str, Callable[[int], Any]] = {
    "honest": lambda total: total,
    "missing": lambda total: OMITTED,
    "null": lambda total: None,
    "text": lambda total: "many",
    "small": lambda total: total // 2,
    "large": lambda total: 2 * total + 1,
}
START = datetime(2026, 1, 1, tzinfo=UTC)


def capped_count(maximum: int) -> Callable[[int], int]:
    """Returns a `count` that stops at a maximum."""
    return lambda total: min(total, maximum)


def noisy_count(share: float, seed: int = 0) -> Callable[[int], int]:
    """Returns a `count` that is up to such a share too small or too large, drawn for each response."""
    random = Random(seed)
    return lambda total: round(total * random.uniform(1 - share, 1 + share))


class RequestError(Exception):
    """A request that the store responds to with a status of 400 or above."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(kw_only=True, eq=False)
class Habits:
    """The habits of a server; the defaults are those that most servers have.

    Attributes:
        page_base: The number of the first page, which is also the page without `page`.
        below_base: The response to a page below that, -1 too: the first page, or status 400.
        page_ignored: Every page is the first.
        after_last: The status of a page after the last one; 200 is an empty page. The first page always exists.
        max_offset: How many records of a list the pages reach; None is all.
        beyond_max_offset: The status of a page beyond that; 200 is an empty page.
        order: By which time sessions are listed, and then by id; with `-`, reversed.
        unstable_ties: Sessions with equal times come in another order at each request.
        cap: The largest page, whatever `limit` requests.
        hidden: The numbers of sessions that are removed from pages after paging.
        repeated: The numbers of sessions that have two rows in lists, as from a JOIN; `count` counts rows.
        filters: Which time `updated_at_min` and `updated_at_max` are about; None ignores them.
        inclusive: Whether a session exactly at the minimum, and one at the maximum, matches.
        bounds_rounded_to: Both bounds are rounded down to multiples of this since 1970.
        days_included: With rounded bounds, everything within the unit of the maximum matches too.
        accepted_times: The earliest and latest bound; others get status 400. None accepts all.
        count: The envelope's `count`: a name of `COUNTS`, or a function of the true total.
        counted: What the total counts: rows of the query, those not hidden, of the whole store, or of the page.
        count_cached: For how many more requests with the same filters a `count` is repeated.
        ids: Whether records have an `id`, and of which type: True is text.
        now: The server's clock, which stands still until it is moved; None follows the machine's.
        skew: How far the server's clock is ahead of that.
        dated: Whether responses carry the clock as `Date`.
        time_resolution: Times are stored in multiples of this, rounded down.
        visible_after: How long after its time an added or touched session is seen; until then lists are as before.
        replica_lag: Every second response is from a replica, which is so many requests or so much time behind.
        seed: Of the random order of `unstable_ties`.
        between: Called before each response with its number, counted from 0: for changes between requests.
    """

    page_base: int = 0
    below_base: Literal["first", "refused"] = "first"
    page_ignored: bool = False
    after_last: int = 200
    max_offset: int | None = None
    beyond_max_offset: int = 200
    order: str = "created"
    unstable_ties: bool = False
    cap: int = MAX_LIMIT
    hidden: Container[int] = ()
    repeated: Container[int] = ()
    filters: Literal["created", "updated"] | None = "updated"
    inclusive: tuple[bool, bool] = (True, True)
    bounds_rounded_to: timedelta = TICK
    days_included: bool = False
    accepted_times: tuple[datetime, datetime] | None = None
    count: str | Callable[[int], Any] = "honest"
    counted: Literal["query", "shown", "store", "page"] = "query"
    count_cached: int = 0
    ids: bool | Literal["number", "object"] = True
    now: datetime | None = None
    skew: timedelta = timedelta(0)
    dated: bool = True
    time_resolution: timedelta = TICK
    visible_after: timedelta = timedelta(0)
    replica_lag: int | timedelta = 0
    seed: int = 0
    between: Callable[[int], object] = lambda number: None
    _random: Random = field(init=False, repr=False)

    def _parse(self, query: Mapping[str, str]) -> ListParameters:
        try:
            parameters = parse_query(query)
        except ValueError as error:
            raise RequestError(400, str(error)) from None
        if parameters.page is not None and parameters.page < self.page_base and self.below_base == "refused":
            raise RequestError(400, f"page must be {self.page_base} or above")
        for name in ("updated_at_min", "updated_at_max"):
            bound = getattr(parameters, name)
            if self.accepted_times and bound is not None:
                first, last = map(micros, self.accepted_times)
                if not first <= bound <= last:
                    raise RequestError(400, f"{name} is out of range")
        return parameters

    def _matching(self, table: SessionTable, parameters: ListParameters) -> Rows:
        minimum, maximum = parameters.updated_at_min, parameters.updated_at_max
        if self.filters is None or (minimum is None and maximum is None):
            rows = table.all()
        else:
            unit = self.bounds_rounded_to // TICK
            low = MIN_TIME if minimum is None else minimum // unit * unit + (not self.inclusive[0])
            high = MAX_TIME if maximum is None else maximum // unit * unit - (not self.inclusive[1])
            rows = table.select(self.filters, low, high + (unit - 1 if self.days_included else 0))
        if not self.repeated:
            return rows
        numbers = [
            number for number in rows.numbers[rows.low : rows.high] for _ in range(1 + (number in self.repeated))
        ]
        return Rows(numbers, 0, len(numbers))

    def _shuffled(self, table: SessionTable, rows: Rows, first: int, last: int) -> list[int]:
        """Returns `rows.numbers[first:last]` with equal times in random order, those around the slice included."""
        times, numbers = table.order_times, rows.numbers
        low, high = first, last
        while low > rows.low and times[numbers[low - 1]] == times[numbers[first]]:
            low -= 1
        while high < rows.high and times[numbers[high]] == times[numbers[last - 1]]:
            high += 1
        ranked = sorted(numbers[low:high], key=lambda number: (times[number], self._random.random()))
        return ranked[first - low : last - low]
