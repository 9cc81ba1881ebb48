"""The time limit of one attempt."""

import socket
import time
from typing import Any

import httpx
import pytest

from konvoai import APITimeoutError, Konvo
from konvoai._http import deadline
from tests.support.both_clients import KEY, ClientMode, read
from tests.support.http_server import talking


def trickle(head: bytes) -> Any:
    """Send a byte every 20 ms without an end."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    return talk


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX-", id="of headers"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", id="of a body"),
        pytest.param(b"HTTP/1.1 500 Oh\r\nContent-Length: 99999999\r\n\r\n", id="of an error"),
    ],
)
def test_a_trickle_of_bytes_ends_at_the_deadline(
    mode: ClientMode, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "ATTEMPT_TIMEOUT", 0.3)
    with talking(trickle(head)) as url:
        with pytest.raises(APITimeoutError, match=r"not complete after 0\.3 s"):
            read(mode, url)


def test_a_trickle_to_the_users_client_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "ATTEMPT_TIMEOUT", 0.3)
    with talking(trickle(b"HTTP/1.1 200 OK\r\n\r\n")) as url, httpx.Client() as own:
        with Konvo(KEY, base_url=url, http_client=own) as konvo, pytest.raises(APITimeoutError, match="not complete"):
            list(konvo.ai_sessions.list())
