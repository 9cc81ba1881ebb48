"""`scripts/mock.py` says where it listens, ends when it is told to, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import mock

SCRIPT = Path(mock.__file__)


def start(*arguments: str, script: Path = SCRIPT, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def comes_true(condition: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGKILL, -9)])
def test_the_mock_ends_with_a_signal_and_leaves_nothing_behind(
    tmp_path: Path, ending: signal.Signals, code: int
) -> None:
    with start("--port", "0", TMPDIR=str(tmp_path)) as process:
        assert process.stdout
        assert process.stderr
        address = re.search(r"http://\S+:\d+", process.stdout.readline())
        process.send_signal(ending)
        assert (process.wait(timeout=10), process.stderr.read()) == (code, "")
    assert address
    assert comes_true(lambda: not answers(address[0]))
    assert comes_true(lambda: not list(tmp_path.iterdir()))


def answers(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((urlsplit(url).hostname, urlsplit(url).port)) == 0


def test_a_port_in_use_is_told_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start("--port", str(port)) as process:
            _, said = process.communicate()
    assert (process.returncode, said.count("\n"), f"Port {port}" in said) == (1, 1, True)


def test_without_node_it_says_what_to_install() -> None:
    with start(PATH="") as process:
        _, said = process.communicate()
    assert (process.returncode, said) == (
        1,
        "Node.js is missing: install Node.js 20 or later with npm, then run `make setup`.\n",
    )


def test_without_prism_it_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    script = Path(shutil.copy(SCRIPT, tmp_path / "scripts"))
    with start(script=script) as process:
        _, said = process.communicate()
    missing = tmp_path / "node_modules" / ".bin" / "prism"
    assert (process.returncode, said) == (1, f"Prism is missing ({missing}): run `make setup`, which installs it.\n")
