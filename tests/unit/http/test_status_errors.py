"""The errors of statuses and of lost connections."""

import socket
from typing import Any

import httpx
import pytest

import konvoai
from konvoai import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    KonvoError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from konvoai.testing._http_server import Drop, Reply, serving
from tests.support.both_clients import ClientMode, read
from tests.support.http_server import replies, sessions

ONE = Reply({"count": 1, "result": sessions(1)})

NONE = Reply({"count": 1, "result": []})

AT_ONCE = {"Retry-After": "0.01"}


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


def test_an_error_has_the_servers_message_and_a_hint(mode: ClientMode) -> None:
    with serving(replies(Reply({"error": 17, "message": "page is not a number"}, status=400))) as server:
        with pytest.raises(BadRequestError) as caught:
            read(mode, server.url)
    assert str(caught.value) == (
        f"400 Bad Request from GET {server.url}/ai-sessions; page is not a number; correct the parameters; "
        "at the first page, 0 records yielded"
    )
    assert caught.value.body == konvoai.Error(error=17, message="page is not a number")
    assert caught.value.response.status_code == 400


@pytest.mark.parametrize("body", [b"<html>", b"", [], {"error": "17", "message": 3}, {"message": "alone"}, b"\xff\xfe"])
def test_an_error_body_of_another_form_is_none(mode: ClientMode, body: Any) -> None:
    with serving(replies(Reply(body, status=403))) as server:
        with pytest.raises(PermissionDeniedError) as caught:
            read(mode, server.url)
    assert caught.value.body is None


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520])
def test_a_passing_status_is_retried(mode: ClientMode, status: int) -> None:
    fault = Reply(b"<html>", status=status, headers=AT_ONCE)
    with serving(replies(fault, fault, ONE, NONE)) as server:
        assert len(read(mode, server.url)) == 1


@pytest.mark.parametrize("fault", [Drop(), Reply({"result": []}, declared=9999)], ids=["dropped", "cut short"])
def test_a_lost_connection_is_retried(mode: ClientMode, fault: Reply | Drop) -> None:
    with serving(replies(fault, ONE, NONE)) as server:
        assert len(read(mode, server.url)) == 1


def test_retries_end_with_the_last_error(mode: ClientMode) -> None:
    with serving(replies(Reply({}, status=503, headers=AT_ONCE))) as server:
        with pytest.raises(InternalServerError, match=r"\(3 attempts\)"):
            read(mode, server.url, client={"max_retries": 2})
    assert len(server.requests) == 3


def test_a_retry_after_above_two_minutes_is_an_error(mode: ClientMode) -> None:
    with serving(replies(Reply({}, status=429, headers={"Retry-After": "3600"}))) as server:
        with pytest.raises(RateLimitError, match="3600 s") as caught:
            read(mode, server.url)
    assert caught.value.retry_after == 3600
    assert len(server.requests) == 1


def test_a_refused_connection_is_an_api_connection_error(mode: ClientMode) -> None:
    with socket.socket() as unbound_server:
        unbound_server.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unbound_server.getsockname()[1]}"
        with pytest.raises(APIConnectionError, match=url) as caught:
            read(mode, url, client={"max_retries": 1})
    assert isinstance(caught.value.__cause__, httpx.ConnectError)


def test_a_silent_server_is_an_api_timeout_error(mode: ClientMode) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(APITimeoutError, match="ReadTimeout"):
            read(mode, url, client={"timeout": 0.2, "max_retries": 0})


def test_neither_error_nor_its_request_shows_the_key(mode: ClientMode) -> None:
    with serving(replies(Reply({}, status=401))) as server:
        with pytest.raises(AuthenticationError, match="check the key in api_key=") as caught:
            read(mode, server.url, client={"api_key": "zebra-1"})
    assert server.requests[0].headers["x-api-key"] == "zebra-1"
    assert "zebra" not in f"{caught.value!r} {vars(caught.value)} {caught.value.response.request.headers!r}"
