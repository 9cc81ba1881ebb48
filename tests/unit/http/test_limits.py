"""Every wait ends, every answer has a largest size, and an end can come at any moment."""

import asyncio
import gzip
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import Any

import httpx
import pytest

from konvoai import APIStatusError, APITimeoutError, AsyncKonvo, Konvo, KonvoError, ResponseValidationError
from konvoai._http import body, deadline
from tests.support.both_clients import KEY, ClientMode, ReadMethod, read
from tests.support.http_server import Reply, replies, serving, sessions, talking
from tests.support.mock_server import Fault, mock_server
from tests.support.store import Store

LONG = 45
"""Seconds that nothing here comes near, unless it hangs."""


def trickle(head: bytes) -> Any:
    """Sends a byte every now and then, for ever."""

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
def test_a_trickle_of_bytes_ends_after_the_longest_time(
    mode: ClientMode, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "ATTEMPT_TIMEOUT", 0.3)
    with talking(trickle(head)) as url:
        with pytest.raises(APITimeoutError, match=r"not complete after 0\.3 s"):
            read(mode, url)


def test_a_trickle_ends_with_a_client_of_the_users_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "ATTEMPT_TIMEOUT", 0.3)
    with talking(trickle(b"HTTP/1.1 200 OK\r\n\r\n")) as url, httpx.Client() as own:
        with Konvo(KEY, base_url=url, http_client=own) as konvo, pytest.raises(APITimeoutError, match="not complete"):
            list(konvo.ai_sessions.list())


def test_an_answer_that_is_given_up_gives_its_connection_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_RESPONSE_BYTES", 10)
    limits = httpx.Limits(max_connections=1)
    with serving(replies(Reply({"result": []}))) as server, httpx.Client(limits=limits) as own:
        with Konvo(KEY, base_url=server.url, http_client=own, max_retries=0, timeout=0.5) as konvo:
            for _ in range(3):
                with pytest.raises(ResponseValidationError, match="larger"):
                    list(konvo.ai_sessions.list())


@pytest.mark.anyio
async def test_an_async_answer_that_is_given_up_gives_its_connection_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MAX_RESPONSE_BYTES", 10)
    limits = httpx.Limits(max_connections=1)
    with serving(replies(Reply({"result": []}))) as server:
        async with httpx.AsyncClient(limits=limits) as own:
            async with AsyncKonvo(KEY, base_url=server.url, http_client=own, max_retries=0, timeout=0.5) as konvo:
                for _ in range(3):
                    with pytest.raises(ResponseValidationError, match="larger"):
                        [session async for session in konvo.ai_sessions.list()]


def test_a_bomb_of_gzip_is_not_unpacked(mode: ClientMode) -> None:
    packed = gzip.compress(b" " * (body.MAX_RESPONSE_BYTES + 1), 1)
    with serving(replies(Reply(packed, headers={"Content-Encoding": "gzip"}))) as server:
        with pytest.raises(ResponseValidationError, match="larger than 256 MB"):
            read(mode, server.url)
    assert len(server.requests) == 1


def test_an_answer_that_is_too_large_is_refused_and_one_that_is_not_is_read(
    mode: ClientMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = ({"count": 1, "result": sessions(1), "more": "x" * more} for more in (0, 2**20))
    monkeypatch.setattr(body, "MAX_RESPONSE_BYTES", 2**20)
    client = {"on_drift": "ignore"}
    with serving(replies(Reply(small), Reply({"result": []}))) as server:
        assert len(read(mode, server.url, client=client)) == 1
    with serving(replies(Reply(large))) as server:
        with pytest.raises(ResponseValidationError, match="larger than 1 MB"):
            read(mode, server.url, client=client)


def test_of_a_large_error_enough_is_read(mode: ClientMode) -> None:
    with serving(replies(Reply(b"<html>" * 2**20, status=404))) as server:
        with pytest.raises(APIStatusError, match="404") as caught:
            read(mode, server.url)
    assert len(caught.value.response.content) < 2 * body.MAX_ERROR_BYTES


RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
PAGE = b'{"count": 1, "result": [{"id": "session-1"}]}'


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(PAGE)),
        ("gzip", gzip.compress(PAGE[:9]) + gzip.compress(PAGE[9:])),
        ("deflate", zlib.compress(PAGE)),
        ("deflate", RAW.compress(PAGE) + RAW.flush()),
        ("identity", PAGE),
    ],
    ids=["gzip", "gzip in two", "deflate", "deflate without a head", "identity"],
)
def test_a_packed_answer_is_unpacked(mode: ClientMode, coding: str, packed: bytes) -> None:
    with serving(replies(Reply(packed, headers={"Content-Encoding": coding}), Reply({"result": []}))) as server:
        assert [session.id for session in read(mode, server.url)] == ["session-1"]


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_closing_ends_what_is_under_way_in_other_threads(seconds: float) -> None:
    with mock_server(Store.of(100), fault=hanging_after(1)) as server, ThreadPoolExecutor() as pool:
        konvo = Konvo(KEY, base_url=server.url, max_retries=0)
        readings = [pool.submit(list, konvo.ai_sessions.list(limit=10, concurrency=c)) for c in (1, 4)]
        while len(server.requests) < 3:
            time.sleep(0.001)
        time.sleep(seconds)
        konvo.close()
        for reading in readings:
            with pytest.raises(KonvoError, match="closed"):
                reading.result(LONG)


def hanging_after(answers: int) -> Any:
    """Answers so many of the requests and leaves the others without an answer."""
    left = [None] * answers

    def fault(request: Any) -> Fault:
        with suppress(IndexError):
            return left.pop()
        return "slow"

    return fault


