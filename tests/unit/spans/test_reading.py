"""Spans of a server, and what their tasks read while its sessions change."""

from __future__ import annotations

import pickle
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konvoai import AuthenticationError, Konvo, Span, plan_spans
from konvoai._pagination.protocol import DEFAULT_LAG
from konvoai._spans.reading import Task, read_task
from konvoai.testing import MockKonvo
from konvoai.testing._server import MockServer, mock_server
from konvoai.testing._store.changes import Change, apply_change
from konvoai.testing._store.store import Store
from tests.support.both_clients import KEY

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
REQUEST_TIME = timedelta(milliseconds=250)  # by the clock of the server: 20 changes a second at most
COLUMNS = ["id", "status__last_updated"]


def store_of(number: int) -> Store:
    return Store.of(number, NOW - timedelta(minutes=number + 10), timedelta(minutes=1), now=NOW)


def client(server: MockServer) -> Konvo:
    return Konvo(KEY, base_url=server.url, on_drift="ignore")


def read_tasks(server: MockServer, tasks: list[Task], workers: int) -> list[dict[str, Any]]:
    """Returns the rows of all tasks, each with `as_of`; every task has a client of its own, as in an engine."""

    def read(task: Task) -> list[dict[str, Any]]:
        with client(server) as konvo:
            batches = list(read_task(konvo, task, COLUMNS))
        return [{**row, "as_of": batch.as_of} for batch in batches for row in batch.records.to_pylist()]

    with ThreadPoolExecutor(workers) as pool:
        return [row for rows in pool.map(read, tasks) for row in rows]


def latest(rows: list[dict[str, Any]]) -> dict[str, datetime]:
    """The update time of the last copy of each session."""
    ordered = sorted(rows, key=lambda row: (row["status__last_updated"], row["as_of"]))
    return {row["id"]: row["status__last_updated"] for row in ordered}


def states(store: Store) -> dict[str, datetime]:
    return {id: store.times(id)[1] for id in store.ids_in_order()}


def tasks_of(server: MockServer, number: int) -> list[Task]:
    with client(server) as konvo:
        spans = plan_spans(konvo, spans=number)
    return [Task(span, spans[-1].end) for span in spans]


def test_spans_end_before_the_now_of_the_server() -> None:
    with mock_server(store_of(2000), key=KEY) as server, client(server) as konvo:
        spans = plan_spans(konvo, spans=4)
        assert (None, NOW - DEFAULT_LAG) == (spans[0].start, spans[-1].end)
        assert all(before.end == after.start for before, after in pairwise(spans))
        assert 2000 == sum(span.count or 0 for span in spans)
        assert all(450 < (span.count or 0) < 550 for span in spans)
        assert {"1"} == {request.query["limit"] for request in server.requests}


def test_spans_cover_what_is_between_the_times() -> None:
    since, until = NOW - timedelta(minutes=1500), NOW - timedelta(minutes=500)
    with mock_server(store_of(2000), key=KEY) as server, client(server) as konvo:
        spans = plan_spans(konvo, since=since, until=until, spans=3)
        past_now = plan_spans(konvo, since=NOW + timedelta(hours=1), spans=3)
        ids = [
            session.id
            for span in spans
            for session in konvo.ai_sessions.scan(updated_at_min=span.start, updated_at_max=span.end)
        ]
        expected = [one.id for one in konvo.ai_sessions.list(updated_at_min=since, updated_at_max=until)]
    assert (3, since, until) == (len(spans), spans[0].start, spans[-1].end)
    assert sorted(expected) == sorted(ids)
    assert [Span(NOW + timedelta(hours=1), NOW + timedelta(hours=1), 0)] == past_now


@pytest.mark.parametrize(
    "wrong", [{"spans": 0}, {"spans": 2.0}, {"spans": 2, "since": datetime(2026, 1, 1)}, {"spans": 2, "since": NOW}]
)
def test_a_wrong_argument_is_an_error_before_any_request(wrong: dict[str, Any]) -> None:
    with MockKonvo() as mock, mock.client() as konvo:
        with pytest.raises(ValueError, match=r"spans|since"):
            plan_spans(konvo, until=datetime(2026, 1, 1, tzinfo=UTC), **wrong)
        assert [] == mock.requests


def test_a_refused_key_is_the_error_of_any_request() -> None:
    with MockKonvo() as mock, Konvo("wrong", base_url=mock.url) as konvo, pytest.raises(AuthenticationError):
        plan_spans(konvo, spans=2)


def test_spans_and_tasks_can_be_sent_to_other_processes() -> None:
    task = Task(Span(None, NOW, 3), NOW, None)
    assert task == pickle.loads(pickle.dumps(task))


