"""Mutants of the API document are distinct, listed in the docs, and detected when they break users."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from scripts.contract.mutations import PAIR_PREFIX, all_mutants
from tests.support import ROOT

OLD = YAML(typ="safe").load(ROOT / "openapi.yaml")


def test_every_mutant_is_distinct() -> None:
    mutants = list(all_mutants(OLD, random.Random(7)))
    assert len(mutants) >= 60
    assert len({mutant.name for mutant in mutants}) == len(mutants)
    assert [mutant.name for mutant in mutants if mutant.document == OLD] == []
    assert len({repr(mutant.document) for mutant in mutants}) == len(mutants)


def test_the_table_lists_every_mutant() -> None:
    table = (ROOT / "docs" / "mutation-testing.md").read_text(encoding="utf-8")
    single = [m.name for m in all_mutants(OLD, random.Random(7)) if not m.name.startswith(PAIR_PREFIX)]
    assert [name for name in single if f"| {name} |" not in table] == []


@pytest.mark.long
def test_every_breaking_mutant_of_a_sample_is_detected() -> None:
    command = [sys.executable, "-m", "scripts.contract.mutation_test", "--sample", "10", "--seed", "11"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    assert "10 mutants" in done.stdout
