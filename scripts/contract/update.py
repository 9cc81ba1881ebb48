"""Bring openapi.yaml up to newer documents: their paths and components replace those of the same names.

A newer document is a file or an https:// address: OpenAPI in YAML or JSON, or a Markdown page of the API's
documentation that contains the YAML of one operation. An operation or schema of a newer document replaces ours; all
others stay. Amendments, marked `# amended` in openapi.yaml, stay where the newer document has no value of its own.
Nothing is written unless the result is valid, passes the linter and a client can be generated from it. A breaking
change is only written with ACCEPT_BREAKING=1.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml.comments import CommentedMap

from scripts import generate
from scripts.contract.diff import differences
from scripts.contract.merge import (
    dump,
    load_editable,
    merge_document,
    name_operations,
    prune_components,
    to_plain,
)
from scripts.contract.openapi_documents import DOCUMENT, METHODS, ROOT, InvalidDocumentError, referenced_components
from scripts.contract.release_notes import suggest_release

EXAMPLES = """examples:
  python -m scripts.contract.update page.md
  python -m scripts.contract.update --dry-run https://docs.example.com/api/contacts.md contacts.yaml
"""
TIMEOUT = 30.0
"""Seconds for one request."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", nargs="+", metavar="FROM", help="a file or an https:// address")
    parser.add_argument("--dry-run", action="store_true", help="print everything, change nothing")
    options = parser.parse_args(arguments)
    try:
        return update(options.sources, options.dry_run)
    except (InvalidDocumentError, generate.GenerationError, OSError) as error:
        print(f"{error}\n{DOCUMENT.name} is unchanged.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def update(sources: Sequence[str], dry_run: bool) -> int:
    """Print and write the merged document; return the exit code, 1 for a breaking change that is not accepted."""
    before = DOCUMENT.read_text(encoding="utf-8")
    old, new = (load_editable(before, DOCUMENT.name) for _ in range(2))
    pages = {source: extract_document(read_source(source), source) for source in sources}
    check_agreement(pages)
    for page in pages.values():
        merge_document(new, page)
    prune_components(new, referenced_components(old, old["paths"]))
    name_operations(new)
    text = dump(new)
    changes = differences(to_plain(old), to_plain(new))
    print("\n".join(map(str, changes)) or ("nothing has changed" if text == before else "only words have changed"))
    breaking = any(change.breaking for change in changes)
    # Next to the client, because a rename cannot cross file systems.
    with tempfile.TemporaryDirectory(prefix=".generate-", dir=ROOT / "generated") as folder:
        candidate = Path(folder, DOCUMENT.name)
        candidate.write_text(text, encoding="utf-8")
        validate(candidate)
        package, refused = generate.generate(candidate, Path(folder))
        if changes:
            print(*suggest_release(changes), sep="\n")
        print(*refused, sep="\n", end="\n" if refused else "")
        if breaking and not breaking_accepted():
            print("\nNothing is changed: set ACCEPT_BREAKING=1 to take the breaking changes.", file=sys.stderr)
            return 1
        if not dry_run and text != before:
            replace(candidate, package, Path(folder))
    return 0


def replace(candidate: Path, package: Path, folder: Path) -> None:
    """Replace the document and the client together, or neither."""
    original = DOCUMENT.read_bytes()
    os.replace(candidate, DOCUMENT)
    try:
        generate.replace(package, ROOT / "generated" / generate.PACKAGE, folder)
    except BaseException:
        DOCUMENT.write_bytes(original)
        raise


def breaking_accepted() -> bool:
    return os.environ.get("ACCEPT_BREAKING", "") not in ("", "0")


def read_source(source: str) -> str:
    if not source.startswith("https://"):
        if "://" in source:
            raise InvalidDocumentError(f"{source} is not an https:// address: only https:// addresses are read.")
        return Path(source).read_text(encoding="utf-8")
    try:
        return httpx.get(source, timeout=TIMEOUT, follow_redirects=True).raise_for_status().text
    except httpx.HTTPError as error:
        raise InvalidDocumentError(f"{source} cannot be read: {error}") from None


def extract_document(text: str, source: str) -> CommentedMap:
    """Return the OpenAPI document that a text is, or that a page of Markdown contains."""
    fenced = re.search(r"^(`{3,})ya?ml\b[^\n]*\n(.*?)^\1\s*$", text, re.DOTALL | re.MULTILINE)
    lines_before = text[: fenced.start(2)].count("\n") if fenced else 0
    return load_editable(fenced[2] if fenced else text, source, lines_before)


def check_agreement(pages: dict[str, CommentedMap]) -> None:
    """Raise `InvalidDocumentError` where two documents define one name differently."""
    known: dict[str, tuple[str, Any]] = {}
    for source, page in pages.items():
        for name, part in named_parts(page):
            other, found = known.setdefault(name, (source, part))
            if to_plain(found) != to_plain(part):
                both = "\n".join(f"{who} says:\n{dump(what)}" for who, what in ((other, found), (source, part)))
                raise InvalidDocumentError(f"{other} and {source} disagree on {name}.\n{both}")


def named_parts(document: CommentedMap) -> Iterator[tuple[str, Any]]:
    """Yield what a document defines by name: each operation and component, the servers and the security."""
    yield from ((key, document[key]) for key in ("openapi", "servers", "security") if key in document)
    for path, item in document["paths"].items():
        yield from ((f"{key.upper()} {path}", part) for key, part in item.items() if key in METHODS)
    for section, components in document.get("components", {}).items():
        yield from ((f"{section} {name}", part) for name, part in components.items())


def validate(document: Path) -> None:
    """Raise `InvalidDocumentError` unless the document is valid and passes the linter."""
    commands = {
        "not valid": [sys.executable, "-m", "openapi_spec_validator", "--validation-errors", "all", str(document)],
        "refused by the linter": lint_command(document),
    }
    for fault, command in commands.items():
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            output = (done.stdout + done.stderr).replace(str(document), DOCUMENT.name).strip()
            raise InvalidDocumentError(f"The merged document is {fault}:\n{output}")


def lint_command(document: Path) -> list[str]:
    spectral = ROOT / "node_modules" / ".bin" / "spectral"
    ruleset = str(ROOT / ".spectral.yaml")
    return [str(spectral), "lint", "--quiet", "--fail-severity", "warn", "--ruleset", ruleset, str(document)]


if __name__ == "__main__":
    sys.exit(main())
