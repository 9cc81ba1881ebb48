"""The pages of the project: their code, and what they say that it prints."""

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from konvoai.testing import MockKonvo
from tests.support import ROOT

FILES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in FILES}
README, CONTRIBUTING = PAGES["README.md"], PAGES["CONTRIBUTING.md"]
ARCHITECTURE = PAGES["docs/architecture.md"]
PART = re.compile(r"^```(?P<language>[a-z]*)\n(?P<text>.*?)^```$|^#+ (?P<heading>[^\n]*)$", re.DOTALL | re.MULTILINE)


class Run(NamedTuple):
    """What a reader runs, and what the page says that it prints.

    Attributes:
        code: A Python program, or a command where `command` is true.
        output: The text that follows; … stands for text that differs from run to run.
    """

    code: str
    output: str
    command: bool = False


def blocks(language: str, *pages: str) -> list[str]:
    found = (part for page in pages for part in PART.finditer(page) if part["text"] is not None)
    return [part["text"] for part in found if part["language"] == language]


def commands(*pages: str) -> list[str]:
    return list(dict.fromkeys(line for block in blocks("sh", *pages) for line in block.splitlines()))


def inline_code(page: str) -> list[str]:
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", page)


def prose(page: str) -> str:
    """Returns the page without its code and its tables."""
    return re.sub(r"^\|.*$", "", re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE), flags=re.MULTILINE)


def headings(page: str) -> list[str]:
    """Returns the anchors of a page."""
    found = [part["heading"] for part in PART.finditer(page) if part["heading"]]
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found]


def is_test(program: str) -> bool:
    return "\ndef test_" in program


def runs(page: str) -> list[Run]:
    """Returns the programs and commands of a page, in its order; a `text` block after a program is its output."""
    found: list[Run] = []
    parts = [*PART.finditer(page), None]
    for part, following in pairwise(parts):
        assert part is not None
        if part["language"] == "python" and not is_test(part["text"]):
            shown = following["text"] if following and following["language"] == "text" else ""
            found.append(Run(part["text"], shown))
        elif part["language"] == "console":
            lines = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", part["text"], re.MULTILINE)
            found += [Run(command, output, command=True) for command, output in lines]
    return found


def printed(run: Run, mock: MockKonvo, folder: Path) -> str:
    """Runs a program or a command of a page in a folder, and returns what it prints."""
    scripts = Path(sys.executable).parent
    variables = {"KONVO_API_KEY": mock.key, "KONVO_BASE_URL": mock.url, "KONVO_HASH_SECRET": "s", "NO_COLOR": "1"}
    environment = {**os.environ, **variables, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    command = ["sh", "-c", run.code] if run.command else [sys.executable, "-W", "error", "-c", run.code]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=-1, stderr=subprocess.STDOUT, encoding="utf-8", timeout=60
    )
    assert 0 == done.returncode, f"{run.code}\n{done.stdout}"
    return done.stdout


def shape(output: str) -> str:
    """Returns a pattern of an output in which … stands for any text."""
    return ".*".join(map(re.escape, output.split("…")))
