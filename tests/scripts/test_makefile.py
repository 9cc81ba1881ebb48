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
    # What make tells the makes below it would reach this one, too, when the tests are run by make.
    environment = {
        name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
    }
    if path is not None:
        environment["PATH"] = str(path)
    done = subprocess.run([MAKE, *arguments], cwd=tree, env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A clean checkout, as far as looking for tools needs it."""
    tree = tmp_path / "a clean checkout"
    (tree / "scripts").mkdir(parents=True)
    for name in ("Makefile", "scripts/check_tools.sh"):
        shutil.copy(ROOT / name, tree / name)
    return tree


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder of programs that has all that is needed; a test takes some away."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, place in {"python3": sys.executable, "sh": "/bin/sh", "make": MAKE}.items():
        (tools / name).symlink_to(place)
    for name in ("node", "npm"):
        (tools / name).symlink_to(shutil.which(name) or f"/missing/{name}")
    return tools


def test_make_alone_lists_every_target_on_a_line() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (targets,) = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    code, listed, _ = make(tree=ROOT)
    assert 0 == code
    assert targets.split() == [line.split()[0] for line in listed.splitlines()]
    assert all(len(line.split()) > 2 for line in listed.splitlines())


def says(answer: tuple[int, str, str]) -> str:
    """The one thing that make says before it gives up."""
    code, out, err = answer
    said, *rest = err.splitlines()
    assert (2, "", 1) == (code, out, len(rest)), err  # the rest is make's own "Error 1"
    return said


@pytest.mark.parametrize("target", ["setup", "demo", "mock", "test", "test-long", "generate", "check", "build"])
def test_every_target_says_what_is_missing(target: str, tree: Path, tools: Path) -> None:
    (tools / "python3").unlink()
    assert says(make(target, tree=tree, path=tools)).startswith("python3 is missing: install Python 3.11 or later")


@pytest.mark.parametrize(
    ("name", "said"),
    [("node", "Node.js is missing: install Node.js 20 or later"), ("npm", "npm is missing: install npm")],
)
def test_a_missing_tool_is_named(name: str, said: str, tree: Path, tools: Path) -> None:
    (tools / name).unlink()
    assert says(make("setup", tree=tree, path=tools)).startswith(said)


@pytest.mark.parametrize(
    ("name", "script", "said"),
    [
        ("python3", '[ "$1" = --version ] && echo Python 3.10.4; [ "$1" = --version ]', "Python 3.10.4 is too old"),
        ("python3", 'case "$2" in *ensurepip*) exit 1;; esac', "The venv module of python3 is missing"),
        ("node", '[ "$1" = --version ] && echo v18.1.0; [ "$1" = --version ]', "Node.js v18.1.0 is too old"),
    ],
    ids=["old Python", "no venv", "old Node.js"],
)
def test_a_tool_that_will_not_do_is_named(name: str, script: str, said: str, tree: Path, tools: Path) -> None:
    (tools / name).unlink()
    (tools / name).write_text(f"#!/bin/sh\n{script}\n")
    (tools / name).chmod(0o755)
    assert says(make("setup", tree=tree, path=tools)).startswith(said)


def test_another_python_can_be_named(tree: Path, tools: Path) -> None:
    answer = make("setup", "PYTHON=/nowhere/python", tree=tree, path=tools)
    assert says(answer).startswith("/nowhere/python is missing")
