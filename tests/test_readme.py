"""Every snippet of the pages runs, and every command and file that they name exists."""

import os
import re
import shlex
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest

from konvoai.testing import MockKonvo
from konvoai.testing._server import mock_server
from konvoai.testing._store.store import Store
from tests.support import ROOT
from tests.support.command import KEY, konvo

README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TABLES = [(ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("data-frames.md", "distributed.md")]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
}


def blocks(language: str, *pages: str) -> list[str]:
    found = (re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE) for page in pages)
    return list(chain.from_iterable(found))


def commands(*pages: str) -> list[str]:
    return list(dict.fromkeys(line for block in blocks("sh", *pages) for line in block.splitlines()))


def inline_code(page: str) -> list[str]:
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", page)


COMMANDS = commands(*PAGES.values())
NAMED = {code for page in PAGES.values() for code in inline_code(page)}
MAKE = sorted({command for command in (*COMMANDS, *NAMED) if re.match("make( [a-z]|$)", command)})


@pytest.mark.parametrize("snippet", blocks("python", README, CONTRIBUTING, ARCHITECTURE, *TABLES))
def test_a_snippet_runs_against_the_mock(snippet: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", snippet]
    with MockKonvo(sessions=1000) as mock:
        environment = {**os.environ, "KONVO_API_KEY": mock.key, "KONVO_BASE_URL": mock.url}
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stderr) == (0, "")


def test_the_tests_that_the_pages_show_pass(tmp_path: Path) -> None:
    """Each snippet is a whole file of tests, as a user would write it, in a project without a configuration."""
    snippets = blocks("python", PAGES["docs/testing.md"])
    assert 5 == len(snippets)
    snippets += [snippet for snippet in blocks("python", README) if "mock_konvo" in snippet]
    for number, snippet in enumerate(snippets):
        (tmp_path / f"test_{number}.py").write_text(snippet, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:schemathesis", "-p", "no:xdist"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (0, "9 passed") == (run.returncode, run.stdout.splitlines()[-1].partition(" in ")[0]), run.stdout


def commands_and_output(console: str) -> list[tuple[str, str]]:
    """The commands of a session at the terminal, each with what it prints."""
    return [(command, output) for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", console, re.MULTILINE)]


@pytest.mark.long
def test_each_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    """Run in the order of the page; … stands for text that differs from run to run."""
    store = Store.of(1440, datetime(2026, 11, 1, tzinfo=UTC), timedelta(minutes=10))
    with mock_server(store, key=KEY) as server:
        for command, output in chain.from_iterable(map(commands_and_output, blocks("console", README))):
            done = konvo(*shlex.split(command)[1:], url=server.url, given={"KONVO_HASH_SECRET": "s"}, cwd=tmp_path)
            assert 0 == done.returncode, done.stderr
            shape = ".*".join(map(re.escape, output.split("…")))
            assert re.fullmatch(shape, done.stderr + done.stdout), f"{command}\n{done.stderr}{done.stdout}"


@pytest.mark.parametrize("command", MAKE)
def test_a_make_command_names_a_target(command: str) -> None:
    run = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.long
def test_the_demo_shows_the_session_of_the_document() -> None:
    run = subprocess.run(["make", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    shown = ["2eac78c7-ef64-49cb-82f0-7280b555f015", "whatsapp", "completed, resolved", "CONCIERGE", "Hi, I need help"]
    assert [text for text in shown if text not in run.stdout] == []


def test_every_public_error_is_in_the_readme() -> None:
    import konvoai.errors

    assert [name for name in konvoai.errors.__all__ if name not in README] == []


def test_no_command_is_left_untried() -> None:
    others = [command for command in commands(README, CONTRIBUTING, ARCHITECTURE) if not command.startswith("make")]
    # The first and the last are tried in tests/scripts/test_packaging.py, the third in tests/unit/http/test_log.py.
    extras = "pip install '.[cli,arrow,parquet,sync,report]'"
    assert others == ["pip install .", "export KONVO_API_KEY=…", "export KONVO_LOG=debug", extras]


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("konvo ")])
def test_a_konvo_command_has_the_options_it_names(command: str) -> None:
    done = konvo(*shlex.split(command)[1:], "--help")
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("name", PAGES)
def test_the_files_that_a_page_names_exist(name: str) -> None:
    folder = (ROOT / name).parent
    links = [link for link in re.findall(r"\]\(([^)#]+)", PAGES[name]) if "://" not in link]
    paths = [
        code for code in inline_code(PAGES[name]) if re.fullmatch(r"(docs|generated|scripts|tests|wrapper)/.*", code)
    ]
    missing = [link for link in links if not (folder / link).exists()]
    assert [] == missing + [path for path in paths if not (ROOT / path).exists()]


def test_the_architecture_names_every_module() -> None:
    package = ROOT / "wrapper" / "konvoai"
    modules = {path.relative_to(package) for path in package.rglob("*.py")}
    folders = {path for path in modules if path.name == "__init__.py" and len(path.parts) > 1}
    named = {Path(code) for code in inline_code(ARCHITECTURE) if code.endswith(".py") and not code.startswith("tests/")}
    assert set() == {path.name for path in modules - folders} - {path.name for path in named}
    assert [] == [path for path in named if not any(module.match(str(path)) for module in modules)]
