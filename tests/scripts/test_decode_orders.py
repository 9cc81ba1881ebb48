"""The decoder with a client of another API document."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

HERE = ROOT / "tests/scripts"
DOCUMENT = HERE / "orders.yaml"


@pytest.mark.long
def test_the_decoder_works_for_another_api_document(tmp_path: Path) -> None:
    """It has types that our document does not have: required fields, nulls, unions, numeric enums, nested lists."""
    package = tmp_path / "konvo_api_client"
    command = [sys.executable, "-m", "scripts.generate", "--document", DOCUMENT, "--output", package]
    subprocess.run(command, check=True, timeout=60)
    path = os.pathsep.join(map(str, [tmp_path, ROOT / "wrapper", ROOT]))
    command = [sys.executable, HERE / "decode_orders.py", DOCUMENT]
    run = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
