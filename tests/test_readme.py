"""Every snippet of the README runs, and every command in it is a real one."""

import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.mock import Mock
from tests.support import ROOT
from tests.support.command import KEY, konvo
from tests.support.mock_server import mock_server
from tests.support.store import Store

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


COMMANDS = list(dict.fromkeys(line for block in blocks("sh") for line in block.splitlines()))


@pytest.mark.parametrize("snippet", blocks("python"))
def test_a_snippet_runs_against_the_mock(snippet: str, mock: Mock) -> None:
    environment = {**os.environ, "KONVO_API_KEY": "test-key", "KONVO_BASE_URL": mock.url}
    command = [sys.executable, "-W", "error", "-c", snippet]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stderr) == (0, "")


def told(console: str) -> list[tuple[str, str]]:
    """The commands of a session at the terminal, each with what it prints."""
    return [(command, said) for command, said in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", console, re.MULTILINE)]


@pytest.mark.long
def test_each_command_prints_what_is_said(tmp_path: Path) -> None:
    """One after the other, as a reader would; … stands for what is another at each time."""
    store = Store.of(1440, datetime(2026, 11, 1, tzinfo=UTC), timedelta(minutes=10))
    with mock_server(store, key=KEY) as server:
        for command, said in (pair for console in blocks("console") for pair in told(console)):
            done = konvo(*shlex.split(command)[1:], url=server.url, given={"KONVO_HASH_SECRET": "s"}, cwd=tmp_path)
            assert 0 == done.returncode, done.stderr
            shape = ".*".join(map(re.escape, said.split("…")))
            assert re.fullmatch(shape, done.stderr + done.stdout), f"{command}\n{done.stderr}{done.stdout}"


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("make")])
def test_a_make_command_names_a_target(command: str) -> None:
    run = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.long
def test_the_demo_shows_the_session_of_the_document() -> None:
    run = subprocess.run(["make", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    shown = ["2eac78c7-ef64-49cb-82f0-7280b555f015", "whatsapp", "completed, resolved", "CONCIERGE", "Hi, I need help"]
    assert [text for text in shown if text not in run.stdout] == []


def test_every_public_error_is_in_the_readme() -> None:
    import konvoai.errors

    assert [name for name in konvoai.errors.__all__ if name not in README] == []


def test_no_command_is_left_untried() -> None:
    others = [command for command in COMMANDS if not command.startswith("make")]
    # The first and the last are tried in tests/scripts, the third in tests/unit/http/test_log.py.
    extras = "pip install '.[cli,parquet,sync,report]'"
    assert others == ["pip install .", "export KONVO_API_KEY=…", "export KONVO_LOG=debug", extras]
