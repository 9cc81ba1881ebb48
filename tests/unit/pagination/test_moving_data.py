"""Lists and scans over data that moves between any two requests: the decisions alone, driven in memory."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from konvoai import AISession, IncompleteError, Page, PaginationError
from konvoai._pagination.list_flow import ListFlow
from konvoai._pagination.protocol import Bounds, Flow
from konvoai._pagination.scan_flow import ScanFlow
from konvoai.testing._store.changes import Change, moving
from konvoai.testing._store.habits import COUNTS, ORDERS
from konvoai.testing._store.store import Store
from tests.support.flows import ids, read

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)

changes: st.SearchStrategy[list[Change]] = st.lists(
    st.builds(
        Change,
        st.sampled_from(["touch", "remove", "add", "nothing"]),
        st.integers(0, 3) | st.integers(0, 60),
        st.sampled_from([0, 0, 0, 1, 40, 1500]),
    ),
    max_size=25,
)


def list_flow(
    limit: int, concurrency: int, now: Callable[[], datetime], bounds: Bounds = (None, None)
) -> Flow[Page[AISession]]:
    return ListFlow[AISession](None, bounds, limit, concurrency, now).read()


class Habits(NamedTuple):
    """How a server may be, and how it is asked."""

    order: str
    page_base: int
    limit: int
    cap: int
    inclusive: tuple[bool, bool]
    concurrency: int
    skew: int

    def store(self, created: list[datetime], **more: Any) -> Store:
        return Store(
            created=created,
            order=self.order,
            page_base=self.page_base,
            cap=self.cap,
            inclusive=self.inclusive,
            now=NOON,
            **more,
        )

    def for_count(self, count: str) -> "Habits":
        """The same without a cap on pages where `count` may agree with a capped page, which looks like the end."""
        return self._replace(cap=max(self.cap, self.limit)) if count in ("own page", "small") else self

    def clock(self, store: Store) -> Callable[[], datetime]:
        return lambda: store.clock() + timedelta(seconds=self.skew)


def habits(least: int) -> st.SearchStrategy[Habits]:
    return st.builds(
        Habits,
        order=st.sampled_from(ORDERS),
        page_base=st.integers(0, 1),
        limit=st.integers(least, 12),
        cap=st.integers(least, 12),
        inclusive=st.tuples(st.booleans(), st.booleans()),
        concurrency=st.integers(1, 5),
        skew=st.sampled_from([0, 0, 3600, -3600]),
    )


births = st.lists(st.sampled_from([0, 0, 0, 1, 1, 60_000, 3_600_000, 90 * 86_400_000]), max_size=40).map(
    lambda gaps: [NOON - timedelta(minutes=1, milliseconds=total) for total in accumulate(gaps)]
)


@pytest.mark.drawn
@given(births, changes, habits(1), st.integers())
def test_a_list_has_what_stays_once_whatever_changes_between_requests(
    created: list[datetime], schedule: list[Change], server: Habits, jitter: int
) -> None:
    store = server.store(created)
    before = set(store.ids_in_order())
    moving(store, schedule)
    steps: Flow[Page[AISession]] = list_flow(server.limit, server.concurrency, server.clock(store))
    found = ids(read(steps, store, server.limit, Random(jitter).randrange))
    assert sorted(before & set(store.ids_in_order()) - set(found)) == []
    assert sorted(found) == sorted(set(found))


@pytest.mark.drawn
@given(births, habits(1), st.sampled_from([*COUNTS, "own page"]), st.booleans(), st.integers())
def test_a_still_list_is_whole_and_in_order_with_any_count(
    created: list[datetime], server: Habits, count: str, with_ids: bool, jitter: int
) -> None:
    server = server.for_count(count)
    told = {"count": count} if count in COUNTS else {"count": lambda total: min(total, server.limit, server.cap)}
    store = server.store(created, ids=with_ids, **told)
    steps: Flow[Page[AISession]] = list_flow(server.limit, server.concurrency, server.clock(store))
    pages = read(steps, store, server.limit, Random(jitter).randrange)
    feeds = [session.feed_id for page in pages for session in page.items]
    assert feeds == [f"feed-{int(name.removeprefix('session-'))}" for name in store.ids_in_order()]


@pytest.mark.drawn
@given(births, changes, habits(2), st.sampled_from(list(COUNTS)), st.integers())
@example(
    # The first windows are empty though `count` is not: an empty page does not show where pages start.
    created=[NOON - timedelta(minutes=1)] * 4 + [NOON - timedelta(days=90, minutes=1)] * 12,
    schedule=[],
    server=Habits(order="created", page_base=0, limit=3, cap=2, inclusive=(False, False), concurrency=4, skew=0),
    count="large",
    jitter=0,
)
def test_a_scan_has_what_stays_with_any_change_and_any_count(
    created: list[datetime], schedule: list[Change], server: Habits, count: str, jitter: int
) -> None:
    server = server.for_count(count)
    store = server.store(created, count=count)
    before = set(store.ids_in_order())
    moving(store, schedule)
    scan = ScanFlow[AISession]((None, None), server.limit, server.concurrency, server.clock(store))
    windows = read(scan.read(), store, server.limit, Random(jitter).randrange)
    found = ids(windows)
    touched = sum(change.what == "touch" for change in schedule)
    assert sorted(before & set(store.ids_in_order()) - set(found)) == []
    assert len(found) - len(set(found)) <= touched
    assert [window.end for window in windows[:-1]] == [window.start for window in windows[1:]]


bursts = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 25)), min_size=1, max_size=4)


@pytest.mark.drawn
@given(bursts, st.lists(st.integers(0, 60), max_size=12), habits(2), st.sampled_from(list(COUNTS)), st.integers())
def test_a_scan_has_what_stays_of_bursts_that_shrink(
    found_before: list[tuple[int, int]], leaving: list[int], server: Habits, count: str, jitter: int
) -> None:
    created = []
    for hours, (sparse, burst) in enumerate(found_before):
        begin = NOON - timedelta(days=1) + timedelta(hours=hours)
        created += [begin + timedelta(minutes=10 * place) for place in range(sparse)]
        created += [begin + timedelta(minutes=45, milliseconds=7 * place) for place in range(burst)]
    server = server.for_count(count)
    store = server.store(created, count=count)
    before = set(store.ids_in_order())
    quiet = Random(jitter).randrange(30)
    moving(store, [Change("nothing", 0, 1)] * quiet + [Change("remove", place, 1) for place in leaving])
    scan = ScanFlow[AISession]((None, None), server.limit, server.concurrency, server.clock(store))
    found = ids(read(scan.read(), store, server.limit, Random(jitter).randrange))
    assert sorted(before & set(store.ids_in_order()) - set(found)) == []
    assert sorted(found) == sorted(set(found))


def test_a_scan_is_whole_though_a_record_leaves_a_capped_page() -> None:
    for quiet in range(60):
        store = Store.bursts([5], cap=4, now=NOON)
        moving(store, [*[Change("nothing", 0, 1)] * quiet, Change("remove", 0, 1)])
        found = ids(read(ScanFlow[AISession]((None, None), 10, 1, store.clock).read(), store, 10))
        assert sorted(set(store.ids_in_order()) - set(found)) == []


@pytest.mark.parametrize("skew", [0, 3600, -3600])
@pytest.mark.parametrize("kind", ["list", "scan"])
def test_no_window_ends_ahead_of_the_servers_clock(kind: str, skew: int) -> None:
    store = Store.of(60, start=NOON - timedelta(minutes=60), now=NOON)
    moving(store, [Change("touch", 0, 1)] * 30)
    clock = Habits("updated", 0, 5, 5, (True, True), 3, skew).clock(store)
    methods: dict[str, Callable[[], Flow[Any]]] = {
        "list": lambda: list_flow(5, 3, clock),
        "scan": lambda: ScanFlow[AISession]((None, None), 5, 3, clock).read(),
    }
    read(methods[kind](), store, 5)
    ends = [query.get("updated_at_max") for query in store.requests]
    told = [(end, NOON + timedelta(milliseconds=place)) for place, end in enumerate(ends) if end]
    ahead = [end for end, now in told if datetime.fromisoformat(end) >= now]
    untimed = [(NOON + timedelta(minutes=10)).isoformat()]  # one request counts the sessions that have an update time
    assert ahead == (untimed if kind == "scan" else [])


@pytest.mark.drawn
@given(births, changes, habits(2), st.integers(0, 20))
def test_a_scan_that_goes_on_from_a_window_loses_nothing(
    created: list[datetime], schedule: list[Change], server: Habits, stop: int
) -> None:
    store = server.store(created)
    before = set(store.ids_in_order())
    first = ScanFlow[AISession]((None, None), server.limit, 1, server.clock(store))
    windows = read(first.read(), store, server.limit)[: stop + 1]
    moving(store, schedule)
    second = ScanFlow[AISession]((windows[-1].end, None), server.limit, 1, server.clock(store))
    found = {*ids(windows), *ids(read(second.read(), store, server.limit))}
    assert sorted(before & set(store.ids_in_order()) - found) == []


def test_a_server_that_ignores_page_is_read_by_windows() -> None:
    store = Store.of(9, page_ignored=True, now=NOON)
    assert sorted(ids(read(list_flow(3, 4, store.clock), store, 3))) == sorted(store.ids_in_order())


def test_a_server_that_ignores_page_and_times_is_an_error() -> None:
    store = Store.of(9, page_ignored=True, filters=None, now=NOON)
    with pytest.raises(IncompleteError, match="3 of 9") as caught:
        read(list_flow(3, 4, store.clock), store, 3)
    assert (caught.value.expected, caught.value.received) == (9, 3)


def test_ignored_time_filters_cost_a_list_few_requests() -> None:
    store = Store.of(100, filters=None, now=NOON)
    assert len(ids(read(list_flow(10, 1, store.clock), store, 10))) == 100
    assert len(store.requests) <= 22


def test_a_server_that_ignores_the_times_cannot_be_scanned() -> None:
    store = Store.of(100, filters=None, now=NOON)
    with pytest.raises(PaginationError, match=r"list\(\)"):
        read(ScanFlow[AISession]((None, None), 10, 1, store.clock).read(), store, 10)


def test_nothing_is_requested_beyond_an_end_in_the_past() -> None:
    store = Store.of(30, start=NOON - timedelta(minutes=30), now=NOON)
    end = NOON - timedelta(minutes=10)
    found = ids(read(list_flow(5, 4, store.clock, (None, end)), store, 5))
    assert found == store.ids_in_order()[:21]
    assert {query["updated_at_max"] for query in store.requests} == {end.isoformat()}


@pytest.mark.parametrize("count", COUNTS)
def test_bursts_of_one_millisecond_are_scanned_whole(count: str) -> None:
    store = Store.bursts([1, 2500, 2, 500, 1], order="-updated", count=count, now=NOON)
    assert len(ids(read(ScanFlow[AISession]((None, None), 200, 4, store.clock).read(), store, 200))) == 3004
    assert len(store.requests) < 500


def test_empty_years_cost_a_handful_of_requests() -> None:
    store = Store.of(150, start=NOON - timedelta(days=1), now=NOON)
    read(ScanFlow[AISession]((None, None), 200, 1, store.clock).read(), store, 200)
    assert len(store.requests) <= 8


def test_a_growing_list_without_time_filters_ends() -> None:
    store = Store.of(20, filters=None, now=NOON)
    moving(store, [Change("add", 0, 1)] * 15)
    found = ids(read(list_flow(5, 2, store.clock), store, 5))
    assert sorted(set(store.ids_in_order()[:20]) - set(found)) == []
    assert len(store.requests) < 60