@pytest.mark.parametrize("count", ["missing", "null", "text"])
def test_without_a_count_one_span_has_everything(count: str) -> None:
    with MockKonvo(sessions=500, count=count, now=NOW) as mock, mock.client(on_drift="ignore") as konvo:
        (span,) = plan_spans(konvo, spans=8)
        assert (None, None) == (span.start, span.count)
        found = konvo.ai_sessions.scan(updated_at_max=span.end).to_arrow(["id"])
        assert konvo.ai_sessions.list(updated_at_max=span.end).to_arrow(["id"]).num_rows == found.num_rows > 490


@pytest.mark.parametrize("rate", [0.2, 1, 5])
@pytest.mark.parametrize("workers", [1, 4])
def test_tasks_lose_nothing_while_sessions_change(rate: float, workers: int) -> None:
    store = store_of(4000)
    draw, changing = random.Random(rate), False

    def touch(number: int) -> None:
        assert store.now
        store.now += REQUEST_TIME
        for _ in range(int(rate) + (draw.random() < rate % 1) if changing else 0):
            store.touch(store.id_at(draw.randrange(len(store))))

    store.between = touch
    with mock_server(store, key=KEY) as server:
        tasks, changing = tasks_of(server, 6), True
        rows = read_tasks(server, tasks, workers)
        assert set(states(store)) == {row["id"] for row in rows}
        changing = False
        with client(server) as konvo:
            # What has changed after the tasks had read it comes with the next reading from the same time on.
            rows += [{**row, "as_of": store.now} for row in changed_since(konvo, tasks[-1].span.end)]
    assert 6 == len(tasks)
    assert states(store) == latest(rows)


def changed_since(konvo: Konvo, time: datetime) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = konvo.ai_sessions.scan(updated_at_min=time).to_arrow(COLUMNS).to_pylist()
    return found


def test_a_span_alone_loses_what_leaves_it() -> None:
    """What the tail of a task is for."""
    store = store_of(4000)
    with mock_server(store, key=KEY) as server:
        tasks = tasks_of(server, 4)
        for session_id in store.ids_in_order()[::10]:
            store.touch(session_id)
        without_tail = read_tasks(server, [Task(task.span) for task in tasks], 1)
        rows = read_tasks(server, tasks, 1)
    assert 3600 == len(latest(without_tail))
    assert states(store) == latest(rows)


@settings(max_examples=40)
@given(
    st.lists(
        st.builds(
            Change,
            st.sampled_from(["touch", "touch", "add", "nothing"]),
            st.integers(0, 700),
            st.sampled_from([0, 1, 900]),
        ),
        max_size=60,
    ),
    st.permutations(range(4)),
)
def test_what_stays_is_read_in_any_order_of_tasks(schedule: list[Change], order: list[int]) -> None:
    store = store_of(800)
    with mock_server(store, key=KEY) as server:
        tasks, before, left = tasks_of(server, 4), set(store.ids_in_order()), iter(schedule)
        store.between = lambda number: apply_change(store, next(left, Change("nothing", 0)))
        rows = read_tasks(server, [tasks[index] for index in order], 1)
    assert 4 == len(tasks)
    assert before <= {row["id"] for row in rows}
    assert all(times == sorted(times) for times in by_id(rows).values())


def by_id(rows: list[dict[str, Any]]) -> dict[str, list[datetime]]:
    """The update times of the copies of each session, in the order of `as_of`."""
    found: dict[str, list[datetime]] = {}
    for row in sorted(rows, key=lambda row: row["as_of"]):
        found.setdefault(row["id"], []).append(row["status__last_updated"])
    return found


def test_data_that_stands_still_comes_once() -> None:
    store = store_of(3000)
    with mock_server(store, key=KEY) as server:
        rows = read_tasks(server, tasks_of(server, 5), 1)
    assert {1} == set(Counter(row["id"] for row in rows).values())
    assert all(datetime(1970, 1, 1, tzinfo=UTC) <= row["as_of"] <= NOW for row in rows)
    assert states(store) == latest(rows)


def test_a_task_has_one_request_in_flight() -> None:
    with mock_server(store_of(1500), key=KEY, latency=0.005) as server:
        read_tasks(server, tasks_of(server, 3), 3)
        assert 1 <= server.most_in_flight <= 3


def test_columns_decide_what_a_task_requests() -> None:
    with mock_server(store_of(500), key=KEY) as server, client(server) as konvo:
        span = Span(None, NOW, None)
        batches = list(read_task(konvo, Task(span), ["id", "channel"], raw=True))
        assert ["id", "channel", "raw"] == batches[0].records.schema.names
        server.requests.clear()
        list(read_task(konvo, Task(span), ["id", "channel"]))
        assert {("false", "false")} == {(one.query["messages"], one.query["state"]) for one in server.requests}
