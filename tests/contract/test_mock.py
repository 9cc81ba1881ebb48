"""`konvo mock --validate` prints its address, stops on a signal, and leaves nothing behind."""

from __future__ import annotations

import json
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

import httpx

from tests.support import ROOT
from tests.support.command import KONVO


def start(
    *arguments: str, program: tuple[str | Path, ...] = (KONVO,), cwd: Path = ROOT, **environment: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*program, "mock", "--validate", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
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
        f"Error: Node.js is missing: install Node.js 20 or later with npm, then run `make setup` in {ROOT}.\n",
    )


def test_without_prism_the_error_says_what_to_run(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "wrapper" / "konvoai", tmp_path / "installed" / "konvoai")
    program, path = (sys.executable, "-m", "konvoai"), str(tmp_path / "installed")
    with start(program=program, cwd=tmp_path, PYTHONPATH=path) as process:
        _, error = process.communicate()
    version = json.loads((ROOT / "package.json").read_text())["devDependencies"]["@stoplight/prism-cli"]
    assert (process.returncode, error) == (
        1,
        f"Error: Prism is missing: run `npm install @stoplight/prism-cli@{version}` in this folder.\n",
    )


def test_prism_validates_requests_and_responses() -> None:
    with start("--port", "0") as process:
        url = f"http://127.0.0.1:{port_of(process)}"
        with httpx.Client(base_url=url, headers={"x-api-key": "test-key"}, verify=False, timeout=60) as client:
            statuses = [client.get("/ai-sessions", params={"limit": limit}).status_code for limit in (7, 201)]
            session = client.get("/ai-sessions", params={"messages": "true", "state": "true"}).json()["result"][0]
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    assert ([200, 422], True) == (statuses, bool(session["messages"]))
    assert "The mock has stopped after 2 requests." in output  # Prism has not passed the invalid one on
