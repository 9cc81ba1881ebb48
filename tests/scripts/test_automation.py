"""The pre-commit hooks and the CI workflows call targets of the Makefile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support import ROOT

TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def load(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def targets_of(steps: list[dict[str, Any]]) -> Iterator[str]:
    for step in steps:
        yield from re.findall(r"^\s*make ([a-z-]+)", step.get("run", ""), re.MULTILINE)


def test_every_pre_commit_hook_is_local_and_calls_a_make_target() -> None:
    config = load(ROOT / ".pre-commit-config.yaml")
    hooks = [hook for repo in config["repos"] for hook in repo["hooks"]]
    assert {"local"} == {repo["repo"] for repo in config["repos"]}
    assert {"system"} == {hook["language"] for hook in hooks}
    assert [] == [hook["entry"] for hook in hooks if hook["entry"].removeprefix("make ") not in TARGETS]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_workflow_calls_make_targets(path: Path) -> None:
    called = [target for job in load(path)["jobs"].values() for target in targets_of(job["steps"])]
    assert "setup" in called
    assert set() == set(called) - TARGETS
