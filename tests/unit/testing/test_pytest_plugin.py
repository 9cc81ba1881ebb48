"""The fixture `mock_konvo`, as pytest finds it in a project of a user."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from konvoai import AsyncKonvo, Konvo
from konvoai.testing import MockKonvo

USERS_TESTS = """
import os
from konvoai import Konvo

def test_reads_the_mock(mock_konvo, monkeypatch):
    monkeypatch.undo()  # does not take the environment of the mock back
    mock_konvo.add(id="a")
    with Konvo() as konvo:
        assert ["a"] == [session.id for session in konvo.ai_sessions.list()]

def test_has_its_environment_again():
    assert {"KONVO_API_KEY": "mine", "KONVO_API_KEY_FILE": "key.txt"} == {
        name: value for name, value in os.environ.items() if name.startswith("KONVO_")
    }
"""
UNUSED = """
import sys

def test_imports_nothing_slow():
    slow = {"attrs", "httpx", "http.server", "konvo_api_client", "konvoai._client", "konvoai.testing._mock_konvo"}
    assert set() == slow & set(sys.modules)
"""


def run_pytest(folder: Path, source: str, *options: str, **environment: str) -> str:
    (folder / "test_users.py").write_text(source)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KONVO_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", *options]
    done = subprocess.run(command, cwd=folder, env={**kept, **environment}, capture_output=True, text=True, timeout=60)
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def test_konvo_finds_the_mock_by_the_environment(mock_konvo: MockKonvo) -> None:
    mock_konvo.add(id="a")
    with Konvo() as konvo:
        assert ["a"] == [session.id for session in konvo.ai_sessions.list()]


async def read_once() -> list[object]:
    async with AsyncKonvo() as konvo:
        return [session.id async for session in konvo.ai_sessions.scan()]


@pytest.mark.anyio
async def test_the_async_client_finds_it_too(mock_konvo: MockKonvo, anyio_backend: str) -> None:
    mock_konvo.add(id="a")
    assert ["a"] == await read_once()


def test_a_project_has_the_fixture_and_its_environment_again(tmp_path: Path) -> None:
    environment = {"KONVO_API_KEY": "mine", "KONVO_API_KEY_FILE": "key.txt"}
    options = ["-p", "no:schemathesis", "-p", "no:xdist"]
    assert "2 passed" in run_pytest(tmp_path, USERS_TESTS, *options, **environment)


def test_an_unused_plugin_imports_nothing_slow(tmp_path: Path) -> None:
    (plugin,) = entry_points(group="pytest11", name="konvoai")
    only = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    assert "1 passed" in run_pytest(tmp_path, UNUSED, "-p", plugin.value, **only)
