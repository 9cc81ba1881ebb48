"""`scripts/mock.py` prints its address, stops on a signal, and leaves nothing behind."""

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

from scripts import mock

SCRIPT = Path(mock.__file__)


def start(*arguments: str, script: Path = SCRIPT, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def becomes_true(condition: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_any_signal_stops_the_mock_and_its_files_are_removed(tmp_path: Path) -> None:
    codes = {signal.SIGINT: 0, signal.SIGTERM: 0, signal.SIGKILL: -signal.SIGKILL}
    running = {number: start("--port", "0", TMPDIR=str(tmp_path)) for number in codes}
    ports = [port_of(process) for process in running.values()]
    for number, process in running.items():
        process.send_signal(number)
    errors = {number: process.communicate()[1] for number, process in running.items()}
    ended = {number: (process.returncode, errors[number]) for number, process in running.items()}
    assert ended == {number: (code, "") for number, code in codes.items()}
    assert becomes_true(lambda: not list(tmp_path.iterdir()) and not any(is_open(port) for port in ports))


def port_of(process: subprocess.Popen[str]) -> int:
    assert process.stdout
    address = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
    assert address
    return int(address[1])


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_port_in_use_is_a_one_line_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with start("--port", str(port)) as process:
            _, error = process.communicate()
    assert (process.returncode, error.count("\n"), f"Port {port}" in error) == (1, 1, True)


def test_without_node_the_error_says_what_to_install() -> None:
    with start(PATH="") as process:
        _, error = process.communicate()
    assert (process.returncode, error) == (
        1,
        "Node.js is missing: install Node.js 20 or later with npm, then run `make setup`.\n",
    )


def test_without_prism_the_error_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    script = Path(shutil.copy(SCRIPT, tmp_path / "scripts"))
    with start(script=script) as process:
        _, error = process.communicate()
    missing = tmp_path / "node_modules" / ".bin" / "prism"
    assert (process.returncode, error) == (1, f"Prism is missing ({missing}): run `make setup`, which installs it.\n")
