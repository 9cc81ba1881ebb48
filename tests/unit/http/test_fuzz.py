"""Responses drawn at random: a list or a scan raises `KonvoError` only."""

import gzip
import json
import socket
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konvoai import AISession, ContractDriftWarning, KonvoError
from konvoai._http import retry
from tests.support.both_clients import ClientMode, ReadMethod, read
from tests.support.http_server import talking

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(["id", "channel", "created_at", "status", "state", "messages", "external_user_id"])
envelopes = st.fixed_dictionaries(
    {"result": st.lists(st.dictionaries(names, values, max_size=4) | values, max_size=3) | values},
    optional={"count": values},
)
bodies = st.one_of(
    st.binary(max_size=60),
    envelopes.map(lambda body: json.dumps(body).encode()),
    envelopes.map(lambda body: gzip.compress(json.dumps(body).encode())),
    st.sampled_from([b"", b"{}", b"[]", b"null", b"\xef\xbb\xbf{}", b'{"result": [' * 2000, b"<html>"]),
)
HEADERS = {
    "Content-Length": ["0", "5", "99", "-1", "x"],
    "Transfer-Encoding": ["chunked", "gzip", "x"],
    "Content-Encoding": ["gzip", "deflate", "identity", "br", "zstd", "x", "gzip, gzip"],
    "Content-Type": ["application/json", "text/html", "application/json; charset=utf-16", "x"],
    "Retry-After": ["0", "-1", "soon", "9999", "1e400", "Thu, 01 Jan 2026 00:00:00 GMT"],
    "Date": ["Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2099 00:00:00 GMT", "today", "1"],
    "Location": ["/", "http://127.0.0.1:1/", "//", "\\"],
    "Set-Cookie": ["a=b", "="],
    "Connection": ["close", "keep-alive", "upgrade"],
}
headers = st.sampled_from(list(HEADERS)).flatmap(
    lambda name: st.sampled_from(HEADERS[name]).map(lambda value: f"{name}: {value}".encode())
)
statuses = st.sampled_from([200, 200, 200, 200, 400, 401, 429, 500, 529]) | st.integers(0, 1100)


class DrawnResponse(NamedTuple):
    status: int
    headers: list[bytes]
    body: bytes
    measured: bool
    cut: int
    pauses: int

    def __bytes__(self) -> bytes:
        length = [f"Content-Length: {len(self.body)}".encode()] if self.measured else []
        head = b"\r\n".join([f"HTTP/1.1 {self.status} Whatever".encode(), *self.headers, *length])
        return (head + b"\r\n\r\n" + self.body)[: -self.cut or None]


responses = st.builds(
    DrawnResponse,
    statuses,
    st.lists(headers, max_size=3),
    bodies,
    measured=st.booleans(),
    cut=st.sampled_from([0, 0, 0, 1, 7, 30]),
    pauses=st.integers(0, 2),
).map(lambda response: (bytes(response), response.pauses)) | st.tuples(st.binary(max_size=80), st.just(0))


@pytest.fixture(autouse=True, scope="module")
def short_delays() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry, "INITIAL_BACKOFF", 0.001)
        yield


def in_turn(given: list[tuple[bytes, int]]) -> Callable[[socket.socket], None]:
    """Send the responses in order, one for each connection; repeat the last one."""
    left = list(given)

    def talk(connection: socket.socket) -> None:
        sent, pauses = left.pop(0) if len(left) > 1 else left[0]
        part = len(sent) // (pauses + 1) + 1
        for offset in range(0, len(sent), part):
            connection.sendall(sent[offset : offset + part])
            time.sleep(0.001 if pauses else 0)

    return talk


@pytest.mark.drawn
@given(
    st.lists(responses, min_size=1, max_size=4),
    st.sampled_from(["sync", "async"]),
    st.sampled_from(["list", "scan"]),
    st.sampled_from([1, 3]),
)
def test_any_response_raises_konvo_errors_only(
    given: list[tuple[bytes, int]], mode: ClientMode, method: ReadMethod, concurrency: int
) -> None:
    with talking(in_turn(given)) as url, warnings.catch_warnings():
        warnings.simplefilter("ignore", ContractDriftWarning)
        with suppress(KonvoError):
            client = {"max_retries": 1, "timeout": 0.5}
            found = read(mode, url, method=method, concurrency=concurrency, client=client)
            assert all(type(session) is AISession for session in found)
