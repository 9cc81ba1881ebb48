from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from konvoai import AsyncKonvo, AuthenticationError, IncompleteError, Konvo, PaginationError, ResponseValidationError
from konvoai.testing._http_server import Reply, serving
from tests.support.both_clients import ClientMode, count, read, read_pages
from tests.support.http_server import paged, replies, sessions


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("told", [..., None, "many", 0, -1, True])
def test_every_session_arrives_once_in_order_whatever_the_count(mode: ClientMode, base: int, told: Any) -> None:
    with serving(paged(sessions(45), base=base, cap=10, count=told)) as server:
        found = read(mode, server.url, client={"on_drift": "ignore"}, limit=20)
    assert [session.id for session in found] == [f"session-{i}" for i in range(45)]


def test_a_count_that_nothing_disproves_is_an_error_after_all_records() -> None:
    found: list[Any] = []
    with serving(paged(sessions(45), cap=10, count=10_000)) as server, Konvo("test-key", base_url=server.url) as konvo:
        with pytest.raises(IncompleteError, match="45 of 10000") as caught:
            found.extend(session.id for session in konvo.ai_sessions.list(limit=20))
    assert (caught.value.expected, caught.value.received, caught.value.records_yielded) == (10_000, 45, 45)
    assert found == [f"session-{i}" for i in range(45)]


def test_pages_carry_number_items_and_count(mode: ClientMode) -> None:
    with serving(paged(sessions(5), base=1)) as server:
        pages = read_pages(mode, server.url, limit=2)
    assert [(page.number, len(page.items), page.count) for page in pages] == [(1, 2, 5), (2, 2, 5), (3, 1, 5)]


def test_a_total_that_is_not_a_number_is_none(mode: ClientMode) -> None:
    with serving(paged(sessions(1), count="one")) as server:
        assert read_pages(mode, server.url, client={"on_drift": "ignore"})[0].count is None


def test_an_empty_list_has_no_pages(mode: ClientMode) -> None:
    with serving(paged([])) as server:
        assert read_pages(mode, server.url) == []


def test_the_count_is_one_request_for_one_bare_session(mode: ClientMode) -> None:
    since = datetime(2026, 2, 1, tzinfo=UTC)
    with serving(paged(sessions(5))) as server:
        assert count(mode, server.url, updated_at_min=since, messages=True, state=True) == 5
    (request,) = server.requests
    assert request.query == {
        "limit": "1", "updated_at_min": "2026-02-01T00:00:00.000Z", "messages": "false", "state": "false"
    }  # fmt: skip


def test_a_request_carries_path_parameters_and_key(mode: ClientMode) -> None:
    east = timezone(timedelta(hours=2))
    with serving(replies(Reply({"result": []}))) as server:
        read(
            mode,
            server.url + "/behind/a/gateway",
            page=3,
            limit=50,
            updated_at_min=datetime(2026, 2, 1, 2, tzinfo=east),
            updated_at_max=datetime(2026, 3, 1, tzinfo=UTC),
            messages=True,
            state=True,
        )
    (request,) = server.requests
    assert (request.method, request.path) == ("GET", "/behind/a/gateway/ai-sessions")
    assert request.headers["x-api-key"] == "test-key"
    assert request.query == {
        "page": "3", "limit": "50", "messages": "true", "state": "true",
        "updated_at_min": "2026-02-01T00:00:00.000Z", "updated_at_max": "2026-03-01T00:00:00.000Z",
    }  # fmt: skip


def test_nothing_is_asked_before_the_first_session_is_wanted() -> None:
    with serving(paged(sessions(30))) as server, Konvo("test-key", base_url=server.url) as konvo:
        listed = konvo.ai_sessions.list(limit=10)
        assert server.requests == []
        next(iter(listed))
        assert len(server.requests) == 1


def test_iterating_again_reads_again(mode: ClientMode) -> None:
    with serving(paged(sessions(3))) as server, Konvo("test-key", base_url=server.url) as konvo:
        listed = konvo.ai_sessions.list()
        assert list(listed) == list(listed)


def test_a_server_that_ignores_page_and_counts_more_is_an_error(mode: ClientMode) -> None:
    with serving(replies(Reply({"count": 9, "result": sessions(4)}))) as server:
        with pytest.raises(PaginationError, match="4 of 9"):
            read(mode, server.url, limit=4)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"not json", None),
        (b"", None),
        (b"NaN", None),
        (b"[" * 99_999, None),
        ([], None),
        ({"count": 3}, "result"),
        ({"result": None}, "result"),
        ({"result": {}}, "result"),
        ({"result": [{}, 5]}, "result[1]"),
    ],
)
def test_a_200_without_a_list_is_never_the_end(mode: ClientMode, body: Any, path: str | None) -> None:
    since = datetime(2026, 2, 1, tzinfo=UTC)
    with serving(replies(Reply({"result": sessions(1)}), Reply(body))) as server:
        with pytest.raises(ResponseValidationError) as caught:
            read(mode, server.url, updated_at_min=since)
    assert caught.value.json_path == path
    assert str(caught.value).startswith(f"200 from {server.url}/ai-sessions")
    assert "2026" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "200"}, "limit"),
        ({"limit": True}, "limit"),
        ({"page": -1}, "page"),
        ({"page": 2**31}, "page"),
        ({"page": 1.0}, "page"),
        ({"concurrency": 0}, "concurrency"),
        ({"messages": "yes"}, "messages"),
        ({"state": None}, "state"),
        ({"updated_at_min": datetime(2026, 2, 1)}, "updated_at_min"),
        ({"updated_at_max": "2026-02-01"}, "updated_at_max"),
        ({"updated_at_max": datetime.max.replace(tzinfo=timezone(-timedelta(hours=3)))}, "updated_at_max"),
        (
            {"updated_at_min": datetime(2026, 2, 2, tzinfo=UTC), "updated_at_max": datetime(2026, 2, 1, tzinfo=UTC)},
            "updated_at_min",
        ),
    ],
)
def test_what_no_request_could_serve_is_refused_at_once(
    mode: ClientMode, arguments: dict[str, Any], named: str
) -> None:
    client = {"sync": Konvo, "async": AsyncKonvo}[mode]("test-key")
    with pytest.raises(ValueError, match=named):
        client.ai_sessions.list(**arguments)


def test_an_error_in_the_middle_of_a_list_comes_after_what_arrived() -> None:
    answers = replies(Reply({"count": 4, "result": sessions(2)}), Reply({}, status=401))
    with serving(answers) as server, Konvo("test-key", base_url=server.url) as konvo:
        listed = iter(konvo.ai_sessions.list(limit=2))
        assert [next(listed).id, next(listed).id] == ["session-0", "session-1"]
        with pytest.raises(AuthenticationError):
            next(listed)
