"""Servers with one habit each, drawn with their sessions and with what changes between requests."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from konvoai.testing._store.changes import Change
from konvoai.testing._store.habits import ORDERS, capped_count, noisy_count

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIMITS = (20, 50, 100, 200)
MAX_PAGES = 50


@dataclass
class Draw:
    """A drawn server: its sessions, the options of its `Store`, and how fast it changes.

    Attributes:
        rate: How many changes happen before each response, on average, until `budget` changes have happened.
        weights: How frequent each kind of change is.
        late: A fifth of the changes is seen so much later; none where it is zero.
    """

    random: Random
    limit: int
    created: list[datetime]
    updated: list[datetime | None]
    options: dict[str, Any]
    rate: float = 0.0
    budget: int = 0
    weights: dict[str, int] = field(default_factory=dict)
    late: timedelta = timedelta(0)

    def changes(self) -> list[Change]:
        """Return what happens before the next response."""
        number = min(int(self.rate + self.random.random()), self.budget)
        self.budget -= number
        return [self.change() for _ in range(number)] or [Change("nothing", 0, self.random.choice([20, 80, 300]))]

    def change(self) -> Change:
        what: Any = self.random.choices(list(self.weights), list(self.weights.values()))[0]
        position = self.random.randrange(10**6)
        return Change(what, position, round(self.random.choice([20, 80, 300]) / max(self.rate, 1)))

    def choose(self, share: float) -> set[int]:
        """Return the numbers of so many sessions."""
        size = len(self.created)
        return set(self.random.sample(range(size), max(1, round(share * size))))


Shape = Callable[[Draw], object]


def at_rest(draw: Draw) -> None:
    draw.budget = 0


def draw_server(seed: str, shapes: list[Shape]) -> Draw:
    """Return a server whose sessions are spread over hours to months, and which has the given shapes."""
    random = Random(seed)
    size = round(math.exp(random.uniform(math.log(300), math.log(3000))))
    limit = random.choice([limit for limit in LIMITS if size <= MAX_PAGES * limit])
    gap = random.choice([2.0, 60.0, 3600.0])
    updated: list[datetime | None] = []
    created, time = [], NOON - MINUTE
    for _ in range(size):
        time -= timedelta(milliseconds=round(1000 * random.expovariate(1 / gap) * (random.random() > 0.02)))
        updated.append(time)
        created.append(time - random.choice([0, 0, 1]) * timedelta(milliseconds=round(random.expovariate(1e-7))))
    options = {
        "order": random.choice(ORDERS),
        "page_base": random.randrange(2),
        "inclusive": (random.random() < 0.5, random.random() < 0.5),
        "now": NOON,
        "seed": random.randrange(2**31),
    }
    pages = math.ceil(size / limit)
    draw = Draw(random, limit, created, updated, options, 0.5, pages // 2, {"touch": 3, "remove": 1, "add": 2})
    for shape in shapes:
        shape(draw)
    return draw


def options(**given: Any) -> Shape:
    return lambda draw: draw.options.update(given)


def one_of(name: str, *values: Any) -> Shape:
    return lambda draw: draw.options.update({name: draw.random.choice(values)})


def some(name: str, *shares: float) -> Shape:
    """Give an option the numbers of a drawn share of the sessions."""
    return lambda draw: draw.options.update({name: draw.choose(draw.random.choice(shares))})


def moves(share: float, rate: float, **weights: int) -> Shape:
    """Let changes of so large a share of the sessions happen, at `rate` pages of changes per request."""

    def shape(draw: Draw) -> None:
        draw.rate, draw.budget, draw.weights = rate * draw.limit, round(share * len(draw.created)), weights

    return shape


def ties(*sizes: int) -> Shape:
    """Let sessions share their times in groups of up to a drawn size."""

    def shape(draw: Draw) -> None:
        size = draw.random.choice(sizes)
        draw.updated = [draw.updated[i - i % size] for i in range(len(draw.updated))]
        draw.created = [draw.created[i - i % size] for i in range(len(draw.created))]

    return shape


def retimed(share: float, *times: datetime | None) -> Shape:
    """Give a share of the sessions an update time near one of these, or none."""

    def shape(draw: Draw) -> None:
        for number in draw.choose(share):
            time = draw.random.choice(times)
            draw.updated[number] = time and time + timedelta(seconds=draw.random.randrange(10**6))
            if time and time < NOON:
                draw.created[number] = time

    return shape


def hidden_run(draw: Draw) -> None:
    """Hide as many neighbors as leave at least one page empty."""
    size = min(2 * draw.limit, len(draw.created) // 2)
    first = draw.random.randrange(len(draw.created) - size)
    draw.options["hidden"] = set(range(first, first + size))


def max_offset(status: int) -> Shape:
    def shape(draw: Draw) -> None:
        reach = draw.limit * max(1, len(draw.created) // draw.limit // draw.random.choice([2, 3, 4]))
        draw.options.update(max_offset=reach, beyond_max_offset=status)

    return shape


def clock_off(*skews: timedelta) -> Shape:
    """Let the server's clock differ from the client's; sessions have the server's times."""

    def shape(draw: Draw) -> None:
        skew = draw.random.choice(skews)
        draw.options.update(skew=skew, now=NOON - skew)

    return shape


