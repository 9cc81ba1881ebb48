"""What a list asks from its first request to its last: pure decisions over answers and a clock.

A reading is a generator. It yields the requests to send now, and is sent the answer to the oldest that was sent; or it
yields what is to be handed over.
"""

from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ..errors import PaginationError
from .page_tracker import PageWalk, Seen
from .protocol import MILLISECOND, Answer, Ask, Bounds, Page, Steps
from .server_clock import ServerClock

T = TypeVar("T")
MOST_ROUNDS = 100


def read_list(page: int | None, bounds: Bounds, concurrency: int, now: Callable[[], datetime]) -> Steps[Page[T]]:
    """Reads a list to its end while it changes: every record that stays from the first request to the last, once.

    1. The list is read up to a moment just past, by `PageWalk`. What is changed or added later has a later time, so
       within that bound records only leave, which `PageWalk` is made for.
    2. What left was either removed, or changed and so has a later time than the bound. What changed since is asked
       with one request. An answer that holds all of it in one page is a picture of one moment: with the records that
       never left, which step 1 has read, nothing is missing.
    3. Where one page does not hold it, what changed since is a list like the first, only shorter: steps 1 and 2 are
       done for it, with a new bound, and so on.

    Records come again in steps 2 and 3; they are dropped by their id. A list that begins at a page, or whose end the
    user sets in the past, is read by step 1 alone: nothing beyond is asked for.

    The moment is told by the clock of this machine, or by the server's (`Date`) where the two differ by more than two
    seconds. Where that clock has not moved on since the bound before, as with one that tells whole seconds, what
    changed since is read from end to end until that has brought nothing new, and nothing has moved, twice running.

    What it cannot promise: that data which moves is whole where `count` is missing or untrue, where the server does
    not heed the bounds of time, or where its clock is behind ours by less than two seconds and the change is in these
    first two. Records without an id may come twice while data moves. Data that changes faster than it can be read ends
    in a `PaginationError`.
    """
    minimum, maximum = bounds
    seen: Seen[T] = Seen()
    clock = ServerClock(now)
    until = clock.moment()
    walk: PageWalk[T] = PageWalk(page, seen)
    if page is not None or (maximum is not None and maximum <= until):
        yield from read_pages(walk, bounds, concurrency)
        return
    answer = yield [Ask(number, minimum, later(minimum, until)) for number in walk.ask(1)]
    if clock.hear(answer.date):
        until, walk = clock.moment(), PageWalk(page, seen)
    else:
        yield from handed_over(walk.receive(answer), None)
    yield from read_pages(walk, (minimum, later(minimum, until)), concurrency)
    yield from catch_up(until, bounds, concurrency, seen, clock, walk.size)


def catch_up(
    until: datetime, bounds: Bounds, concurrency: int, seen: Seen[T], clock: ServerClock, size: int
) -> Steps[Page[T]]:
    """Steps 2 and 3 of `read_list`: what changed since `until`."""
    minimum, maximum = bounds
    for _ in range(MOST_ROUNDS):
        since = later(minimum, until - MILLISECOND)
        answer = yield [Ask(None, since, maximum)]
        clock.hear(answer.date)
        new = seen.new(answer.items)
        if new:
            yield Page(0, new, answer.count)
        if len(answer.items) < size or (answer.count is not None and answer.count <= len(answer.items)):
            return
        if not new and (yield from heeds_no_time(clock)):
            return
        before, until = until, clock.moment()
        if until <= before:
            yield from read_until_still((since, maximum), concurrency, seen)
            return
        walk: PageWalk[T] = PageWalk(None, Seen())
        yield from read_pages(walk, (since, later(minimum, until)), concurrency, seen)
    raise too_fast()


def too_fast() -> PaginationError:
    return PaginationError(
        f"the list changed faster than it could be read, {MOST_ROUNDS} times in a row: read it by `scan`, or with "
        "`updated_at_max` in the past"
    )


def read_until_still(bounds: Bounds, concurrency: int, seen: Seen[T]) -> Steps[Page[T]]:
    """Reads again and again, until nothing new has come and nothing has moved two times running."""
    still = 0
    for _ in range(MOST_ROUNDS):
        walk: PageWalk[T] = PageWalk(None, Seen(), bounded=False)
        new = yield from read_pages(walk, bounds, concurrency, seen)
        still = 0 if new or walk.moved else still + 1
        if still == 2:
            return
    raise too_fast()


def read_pages(
    walk: PageWalk[T], bounds: Bounds, concurrency: int, seen: Seen[T] | None = None
) -> Generator[Any, Answer[T], int]:
    """The pages of one walk, without what `seen` has from before it; tells how many records were new."""
    new = 0
    while not walk.ended or walk.waiting:
        answer = yield [Ask(number, *bounds) for number in walk.ask(concurrency - walk.waiting)]
        new += yield from handed_over(walk.receive(answer), seen)
    return new


def handed_over(page: Page[T] | None, seen: Seen[T] | None) -> Generator[Any, Answer[T], int]:
    if page is not None and seen is not None:
        page.items = seen.new(page.items)
    if page is None or not page.items:
        return 0
    yield page
    return len(page.items)


def heeds_no_time(clock: ServerClock) -> Generator[Any, Answer[Any], bool]:
    """Whether the server has records of tomorrow, as one has that ignores the bounds of time."""
    answer = yield [Ask(None, clock.moment() + timedelta(days=1), None)]
    return bool(answer.items)


def later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
