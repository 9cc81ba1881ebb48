"""Every snippet of the pages runs, and every command and file that they name exists."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from konvoai.testing import MockKonvo
from tests.support import ROOT
from tests.support.command import konvo
from tests.support.pages import (
    ARCHITECTURE,
    PAGES,
    README,
    blocks,
    commands,
    headings,
    inline_code,
    is_test,
    printed,
    prose,
    runs,
    shape,
)

COMMANDS = commands(*PAGES.values())
NAMED = {code for page in PAGES.values() for code in inline_code(page)}
MAKE = sorted({command for command in (*COMMANDS, *NAMED) if re.match("make( [a-z]|$)", command)})
# Its program runs in tests/unit/warehouse/test_postgres.py, in an environment for dlt.
RUN = [name for name in PAGES if name != "docs/warehouse.md" and runs(PAGES[name])]
SYNCS = [pytest.param(name, marks=pytest.mark.long) if "$ konvo sync" in PAGES[name] else name for name in RUN]


@pytest.mark.parametrize("name", SYNCS)
def test_a_page_shows_what_its_code_prints(name: str, tmp_path: Path) -> None:
    """Run in the order of the page, on the sessions that `konvo mock` has."""
    with MockKonvo(sessions=1000) as mock:
        for run in runs(PAGES[name]):
            output = printed(run, mock, tmp_path)
            assert re.fullmatch(shape(run.output), output, re.DOTALL), f"{run.code}\n{output}"


def test_the_tests_that_the_pages_show_pass(tmp_path: Path) -> None:
    """Each snippet is a whole file of tests, as a user would write it, in a project without a configuration."""
    snippets = [snippet for snippet in blocks("python", *PAGES.values()) if is_test(snippet)]
    assert 5 == len(snippets)
    for number, snippet in enumerate(snippets):
        (tmp_path / f"test_{number}.py").write_text(snippet, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:schemathesis", "-p", "no:xdist"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (0, "8 passed") == (run.returncode, run.stdout.splitlines()[-1].partition(" in ")[0]), run.stdout


def test_the_snippets_pass_strict_type_checkers() -> None:
    """In a folder of the tree, where the type checkers find their configuration and the installed packages."""
    with TemporaryDirectory(dir=ROOT / "tests", prefix="snippets_") as folder:
        for number, snippet in enumerate(blocks("python", *PAGES.values())):
            Path(folder, f"snippet_{number}.py").write_text(snippet, encoding="utf-8")
        mypy = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", ".mypy_cache", folder]
        pyright = [ROOT / "node_modules" / ".bin" / "pyright", "--pythonpath", sys.executable, folder]
        for command in (mypy, pyright):
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
            assert 0 == done.returncode, done.stdout + done.stderr


def test_the_readme_has_at_most_700_words() -> None:
    assert len(prose(README).split()) <= 700


@pytest.mark.parametrize("command", MAKE)
def test_a_make_command_names_a_target(command: str) -> None:
    run = subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.long
def test_the_documentation_builds_with_every_page() -> None:
    run = subprocess.run(["make", "docs"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stderr) == (0, "")
    listed = (ROOT / "dist" / "docs" / "llms.txt").read_text(encoding="utf-8")
    pages = [name.removeprefix("docs/") for name in PAGES if name.startswith("docs/")]
    assert [] == [page for page in pages if f"/_sources/{page}.txt" not in listed]
    for name in ("reference/command.html", "llms-full.txt"):
        assert "Usage: konvo sessions export" in (ROOT / "dist" / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.long
def test_the_demo_shows_the_session_of_the_document() -> None:
    run = subprocess.run(["make", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    shown = ["2eac78c7-ef64-49cb-82f0-7280b555f015", "whatsapp", "completed, resolved", "CONCIERGE", "Hi, I need help"]
    assert [text for text in shown if text not in run.stdout] == []


def test_every_public_error_is_in_the_reference() -> None:
    import konvoai.errors

    assert [name for name in konvoai.errors.__all__ if name not in PAGES["docs/reference/errors.md"]] == []


def test_every_command_of_the_readme_is_known() -> None:
    # It is run in tests/scripts/test_packaging.py.
    assert ["pip install '.[cli]'", "make demo", "make test"] == commands(README)


@pytest.mark.parametrize("command", [command for command in COMMANDS if command.startswith("konvo ")])
def test_a_konvo_command_has_the_options_it_names(command: str) -> None:
    done = konvo(*shlex.split(command)[1:], "--help")
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("name", PAGES)
def test_the_files_and_headings_that_a_page_names_exist(name: str) -> None:
    page, folder = ROOT / name, (ROOT / name).parent
    links = [link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", PAGES[name]) if "://" not in link]
    paths = [
        code for code in inline_code(PAGES[name]) if re.fullmatch(r"(docs|generated|scripts|tests|wrapper)/.*", code)
    ]
    missing = [path for path, _, _ in links if path and not (folder / path).exists()]
    assert [] == missing + [path for path in paths if not (ROOT / path).exists()]
    targets = {path: (folder / path if path else page) for path, _, anchor in links if anchor}
    anchors = {path: headings(target.read_text(encoding="utf-8")) for path, target in targets.items()}
    assert [] == [(path, anchor) for path, _, anchor in links if anchor and anchor not in anchors[path]]


def test_the_architecture_names_every_module() -> None:
    package = ROOT / "wrapper" / "konvoai"
    modules = {path.relative_to(package) for path in package.rglob("*.py")}
    folders = {path for path in modules if path.name == "__init__.py" and len(path.parts) > 1}
    named = {Path(code) for code in inline_code(ARCHITECTURE) if code.endswith(".py") and not code.startswith("tests/")}
    assert set() == {path.name for path in modules - folders} - {path.name for path in named}
    assert [] == [path for path in named if not any(module.match(str(path)) for module in modules)]
