"""A client in long use, with a server that fails every fifth request."""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from konvoai import AISession, AsyncKonvo, Konvo
from konvoai._http import retry
from tests.support.both_clients import KEY, ClientMode
from tests.support.http_server import open_sockets

ROUNDS = 140
REQUESTS = 10_000
"""At least, for each of the two clients."""
SESSIONS = 600
PROCESS = Path("/proc/self")


SERVER = f"""
import sys
from konvoai.testing._server import mock_server, random_faults
from konvoai.testing._store.store import Store

store = Store.of({SESSIONS}, cap=10, order="updated")
with mock_server(store, fault=random_faults(0.2)) as running:
    print(running.url, flush=True)
    sys.stdin.read()
    print(len(running.requests), len(store.requests))
"""


@contextmanager
def failing_server() -> Iterator[subprocess.Popen[str]]:
    """Run the server in another process, as the test measures the memory of this one."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdin=-1, stdout=-1, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def threads_and_sockets() -> tuple[int, int]:
    return threading.active_count(), open_sockets()


def megabytes() -> float:
    (line,) = (line for line in (PROCESS / "status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@pytest.mark.long
@pytest.mark.skipif(not (PROCESS / "status").exists(), reason="this system has no /proc/self/status")
def test_long_use_loses_nothing_and_memory_does_not_grow(mode: ClientMode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "INITIAL_BACKOFF", 0.001)
    before, sizes = threads_and_sockets(), []

    def check(found: list[AISession]) -> None:
        assert len(found) == len({session.id for session in found}) == SESSIONS
        gc.collect()
        sizes.append(megabytes())

    def sync_soak(url: str) -> None:
        with Konvo(KEY, base_url=url, max_retries=12) as konvo:
            for _ in range(ROUNDS // 2):
                check(list(konvo.ai_sessions.list(concurrency=4)))
                check(list(konvo.ai_sessions.scan(concurrency=4)))

    async def soak(url: str) -> None:
        async with AsyncKonvo(KEY, base_url=url, max_retries=12) as konvo:
            for _ in range(ROUNDS // 2):
                check([session async for session in konvo.ai_sessions.list(concurrency=4)])
                check([session async for session in konvo.ai_sessions.scan(concurrency=4)])

    with failing_server() as running:
        assert running.stdout is not None
        url = running.stdout.readline().strip()
        sync_soak(url) if mode == "sync" else asyncio.run(soak(url))
        printed, _ = running.communicate()
    received, answered = (int(word) for word in printed.split() if word.isdigit())
    assert received >= REQUESTS
    assert received - answered > 0.1 * received  # a part of the responses is cut short as well
    assert threads_and_sockets() == before
    assert sizes[-1] - sizes[len(sizes) // 4] < 5
