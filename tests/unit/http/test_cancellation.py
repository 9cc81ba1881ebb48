"""Requests that are cancelled, abandoned or interrupted."""

import asyncio
import random
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import httpx
import pytest

from konvoai import APITimeoutError, AsyncKonvo, Konvo, KonvoError
from konvoai._http import clients, deadline
from konvoai.testing._server import Fault, mock_server
from konvoai.testing._store.store import Store
from tests.support.both_clients import KEY, ReadMethod
from tests.support.program import LONG, program


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


TWO = httpx.Limits(max_connections=2)


async def cancel_at_random(konvo: AsyncKonvo, number: int) -> None:
    """Start and cancel this many tasks that count, or that abandon a list; some are cancelled twice."""
    drawn = random.Random(number)

    async def abandon() -> None:
        async for _ in konvo.ai_sessions.list(concurrency=2):
            return

    for _ in range(number // 3):
        tasks = [asyncio.ensure_future(drawn.choice([abandon, konvo.ai_sessions.list().count])()) for _ in range(3)]
        await asyncio.sleep(drawn.random() * 0.006)
        for task in tasks * drawn.choice([1, 2]):
            task.cancel()
            await asyncio.sleep(0) if drawn.random() < 0.3 else None
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [result for result in results if isinstance(result, Exception)] == []


@pytest.mark.parametrize("pool", ["own", "of 2"])
def test_cancelled_tasks_leave_no_connection_in_use(pool: str) -> None:
    async def cancel_then_read(url: str) -> None:
        async with httpx.AsyncClient(limits=TWO) as of_two:
            http_client = of_two if pool == "of 2" else None
            async with AsyncKonvo(KEY, base_url=url, http_client=http_client, max_retries=0, timeout=5) as konvo:
                await cancel_at_random(konvo, 600)
                (connections,) = clients.connection_pools(konvo._transport.http)
                assert all(connection.is_idle() for connection in connections.connections)
                assert await asyncio.gather(*[konvo.ai_sessions.list().count() for _ in range(10)]) == [3] * 10

    with mock_server(Store.of(3), latency=0.001) as server:
        asyncio.run(cancel_then_read(server.url))


def test_a_deadline_leaves_no_connection_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    async def exceed_then_read(url: str) -> None:
        async with httpx.AsyncClient(limits=TWO) as of_two:
            async with AsyncKonvo(KEY, base_url=url, http_client=of_two, max_retries=0, timeout=5) as konvo:
                for _ in range(3):
                    with pytest.raises(APITimeoutError, match="not complete"):
                        await asyncio.gather(*[konvo.ai_sessions.list().count() for _ in range(3)])
                monkeypatch.undo()
                assert await konvo.ai_sessions.list().count() == 3

    monkeypatch.setattr(deadline, "ATTEMPT_TIMEOUT", 0.05)
    faults: list[Fault] = ["slow"] * 6
    with mock_server(Store.of(3), fault=lambda request: faults.pop() if faults else None) as server:
        asyncio.run(exceed_then_read(server.url))


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
