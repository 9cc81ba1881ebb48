"""The Makefile, before anything is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

MAKE = shutil.which("make") or "make"


def make(*arguments: str, tree: Path, path: Path | None = None) -> tuple[int, str, str]:
    # When make runs the tests, its variables for child makes would reach this one, too.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    }
    if path is not None:
        environment["PATH"] = str(path)
    done = subprocess.run([MAKE, *arguments], cwd=tree, env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The part of a clean checkout that the check for tools needs."""
    tree = tmp_path / "a clean checkout"
    (tree / "scripts").mkdir(parents=True)
    for name in ("Makefile", "scripts/check_tools.sh"):
        shutil.copy(ROOT / name, tree / name)
    return tree


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with all required programs; a test removes some."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, path in {"python3": sys.executable, "sh": "/bin/sh", "make": MAKE}.items():
        (tools / name).symlink_to(path)
    for name in ("node", "npm"):
        (tools / name).symlink_to(shutil.which(name) or f"/missing/{name}")
    return tools


def test_make_without_a_target_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (targets,) = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    code, listed, _ = make(tree=ROOT)
    assert 0 == code
    assert targets.split() == [line.split()[0] for line in listed.splitlines()]
    assert all(len(line.split()) > 2 for line in listed.splitlines())


def error_of(result: tuple[int, str, str]) -> str:
    """Return the one line of the error before make stops."""
    code, out, err = result
    line, *rest = err.splitlines()
    assert (2, "", 1) == (code, out, len(rest)), err  # the rest is make's own "Error 1"
    return line


@pytest.mark.parametrize("target", ["setup", "demo", "mock", "test", "test-long", "generate", "check", "build"])
def test_every_target_names_a_missing_tool(target: str, tree: Path, tools: Path) -> None:
    (tools / "python3").unlink()
    assert error_of(make(target, tree=tree, path=tools)).startswith("python3 is missing: install Python 3.11 or later")


@pytest.mark.parametrize(
    ("name", "message"),
    [("node", "Node.js is missing: install Node.js 20 or later"), ("npm", "npm is missing: install npm")],
)
def test_a_missing_tool_is_named(name: str, message: str, tree: Path, tools: Path) -> None:
    (tools / name).unlink()
    assert error_of(make("setup", tree=tree, path=tools)).startswith(message)


@pytest.mark.parametrize(
    ("name", "script", "message"),
    [
        ("python3", '[ "$1" = --version ] && echo Python 3.10.4; [ "$1" = --version ]', "Python 3.10.4 is too old"),
        ("python3", 'case "$2" in *ensurepip*) exit 1;; esac', "The venv module of python3 is missing"),
        ("node", '[ "$1" = --version ] && echo v18.1.0; [ "$1" = --version ]', "Node.js v18.1.0 is too old"),
    ],
    ids=["old Python", "no venv", "old Node.js"],
)
def test_an_unusable_tool_is_named(name: str, script: str, message: str, tree: Path, tools: Path) -> None:
    (tools / name).unlink()
    (tools / name).write_text(f"#!/bin/sh\n{script}\n")
    (tools / name).chmod(0o755)
    assert error_of(make("setup", tree=tree, path=tools)).startswith(message)


def test_the_python_to_use_can_be_set(tree: Path, tools: Path) -> None:
    result = make("setup", "PYTHON=/nowhere/python", tree=tree, path=tools)
    assert error_of(result).startswith("/nowhere/python is missing")
