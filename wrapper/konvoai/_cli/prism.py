"""Runs Prism, which mocks or validates by the API document; needs Node.js."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

PACKAGE = Path(__file__).resolve().parent.parent
CHECKOUT = PACKAGE.parent.parent
SHIPPED = PACKAGE / "openapi.yaml"
"""The API document in the wheel; a checkout has its own."""

PRISM_PACKAGE = "@stoplight/prism-cli@5.14.2"
HOST = "127.0.0.1"
LISTENING = re.compile(r"Prism is listening on (http://\S+)")
START_SECONDS = 30.0
STOP_SECONDS = 5.0

# Prism's standard input closes when this process ends, even when it is killed: Prism then removes its folder and exits.
FOLLOW_PARENT = """
process.stdin.on("end", () => {
  require("fs").rmSync(__dirname, { recursive: true, force: true });
  process.exit();
}).resume();
"""


class MockError(Exception):
    """The mock cannot start; the message says what to do."""


@dataclass(frozen=True)
class Mock:
    """A running Prism.

    Attributes:
        url: Its address.
        process: Its process.
        log_file: The file with its output.
    """

    url: str
    process: subprocess.Popen[bytes]
    log_file: Path

    def log(self) -> str:
        """Returns Prism's output so far."""
        return _read_log(self.log_file)


@contextmanager
def prism(
    document: Path | None = None, *, port: int = 0, command: str = "mock", extra: Sequence[str] = ()
) -> Iterator[Mock]:
    """Serves a copy of the document while the context is open.

    Args:
        document: An API document; None is that of the package.
        port: The port; 0 for any free one.
        command: `mock`, or `proxy` for a server in `extra`.
        extra: Further arguments of Prism, after the document.

    Raises:
        MockError: Prism does not accept connections.
    """
    node, program = _find_node(), _find_prism()
    check_free(port)
    with tempfile.TemporaryDirectory(prefix="konvo-mock-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        # A copy, because Prism restarts on another port when the file that it serves is edited.
        served = _copy(document or find_document(), folder)
        follow_parent = folder / "follow-parent.js"
        follow_parent.write_text(FOLLOW_PARENT)
        arguments = [node, "--require", follow_parent, program, command, served, *extra, "--host", HOST, "--port", port]
        with _process([str(argument) for argument in arguments], folder / "prism.log") as process:
            yield _wait_until_ready(process, folder / "prism.log")


def find_document() -> Path:
    return SHIPPED if SHIPPED.exists() else CHECKOUT / "openapi.yaml"


def _find_node() -> str:
    node = shutil.which("node")
    if node is None:
        raise MockError(f"Node.js is missing: install Node.js 20 or later with npm, then {_installing_prism()}.")
    return node


def _find_prism() -> Path:
    """Returns the Prism of the checkout, of the current folder, or of PATH."""
    local = [folder / "node_modules" / ".bin" / "prism" for folder in (CHECKOUT, Path.cwd())]
    on_path = shutil.which("prism")
    for program in [*local, Path(on_path)] if on_path else local:
        if program.exists():
            return program
    raise MockError(f"Prism is missing: {_installing_prism()}.")


def _installing_prism() -> str:
    in_checkout = (CHECKOUT / "package.json").exists()
    return f"run `make setup` in {CHECKOUT}" if in_checkout else f"run `npm install {PRISM_PACKAGE}` in this folder"


def check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise MockError(f"Port {port} cannot be used ({error}): choose another with --port.") from error


def _copy(document: Path, folder: Path) -> Path:
    try:
        return Path(shutil.copy(document, folder))
    except OSError as error:
        raise MockError(f"The API document cannot be read: {error}") from error


@contextmanager
def _process(arguments: Sequence[str], log_file: Path) -> Iterator[subprocess.Popen[bytes]]:
    # These two variables of the caller could add colours to the log, and make Prism fork.
    environment = {**os.environ, "FORCE_COLOR": "0", "NODE_ENV": "development"}
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _wait_until_ready(process: subprocess.Popen[bytes], log_file: Path) -> Mock:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        found = LISTENING.search(_read_log(log_file))
        if found and _accepts_connections(found[1]):
            return Mock(found[1], process, log_file)
        time.sleep(0.02)
    how = "is not ready" if process.poll() is None else f"ended with exit code {process.returncode}"
    raise MockError(f"Prism {how} after starting. Its output:\n{_read_log(log_file)}")


def _read_log(log_file: Path) -> str:
    return log_file.read_text(encoding="utf-8", errors="replace")


def _accepts_connections(url: str) -> bool:
    address = urlsplit(url)
    with suppress(OSError), socket.create_connection((address.hostname, address.port), timeout=1):
        return True
    return False
