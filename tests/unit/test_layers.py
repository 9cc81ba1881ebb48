"""Imports point one way: every import of the wrapper, late ones included, is read and held to the house rules."""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support import ROOT

PACKAGE = ROOT / "wrapper" / "konvoai"
ENGINES = {"_http", "_pagination", "_decoding"}
BASE = {"errors", "models", "_settings", "_version"}
CORE = BASE | ENGINES | {"_arguments", "_resources", "_client", "_tables", "_query", "_generated"}
ALLOWED = {
    "errors": {"models"},  # for annotations alone
    "models": set(),
    "_settings": {"errors"},
    "_version": set(),
    "_http": BASE,
    "_pagination": {"errors"},
    "_decoding": BASE,
    "_tables": BASE | {"_decoding"},
    "_arguments": BASE | {"_decoding", "_pagination"},
    "_resources": BASE | {"_arguments", "_decoding", "_pagination", "_query"},
    "_query": BASE | {"_arguments", "_decoding", "_pagination", "_tables"},
    "_generated": BASE | {"_pagination", "_resources"},  # the first for annotations alone
    "_client": BASE | ENGINES | {"_generated", "_query", "_resources"},
    "_spans": CORE,
    "dlt": CORE | {"_warehouse"},
    "spark": CORE | {"_spans"},
    "_export": CORE,
    "_doctor": CORE,
    "_warehouse": CORE | {"_export"},
    "testing": CORE,
    "__init__": CORE | {"_spans"},
}
"""What each room may import; the command (`_cli`, `__main__`) may import everything."""

GENERATED = {"konvo_api_client"}
SEAM = {"_client", "_resources", "models"}
"""The only modules that name the generated package, but for `_generated.lists`, which is written from it."""


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room(module: str) -> str:
    return module.partition(".")[0]


def imports(module: str) -> set[str]:
    """The modules of the wrapper that a module imports, and `konvo_api_client` where it names that."""
    path, found = MODULES[module], set()
    package = path.relative_to(PACKAGE).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names} & GENERATED
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {(node.module or "").partition(".")[0]} & GENERATED
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            target = ".".join((*base, *(node.module or "").split("."))).strip(".")
            named = {".".join(filter(None, (target, alias.name))) for alias in node.names}
            found |= {name for name in named if name in MODULES} or {target if target in MODULES else "__init__"}
    return found


IMPORTS = {module: imports(module) for module in MODULES}


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) not in ("_cli", "__main__")])
def test_a_room_imports_only_what_it_may(module: str) -> None:
    rooms = {room(name) for name in IMPORTS[module]} - {room(module), *GENERATED}
    assert set() == rooms - ALLOWED[room(module)]


def test_the_mock_needs_the_standard_library_alone() -> None:
    for module in (name for name in MODULES if room(name) == "testing" and name != "testing.pytest_plugin"):
        nodes = list(ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))))
        names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
        assert set() == {name.partition(".")[0] for name in names} - sys.stdlib_module_names, module
        assert {room(name) for name in IMPORTS[module]} <= {"testing", "models", "_client"}, module


def test_only_the_seam_names_the_generated_package() -> None:
    assert SEAM == {module for module, found in IMPORTS.items() if found & GENERATED} - {"_generated.lists"}


def test_there_is_no_circle() -> None:
    graph = {module: found & MODULES.keys() - {"__init__"} for module, found in IMPORTS.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_modules_and_folders_stay_small() -> None:
    lengths = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in MODULES.items()}
    assert {} == {name: lines for name, lines in lengths.items() if lines > 260}
    folders = {path.parent for path in MODULES.values()}
    crowded = [folder.name for folder in folders if sum(p.is_file() for p in folder.iterdir()) > 12]
    assert [] == crowded


def test_every_room_says_what_it_is_for() -> None:
    for path in PACKAGE.glob("*/__init__.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        lines = (ast.get_docstring(tree) or "").splitlines()
        assert 5 <= len(lines) <= 10, path
        if path.parent.name.startswith("_"):
            assert 1 == len(tree.body), f"{path}: a docstring and nothing else"
