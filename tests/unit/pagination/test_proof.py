"""What lists and scans request, and that nothing is missing in silence, from stores with the habits of real servers."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from konvoai import AISession, IncompleteError, PaginationError
from konvoai._pagination.list_flow import ListFlow
from konvoai._pagination.protocol import ServerTraits
from konvoai._pagination.record_keys import record_key, record_keys
from konvoai._pagination.scan_flow import ScanFlow
from konvoai.testing._store.changes import Change, moving
from konvoai.testing._store.store import Store
from tests.support.flows import ids, read

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KINDS = ("list", "scan")
each_kind = pytest.mark.parametrize("kind", KINDS)


def found_by(kind: str, store: Store, limit: int = 200, concurrency: int = 4, traits: Any = None) -> list[Any]:
    return [item.id for item in records(kind, store, limit, concurrency, traits)]


def records(kind: str, store: Store, limit: int, concurrency: int, traits: ServerTraits | None = None) -> list[Any]:
    arguments = (None, None), limit, concurrency, store.clock, traits or ServerTraits()
    flow: Any = ListFlow[AISession](None, *arguments) if kind == "list" else ScanFlow[AISession](*arguments)
    return [item for batch in read(flow.read(), store, limit) for item in batch.items]


def store_of(number: int, **habits: Any) -> Store:
    return Store.of(
        number, start=NOON - timedelta(days=30), step=timedelta(days=29) / max(number, 1), now=NOON, **habits
    )


@each_kind
@pytest.mark.parametrize("number", [0, 1, 3, 60, 150, 199])
@pytest.mark.parametrize("base", [0, 1])
def test_a_short_page_with_all_that_is_counted_is_one_request(kind: str, number: int, base: int) -> None:
    store = store_of(number, page_base=base)
    assert len(found_by(kind, store)) == number
    assert len(store.requests) == 1
    assert set(store.requests[0]) == {"limit"}


def test_a_list_of_ten_thousand_takes_52_requests() -> None:
    store, traits = store_of(10_000, page_base=1), ServerTraits()
    assert found_by("list", store, traits=traits) == store.ids_in_order()
    assert len(store.requests) <= 53
    store.requests.clear()
    assert found_by("list", store, traits=traits) == store.ids_in_order()
    assert len(store.requests) <= 52
    assert traits.page_base == 1


@pytest.mark.parametrize("concurrency", [1, 4, 8])
@pytest.mark.parametrize("spread", ["even", "bursts"])
def test_a_scan_by_count_takes_few_requests_more_than_pages(concurrency: int, spread: str) -> None:
    jitter = Random(1)
    times = [NOON - HOUR - timedelta(days=300) * jitter.random() for _ in range(20 if spread == "bursts" else 20_000)]
    if spread == "bursts":
        times = [min(jitter.choice(times) + HOUR * jitter.expovariate(1), NOON) for _ in range(20_000)]
    store = Store(created=times, order="updated", now=NOON + HOUR)
    assert sorted(found_by("scan", store, concurrency=concurrency)) == sorted(store.ids_in_order())
    assert len(store.requests) <= 120


HABITS: dict[str, dict[str, Any]] = {
    "no update time": {"nulls": 7},
    "future": {"future": 7},
    "before 1970": {"times": [datetime(1, 1, 1, tzinfo=UTC), datetime(1950, 1, 1, tzinfo=UTC)]},
    "404 after the last page": {"after_last": 404},
    "400 after the last page": {"after_last": 400},
    "422 after the last page, page base 1": {"after_last": 422, "page_base": 1},
    "empty beyond a depth": {"max_offset": 40},
    "400 beyond a depth": {"max_offset": 40, "beyond_max_offset": 400},
    "unstable ties": {"unstable_ties": True},
    "rows of a join": {"repeated": range(0, 100, 3)},
    "no ids": {"ids": False},
    "number ids": {"ids": "number"},
    "object ids": {"ids": "object"},
    "bounds in seconds": {"bounds_rounded_to": timedelta(seconds=1)},
    "bounds in minutes": {"bounds_rounded_to": timedelta(minutes=1)},
    "bounds in days": {"bounds_rounded_to": timedelta(days=1)},
    "whole days": {"bounds_rounded_to": timedelta(days=1), "days_included": True},
    "no times of the future": {"accepted_times": (datetime(1970, 1, 1, tzinfo=UTC), NOON)},
    "count capped": {"count": lambda total: min(total, 50)},
    "count of the page": {"counted": "page"},
    "count of the store": {"counted": "store"},
    "page ignored": {"page_ignored": True},
    "filters about creation": {"filters": "created"},
}


@each_kind
@pytest.mark.parametrize("name", HABITS)
@pytest.mark.parametrize("concurrency", [1, 5])
def test_a_store_that_stands_still_is_read_whole_whatever_its_habits(kind: str, name: str, concurrency: int) -> None:
    habits = dict(HABITS[name])
    created = [NOON - timedelta(days=9) + place * timedelta(minutes=97) for place in range(100)]
    created[:2] = habits.pop("times", created[:2])
    updated: list[datetime | None] = list(created)
    for every, time in ((habits.pop("nulls", 0), None), (habits.pop("future", 0), NOON + 40 * HOUR)):
        updated[:: every or 1000] = [time if every else updated[0]] * len(updated[:: every or 1000])
    store = Store(created=created, updated=updated, now=NOON, **habits)
    found = [item.feed_id for item in records(kind, store, 12, concurrency)]
    assert sorted(found) == sorted(f"feed-{number}" for number in range(100))
    assert len(store.requests) < 800


@each_kind
def test_records_that_are_counted_but_hidden_are_an_error(kind: str) -> None:
    store = store_of(300, hidden=[77])
    with pytest.raises(IncompleteError, match="299 of 300") as caught:
        found_by(kind, store, 50)
    assert (caught.value.expected, caught.value.received) == (300, 299)


def test_a_depth_that_no_window_avoids_is_an_error() -> None:
    store = Store.bursts([500], start=NOON - HOUR, now=NOON, max_offset=100)
    with pytest.raises(PaginationError):
        found_by("list", store, 50)


def test_a_window_ends_behind_now_by_the_lag() -> None:
    store = store_of(900)
    scan = ScanFlow[AISession]((None, None), 200, 4, store.clock, lag=timedelta(minutes=2))
    ends = [window.end for window in read(scan.read(), store, 200)]
    assert NOON - timedelta(minutes=2, seconds=1) < max(ends) <= NOON - timedelta(minutes=2)


def test_a_scan_resumed_before_its_first_window_is_whole() -> None:
    store = Store(created=[datetime(1, 1, 1, tzinfo=UTC), datetime(1950, 1, 1, tzinfo=UTC), NOON - HOUR] * 30, now=NOON)
    first = read(ScanFlow[AISession]((None, None), 20, 1, store.clock).read(), store, 20)[0]
    resumed = ScanFlow[AISession]((first.end, None), 20, 1, store.clock)
    assert {*ids([first]), *ids(read(resumed.read(), store, 20))} == set(store.ids_in_order())


@pytest.mark.parametrize("seed", range(10))
def test_a_resumed_scan_has_what_becomes_visible_late(seed: int) -> None:
    store = Store.of(60, start=NOON - HOUR, now=NOON, visible_after=timedelta(seconds=2))
    jitter = Random(seed)
    moving(store, [Change(jitter.choice(["touch", "add"]), jitter.randrange(60), 700) for _ in range(60)])
    found, since = set[Any](), None
    for _ in range(4):
        windows = read(ScanFlow[AISession]((since, None), 20, 2, store.clock).read(), store, 20)
        found |= set(ids(windows))
        since = windows[-1].end
        store.now = (store.now or NOON) + timedelta(seconds=3)
    assert set(store.ids_in_order()) - found == set()


def test_records_without_a_text_id_are_identified_by_their_json() -> None:
    one, same, other = AISession(feed_id="1"), AISession(feed_id="1"), AISession(feed_id="2")
    assert record_key(one) == record_key(same) != record_key(other)
    assert len(set(record_keys([one, same, other]))) == 3
    assert record_keys([AISession(id="a"), AISession(id="a")]) == ["a", "a"]


def test_ids_that_only_look_like_uuids_stay_apart() -> None:
    uuid = "2eac78c7-ef64-49cb-82f0-7280b555f015"
    hyphens = ["-" * place + "33" + "-" * (34 - place) for place in (14, 15, 16)]  # the same digits, elsewhere
    spaces = [identifier[:-1] + " " for identifier in hyphens]
    identifiers = [uuid, uuid.upper(), *hyphens, *spaces]
    assert len(set(record_keys([AISession(id=identifier) for identifier in identifiers]))) == len(identifiers)
