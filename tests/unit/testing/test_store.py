import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konvoai.testing._store.habits import COUNTS, OMITTED, ORDERS, START
from konvoai.testing._store.store import Store
from tests.support import api_document

MINUTE = timedelta(minutes=1)
MILLISECOND = timedelta(milliseconds=1)
MIXED = {
    "created": [START + minutes * MINUTE for minutes in (3, 1, 2, 1)],
    "updated": [START + minutes * MINUTE for minutes in (4, 9, 9, 5)],
}
each_order = pytest.mark.parametrize("order", ORDERS)


def spelled(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def number_of(session_id: str) -> int:
    return int(session_id.removeprefix("session-"))


def get(store: Store, **query: Any) -> Any:
    """Return the body of a response."""
    response = store.respond(
        {name: spelled(value) if name.startswith("updated") else str(value) for name, value in query.items()}
    )
    assert response.status == 200, response.body
    return response.body


def listed(store: Store, **query: Any) -> list[int]:
    """Return the numbers of the sessions in a response."""
    return [number_of(record["id"]) for record in get(store, **query)["result"]]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("created", [1, 3, 2, 0]),
        ("-created", [0, 2, 3, 1]),
        ("updated", [0, 3, 1, 2]),
        ("-updated", [2, 1, 3, 0]),
    ],
)
def test_sessions_are_listed_in_the_order_and_then_by_id(order: str, expected: list[int]) -> None:
    assert expected == listed(Store(order=order, **MIXED))


@each_order
def test_ids_in_order_are_those_of_a_list(order: str) -> None:
    store = Store(order=order, **MIXED)
    listed_ids = [record["id"] for record in get(store)["result"]]
    assert (listed_ids, listed_ids) == (store.ids_in_order(), [store.id_at(index) for index in range(4)])


@each_order
@pytest.mark.parametrize("base", [0, 1])
def test_pages_are_counted_from_the_base(base: int, order: str) -> None:
    store = Store.of(5, order=order, page_base=base)
    whole = listed(store)
    pages = [listed(store, page=base + index, limit=2) for index in range(4)]
    assert [whole[:2], whole[2:4], whole[4:], []] == pages


@pytest.mark.parametrize("base", [0, 1])
def test_without_a_page_it_is_the_first(base: int) -> None:
    assert [0, 1] == listed(Store.of(5, page_base=base), limit=2)


@pytest.mark.parametrize(("base", "page"), [(0, -1), (1, 0), (1, -1)])
def test_a_page_below_the_base_may_be_the_first(base: int, page: int) -> None:
    assert [0, 1] == listed(Store.of(5, page_base=base), page=page, limit=2)


@pytest.mark.parametrize(("base", "page"), [(0, -1), (1, 0), (1, -1)])
def test_a_page_below_the_base_may_get_400(base: int, page: int) -> None:
    response = Store.of(5, page_base=base, below_base="refused").respond({"page": str(page)})
    assert (400, {"error": 400, "message": f"page must be {base} or above"}) == (response.status, response.body)


def test_the_page_may_be_ignored() -> None:
    assert [0, 1] == listed(Store.of(5, page_ignored=True), page=2, limit=2)


def test_a_page_may_be_capped_below_the_limit() -> None:
    assert [3, 4, 5] == listed(Store.of(9, cap=3), page=1, limit=5)


def test_without_a_limit_a_page_has_two_hundred() -> None:
    assert list(range(200)) == listed(Store.of(201))


def test_a_response_has_the_offset_of_its_page() -> None:
    store = Store.of(9, page_base=1)
    assert [0, 4, 9] == [store.respond({"page": page, "limit": "4"}).offset for page in ("1", "2", "9")]


@each_order
@pytest.mark.parametrize(("inclusive", "expected"), [((True, True), {2, 3, 4}), ((False, False), {3})])
def test_bounds_are_inclusive_or_exclusive_at_each_end(
    inclusive: tuple[bool, bool], expected: set[int], order: str
) -> None:
    store = Store.of(7, order=order, inclusive=inclusive)
    found = listed(store, updated_at_min=START + 2 * MINUTE, updated_at_max=START + 4 * MINUTE)
    assert expected == set(found)


@pytest.mark.parametrize(("filters", "expected"), [("created", [2, 0]), ("updated", [3, 0]), (None, [1, 3, 2, 0])])
def test_the_filters_are_about_either_time_or_are_ignored(filters: Any, expected: list[int]) -> None:
    store = Store(filters=filters, **MIXED)
    assert expected == listed(store, updated_at_min=START + 2 * MINUTE, updated_at_max=START + 5 * MINUTE)


