"""The size limit of a response, compressed responses, and those cut short."""

import gzip
import socket
import zlib
from collections.abc import Callable

import httpx
import pytest

from konvoai import APIConnectionError, APIStatusError, AsyncKonvo, Konvo, ResponseValidationError
from konvoai._http import body, retry
from konvoai.testing._http_server import Reply, serving
from tests.support.both_clients import KEY, ClientMode, read
from tests.support.http_server import replies, sessions, talking


def test_a_response_above_the_limit_releases_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_RESPONSE_BYTES", 10)
    limits = httpx.Limits(max_connections=1)
    with serving(replies(Reply({"result": []}))) as server, httpx.Client(limits=limits) as own:
        with Konvo(KEY, base_url=server.url, http_client=own, max_retries=0, timeout=0.5) as konvo:
            for _ in range(3):
                with pytest.raises(ResponseValidationError, match="larger"):
                    list(konvo.ai_sessions.list())


@pytest.mark.anyio
async def test_an_async_response_above_the_limit_releases_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_RESPONSE_BYTES", 10)
    limits = httpx.Limits(max_connections=1)
    with serving(replies(Reply({"result": []}))) as server:
        async with httpx.AsyncClient(limits=limits) as own:
            async with AsyncKonvo(KEY, base_url=server.url, http_client=own, max_retries=0, timeout=0.5) as konvo:
                for _ in range(3):
                    with pytest.raises(ResponseValidationError, match="larger"):
                        [session async for session in konvo.ai_sessions.list()]


def test_a_gzip_bomb_is_not_decompressed(mode: ClientMode) -> None:
    compressed = gzip.compress(b" " * (body.MAX_RESPONSE_BYTES + 1), 1)
    with serving(replies(Reply(compressed, headers={"Content-Encoding": "gzip"}))) as server:
        with pytest.raises(ResponseValidationError, match="larger than 256 MB"):
            read(mode, server.url)
    assert len(server.requests) == 1


def test_a_response_is_read_up_to_the_size_limit(mode: ClientMode, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = ({"count": 1, "result": sessions(1), "more": "x" * more} for more in (0, 2**20))
    monkeypatch.setattr(body, "MAX_RESPONSE_BYTES", 2**20)
    client = {"on_drift": "ignore"}
    with serving(replies(Reply(small), Reply({"result": []}))) as server:
        assert len(read(mode, server.url, client=client)) == 1
    with serving(replies(Reply(large))) as server:
        with pytest.raises(ResponseValidationError, match="larger than 1 MB"):
            read(mode, server.url, client=client)


def test_the_body_of_a_large_error_is_cut(mode: ClientMode) -> None:
    with serving(replies(Reply(b"<html>" * 2**20, status=404))) as server:
        with pytest.raises(APIStatusError, match="404") as caught:
            read(mode, server.url)
    assert len(caught.value.response.content) < 2 * body.MAX_ERROR_BYTES


RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)

PAGE = b'{"count": 1, "result": [{"id": "session-1"}]}'


@pytest.mark.parametrize(
    ("coding", "compressed"),
    [
        ("gzip", gzip.compress(PAGE)),
        ("gzip", gzip.compress(PAGE[:9]) + gzip.compress(PAGE[9:])),
        ("gzip", gzip.compress(PAGE) + bytes(512)),
        ("deflate", zlib.compress(PAGE)),
        ("deflate", RAW.compress(PAGE) + RAW.flush()),
        ("identity", PAGE),
    ],
    ids=["gzip", "gzip in two", "gzip with padding", "deflate", "deflate without a head", "identity"],
)
def test_a_compressed_response_is_decompressed(mode: ClientMode, coding: str, compressed: bytes) -> None:
    with serving(replies(Reply(compressed, headers={"Content-Encoding": coding}), Reply({"result": []}))) as server:
        assert [session.id for session in read(mode, server.url)] == ["session-1"]


def unframed(*bodies: bytes) -> Callable[[socket.socket], None]:
    """Send the bodies in order, one for each connection, of which only the end of the connection is the end."""
    left = list(bodies)

    def talk(connection: socket.socket) -> None:
        sent = left.pop(0) if len(left) > 1 else left[0]
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + sent)

    return talk


@pytest.fixture
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "INITIAL_BACKOFF", 0.005)


@pytest.mark.usefixtures("short_delays")
@pytest.mark.parametrize("size", [0, 1, 20, PAGE.index(b"}") + 1, len(PAGE) - 1])
def test_json_cut_short_without_a_length_is_retried(mode: ClientMode, size: int) -> None:
    with talking(unframed(PAGE[:size], PAGE[:size], PAGE)) as url:
        assert [session.id for session in read(mode, url, limit=2)] == ["session-1"]


@pytest.mark.usefixtures("short_delays")
def test_json_that_is_always_cut_is_a_connection_error(mode: ClientMode) -> None:
    with talking(unframed(PAGE[:20])) as url:
        with pytest.raises(APIConnectionError, match=r"ended within the JSON of the response"):
            read(mode, url, client={"max_retries": 1})


@pytest.mark.parametrize("content", [b"<html>", b"\x00", b"nothing"])
def test_another_body_without_a_length_is_not_retried(mode: ClientMode, content: bytes) -> None:
    with talking(unframed(content, PAGE)) as url:
        with pytest.raises(ResponseValidationError, match="not JSON"):
            read(mode, url)
