"""Runs the command `konvo`, as a process of its own or in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from konvoai._cli.main import main

KEY = "k-3f9a1c"
KONVO = Path(sys.executable).with_name("konvo")
TIMEOUT = 60


def environment(url: str, **variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KONVO_", "COVERAGE"))}
    return {**kept, "KONVO_API_KEY": KEY, "KONVO_BASE_URL": url, "TZ": "UTC", "NO_COLOR": "1", **variables}


def konvo(
    *arguments: str | Path, url: str = "http://127.0.0.1:9", given: dict[str, str] | None = None, **more: Any
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [KONVO, *arguments],
        env=environment(url, **(given or {})),
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
        **more,
    )
    assert KEY not in done.stdout + done.stderr
    return done


class InProcess(NamedTuple):
    """Runs the command in this process, which takes a twentieth of the time."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(
        self, *arguments: str, url: str = "http://127.0.0.1:9", given: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        with self.monkeypatch.context() as patched:
            for name, value in environment(url, **(given or {})).items():
                patched.setenv(name, value)
            patched.setattr(sys, "argv", ["konvo", *arguments])
            code = main()
        done = subprocess.CompletedProcess(arguments, code, *self.capsys.readouterr())
        assert KEY not in done.stdout + done.stderr
        return done


def started(*arguments: str | Path, url: str, **more: Any) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", **more}
    return subprocess.Popen([KONVO, *arguments], env=environment(url), **pipes)
