"""`konvo mock` without Prism, as a process."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from konvoai import Konvo
from konvoai._cli.mock import make_server
from konvoai.testing._store.changes import keep_changing
from konvoai.testing._store.store import Store
from tests.support.command import konvo, started


@contextmanager
def mock(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Yield the process, and the URL and the key that it prints."""
    with started("mock", "--port", "0", *arguments, url="") as process:
        try:
            assert process.stdout
            printed = "".join(process.stdout.readline() for _ in range(3))
            found = re.search(r"export KONVO_BASE_URL=(http://127\.0\.0\.1:\d+) KONVO_API_KEY=(\S+)", printed)
            assert found, printed
            yield process, found[1], found[2]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal(number: int) -> None:
    with mock("--sessions", "7") as (process, url, key):
        with Konvo(key, base_url=url) as client:
            assert 7 == len(list(client.ai_sessions.list()))
        process.send_signal(number)
        output, errors = process.communicate(timeout=30)
    assert (0, "") == (process.returncode, errors)
    assert re.fullmatch(r"\nThe mock has stopped after [1-9] requests?\.\n", output)


def test_all_is_read_although_it_moves_and_fails() -> None:
    options = ["--sessions", "450", "--moving", "1", "--faults", "0.1", "--page-base", "1"]
    with mock(*options) as (_, url, key), Konvo(key, base_url=url) as client:
        found = [session.id for session in client.ai_sessions.list(limit=50)]
    assert len(set(found)) == len(found) > 400


def test_a_port_in_use_is_a_one_line_error() -> None:
    with mock() as (_, url, _):
        port = url.rpartition(":")[2]
        done = konvo("mock", "--port", port)
    assert (1, 1, True) == (done.returncode, done.stderr.count("\n"), f"Port {port} cannot be used" in done.stderr)


@pytest.mark.parametrize(
    "option", [("--port", "65536"), ("--sessions", "-1"), ("--moving", "-1"), ("--faults", "2"), ("--page-base", "2")]
)
def test_an_impossible_option_is_wrong_usage(option: tuple[str, str]) -> None:
    assert 2 == konvo("mock", *option).returncode


def test_its_options_are_the_habits_of_the_server() -> None:
    with make_server(30, 0, 0, 1).running() as server, httpx.Client(verify=False) as client:
        pages = [
            client.get(f"{server.url}/ai-sessions?limit=20&page={page}", headers={"x-api-key": "test-key"}).json()
            for page in (1, 2)
        ]
    assert [20, 10] == [len(page["result"]) for page in pages]


@pytest.mark.parametrize(("rate", "least", "most"), [(0, 0, 0), (1, 100, 100), (0.2, 5, 40), (2.5, 220, 280)])
def test_sessions_change_before_each_response(rate: float, least: int, most: int) -> None:
    class Counting(Store):
        changes = 0

        def touch(self, *arguments: object) -> None:
            self.changes += 1

        def add(self, *arguments: object) -> str:
            self.changes += 1
            return ""

        def remove(self, session_id: str) -> None:
            self.changes += 1

    store = Counting.of(1000)
    keep_changing(store, rate)
    for _ in range(100):
        store.respond({"limit": "1"})
    assert least <= store.changes <= most
