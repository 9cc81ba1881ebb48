"""Requests that are cancelled, threads, event loops and forks."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from typing import Any

import pytest

from konvoai import AsyncKonvo, Konvo, KonvoError
from tests.support.both_clients import KEY, ReadMethod
from tests.support.mock_server import Fault, mock_server
from tests.support.store import Store

LONG = 45
"""Seconds that only a program that hangs takes."""


@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_close_cancels_requests_of_other_threads(seconds: float) -> None:
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


def hanging_after(responses: int) -> Any:
    """Return a fault that lets this many requests pass and never responds to the others."""
    left = [None] * responses

    def fault(request: Any) -> Fault:
        with suppress(IndexError):
            return left.pop()
        return "slow"

    return fault


def test_an_abandoned_list_does_not_wait_for_the_server() -> None:
    with mock_server(Store.of(100), fault=hanging_after(2)) as server, Konvo(KEY, base_url=server.url) as konvo:
        with closing(konvo.ai_sessions.list(limit=10, concurrency=4).pages()) as pages:
            next(pages)
            next(pages)
        assert [thread for thread in threading.enumerate() if thread.name == "konvoai"] == []


@pytest.mark.parametrize("number", range(1, 12))
@pytest.mark.parametrize("method", ["list", "scan"])
def test_a_cancelled_list_or_scan_leaves_no_task(method: ReadMethod, number: int) -> None:
    """The task is cancelled when the request of this number arrives, which gets no response."""

    async def reading() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def fault(request: Any) -> Fault:
            if len(server.requests) == number:
                loop.call_soon_threadsafe(task.cancel)
            return "slow" if len(server.requests) >= number else None

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

async def async_block():
    async with AsyncKonvo() as konvo:
        async for session in getattr(konvo.ai_sessions, way)(concurrency=concurrency):
            print(session.id, flush=True)

{"with": with_block, "without": without, "async": lambda: asyncio.run(async_block())}[sys.argv[1]]()
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
def test_ctrl_c_ends_a_program_though_the_server_hangs(how: str, method: ReadMethod, concurrency: str) -> None:
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


def test_a_second_event_loop_raises_an_error() -> None:
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
"""The page size of the parent and of each of its two children, by which their requests differ."""

FORKED = """
import os, sys
from konvo_api_client.api.ai_sessions import list_ai_sessions
from konvoai import Konvo

konvo = Konvo(max_retries=0)
print(konvo.ai_sessions.list().count())
for limit in (11, 12):
    child = os.fork()
    if not child:
        for _ in range(20):
            assert len(list(konvo.ai_sessions.list(limit=limit))) == 60
        assert konvo.api.get_httpx_client() is konvo._transport.http
        assert list_ai_sessions.sync_detailed(client=konvo.api, limit=limit).parsed.count == 60
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


ALARM = """
import signal, sys
from konvoai import Konvo

class Alarm:
    def __call__(self, number, frame):
        raise LimitError("the limit of the program")

class LimitError(TimeoutError):
    pass

def function(*_):
    raise LimitError("the limit of the program")

handler = {"function": function, "callable": Alarm(), "lambda": lambda number, frame: function()}[sys.argv[1]]
http_client = __import__("httpx").Client() if sys.argv[2] == "http_client" else None
signal.signal(signal.SIGALRM, handler)
with Konvo(http_client=http_client) as konvo:
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        list(konvo.ai_sessions.list())
    except LimitError as error:
        print(error)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="this system has no SIGALRM")
@pytest.mark.parametrize("client", ["own", "http_client"])
@pytest.mark.parametrize("handler", ["function", "callable", "lambda"])
def test_a_timeout_error_of_a_signal_handler_passes_through(handler: str, client: str) -> None:
    with mock_server(Store.of(3), fault="slow") as server, program(server.url, ALARM, handler, client) as process:
        printed = process.communicate(timeout=LONG)
    assert printed[0] == "the limit of the program\n", printed
    assert len(server.requests) == 1


FORKED_USER_CLIENT = """
import os, sys
import httpx
from konvoai import Konvo, KonvoError

with httpx.Client() as http_client, Konvo(http_client=http_client) as konvo:
    count = konvo.ai_sessions.list().count()
    child = os.fork()
    if not child:
        for use in (konvo.ai_sessions.list().count, lambda: konvo.api):
            try:
                use()
                os._exit(1)
            except KonvoError as error:
                print(error, flush=True)
        konvo.close()
        os._exit(0)
    status = os.wait()[1]
    sys.exit(status or konvo.ai_sessions.list().count() != count)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_with_a_users_http_client_is_an_error() -> None:
    with mock_server(Store.of(60)) as server, program(server.url, FORKED_USER_CLIENT) as process:
        output, errors = process.communicate(timeout=LONG)
    assert process.returncode == 0, errors
    message = "http_client= belongs to the parent of this process: make a new httpx client and a new Konvo here"
    assert output.splitlines() == [message] * 2
    assert len({request.port for request in server.requests}) == 1