@each_order
def test_a_minimum_after_the_maximum_brings_nothing(order: str) -> None:
    store = Store.of(5, order=order)
    body = get(store, updated_at_min=START + 3 * MINUTE, updated_at_max=START + MINUTE)
    assert {"count": 0, "result": []} == body


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:03:00Z",
        "2026-01-01t00:03:00.000z",
        "2026-01-01T02:03:00+02:00",
        "2025-12-31T23:01:59.9999999-01:01",
    ],
)
def test_every_spelling_of_rfc_3339_is_accepted(text: str) -> None:
    response = Store.of(5).respond({"updated_at_min": text})
    assert ["feed-3", "feed-4"] == [record["feed_id"] for record in response.body["result"]]


@pytest.mark.parametrize(
    ("count", "expected"),
    [("honest", 5), ("missing", ...), ("null", None), ("text", "many"), ("small", 2), ("large", 11), (str, "5")],
)
def test_the_count_may_be_false(count: str | Callable[[int], Any], expected: Any) -> None:
    assert expected == get(Store.of(5, count=count)).get("count", ...)


def test_the_count_is_that_of_the_query() -> None:
    assert 3 == get(Store.of(5), updated_at_min=START + 2 * MINUTE, limit=1)["count"]


def test_every_name_of_a_count_is_a_function_of_the_total() -> None:
    assert [7, OMITTED, None, "many", 3, 15] == [count(7) for count in COUNTS.values()]


def fields(store: Store, **query: Any) -> set[str]:
    return set(get(store, **query)["result"][0])


def test_a_whole_record_has_every_field_of_the_api_document() -> None:
    every = set(api_document.properties({"$ref": "#/components/schemas/AISession"}))
    assert every == fields(Store.of(1), messages="true", state="true")


@pytest.mark.parametrize(("flag", "added"), [("messages", {"messages"}), ("state", {"state", "status"})])
def test_a_flag_adds_its_fields(flag: str, added: set[str]) -> None:
    store = Store.of(1)
    assert added == fields(store, **{flag: "true"}) - fields(store, **{flag: "false"})


def test_records_may_lack_an_id() -> None:
    assert {"id"} == fields(Store.of(1)) - fields(Store.of(1, ids=False))


def test_times_have_milliseconds() -> None:
    (record,) = get(Store(created=[START + timedelta(microseconds=1999)]))["result"]
    assert "2026-01-01T00:00:00.001Z" == record["created_at"]


def test_a_burst_is_at_one_instant() -> None:
    times = [record["created_at"][11:16] for record in get(Store.bursts([2, 1, 3]))["result"]]
    assert ["00:00", "00:00", "01:00", "02:00", "02:00", "02:00"] == times


@pytest.mark.parametrize(
    ("order", "expected"),
    [("created", [0, 1, 2]), ("-created", [2, 1, 0]), ("updated", [1, 2, 0]), ("-updated", [0, 2, 1])],
)
def test_a_touched_session_moves_in_the_order(order: str, expected: list[int]) -> None:
    store = Store.of(3, order=order, now=START + 9 * MINUTE)
    store.touch("session-0000000")
    assert expected == listed(store)


def test_a_touch_may_have_a_time_of_its_own() -> None:
    store = Store.of(3, order="updated")
    store.touch("session-0000002", at=START + MINUTE / 2)
    assert [0, 2, 1] == listed(store)


def test_the_status_has_the_time_of_the_last_touch() -> None:
    store = Store.of(1, now=START + MINUTE)
    store.touch("session-0000000")
    assert "2026-01-01T00:01:00.000Z" == get(store, state="true")["result"][0]["status"]["last_updated"]


@pytest.mark.parametrize(("order", "expected"), [("created", [0, 1, 3, 2]), ("-updated", [3, 2, 1, 0])])
def test_an_added_session_is_listed_in_the_order(order: str, expected: list[int]) -> None:
    store = Store.of(3, order=order)
    added = store.add(created=START + 1.5 * MINUTE, updated=START + 5 * MINUTE)
    assert ("session-0000003", expected) == (added, listed(store))


def test_a_session_is_added_now_by_default() -> None:
    store = Store(now=START + MINUTE)
    store.add()
    assert "2026-01-01T00:01:00.000Z" == get(store)["result"][0]["created_at"]


@each_order
def test_a_removed_session_is_gone(order: str) -> None:
    store = Store.of(3, order=order)
    store.remove("session-0000001")
    assert ({0, 2}, 2) == (set(listed(store)), len(store))


@pytest.mark.parametrize("change", [Store.remove, Store.touch])
def test_a_removed_session_cannot_be_changed(change: Callable[[Store, str], None]) -> None:
    store = Store.of(3)
    store.remove("session-0000001")
    with pytest.raises(KeyError, match="session-0000001"):
        change(store, "session-0000001")


def test_changes_happen_between_requests() -> None:
    store = Store.of(3)
    store.between = lambda number: store.remove(f"session-000000{number}")
    assert [[1, 2], [2], []] == [listed(store) for _ in range(3)]


