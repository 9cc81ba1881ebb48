from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from konvoai.testing._store.changes import Change, moving
from konvoai.testing._store.habits import START, capped_count, noisy_count
from konvoai.testing._store.store import Store
from tests.unit.testing.test_store import get, listed

MINUTE, SECOND, DAY = timedelta(minutes=1), timedelta(seconds=1), timedelta(days=1)


FROM_2 = {"updated_at_min": START + 2 * MINUTE}


def statuses(store: Store, *pages: int, **query: Any) -> list[int]:
    return [store.respond({"page": str(page), "limit": "2", **query}).status for page in pages]


def test_hidden_sessions_leave_gaps_and_count() -> None:
    store = Store.of(6, hidden={1, 2})
    assert [[0], [3], [4, 5]] == [listed(store, page=page, limit=2) for page in range(3)]
    assert 6 == get(store, limit=2)["count"]


def test_the_count_may_leave_out_hidden_sessions() -> None:
    assert [4, 3] == [get(Store.of(6, hidden={1, 2}, counted="shown"), **query)["count"] for query in ({}, FROM_2)]


def test_repeated_sessions_have_two_rows_that_count() -> None:
    store = Store.of(3, repeated={1})
    assert [[0, 1, 1], [2]] == [listed(store, page=page, limit=3) for page in range(2)]
    assert 4 == get(store)["count"]


@pytest.mark.parametrize("order", ["updated", "-updated"])
def test_ties_come_in_another_order_at_each_request(order: str) -> None:
    store = Store.bursts([1, 9, 1], order=order, unstable_ties=True)
    lists = [listed(store) for _ in range(5)]
    assert 5 == len(set(map(tuple, lists)))
    assert {frozenset({0}), frozenset({10})} == {frozenset(numbers[end] for numbers in lists) for end in (0, -1)}
    assert [set(range(11))] * 5 == [set(numbers) for numbers in lists]


def test_pages_of_unstable_ties_lose_and_repeat_sessions() -> None:
    store = Store.bursts([20], unstable_ties=True)
    found = [number for page in range(4) for number in listed(store, page=page, limit=5)]
    assert (20, False) == (len(found), len(set(found)) == 20)


@pytest.mark.parametrize(("order", "expected"), [("updated", [1, 2]), ("-updated", [2, 1])])
def test_only_ties_are_unstable(order: str, expected: list[int]) -> None:
    assert expected == listed(Store.of(4, order=order, unstable_ties=True), page=0, limit=4)[1:3]


@pytest.mark.parametrize("status", [200, 400, 404, 422])
def test_a_page_after_the_last_has_its_status(status: int) -> None:
    store = Store.of(4, after_last=status)
    assert [200, 200, status, status] == statuses(store, 0, 1, 2, 9)


def test_the_first_page_of_an_empty_list_exists() -> None:
    assert [200, 404] == statuses(Store(after_last=404), 0, 1)


def test_pages_beyond_the_largest_offset_are_empty() -> None:
    store = Store.of(9, max_offset=5)
    assert [[0, 1], [2, 3], [4], []] == [listed(store, page=page, limit=2) for page in range(4)]
    assert 9 == get(store, page=3, limit=2)["count"]


@pytest.mark.parametrize("status", [400, 404])
def test_pages_beyond_the_largest_offset_may_be_errors(status: int) -> None:
    assert [200, 200, status] == statuses(Store.of(9, max_offset=4, beyond_max_offset=status), 0, 1, 2)


@pytest.mark.parametrize(("days_included", "expected"), [(False, [3]), (True, [3, 4, 5])])
def test_bounds_may_be_rounded(days_included: bool, expected: list[int]) -> None:
    store = Store.of(9, step=20 * SECOND, bounds_rounded_to=MINUTE, days_included=days_included)
    found = listed(store, updated_at_min=START + 70 * SECOND, updated_at_max=START + 119 * SECOND)
    assert expected == found


@pytest.mark.parametrize("unit", [SECOND, MINUTE, DAY])
def test_bounds_before_1970_are_rounded_down_too(unit: timedelta) -> None:
    start = datetime(1969, 1, 1, tzinfo=UTC)
    store = Store.of(3, start=start, step=unit, bounds_rounded_to=unit)
    assert [1] == listed(store, updated_at_min=start + 1.5 * unit, updated_at_max=start + 1.9 * unit)


@pytest.mark.parametrize("time", [START - SECOND, START + DAY + SECOND])
@pytest.mark.parametrize("name", ["updated_at_min", "updated_at_max"])
def test_a_bound_out_of_range_gets_400(name: str, time: datetime) -> None:
    store = Store.of(1, accepted_times=(START, START + DAY))
    response = store.respond({name: time.isoformat()})
    assert (400, f"{name} is out of range") == (response.status, response.body["message"])
    assert [0] == listed(store, updated_at_min=START, updated_at_max=START + DAY)


def test_every_second_response_lags_by_requests() -> None:
    store = Store.of(3, replica_lag=3)
    store.between = lambda number: store.add(START + DAY) if number else None
    assert [3, 3, 5, 3, 7, 5] == [get(store)["count"] for _ in range(6)]


def test_every_second_response_lags_by_time() -> None:
    store = Store.of(3, now=START + DAY, replica_lag=10 * SECOND)
    moving(store, [Change("add", 0, 5000)] * 5)
    assert [3, 3, 5, 4, 7, 6] == [get(store)["count"] for _ in range(6)]


