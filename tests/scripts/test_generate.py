"""`python -m scripts.generate`, with the real generator and temporary folders."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts import generate
from tests.support import ROOT

DOCUMENT = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
GENERATED = ROOT / "generated" / generate.PACKAGE

Process = subprocess.Popen[str]


def start(*arguments: str | Path, cwd: Path, environment: Mapping[str, str] | None = None) -> Process:
    command = [sys.executable, "-m", "scripts.generate", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def finish(process: Process) -> tuple[int, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out + err


def write(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write a copy of the API document with some strings replaced."""
    text = DOCUMENT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    document = folder / "openapi.yaml"
    document.write_text(text, encoding="utf-8")
    return document


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A copy of the generated package, which a test may change."""
    return shutil.copytree(GENERATED, tmp_path / "output" / generate.PACKAGE)


def test_the_output_does_not_depend_on_folder_or_environment(tmp_path: Path) -> None:
    folder = tmp_path / "build" / "a folder"  # by default, ruff excludes folders named build
    folder.mkdir(parents=True)
    (folder / ".gitignore").write_text("*\n")
    (folder / "ruff.toml").write_text("line-length = 40\n[format]\nquote-style = 'single'\n")
    (folder / "httpx.py").write_text("raise ImportError('the wrong httpx')\n")
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "7", "TMPDIR": str(folder)}
    document = write(folder)
    assert (0, "") == finish(start("--check", "--document", document, cwd=folder, environment=environment))
    assert [".gitignore", "httpx.py", "openapi.yaml", "ruff.toml"] == names(folder)


def test_check_lists_the_changes_and_generate_applies_them(output: Path) -> None:
    document = write(output.parent, ("external_user_id", "external_customer_id"), ("AISessionStatus", "Resolution"))
    (output / "models" / "handmade.py").touch()
    (output / "api" / "__pycache__").mkdir(exist_ok=True)
    (output / "api" / "__pycache__" / "left.pyc").touch()
    (output / "py.typed").unlink()
    before = generate.files(output)

    code, text = finish(start("--check", "--document", document, "--output", output, cwd=output.parent))
    assert 1 == code
    assert "run make generate" in text.splitlines()[0]
    assert [
        "missing: models/resolution.py",
        "missing: py.typed",
        "extra:   models/ai_session_status.py",
        "extra:   models/handmade.py",
        "differs: models/__init__.py",
        "differs: models/ai_session.py",
    ] == [line.strip() for line in text.splitlines()[1:]]
    assert before == generate.files(output)

    assert (0, "") == finish(start("--document", document, "--output", output, cwd=output.parent))
    after = generate.files(output)
    assert b"external_customer_id" in after["models/ai_session.py"]
    assert not [name for name, content in after.items() if b"external_user_id" in content]
    assert {"models/ai_session_status.py", "models/handmade.py"} == before.keys() - after.keys()
    assert {"models/resolution.py", "py.typed"} == after.keys() - before.keys()
    assert not list(output.rglob("__pycache__"))
    assert [generate.PACKAGE, "openapi.yaml"] == names(output.parent)


INVALID = {
    "a dangling $ref": (
        [("$ref: '#/components/schemas/AISessionState'", "$ref: '#/components/schemas/Nowhere'")],
        "#/components/schemas/Nowhere",
    ),
    "an array without items": (
        [("          items:\n            type: object\n", "")],
        "type array must have items",
    ),
    "an enum of texts and numbers": (
        [("            - live_chat\n", "            - 5\n")],
        "Got {<class",
    ),
    "parts that the generator drops without a warning": (
        [
            (
                "            - live_chat\n",
                "            - 'live chat'\n            - live-chat\n",
            ),  # the same Python name
            ("        - name: limit\n", "        - {name: sort, in: query}\n        - name: limit\n"),
            ("  /ai-sessions:\n    get:", "  /other: {$ref: '#/paths/x'}\n  /ai-sessions:\n    get: &same"),
            ("components:\n", "  /again:\n    get: *same\ncomponents:\n"),
        ],
        "openapi.yaml: path /other, a $ref, operation GET /ai-sessions, parameter 'sort' of GET /again, "
        "'live chat' of AISession.",
    ),
    "two schemas of one module": (
        [("    Error:\n      required", "    aiSession: {type: object}\n    Error:\n      required")],
        "the schemas aiSession and AISession get one class",
    ),
    "a list": ([(DOCUMENT, "[]")], "The generator says:"),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, int, str]]:
    """The result for each invalid document; run in parallel, because each takes a second or two."""
    outputs = {case: tmp_path_factory.mktemp("invalid") / generate.PACKAGE for case in INVALID}
    processes = {}
    for case, (changes, _) in INVALID.items():
        output = shutil.copytree(GENERATED, outputs[case])
        document = write(output.parent, *changes)
        processes[case] = start("--document", document, "--output", output, cwd=output.parent)
    return {case: (outputs[case], *finish(process)) for case, process in processes.items()}


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_document_leaves_the_old_client(case: str, results: dict[str, tuple[Path, int, str]]) -> None:
    output, code, text = results[case]
    assert 1 == code
    assert INVALID[case][1] in text
    assert "Traceback" not in text
    assert f"{output} is unchanged." == text.splitlines()[-1]
    assert generate.files(GENERATED) == generate.files(output)
    assert [generate.PACKAGE, "openapi.yaml"] == names(output.parent)


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_generation_leaves_the_old_client(ending: signal.Signals, code: int, output: Path) -> None:
    (output / "handmade.py").touch()
    before = generate.files(output)
    process = start("--output", output, cwd=output.parent)
    while not list(output.parent.glob(".generate-*/*/models/error.py")):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, ending)
    assert (code, "") == finish(process)
    assert before == generate.files(output)
    assert [generate.PACKAGE] == names(output.parent)


def test_a_failed_swap_restores_the_old_client(output: Path, tmp_path: Path) -> None:
    before = generate.files(output)
    with pytest.raises(FileNotFoundError):
        generate.swap(tmp_path / "nothing", output, aside=tmp_path / "aside")
    assert before == generate.files(output)


@pytest.mark.parametrize("document", ["nowhere.yaml", "."])
def test_a_missing_document_is_named(document: str, output: Path) -> None:
    path = (output.parent / document).resolve()
    result = finish(start("--document", document, "--output", output, cwd=output.parent))
    assert (1, f"{path} is not a file.\n{output} is unchanged.\n") == result


def test_a_folder_of_another_name_is_never_replaced(output: Path) -> None:
    code, text = finish(start("--output", output.parent, cwd=output.parent))
    assert 2 == code
    assert "--output must be a folder named konvo_api_client" in text
    assert output.exists()