def late(*seconds: float) -> Shape:
    def shape(draw: Draw) -> None:
        draw.late = draw.random.choice(seconds) * SECOND

    return shape


def count_of(make: Callable[[Draw], Any]) -> Shape:
    return lambda draw: draw.options.update(count=make(draw))


RAMPANT = moves(0.5, 0.25, touch=1)
HABITS: dict[str, list[Shape]] = {
    "honest, at rest": [at_rest],
    "honest, moving": [],
    "many sessions touched": [RAMPANT],
    "half of the sessions deleted": [moves(0.5, 0.5, remove=1)],
    "bursts of new sessions": [moves(0.5, 0.5, add=1)],
    "old sessions imported meanwhile": [moves(0.05, 0.05, **{"import": 3, "touch": 1})],
    "many sessions share a time": [ties(5, 60, 500)],
    "equal times in another order at each request": [ties(2, 5, 20), options(unstable_ties=True)],
    "the same, more equal times than a page holds": [ties(250, 600), options(unstable_ties=True)],
    "rows hidden after paging": [some("hidden", 0.001, 0.05, 0.5), options(counted="shown")],
    "the same, a page empty": [hidden_run, options(counted="shown")],
    "the same, hidden rows counted": [some("hidden", 0.001, 0.05, 0.5)],
    "the same, `count` missing": [some("hidden", 0.001, 0.05), options(count="missing")],
    "pages empty beyond a depth": [max_offset(200)],
    "400 beyond a depth": [max_offset(400)],
    "404 for a page after the last": [options(after_last=404)],
    "400 or 422 for a page after the last": [one_of("after_last", 400, 422)],
    "bounds rounded to seconds": [options(bounds_rounded_to=SECOND), one_of("days_included", False, True)],
    "bounds rounded to minutes": [options(bounds_rounded_to=MINUTE), one_of("days_included", False, True)],
    "bounds rounded to days": [options(bounds_rounded_to=DAY), one_of("days_included", False, True)],
    "bounds in the far past or future rejected": [options(accepted_times=(NOON - 3650 * DAY, NOON + HOUR))],
    "replica some requests behind": [one_of("replica_lag", 1, 3, 10)],
    "replica some seconds behind": [one_of("replica_lag", SECOND, 3 * SECOND)],
    "changes seen up to 3 s late": [moves(0.1, 0.02, touch=1, add=1), late(0.3, 1, 3)],
    "repeated rows (a JOIN)": [some("repeated", 0.01, 0.3)],
    "sessions without an update time": [retimed(0.2, None)],
    "sessions with a time in the future": [retimed(0.05, NOON + DAY, NOON + 3000 * DAY)],
    "sessions from before 1970 and of year 1": [
        retimed(0.05, *(datetime(year, 1, 2, tzinfo=UTC) for year in (1, 1900, 1969)))
    ],
    "times stored in whole seconds": [RAMPANT, options(time_resolution=SECOND)],
    "clock within 2 s": [RAMPANT, clock_off(-1.9 * SECOND, -SECOND, SECOND, 1.9 * SECOND)],
    "clock hours off": [clock_off(-5 * HOUR, 5 * HOUR)],
    "clock within 2 s, no `Date`": [RAMPANT, clock_off(-1.9 * SECOND, 1.9 * SECOND), options(dated=False)],
    "records without `id`": [options(ids=False)],
    "`id` a number or an object": [one_of("ids", "number", "object")],
    "`count` missing": [options(count="missing")],
    "`count` null or text": [one_of("count", "null", "text")],
    "`count` too small or too large": [one_of("count", "small", "large")],
    "`count` noisy": [count_of(lambda draw: noisy_count(0.05, draw.options["seed"]))],
    "`count` cached": [RAMPANT, one_of("count_cached", 5, 50)],
    "`count` before filters": [options(counted="store")],
    "`count` of the page": [options(counted="page")],
    "`count` capped": [count_of(lambda draw: capped_count(len(draw.created) // draw.random.choice([2, 5])))],
    "filters by creation, ordered by update": [RAMPANT, options(filters="created", order="updated")],
    "time filters ignored": [options(filters=None)],
    "`page` ignored": [options(page_ignored=True)],
    "400 for a page below the first": [options(page_base=1, below_base="refused")],
    "server caps its pages": [lambda draw: draw.options.update(cap=draw.limit // draw.random.choice([2, 3, 7]))],
}
