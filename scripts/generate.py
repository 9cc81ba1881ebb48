"""Regenerate generated/konvo_api_client and the clients' resources from openapi.yaml, completely or not at all."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scripts.contract.generator_gaps import find_gaps
from scripts.contract.openapi_documents import DOCUMENT, ROOT, load

PACKAGE = "konvo_api_client"
IMPORT_ALL = f"""
import importlib, pkgutil
for module in pkgutil.walk_packages(importlib.import_module("{PACKAGE}").__path__, "{PACKAGE}."):
    importlib.import_module(module.name)
"""
WRAPPER = Path("wrapper", "konvoai")
RESOURCES = f"""
import sys
sys.path[1:1] = [{str(ROOT)!r}, {str(ROOT / WRAPPER.parent)!r}]
from scripts.resources import main
sys.exit(main())
"""


class GenerationError(Exception):
    """No complete client can be generated from the document; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    step = check if options.check else regenerate
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that temporary folders are removed
    try:
        return step(options.document, options.output)
    except (GenerationError, OSError) as error:
        print(f"{error}\n{options.output} is unchanged.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if the output is out of date")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="default: openapi.yaml")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "generated" / PACKAGE, help="default: generated/" + PACKAGE
    )
    options = parser.parse_args(arguments)
    options.document, options.output = options.document.resolve(), options.output.resolve()
    if options.output.name != PACKAGE:  # the folder is replaced: a wrong one would be lost
        parser.error(f"--output must be a folder named {PACKAGE}, not {options.output}")
    return options


def regenerate(document: Path, output: Path) -> int:
    """Replace the output by what is generated from the document."""
    output.parent.mkdir(parents=True, exist_ok=True)
    # Next to the output, because a rename cannot cross file systems.
    with tempfile.TemporaryDirectory(prefix=".generate-", dir=output.parent) as folder:
        fresh, _ = generate(document, Path(folder))
        replace(fresh, output, Path(folder))
    return 0


def replace(fresh: Path, output: Path, folder: Path) -> None:
    """Replace the output, and the resources of the clients next to it, by what is generated, or neither."""
    pairs = [(fresh, output)]
    if (resources := resources_of(output)) is not None:
        pairs.append((fresh.with_name(resources.name), resources))
    swapped: list[tuple[Path, Path]] = []
    try:
        for new, old in pairs:
            if differences(old, new):
                swap(new, old, aside=(aside := folder / f"old-{old.name}"))
                swapped.append((aside, old))
    except BaseException:
        for aside, old in swapped:
            old.rename(folder / f"failed-{old.name}")
            if aside.exists():
                aside.rename(old)
        raise


def resources_of(output: Path) -> Path | None:
    """Return the folder of the clients' resources that belongs to a generated package; None without a wrapper."""
    wrapper = output.parent.parent / WRAPPER
    return wrapper / "_generated" if wrapper.is_dir() else None


def check(document: Path, output: Path) -> int:
    """Print how the output differs from what is generated from the document, and change nothing."""
    with tempfile.TemporaryDirectory(prefix="konvo-generate-") as folder:
        fresh, _ = generate(document, Path(folder))
        changes = differences(output, fresh)
        if (resources := resources_of(output)) is not None:
            changes += differences(resources, fresh.with_name(resources.name))
    if changes:
        print(
            f"{output} is out of date with {document.name}; run make generate:", *changes, sep="\n  ", file=sys.stderr
        )
    return 1 if changes else 0


def generate(document: Path, folder: Path) -> tuple[Path, list[str]]:
    """Generate the package and the clients' resources into the folder.

    Returns the path of the package, and a line for each list that the clients cannot offer.

    Raises:
        GenerationError: The document is invalid, or the package cannot be imported or lacks a part of the document.
    """
    if not document.is_file():
        raise GenerationError(f"{document} is not a file.")
    package = folder / PACKAGE
    run_generator(document, package)
    (package / "py.typed").touch()
    imported = run("-B", "-c", IMPORT_ALL, cwd=folder)
    if imported.returncode:
        raise GenerationError(f"The client of {document} cannot be imported: {imported.stderr.splitlines()[-1]}.")
    if gaps := find_gaps(load(document), package):
        raise GenerationError(f"The generator silently dropped parts of {document}: {', '.join(gaps)}.")
    return package, generate_resources(document, folder)


def generate_resources(document: Path, folder: Path) -> list[str]:
    """Generate the clients' resources next to the package; return a line for each list that they cannot offer."""
    done = run("-B", "-c", RESOURCES, str(document), str(folder / "_generated"), cwd=folder)
    if done.returncode:
        raise GenerationError(f"The resources of {document} cannot be generated. {summary(done.stderr)}")
    isolated = ("--isolated", "--no-cache", "_generated")
    run("-m", "ruff", "check", "--fix-only", "--select=I,F401", *isolated, cwd=folder)
    formatted = run("-m", "ruff", "format", "--line-length=120", *isolated, cwd=folder)
    if formatted.returncode:
        raise GenerationError(f"The resources of {document} are not valid Python. {summary(formatted.stderr)}")
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


def run_generator(document: Path, package: Path) -> None:
    config = ROOT / "scripts" / "generator.yml"
    done = run(
        *("-m", "openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"),
        *("--path", str(document), "--config", str(config), "--output-path", str(package)),
        cwd=package.parent,
    )
    if done.returncode:
        raise GenerationError(f"No client can be generated from {document}. {summary(done.stderr)}")


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run this Python so that its output does not depend on the machine or the caller's environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RUFF_"))}
    environment |= {
        "PATH": sysconfig.get_path("scripts"),  # only this environment's ruff
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "TYPER_STANDARD_TRACEBACK": "1",
    }
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", errors="replace")


def summary(output: str) -> str:
    """Return the generator's message, or the last line of its traceback."""
    if "Traceback (most recent call last)" in output:
        output = output.strip().splitlines()[-1]
    output = re.sub(
        r"^(Warning|Error)\(s\) encountered while.*$|^If you believe this.*$", "", output, flags=re.MULTILINE
    )
    output = re.sub(r" ?<\S+ object at 0x[0-9a-f]+>", "", output)
    return "The generator says:\n" + re.sub(r"\n{2,}", "\n", output).strip()


def differences(output: Path, fresh: Path) -> list[str]:
    """Return a line for each file that is missing, extra or different in the output."""
    old, new = files(output), files(fresh)
    return [
        *(f"missing: {name}" for name in sorted(new.keys() - old.keys())),
        *(f"extra:   {name}" for name in sorted(old.keys() - new.keys())),
        *(f"differs: {name}" for name in sorted(new.keys() & old.keys()) if new[name] != old[name]),
    ]


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def swap(fresh: Path, output: Path, aside: Path) -> None:
    """Replace the output by the fresh package; restore it if that fails."""
    try:
        if output.exists():
            output.rename(aside)
        fresh.rename(output)
    except BaseException:
        if aside.exists() and not output.exists():
            aside.rename(output)
        raise


if __name__ == "__main__":
    sys.exit(main())
