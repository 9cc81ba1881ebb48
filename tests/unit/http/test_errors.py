import socket
from typing import Any

import httpx
import pytest

import konvoai
from konvo_api_client.api.ai_sessions import list_ai_sessions
from konvoai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncKonvo,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    Konvo,
    KonvoError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from tests.support.both_clients import ClientMode, read
from tests.support.http_server import Drop, Reply, paged, replies, serving, sessions

ONE = Reply({"count": 1, "result": sessions(1)})
NONE = Reply({"count": 1, "result": []})
AT_ONCE = {"Retry-After": "0"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (429, RateLimitError),
        (500, InternalServerError),
        (502, InternalServerError),
        (520, InternalServerError),
        (529, InternalServerError),
        (418, APIStatusError),
        (422, APIStatusError),
        (204, APIStatusError),
        (304, APIStatusError),
    ],
)
def test_each_status_has_its_error(mode: ClientMode, status: int, kind: type[APIStatusError]) -> None:
    with serving(replies(Reply(b"", status=status, headers=AT_ONCE))) as server:
        with pytest.raises(KonvoError) as caught:
            read(mode, server.url, client={"max_retries": 0})
    assert type(caught.value) is kind
    assert caught.value.status_code == status


def test_the_error_says_what_the_server_said_and_what_to_do(mode: ClientMode) -> None:
    with serving(replies(Reply({"error": 17, "message": "page is no number"}, status=400))) as server:
        with pytest.raises(BadRequestError) as caught:
            read(mode, server.url)
    assert str(caught.value) == (
        f"400 Bad Request from GET {server.url}/ai-sessions; page is no number; correct the parameters; "
        "at the first page, 0 records yielded"
    )
    assert caught.value.body == konvoai.Error(error=17, message="page is no number")
    assert caught.value.response.status_code == 400


@pytest.mark.parametrize("body", [b"<html>", b"", [], {"error": "17", "message": 3}, {"message": "alone"}, b"\xff\xfe"])
def test_an_error_of_another_form_has_its_class_and_no_body(mode: ClientMode, body: Any) -> None:
    with serving(replies(Reply(body, status=403))) as server:
        with pytest.raises(PermissionDeniedError) as caught:
            read(mode, server.url)
    assert caught.value.body is None


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520])
def test_a_status_that_passes_is_not_noticed(mode: ClientMode, status: int) -> None:
    fault = Reply(b"<html>", status=status, headers=AT_ONCE)
    with serving(replies(fault, fault, ONE, NONE)) as server:
        assert len(read(mode, server.url)) == 1


@pytest.mark.parametrize("fault", [Drop(), Reply({"result": []}, declared=9999)], ids=["dropped", "cut short"])
def test_a_lost_connection_is_tried_again(mode: ClientMode, fault: Reply | Drop) -> None:
    with serving(replies(fault, ONE, NONE)) as server:
        assert len(read(mode, server.url)) == 1


def test_retries_end_with_the_error_that_lasts(mode: ClientMode) -> None:
    with serving(replies(Reply({}, status=503, headers=AT_ONCE))) as server:
        with pytest.raises(InternalServerError, match=r"\(3 attempts\)"):
            read(mode, server.url, client={"max_retries": 2})
    assert len(server.requests) == 3


def test_a_longer_wait_than_two_minutes_is_left_to_the_caller(mode: ClientMode) -> None:
    with serving(replies(Reply({}, status=429, headers={"Retry-After": "3600"}))) as server:
        with pytest.raises(RateLimitError, match="3600 s") as caught:
            read(mode, server.url)
    assert caught.value.retry_after == 3600
    assert len(server.requests) == 1


def test_a_refused_connection_is_an_api_connection_error(mode: ClientMode) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        with pytest.raises(APIConnectionError, match=url) as caught:
            read(mode, url, client={"max_retries": 1})
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


def test_a_silent_server_is_an_api_timeout_error(mode: ClientMode) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(APITimeoutError, match="ReadTimeout"):
            read(mode, url, client={"timeout": 0.2, "max_retries": 0})


def test_redirects_are_not_followed_even_by_a_client_that_follows_them() -> None:
    with serving(paged(sessions(1))) as elsewhere, httpx.Client(follow_redirects=True) as own:
        moved = Reply(b"", status=302, headers={"Location": elsewhere.url})
        with serving(replies(moved)) as server, Konvo("test-key", base_url=server.url, http_client=own) as konvo:
            with pytest.raises(APIStatusError, match="redirects are not followed"):
                list(konvo.ai_sessions.list())
    assert elsewhere.requests == []


def test_neither_error_nor_its_request_shows_the_key(mode: ClientMode) -> None:
    with serving(replies(Reply({}, status=401))) as server:
        with pytest.raises(AuthenticationError, match="check the key in api_key=") as caught:
            read(mode, server.url, client={"api_key": "zebra-1"})
    assert server.requests[0].headers["x-api-key"] == "zebra-1"
    assert "zebra" not in f"{caught.value!r} {vars(caught.value)} {caught.value.response.request.headers!r}"


def test_a_closed_client_says_so() -> None:
    konvo = Konvo("test-key")
    konvo.close()
    with pytest.raises(KonvoError, match="closed"):
        list(konvo.ai_sessions.list())


def test_the_users_own_client_sends_with_its_headers_and_hooks_and_is_left_open() -> None:
    seen = []
    with httpx.Client(headers={"X-Store": "7"}, event_hooks={"response": [seen.append]}) as own:
        with serving(replies(ONE, NONE)) as server:
            with Konvo("test-key", base_url=server.url, http_client=own) as konvo:
                assert len(list(konvo.ai_sessions.list())) == 1
                assert list_ai_sessions.sync_detailed(client=konvo.api).status_code == 200
        assert not own.is_closed
    sent = {(request.headers["x-store"], request.headers["x-api-key"]) for request in server.requests}
    assert sent == {("7", "test-key")}
    assert len(seen) == len(server.requests)
    assert "x-api-key" not in own.headers


@pytest.mark.anyio
async def test_a_users_async_client_stays_open_and_is_not_redirected() -> None:
    async with httpx.AsyncClient(headers={"X-Store": "7"}, follow_redirects=True) as own:
        with serving(replies(ONE, NONE, Reply(b"", status=302, headers={"Location": "/elsewhere"}))) as server:
            async with AsyncKonvo("test-key", base_url=server.url, http_client=own) as konvo:
                assert len([session async for session in konvo.ai_sessions.list()]) == 1
                assert (await list_ai_sessions.asyncio_detailed(client=konvo.api)).status_code == 200
                with pytest.raises(APIStatusError, match="redirects are not followed"):
                    await konvo.ai_sessions.list().count()
        assert not own.is_closed
    assert {request.headers["x-store"] for request in server.requests} == {"7"}


def test_a_hook_that_raises_for_a_status_still_gives_our_error() -> None:
    def strict(response: httpx.Response) -> None:
        response.raise_for_status()

    with httpx.Client(event_hooks={"response": [strict]}) as own, serving(replies(Reply({}, status=404))) as server:
        with Konvo("test-key", base_url=server.url, http_client=own) as konvo, pytest.raises(NotFoundError):
            list(konvo.ai_sessions.list())


def test_the_generated_client_has_our_time_limit() -> None:
    with Konvo("test-key", timeout=7.0) as konvo:
        assert konvo.api.get_httpx_client().timeout == httpx.Timeout(7.0, connect=5.0)