def test_a_reader_who_stops_does_not_wait_for_a_server_that_hangs() -> None:
    with mock_server(Store.of(100), fault=hanging_after(2)) as server, Konvo(KEY, base_url=server.url) as konvo:
        with closing(konvo.ai_sessions.list(limit=10, concurrency=4).pages()) as pages:
            next(pages)
            next(pages)
        assert [thread for thread in threading.enumerate() if thread.name == "konvoai"] == []


@pytest.mark.parametrize("moment", range(1, 12))
@pytest.mark.parametrize("method", ["list", "scan"])
def test_a_cancelled_reading_leaves_nothing_behind(method: ReadMethod, moment: int) -> None:
    """Cancelled when the request of this number has arrived, which is never answered."""

    async def reading() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def fault(request: Any) -> Fault:
            if len(server.requests) == moment:
                loop.call_soon_threadsafe(task.cancel)
            return "slow" if len(server.requests) >= moment else None

        with mock_server(Store.of(100, cap=10, order="updated"), fault=fault) as server:
            konvo = AsyncKonvo(KEY, base_url=server.url)
            try:
                with pytest.raises(asyncio.CancelledError):
                    [session async for session in getattr(konvo.ai_sessions, method)(concurrency=3)]
                task.uncancel()
                assert asyncio.all_tasks() == {task}
            finally:
                await konvo.aclose()

    asyncio.run(reading())


PROGRAM = """
import asyncio, sys
from konvoai import AsyncKonvo, Konvo

way, concurrency = sys.argv[2], int(sys.argv[3])

def with_block():
    with Konvo() as konvo:
        for session in getattr(konvo.ai_sessions, way)(concurrency=concurrency):
            print(session.id, flush=True)

def without():
    for session in getattr(Konvo().ai_sessions, way)(concurrency=concurrency):
        print(session.id, flush=True)

async def twin():
    async with AsyncKonvo() as konvo:
        async for session in getattr(konvo.ai_sessions, way)(concurrency=concurrency):
            print(session.id, flush=True)

{"with": with_block, "without": without, "async": lambda: asyncio.run(twin())}[sys.argv[1]]()
"""


@contextmanager
def program(url: str, source: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    environ = {**os.environ, "KONVO_API_KEY": KEY, "KONVO_BASE_URL": url}
    command = [sys.executable, "-X", "dev", "-c", source, *arguments]
    with subprocess.Popen(command, env=environ, stdout=-1, stderr=-1, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("concurrency", ["1", "4"])
@pytest.mark.parametrize("method", ["list", "scan"])
@pytest.mark.parametrize("how", ["with", "without", "async"])
def test_ctrl_c_ends_a_program_at_once_though_the_server_hangs(how: str, method: ReadMethod, concurrency: str) -> None:
    with mock_server(Store.of(100, cap=10, order="updated"), fault=hanging_after(6)) as server:
        with program(server.url, PROGRAM, how, method, concurrency) as process:
            while len(server.requests) < 7 and process.poll() is None:
                time.sleep(0.005)
            process.send_signal(signal.SIGINT)
            try:
                _, said = process.communicate(timeout=LONG / 3)
            except subprocess.TimeoutExpired:  # Python drops an interrupt that comes while it runs a callback
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=LONG / 3)
    assert process.returncode in (-signal.SIGINT, 130)
    assert "KeyboardInterrupt" in said
    assert how == "without" or "Warning" not in said
    assert KEY not in said


def test_many_threads_share_a_client() -> None:
    store = Store.of(300)
    with mock_server(store) as server, Konvo(KEY, base_url=server.url) as konvo, ThreadPoolExecutor(8) as pool:
        readings = [pool.submit(list, konvo.ai_sessions.list(limit=20)) for _ in range(16)]
        assert [[session.id for session in reading.result()] for reading in readings] == [store.ids_in_order()] * 16


def test_another_event_loop_is_told_why_not() -> None:
    with mock_server(Store.of(3)) as server:
        konvo = AsyncKonvo(KEY, base_url=server.url)

        async def count_and_close(close: bool) -> int | None:
            try:
                return await konvo.ai_sessions.list().count()
            finally:
                if close:
                    await konvo.aclose()

        async def close_after_another() -> None:
            assert await count_and_close(close=False) == 3
            with ThreadPoolExecutor() as pool, pytest.raises(KonvoError, match="another event loop"):
                pool.submit(asyncio.run, count_and_close(close=False)).result()
            await konvo.aclose()

        asyncio.run(close_after_another())


LIMITS = ["10", "11", "12"]
"""Of the pages of the parent and its two children, which tells their requests apart."""
FORKED = """
import os, sys
from konvoai import Konvo

konvo = Konvo(max_retries=0)
print(konvo.ai_sessions.list().count())
for limit in (11, 12):
    child = os.fork()
    if not child:
        for _ in range(20):
            assert len(list(konvo.ai_sessions.list(limit=limit))) == 60
        assert konvo.api.get_httpx_client() is konvo._transport.http
        os._exit(0)
for _ in range(20):
    assert len(list(konvo.ai_sessions.list(limit=10))) == 60
sys.exit(any(os.wait()[1] for _ in range(2)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_opens_its_own_connections() -> None:
    with mock_server(Store.of(60)) as server, program(server.url, FORKED) as process:
        said = process.communicate(timeout=LONG)
    assert process.returncode == 0, said
    ports = [{request.port for request in server.requests if request.query["limit"] == limit} for limit in LIMITS]
    assert all(ports)
    assert len(set.union(*ports)) == sum(map(len, ports))
