"""What a list asks from its first request to its last: pure decisions over answers and a clock.

A reading is a generator. It yields the requests to send now, and is sent the answer to the oldest that was sent; or it
yields what is to be handed over.
"""

from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ..errors import PaginationError
from .page_tracker import PageTracker, SeenIds
from .protocol import MILLISECOND, Bounds, Flow, Page, PageRequest, PageResponse
from .server_clock import ServerClock

T = TypeVar("T")
MAX_ROUNDS = 100


def list_flow(page: int | None, bounds: Bounds, concurrency: int, now: Callable[[], datetime]) -> Flow[Page[T]]:
    """Reads a list to its end while it changes: every record that stays from the first request to the last, once.

    1. The list is read up to a moment just past, by `PageTracker`. What is changed or added later has a later time, so
       within that bound records only leave, which `PageTracker` is made for.
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
    seen: SeenIds[T] = SeenIds()
    clock = ServerClock(now)
    snapshot = clock.now()
    tracker: PageTracker[T] = PageTracker(page, seen)
    if page is not None or (maximum is not None and maximum <= snapshot):
        yield from read_pages(tracker, bounds, concurrency)
        return
    answer = yield [PageRequest(number, minimum, later(minimum, snapshot)) for number in tracker.next_pages(1)]
    if clock.observe(answer.date):
        snapshot, tracker = clock.now(), PageTracker(page, seen)
    else:
        yield from emit_new(tracker.on_response(answer), None)
    yield from read_pages(tracker, (minimum, later(minimum, snapshot)), concurrency)
    yield from catch_up(snapshot, bounds, concurrency, seen, clock, tracker.size)


def catch_up(
    snapshot: datetime, bounds: Bounds, concurrency: int, seen: SeenIds[T], clock: ServerClock, size: int
) -> Flow[Page[T]]:
    """Steps 2 and 3 of `list_flow`: what changed since `snapshot`."""
    minimum, maximum = bounds
    for _ in range(MAX_ROUNDS):
        since = later(minimum, snapshot - MILLISECOND)
        answer = yield [PageRequest(None, since, maximum)]
        clock.observe(answer.date)
        new = seen.new(answer.items)
        if new:
            yield Page(0, new, answer.count)
        if len(answer.items) < size or (answer.count is not None and answer.count <= len(answer.items)):
            return
        if not new and (yield from ignores_time_filters(clock)):
            return
        before, snapshot = snapshot, clock.now()
        if snapshot <= before:
            yield from read_until_stable((since, maximum), concurrency, seen)
            return
        tracker: PageTracker[T] = PageTracker(None, SeenIds())
        yield from read_pages(tracker, (since, later(minimum, snapshot)), concurrency, seen)
    raise changing_too_fast()


def changing_too_fast() -> PaginationError:
    return PaginationError(
        f"the list changed faster than it could be read, {MAX_ROUNDS} times in a row: read it by `scan`, or with "
        "`updated_at_max` in the past"
    )


def read_until_stable(bounds: Bounds, concurrency: int, seen: SeenIds[T]) -> Flow[Page[T]]:
    """Reads again and again, until nothing new has come and nothing has moved two times running."""
    still = 0
    for _ in range(MAX_ROUNDS):
        tracker: PageTracker[T] = PageTracker(None, SeenIds(), bounded=False)
        new = yield from read_pages(tracker, bounds, concurrency, seen)
        still = 0 if new or tracker.moved else still + 1
        if still == 2:
            return
    raise changing_too_fast()


def read_pages(
    tracker: PageTracker[T], bounds: Bounds, concurrency: int, seen: SeenIds[T] | None = None
) -> Generator[Any, PageResponse[T], int]:
    """The pages of one walk, without what `seen` has from before it; tells how many records were new."""
    new = 0
    while not tracker.ended or tracker.waiting:
        answer = yield [PageRequest(number, *bounds) for number in tracker.next_pages(concurrency - tracker.waiting)]
        new += yield from emit_new(tracker.on_response(answer), seen)
    return new


def emit_new(page: Page[T] | None, seen: SeenIds[T] | None) -> Generator[Any, PageResponse[T], int]:
    if page is not None and seen is not None:
        page.items = seen.new(page.items)
    if page is None or not page.items:
        return 0
    yield page
    return len(page.items)


def ignores_time_filters(clock: ServerClock) -> Generator[Any, PageResponse[Any], bool]:
    """Whether the server has records of tomorrow, as one has that ignores the bounds of time."""
    answer = yield [PageRequest(None, clock.now() + timedelta(days=1), None)]
    return bool(answer.items)


def later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