def test_a_replica_has_the_records_as_they_were() -> None:
    store = Store.of(2, now=START + DAY, replica_lag=1)
    moving(store, [Change("remove", 0, 0), Change("nothing", 0, 0)])
    records = [get(store, state="true")["result"] for _ in range(2)]
    assert records[0] == records[1]


def test_an_added_session_may_be_seen_late() -> None:
    store = Store.of(1, now=START + DAY, visible_after=2 * SECOND)
    assert "session-0000001" == store.add()
    seen = []
    for _ in range(3):
        seen.append(listed(store, updated_at_min=START + DAY))
        store.now = store.clock() + SECOND
    assert [[], [], [1]] == seen


def test_a_touched_session_may_be_seen_late() -> None:
    store = Store.of(2, now=START + DAY, order="updated", visible_after=SECOND)
    store.touch("session-0000000")
    before = listed(store)
    store.now = START + 2 * DAY
    assert ([0, 1], [1, 0]) == (before, listed(store))
    assert [0] == listed(store, updated_at_min=START + DAY, updated_at_max=START + DAY)


def test_a_session_that_is_removed_before_it_is_seen_stays_away() -> None:
    store = Store(now=START, visible_after=SECOND)
    store.remove(store.add())
    store.now = START + DAY
    assert [] == listed(store)


@pytest.mark.parametrize(("order", "expected"), [("updated", [1, 0, 2]), ("-updated", [2, 0, 1])])
def test_no_time_filter_matches_a_session_without_an_update_time(order: str, expected: list[int]) -> None:
    store = Store(created=[START] * 3, updated=[START, None, START + MINUTE], order=order)
    assert expected == listed(store)
    bounds = ({"updated_at_min": datetime(1, 1, 1, tzinfo=UTC)}, {"updated_at_max": datetime(9999, 1, 1, tzinfo=UTC)})
    assert [{0, 2}, {0, 2}] == [set(listed(store, **bound)) for bound in bounds]


def test_the_update_time_is_null_until_a_session_is_touched() -> None:
    store = Store(created=[START], updated=[None], now=START + MINUTE)
    before = get(store, state="true")["result"][0]["status"]["last_updated"]
    store.touch("session-0000000")
    after = get(store, state="true")["result"][0]["status"]["last_updated"]
    assert (None, "2026-01-01T00:01:00.000Z") == (before, after)


@pytest.mark.parametrize("year", [1, 1969, 2199, 9999])
def test_a_session_may_have_a_time_of_any_year(year: int) -> None:
    time = datetime(year, 1, 2, tzinfo=UTC)
    store = Store(created=[START, time], now=START)
    assert f"{year:04}-01-02T00:00:00.000Z" == get(store)["result"][0 if time < START else 1]["created_at"]
    assert [1] == listed(store, updated_at_min=time, updated_at_max=time)


def test_an_import_adds_a_session_with_old_times() -> None:
    store = Store.of(3, order="-updated", now=START + DAY)
    moving(store, [Change("import", 1, 1000)])
    listed(store)
    assert [2, 3, 1, 0] == listed(store)
    assert store.times("session-0000001") == store.times("session-0000003")


def test_an_import_into_an_empty_store_is_an_addition() -> None:
    store = Store(now=START)
    moving(store, [Change("import", 5, 1000)])
    assert [[], [0]] == [listed(store), listed(store)]


@pytest.mark.parametrize("change", [Store.add, lambda store: store.touch("session-0000000")])
def test_times_may_be_stored_in_whole_seconds(change: Callable[[Store], object]) -> None:
    store = Store(created=[START + 1.7 * SECOND], now=START + 5.9 * SECOND, time_resolution=SECOND)
    change(store)
    assert START + SECOND == store.times("session-0000000")[0]
    assert START + 5 * SECOND == store.times(f"session-{len(store) - 1:07}")[1]
    assert 1 == len(listed(store, updated_at_min=START + 5 * SECOND, updated_at_max=START + 5 * SECOND))


@pytest.mark.parametrize(("ids", "expected"), [("number", 0), ("object", {"value": "session-0000000"})])
def test_ids_may_be_of_another_type(ids: Any, expected: Any) -> None:
    assert expected == get(Store.of(1, ids=ids))["result"][0]["id"]


@pytest.mark.parametrize(("counted", "expected"), [("query", 3), ("store", 5), ("page", 2)])
def test_the_count_is_of_the_query_the_store_or_the_page(counted: Any, expected: int) -> None:
    assert expected == get(Store.of(5, counted=counted), updated_at_min=START + 2 * MINUTE, limit=2)["count"]


def test_the_count_may_be_cached_for_the_same_filters() -> None:
    store = Store.of(3, count_cached=2)
    store.between = lambda number: store.add(START + DAY)
    assert [4, 4, 4, 7] == [get(store)["count"] for _ in range(4)]
    assert 5 == get(store, updated_at_min=START + DAY)["count"]


@pytest.mark.parametrize(("total", "expected"), [(3, 3), (10_001, 10_000)])
def test_the_count_may_be_capped(total: int, expected: int) -> None:
    assert expected == capped_count(10_000)(total)


def test_the_count_may_be_noisy() -> None:
    count = noisy_count(0.1)
    drawn = Counter(count(1000) for _ in range(200))
    assert len(drawn) > 50
    assert (True, True) == (900 <= min(drawn), max(drawn) <= 1100)
