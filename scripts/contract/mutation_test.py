"""Mutation test of the contract tests: change the API document in every small way, and see what fails.

Each mutant is tried in both directions. Where the server changed and the client is old, Prism serves the mutant and
the contract tests of this tree run against it. Where the document changed and the client is regenerated, spec-diff or
the contract tests in a copy of the tree detect it. A mutant is breaking if spec-diff says so.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from scripts import generate
from scripts.contract.diff import differences
from scripts.contract.mutations import Mutant, all_mutants
from scripts.contract.openapi_documents import ROOT

TABLE = ROOT / "docs" / "mutation-testing.md"
CONTRACT_TESTS = ["tests/contract", "--ignore=tests/contract/test_mock.py"]
COPIED_PATHS = ("scripts", "tests", "wrapper", "generated", "pyproject.toml", "openapi.yaml")
TIMEOUT = 300
"""Seconds for one run of the contract tests."""
UNNOTICED = "nothing"
DOCUMENT_ALONE = "its document alone"
"""The responses of the changed server do not show the change; only spec-diff of the new document does."""


class Verdict(NamedTuple):
    """What detected a mutant first, in each direction: a test by its name, or spec-diff."""

    name: str
    breaking: bool
    server_changed: str
    document_changed: str

    @property
    def survived(self) -> bool:
        return self.breaking and UNNOTICED in (self.server_changed, self.document_changed)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, metavar="N", help="try N random mutants, and leave the table unchanged")
    parser.add_argument(
        "--only", metavar="TEXT", help="try mutants whose name contains TEXT, and leave the table unchanged"
    )
    parser.add_argument("--seed", type=int, default=7, help="seed of the random choice (default: %(default)s)")
    options = parser.parse_args(arguments)
    old = YAML(typ="safe").load(ROOT / "openapi.yaml")
    draw = random.Random(options.seed)  # noqa: S311 - no secret
    mutants = [mutant for mutant in all_mutants(old, draw) if not options.only or options.only in mutant.name]
    if options.sample:
        mutants = draw.sample(mutants, min(options.sample, len(mutants)))
    verdicts = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for verdict in pool.map(lambda mutant: judge(old, mutant), mutants):
            verdicts.append(verdict)
            print(f"[{len(verdicts)}/{len(mutants)}] {row(verdict)}", flush=True)
    survivors = [verdict for verdict in verdicts if verdict.survived]
    print(f"{len(verdicts)} mutants, {sum(v.breaking for v in verdicts)} breaking, {len(survivors)} of these survived")
    if not options.sample and not options.only:
        TABLE.parent.mkdir(exist_ok=True)
        TABLE.write_text(table(verdicts), encoding="utf-8")
    return 1 if survivors else 0


def judge(old: dict[str, Any], mutant: Mutant) -> Verdict:
    breaking = any(change.breaking for change in differences(old, mutant.document))
    with tempfile.TemporaryDirectory(prefix="konvo-mutant-") as folder:
        document = Path(folder, "openapi.yaml")
        YAML(typ="safe").dump(mutant.document, document)
        server_changed = first_failure(ROOT, "--mock-document", str(document))
        if server_changed == UNNOTICED and breaking:
            server_changed = DOCUMENT_ALONE
        document_changed = "spec-diff" if breaking else failure_of_regenerated(document, Path(folder))
    return Verdict(mutant.name, breaking, server_changed, document_changed)


def failure_of_regenerated(document: Path, folder: Path) -> str:
    tree = folder / "tree"
    tree.mkdir()
    for name in COPIED_PATHS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name)
        else:
            shutil.copy(ROOT / name, tree / name)
    (tree / "node_modules").symlink_to(ROOT / "node_modules")
    shutil.copy(document, tree / "openapi.yaml")
    try:
        package, _ = generate.generate(tree / "openapi.yaml", folder)
    except generate.GenerationError:
        return "make generate"
    generate.replace(package, tree / "generated" / generate.PACKAGE, folder)
    return first_failure(tree)


def first_failure(tree: Path, *options: str) -> str:
    """Return the name of the first contract test that fails, or `UNNOTICED`."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *CONTRACT_TESTS, *options]
    path = os.pathsep.join(str(tree / name) for name in ("wrapper", "generated"))
    done = subprocess.run(
        command, cwd=tree, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=TIMEOUT
    )
    if not done.returncode:
        return UNNOTICED
    failed = re.search(r"^(?:FAILED|ERROR) \S*?::(\w+)", done.stdout, re.MULTILINE)
    return failed[1] if failed else "the tests cannot start"


def row(verdict: Verdict) -> str:
    kind = "breaking" if verdict.breaking else "compatible"
    return f"| {verdict.name} | {kind} | {verdict.server_changed} | {verdict.document_changed} |"


def table(verdicts: list[Verdict]) -> str:
    breaking = [verdict for verdict in verdicts if verdict.breaking]
    survived = [verdict for verdict in breaking if verdict.survived]
    silent = [verdict for verdict in breaking if verdict.server_changed == DOCUMENT_ALONE]
    return f"""\
# Mutation test: what detects a change of the API

Written by `make mutants`. Each row is a change of openapi.yaml, and what detects it first: a contract test, by its
name, or spec-diff. Of {len(verdicts)} changes, {len(breaking)} break users of the client. Of these, {len(survived)}
are not detected.

{len(silent)} breaking changes do not show in the responses of a mock that serves the changed document: a null that the
mock never generates, a value that is no longer sent, a parameter that this client always sends, or a name that is not
part of a request. The scheduled `make spec-update` on the pages of the API's documentation detects these.

| change | for users | the server changed | the document changed |
|---|---|---|---|
""" + "\n".join([*map(row, verdicts), ""])


if __name__ == "__main__":
    sys.exit(main())
