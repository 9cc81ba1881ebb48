"""The mutants of the document: that they are what they are called, and a sample of them against what is to notice."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from ruamel.yaml import YAML

from scripts.contract import mutation_test as mutants
from tests.support import ROOT

OLD = YAML(typ="safe").load(ROOT / "openapi.yaml")


def test_every_mutant_differs_from_the_document_and_from_the_others() -> None:
    made = list(mutants.all_mutants(OLD, random.Random(7)))
    assert len(made) >= 60
    assert len({mutant.name for mutant in made}) == len(made)
    assert [mutant.name for mutant in made if mutant.document == OLD] == []
    assert len({repr(mutant.document) for mutant in made}) == len(made)


def test_the_table_tells_of_every_mutant() -> None:
    told = (ROOT / "docs" / "mutation-testing.md").read_text(encoding="utf-8")
    alone = [m.name for m in mutants.all_mutants(OLD, random.Random(7)) if not m.name.startswith(mutants.BOTH)]
    assert [name for name in alone if f"| {name} |" not in told] == []


@pytest.mark.long
def test_no_breaking_mutant_of_a_sample_survives() -> None:
    command = [sys.executable, "-m", "scripts.contract.mutation_test", "--sample", "10", "--seed", "11"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout
    assert "10 mutants" in done.stdout
