"""Tell the difference between two API documents in words, and what it means for users of the Python client."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from spec_compare import Comparison
from spec_rules import WORDING, Change

ROOT = Path(__file__).resolve().parent.parent
HELP = """examples:
  python scripts/spec_diff.py old.yaml new.yaml
  python scripts/spec_diff.py --against v0.1.0   (openapi.yaml at that commit, and as it is now)

exit code: 0 when nothing breaks users, 1 when something does, 2 when a document cannot be read"""


class DocumentError(Exception):
    """A document cannot be read; the message says why."""


def differences(old: dict[str, Any], new: dict[str, Any], wording: bool = False) -> list[Change]:
    """Tell every change from the old document to the new one; with `wording`, also where words alone changed."""
    return [change for change in Comparison(old, new).changes() if wording or change.what != WORDING]


def suggestion(changes: Sequence[Change], version: str) -> tuple[str, str]:
    """The version that such changes ask for, and their entry in CHANGELOG.md; the same and none where none counts."""
    changes = [change for change in changes if change.what != WORDING]
    if not changes:
        return version, ""
    major, minor, patch = map(int, re.findall(r"\d+", version)[:3])
    if any(change.breaking for change in changes):
        major, minor, patch = (major + 1, 0, 0) if major else (0, minor + 1, 0)
    else:
        major, minor, patch = (major, minor + 1, 0) if major else (0, minor, patch + 1)
    sections: dict[str, list[str]] = {"Added": [], "Changed": [], "Removed": []}
    for place, breaking, what in changes:
        whole = re.match(r"(?:enum value .* )?(added|removed)[,:]", what)
        line = f"- {'Breaking: ' if breaking else ''}`{place}`: {what}."
        entry = fill(line, 120, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
        sections[whole[1].capitalize() if whole else "Changed"].append(entry)
    told = [f"### {title}\n\n" + "\n".join(entries) for title, entries in sections.items() if entries]
    return f"{major}.{minor}.{patch}", "\n\n".join([f"## [{major}.{minor}.{patch}] - unreleased", *told])


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    try:
        if options.against is None:
            old = load(options.documents[0].read_bytes(), str(options.documents[0]))
        else:
            old = load(
                at_commit(options.against, options.documents[-1]), f"{options.documents[-1]} at {options.against}"
            )
        new = load(options.documents[-1].read_bytes(), str(options.documents[-1]))
        changes = differences(old, new, options.all)
    except (DocumentError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except (ValueError, RecursionError):
        print("A document holds itself by a YAML alias.", file=sys.stderr)
        return 2
    version = current_version()
    following, entry = suggestion(changes, version)
    print(*changes, sep="\n", end="\n" if changes else "")
    if entry:
        print(f"\nThe version after {version} would be {following}, and in CHANGELOG.md:\n\n{entry}")
    return 1 if any(change.breaking for change in changes) else 0


def current_version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, epilog=HELP, formatter_class=formatter)
    parser.add_argument("documents", nargs="*", type=Path, metavar="DOCUMENT", help="the old and the new document")
    parser.add_argument("--against", metavar="REF", help="take the old one from this commit (new: openapi.yaml)")
    parser.add_argument("--all", action="store_true", help="also list the places where words alone changed")
    options = parser.parse_args(arguments)
    if options.against is not None and not options.documents:
        options.documents = [ROOT / "openapi.yaml"]
    if len(options.documents) != (2 if options.against is None else 1):
        parser.error("give two documents, or one or none and --against REF")
    return options


def at_commit(ref: str, document: Path) -> bytes:
    """A file as it was at a commit of its repository."""

    def git(*command: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["git", *command], cwd=document.resolve().parent, capture_output=True)  # noqa: S607

    if git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").returncode:
        raise DocumentError(f"{ref} is no commit of the repository that holds {document}.")
    shown = git("show", "--end-of-options", f"{ref}:./{document.name}")
    if shown.returncode:
        raise DocumentError(f"There is no {document.name} at {ref}.")
    return shown.stdout


def load(said: bytes, name: str) -> dict[str, Any]:
    try:
        document = YAML(typ="safe").load(said)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(f"{name}, line {mark.line + 1}, column {mark.column + 1}: {error.problem}") from error
    except ReaderError as error:
        before = said.decode(errors="replace")[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise DocumentError(f"{name}, line {line}, column {column}: {error.reason}") from error
    if not (isinstance(document, dict) and "openapi" in document):
        raise DocumentError(f"{name} is no API document: it has no openapi at its top.")
    return document


if __name__ == "__main__":
    sys.exit(main())
