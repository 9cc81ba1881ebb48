"""Runs a program that uses konvoai in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.both_clients import KEY

LONG = 45
"""Seconds that only a program that hangs takes."""


@contextmanager
def program(url: str, source: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the source, with the key and the URL in its environment."""
    environ = {**os.environ, "KONVO_API_KEY": KEY, "KONVO_BASE_URL": url}
    command = [sys.executable, "-X", "dev", "-c", source, *arguments]
    with subprocess.Popen(command, env=environ, stdout=-1, stderr=-1, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
