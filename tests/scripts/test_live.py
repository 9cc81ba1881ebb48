"""`scripts/contract/live.py` prints findings and deviations, and no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from konvoai.testing._server import mock_server
from konvoai.testing._store.store import Store
from scripts.contract import live
from tests.support.doctor import KEY, serving, store_of

Run = Callable[[str, str | None], tuple[int, list[str], list[str]]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the script; returns its exit code and the lines of stdout and stderr."""

    def start(url: str, key: str | None) -> tuple[int, list[str], list[str]]:
        monkeypatch.setenv("KONVO_BASE_URL", url)
        if key:
            monkeypatch.setenv("KONVO_API_KEY", key)
        code = live.main([])
        shown = capsys.readouterr()
        assert_no_secret(shown.out + shown.err)
        return code, shown.out.splitlines(), shown.err.splitlines()

    return start


def assert_no_secret(text: str) -> None:
    assert [
        secret for secret in (KEY, "another-key", "session-0", "49151", "contact-", "2024-05") if secret in text
    ] == []


@pytest.mark.parametrize(("key", "code"), [(KEY, 0), ("another-key", 2)])
def test_the_script_as_a_process(key: str, code: int) -> None:
    with serving(store_of(210, page_base=1)) as running:
        environment = {**os.environ, "KONVO_BASE_URL": running.url, "KONVO_API_KEY": key}
        command = [sys.executable, "-W", "error", "-m", "scripts.contract.live"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert_no_secret(done.stdout + done.stderr)
    assert (done.returncode, done.stderr.count("\n")) == (code, int(code == 2))
    if code == 0:
        lines = done.stdout.splitlines()
        assert "page base: 1 (page 0: same as page 1)" in lines
        assert lines[-1] == f"{len(running.requests)} requests, 0 deviations from the API document"


class Mismatched(Store):
    def _record(self, number: int, asked: Any) -> dict[str, Any]:
        mismatched = {"channel": f"session-0{number}", "sentiment": KEY, "created_at": "yesterday", "feed_id": None}
        return {**super()._record(number, asked), **mismatched}


def test_deviations_show_paths_without_values(run: Run) -> None:
    with serving(store_of(9, Mismatched)) as running:
        code, lines, errors = run(running.url, KEY)
    assert (code, errors) == (1, [])
    found = [line.removeprefix("deviation: ") for line in lines if line.startswith("deviation: ")]
    assert set(found) == {
        "unknown value at AISession.channel",
        "unknown field at AISession.sentiment",
        "wrong type at AISession.created_at",
        "wrong type at AISession.feed_id",
        "result[].channel: violates the schema's enum",
        "result[].created_at: expected format date-time",
        "result[].feed_id: expected type string",
    }
    assert lines[-1].endswith(f"{len(found)} deviations from the API document")


@pytest.mark.parametrize(
    ("key", "path", "sentence"),
    [
        ("another-key", "", "returns status 401: check the key in KONVO_API_KEY"),
        (KEY, "/v2", "returns status 404: check the address in KONVO_BASE_URL"),
        (None, "", "no API key: set KONVO_API_KEY"),
    ],
)
def test_a_wrong_setting_is_one_sentence(key: str | None, path: str, sentence: str, run: Run) -> None:
    with serving(store_of(3)) as running:
        code, lines, errors = run(running.url + path, key)
    assert (code, lines, [sentence in error for error in errors]) == (2, [], [True])


def test_an_unreachable_server_is_one_sentence(run: Run) -> None:
    with mock_server(store_of(0)) as running:
        pass
    code, lines, errors = run(running.url, KEY)
    assert (code, lines, [error.split(" for ")[0] for error in errors]) == (2, [], ["connection lost"])


@pytest.mark.parametrize("wrong", ["0", "31", "many"])
def test_the_request_limit_has_a_range(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        live.main(["--take", wrong])
    assert "--take" in capsys.readouterr().err
