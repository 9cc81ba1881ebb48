"""The programs of the pages about tables, which the type checkers leave out: pyarrow and pandas have no types."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from konvoai.testing import MockKonvo
from tests.support import ROOT

PAGES = [ROOT / "docs" / name for name in ("data-frames.md", "distributed.md")]
PROGRAMS = [found for page in PAGES for found in re.findall(r"^```py\n(.*?)^```$", page.read_text(), re.S | re.M)]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_runs_against_the_mock(program: str, tmp_path: Path) -> None:
    with MockKonvo(sessions=1000) as mock:
        environment = {**os.environ, "KONVO_API_KEY": mock.key, "KONVO_BASE_URL": mock.url}
        command = [sys.executable, "-W", "error", "-c", program]
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert (0, "") == (run.returncode, run.stderr)