@pytest.mark.parametrize("change", [Store.remove, Store.touch, lambda store, session_id: store.add()])
def test_a_change_by_another_thread_waits_for_the_response(change: Callable[[Store, str], None]) -> None:
    store = Store.of(3)
    thread = threading.Thread(target=change, args=(store, "session-0000001"))
    waited = []

    def meanwhile(number: int) -> None:
        thread.start()
        thread.join(0.05)
        waited.append(thread.is_alive())

    store.between = meanwhile
    store.respond({})
    thread.join()
    assert [True] == waited


def test_queries_are_recorded_in_order() -> None:
    store = Store.of(3)
    for query in ({"page": "1"}, {"limit": "none"}):
        store.respond(query)
    assert [{"page": "1"}, {"limit": "none"}] == store.requests


def test_a_response_has_the_stores_clock_in_whole_seconds() -> None:
    store = Store(now=START + 59.9 * timedelta(seconds=1))
    assert {"Date": "Thu, 01 Jan 2026 00:00:59 GMT"} == store.respond({}).headers


def test_a_response_may_lack_the_clock() -> None:
    assert {} == Store(dated=False).respond({}).headers


def test_a_skewed_store_is_ahead_of_the_machines_clock() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    date = parsedate_to_datetime(Store(skew=timedelta(hours=5)).respond({}).headers["Date"])
    assert before <= date - timedelta(hours=5) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *[("page", text) for text in ("", "first", "1.0", "1e1", "+1", " 1", "1,2", "1_0", "٣", str(2**31))],
        *[("limit", text) for text in ("", "all", "0", "-1", "201", "1.5", "10,20")],
        *[(flag, text) for flag in ("messages", "state") for text in ("", "1", "yes", "TRUE", "true,true")],
        *[
            (bound, text)
            for bound in ("updated_at_min", "updated_at_max")
            for text in ("", "now", "2026-02-01", "2026-02-01T00:00:00", "2026-02-30T00:00:00Z", "2026-02-01 00:00:00Z")
        ],
    ],
)
def test_an_invalid_parameter_gets_400_with_its_name(name: str, text: str) -> None:
    response = Store.of(1).respond({name: text})
    assert (400, 400, name) == (response.status, response.body["error"], response.body["message"].split()[0])


instants = st.integers(0, 4).map(lambda late: START + late * MILLISECOND)
Bounds = tuple[datetime | None, datetime | None]


def within(time: datetime, bounds: Bounds, inclusive: tuple[bool, bool]) -> bool:
    minimum, maximum = bounds
    above = minimum is None or time > minimum or (inclusive[0] and time == minimum)
    below = maximum is None or time < maximum or (inclusive[1] and time == maximum)
    return above and below


@given(
    times=st.lists(st.tuples(instants, instants), max_size=9),
    changes=st.lists(st.tuples(st.sampled_from(["add", "touch", "remove"]), st.integers(0, 99), instants), max_size=9),
    order=st.sampled_from(ORDERS),
    filters=st.sampled_from(["created", "updated"]),
    inclusive=st.tuples(st.booleans(), st.booleans()),
    bounds=st.tuples(instants | st.none(), instants | st.none()),
    page=st.integers(0, 4),
    limit=st.integers(1, 5),
)
def test_a_response_equals_plain_sorting_and_filtering(
    times: list[tuple[datetime, datetime]],
    changes: list[tuple[str, int, datetime]],
    order: str,
    filters: Any,
    inclusive: tuple[bool, bool],
    bounds: Bounds,
    page: int,
    limit: int,
) -> None:
    created, updated = [first for first, _ in times], [last for _, last in times]
    store = Store(created=created, updated=updated, order=order, filters=filters, inclusive=inclusive)
    there = {number: {"created": first, "updated": last} for number, (first, last) in enumerate(times)}
    for change, position, at in changes:
        if change == "add" or not len(store):
            there[number_of(store.add(at))] = {"created": at, "updated": at}
            continue
        chosen = store.id_at(position % len(store))
        if change == "touch":
            store.touch(chosen, at)
            there[number_of(chosen)]["updated"] = at
        else:
            store.remove(chosen)
            del there[number_of(chosen)]
    by = order.removeprefix("-")
    expected = sorted(
        (number for number, times_of in there.items() if within(times_of[filters], bounds, inclusive)),
        key=lambda number: (there[number][by], number),
        reverse=by != order,
    )
    query = {name: at for name, at in zip(("updated_at_min", "updated_at_max"), bounds, strict=True) if at}
    body = get(store, page=page, limit=limit, **query)
    found = [number_of(record["id"]) for record in body["result"]]
    assert (len(expected), expected[page * limit : (page + 1) * limit]) == (body["count"], found)
