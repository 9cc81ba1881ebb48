"""scripts/generate.py, with the real generator and temporary folders."""

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
    """Write the API document with some texts replaced."""
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


def test_same_bytes_whatever_the_folder_the_configuration_around_it_and_the_environment(tmp_path: Path) -> None:
    odd = tmp_path / "build" / "an odd folder"  # ruff leaves out folders named build, unless told otherwise
    odd.mkdir(parents=True)
    (odd / ".gitignore").write_text("*\n")
    (odd / "ruff.toml").write_text("line-length = 40\n[format]\nquote-style = 'single'\n")
    (odd / "httpx.py").write_text("raise ImportError('the wrong httpx')\n")
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "7", "TMPDIR": str(odd)}
    document = write(odd)
    assert (0, "") == finish(start("--check", "--document", document, cwd=odd, environment=environment))
    assert [".gitignore", "httpx.py", "openapi.yaml", "ruff.toml"] == names(odd)


def test_a_renamed_field_is_noticed_then_carried_over_and_what_is_no_more_in_the_document_goes(output: Path) -> None:
    document = write(output.parent, ("external_user_id", "external_customer_id"), ("AISessionStatus", "Resolution"))
    (output / "models" / "handmade.py").touch()
    (output / "api" / "__pycache__").mkdir(exist_ok=True)
    (output / "api" / "__pycache__" / "left.pyc").touch()
    (output / "py.typed").unlink()
    before = generate.files(output)

    code, said = finish(start("--check", "--document", document, "--output", output, cwd=output.parent))
    assert 1 == code
    assert "run make generate" in said.splitlines()[0]
    assert [
        "missing: models/resolution.py",
        "missing: py.typed",
        "extra:   models/ai_session_status.py",
        "extra:   models/handmade.py",
        "differs: models/__init__.py",
        "differs: models/ai_session.py",
    ] == [line.strip() for line in said.splitlines()[1:]]
    assert before == generate.files(output)

    assert (0, "") == finish(start("--document", document, "--output", output, cwd=output.parent))
    after = generate.files(output)
    assert b"external_customer_id" in after["models/ai_session.py"]
    assert not [name for name, content in after.items() if b"external_user_id" in content]
    assert {"models/ai_session_status.py", "models/handmade.py"} == before.keys() - after.keys()
    assert {"models/resolution.py", "py.typed"} == after.keys() - before.keys()
    assert not list(output.rglob("__pycache__"))
    assert [generate.PACKAGE, "openapi.yaml"] == names(output.parent)


REFUSED = {
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
    "what the generator passes over without a warning": (
        [
            ("            - live_chat\n", "            - 'live chat'\n            - live-chat\n"),  # of one Python name
            ("        - name: limit\n", "        - {name: sort, in: query}\n        - name: limit\n"),
            ("  /ai-sessions:\n    get:", "  /other: {$ref: '#/paths/x'}\n  /ai-sessions:\n    get: &same"),
            ("components:\n", "  /again:\n    get: *same\ncomponents:\n"),
        ],
        "without a word: path /other, a $ref, operation GET /ai-sessions, parameter 'sort' of GET /again, "
        "'live chat' of AISession.",
    ),
    "two schemas of one module": (
        [("    Error:\n      required", "    aiSession: {type: object}\n    Error:\n      required")],
        "cannot be imported: ImportError",
    ),
    "a list": ([(DOCUMENT, "[]")], "The generator says:"),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, int, str]]:
    """What comes of each refused document; run side by side, as each takes a second or two."""
    outputs = {case: tmp_path_factory.mktemp("refused") / generate.PACKAGE for case in REFUSED}
    processes = {}
    for case, (changes, _) in REFUSED.items():
        output = shutil.copytree(GENERATED, outputs[case])
        document = write(output.parent, *changes)
        processes[case] = start("--document", document, "--output", output, cwd=output.parent)
    return {case: (outputs[case], *finish(process)) for case, process in processes.items()}


@pytest.mark.parametrize("case", REFUSED)
def test_a_document_that_gives_no_whole_client_is_refused_and_the_old_one_stays(
    case: str, refusals: dict[str, tuple[Path, int, str]]
) -> None:
    output, code, said = refusals[case]
    assert 1 == code
    assert REFUSED[case][1] in said
    assert "Traceback" not in said
    assert f"{output} is as it was." == said.splitlines()[-1]
    assert generate.files(GENERATED) == generate.files(output)
    assert [generate.PACKAGE, "openapi.yaml"] == names(output.parent)


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ended_half_way_it_leaves_the_old_client_and_nothing_else(
    ending: signal.Signals, code: int, output: Path
) -> None:
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


def test_the_old_client_comes_back_when_the_swap_fails(output: Path, tmp_path: Path) -> None:
    before = generate.files(output)
    with pytest.raises(FileNotFoundError):
        generate.swap(tmp_path / "nothing", output, aside=tmp_path / "aside")
    assert before == generate.files(output)


@pytest.mark.parametrize("document", ["nowhere.yaml", "."])
def test_a_document_that_is_no_file_is_named(document: str, output: Path) -> None:
    named = (output.parent / document).resolve()
    answer = finish(start("--document", document, "--output", output, cwd=output.parent))
    assert (1, f"{named} is not a file.\n{output} is as it was.\n") == answer


def test_a_folder_of_another_name_is_never_replaced(output: Path) -> None:
    code, said = finish(start("--output", output.parent, cwd=output.parent))
    assert 2 == code
    assert "--output must be a folder named konvo_api_client" in said
    assert output.exists()
