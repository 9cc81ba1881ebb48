"""`MockKonvo` as users have it: its sessions, faults, limits and habits, read by both clients."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from konvoai import (
    AISession,
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    InternalServerError,
    Konvo,
    RateLimitError,
)
from konvoai.testing import MockKonvo, make_session, make_sessions
from tests.support.both_clients import ClientMode, ReadMethod, read

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVERYTHING = {"messages": True, "state": True}


def ids(mock: MockKonvo, method: ReadMethod = "list", **arguments: Any) -> list[Any]:
    return [session.id for session in read("sync", mock.url, method=method, **arguments)]


def raw(mock: MockKonvo, **query: Any) -> httpx.Response:
    with httpx.Client(verify=False) as client:
        return client.get(f"{mock.url}/ai-sessions", params=query, headers={"x-api-key": mock.key})


@pytest.mark.parametrize("method", ["list", "scan"])
def test_made_up_sessions_are_all_read(mode: ClientMode, method: ReadMethod) -> None:
    with MockKonvo(sessions=450) as mock:
        found = read(mode, mock.url, method=method, **EVERYTHING)
    assert (450, 450) == (len(found), len({session.id for session in found}))
    assert all(session.status and session.state and session.messages for session in found)


def test_made_up_sessions_follow_from_the_seed() -> None:
    def made(seed: int) -> Any:
        with MockKonvo(sessions=5, now=NOW, seed=seed) as mock:
            return raw(mock, messages="true", state="true").json()

    assert made(1) == made(1) != made(2)


def test_made_up_sessions_end_now() -> None:
    with MockKonvo(sessions=48, now=NOW) as mock:
        assert 0 < len(ids(mock, updated_at_min=NOW - 12 * HOUR)) < 48
        assert [] == ids(mock, updated_at_min=NOW + timedelta(milliseconds=1))


async def in_a_loop() -> list[Any]:
    async with MockKonvo(sessions=3) as mock, mock.async_client() as konvo:
        return [session.id async for session in konvo.ai_sessions.list()]


def test_it_is_an_async_context_manager_too() -> None:
    assert 3 == len(asyncio.run(in_a_loop()))


def test_a_session_is_served_as_it_was_added() -> None:
    session = {"id": "a", "created_at": "2026-02-01T00:00:00.000Z", "mood": {"score": 0.5}, "messages": [None]}
    with MockKonvo() as mock:
        assert "a" == mock.add(session)
        assert {"count": 1, "result": [session]} == raw(mock, messages="true").json()


def test_fields_make_a_session() -> None:
    with MockKonvo() as mock, mock.client() as konvo:
        mock.add(id="a", unresolved=True, channel="email")
        (session,) = konvo.ai_sessions.list(**EVERYTHING)
    assert ("a", "email", True) == (session.id, session.channel, session.status and session.status.unresolved)
    assert session.messages


def test_sessions_are_filtered_by_their_update() -> None:
    with MockKonvo(now=NOW) as mock:
        mock.add(id="old", created_at=NOW - 9 * HOUR)
        mock.add(id="changed", created_at=NOW - 9 * HOUR, updated_at=NOW - HOUR)
        mock.add(id="last updated", created_at=NOW - 9 * HOUR, last_updated=NOW - HOUR)
        mock.add(id="new")
        assert ["changed", "last updated", "new"] == ids(mock, updated_at_min=NOW - 2 * HOUR)


def test_adding_the_same_id_again_changes_the_session() -> None:
    with MockKonvo(now=NOW) as mock, mock.client() as konvo:
        mock.add(id="a", unresolved=True)
        mock.now = NOW + HOUR
        mock.add(make_session(id="a", unresolved=False))
        (session,) = konvo.ai_sessions.scan(updated_at_min=NOW + HOUR / 2, updated_at_max=NOW + HOUR, state=True)
    assert session.status
    assert (False, NOW + HOUR) == (session.status.unresolved, session.status.last_updated)


@pytest.mark.parametrize("made_up", [True, False])
def test_an_update_changes_fields_and_the_update_time(made_up: bool) -> None:
    with MockKonvo(sessions=int(made_up), now=NOW) as mock:
        session_id = raw(mock).json()["result"][0]["id"] if made_up else mock.add()
        before = raw(mock, messages="true").json()["result"][0]
        mock.now = NOW + HOUR
        mock.update(session_id, channel="instagram", unresolved=True, sentiment="glad")
        (after,) = raw(mock, updated_at_min="2026-03-01T13:00:00Z", messages="true").json()["result"]
        (status,) = (session["status"] for session in raw(mock, state="true").json()["result"])
    assert {**before, "channel": "instagram", "sentiment": "glad"} == after
    assert (True, "2026-03-01T13:00:00.000Z") == (status["unresolved"], status["last_updated"])


@pytest.mark.parametrize("made_up", [True, False])
def test_a_removed_session_is_gone(made_up: bool) -> None:
    with MockKonvo(sessions=2 * made_up) as mock:
        session_id = ids(mock)[0] if made_up else mock.add()
        mock.remove(session_id)
        assert session_id not in ids(mock)
        with pytest.raises(KeyError, match=session_id):
            mock.remove(session_id)
        with pytest.raises(KeyError, match=session_id):
            mock.update(session_id, channel="email")


def test_a_removed_session_may_be_added_again() -> None:
    with MockKonvo() as mock:
        mock.remove(mock.add(id="a"))
        mock.add(id="a")
        assert ["a"] == ids(mock)


@pytest.mark.parametrize("session", [{"channel": "email"}, {"id": None}, {"id": 5}])
def test_a_session_with_an_odd_id_can_be_changed_and_removed(session: dict[str, Any]) -> None:
    with MockKonvo() as mock:
        mock.add({"id": None})
        handle = mock.add(session)
        mock.update(handle, channel="instagram")
        assert [{"id": None}, {**session, "channel": "instagram"}] == raw(mock).json()["result"]
        mock.remove(handle)
        assert [{"id": None}] == raw(mock).json()["result"]


def test_a_model_may_be_added() -> None:
    with MockKonvo(now=NOW) as mock:
        mock.add(AISession(id="a", created_at=NOW))
        assert [{"id": "a", "created_at": "2026-03-01T12:00:00.000Z"}] == [
            {**session, "created_at": session["created_at"].replace("+00:00", ".000Z")}
            for session in raw(mock).json()["result"]
        ]


def test_a_time_without_a_zone_is_a_value_error() -> None:
    mock = MockKonvo()
    for change in (
        lambda: mock.add(created_at=datetime(2026, 1, 1)),
        lambda: mock.add(updated_at=datetime(2026, 1, 1)),
        lambda: mock.update(mock.add(), updated_at=datetime(2026, 1, 1)),
    ):
        with pytest.raises(ValueError, match="a time needs a time zone"):
            change()


def test_what_was_added_is_a_copy() -> None:
    session = make_session(id="a", channel="email", unresolved=True)
    with MockKonvo() as mock:
        mock.add(session)
        session["channel"] = "instagram"
        session["status"]["unresolved"] = False
        (served,) = raw(mock, state="true").json()["result"]
        assert ("email", True) == (served["channel"], served["status"]["unresolved"])
        mock.update("a", channel="live_chat")
        assert "instagram" == session["channel"]


def test_threads_may_add_while_a_client_reads() -> None:
    with MockKonvo(sessions=300) as mock:
        threads = [threading.Thread(target=mock.add) for _ in range(50)]
        for thread in threads:
            thread.start()
        first = ids(mock)
        for thread in threads:
            thread.join()
        assert (True, 350) == (300 <= len(first) <= 350, len(ids(mock)))


@pytest.mark.parametrize("fault", [429, 503, 520, "drop", "cut"])
def test_a_client_survives_a_fault(mode: ClientMode, fault: Any) -> None:
    with MockKonvo(sessions=3) as mock:
        mock.fail(fault)
        assert 3 == len(read(mode, mock.url))
        assert "" != mock.requests[0].headers["x-api-key"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (429, RateLimitError),
        (500, InternalServerError),
        (307, APIStatusError),
        ("drop", APIConnectionError),
        ("cut", APIConnectionError),
        ("slow", APITimeoutError),
    ],
)
def test_a_fault_is_an_error_without_retries(fault: Any, error: type[Exception]) -> None:
    with MockKonvo() as mock, mock.client(max_retries=0, timeout=0.5) as konvo:
        mock.fail(fault)
        with pytest.raises(error):
            list(konvo.ai_sessions.list())
        assert 1 == len(mock.requests)


def test_faults_come_in_order_and_as_often_as_said() -> None:
    with MockKonvo() as mock:
        mock.fail(503, times=2)
        mock.fail(404)
        assert [503, 503, 404, 200] == [raw(mock).status_code for _ in range(4)]


@pytest.mark.parametrize(
    ("status", "seconds", "header"), [(429, 7, "7"), (429, 0, "0.01"), (503, None, None), (404, 7, None)]
)
def test_a_fault_says_when_to_retry(status: int, seconds: float | None, header: str | None) -> None:
    with MockKonvo() as mock:
        mock.fail(status, retry_after=seconds)
        assert header == raw(mock).headers.get("retry-after")


@pytest.mark.parametrize("fault", [200, 99, 600, True, "explode", None])
def test_an_unknown_fault_is_a_value_error(fault: Any) -> None:
    with pytest.raises(ValueError, match="what must be a status"):
        MockKonvo().fail(fault)


def test_a_rate_limit_is_kept() -> None:
    with MockKonvo(sessions=1000) as mock:
        mock.limit(2, 0.05)
        assert 1000 == len(ids(mock, limit=100))
        statuses = [raw(mock, limit=1) for _ in range(3)]
    assert {200, 429} >= {response.status_code for response in statuses}


def test_above_the_rate_limit_it_is_429_with_the_seconds() -> None:
    with MockKonvo() as mock:
        mock.limit(2, 60)
        responses = [raw(mock) for _ in range(3)]
    assert [200, 200, 429] == [response.status_code for response in responses]
    assert 0 < float(responses[-1].headers["retry-after"]) <= 60.001


def test_a_rate_limit_without_a_request_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="at least 1 request"):
        MockKonvo().limit(0, 1)


def test_a_late_response_is_a_timeout() -> None:
    with MockKonvo() as mock, mock.client(max_retries=0, timeout=0.2) as konvo:
        mock.latency = 3600
        with pytest.raises(APITimeoutError):
            list(konvo.ai_sessions.list())


def test_requests_are_recorded() -> None:
    with MockKonvo(key="k") as mock, mock.client() as konvo:
        konvo.ai_sessions.list(updated_at_min=NOW).count()
    (request,) = mock.requests
    assert ("GET", "/ai-sessions", "k") == (request.method, request.path, request.headers["x-api-key"])
    assert {"limit": "1", "updated_at_min": "2026-03-01T12:00:00.000Z"}.items() <= request.query.items()


def test_another_key_is_rejected() -> None:
    with MockKonvo() as mock, Konvo("wrong", base_url=mock.url) as konvo:
        with pytest.raises(AuthenticationError):
            list(konvo.ai_sessions.list())


def test_pages_may_start_at_one() -> None:
    with MockKonvo(sessions=3, page_base=1) as mock:
        pages = [raw(mock, limit=2, page=page).json()["result"] for page in (1, 2, 3)]
    assert [2, 1, 0] == [len(page) for page in pages]


@pytest.mark.parametrize("order", ["created", "-created", "updated", "-updated"])
def test_the_order_is_that_of_the_times(order: Any) -> None:
    with MockKonvo(sessions=30, order=order, now=NOW) as mock:
        result = raw(mock, state="true").json()["result"]
    times = [s["created_at"] if order.endswith("created") else s["status"]["last_updated"] for s in result]
    assert sorted(times, reverse=order.startswith("-")) == times


@pytest.mark.parametrize(("filters", "found"), [("created", []), ("updated", ["a"]), (None, ["a"])])
def test_the_filters_are_about_either_time_or_ignored(filters: Any, found: list[str]) -> None:
    with MockKonvo(filters=filters, now=NOW) as mock:
        mock.add(id="a", created_at=NOW - 9 * HOUR, updated_at=NOW - HOUR)
        result = raw(mock, updated_at_min="2026-03-01T10:00:00Z").json()["result"]
    assert found == [session["id"] for session in result]


def test_pages_may_be_capped() -> None:
    with MockKonvo(sessions=7, cap=3) as mock:
        assert (3, 7) == (len(raw(mock).json()["result"]), len(ids(mock)))


@pytest.mark.parametrize(
    ("count", "expected"), [("true", 7), ("null", None), ("large", 15), (lambda total: total - 1, 6)]
)
def test_the_count_may_be_wrong(count: Any, expected: Any) -> None:
    with MockKonvo(sessions=7, count=count) as mock:
        assert expected == raw(mock).json()["count"]


@pytest.mark.parametrize("count", ["missing", "small", "large"])
def test_a_wrong_count_costs_no_session(count: str) -> None:
    with MockKonvo(sessions=7, count=count) as mock:
        assert 7 == len(ids(mock))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sessions": -1}, "sessions must be 0 or above"),
        ({"order": "random"}, "order must be one of created, -created"),
        ({"filters": "changed"}, "filters must be"),
        ({"cap": 201}, "cap must be from 1 to 200"),
        ({"count": "most"}, "count must be one of true, "),
        ({"page_base": -1}, "page_base must be 0 or above"),
        ({"now": datetime(2026, 1, 1)}, "a time needs a time zone"),
    ],
)
def test_an_impossible_argument_is_a_value_error(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MockKonvo(**arguments)


def test_before_it_starts_it_has_no_url() -> None:
    with pytest.raises(RuntimeError, match="with MockKonvo"):
        _ = MockKonvo().url


def test_it_leaves_no_thread_and_no_port_behind() -> None:
    before = set(threading.enumerate())
    with MockKonvo(sessions=1) as mock:
        ids(mock)
    assert set() == set(threading.enumerate()) - before
    with pytest.raises(httpx.ConnectError):
        raw(mock)


def test_it_may_be_started_again_with_its_sessions() -> None:
    mock = MockKonvo()
    mock.add(id="a")
    for _ in range(2):
        with mock:
            assert ["a"] == ids(mock)


def test_sessions_of_a_list_may_be_added() -> None:
    sessions = make_sessions(250, seed=3)
    with MockKonvo() as mock:
        for session in sessions:
            mock.add(session)
        assert {session["id"] for session in sessions} == set(ids(mock, "scan"))
