"""The size limit of a response, and compressed responses."""

import gzip
import zlib

import httpx
import pytest

from konvoai import APIStatusError, AsyncKonvo, Konvo, ResponseValidationError
from konvoai._http import body
from tests.support.both_clients import KEY, ClientMode, read
from tests.support.http_server import Reply, replies, serving, sessions


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
        ("deflate", zlib.compress(PAGE)),
        ("deflate", RAW.compress(PAGE) + RAW.flush()),
        ("identity", PAGE),
    ],
    ids=["gzip", "gzip in two", "deflate", "deflate without a head", "identity"],
)
def test_a_compressed_response_is_decompressed(mode: ClientMode, coding: str, compressed: bytes) -> None:
    with serving(replies(Reply(compressed, headers={"Content-Encoding": coding}), Reply({"result": []}))) as server:
        assert [session.id for session in read(mode, server.url)] == ["session-1"]
