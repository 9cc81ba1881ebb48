"""Read API documents, and what they say of their operations."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "openapi.yaml"
CLASS = "#/components/schemas/"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class BrokenDocumentError(Exception):
    """A document cannot be used; the message says where and why."""


def load(path: Path) -> Any:
    return parsed(path.read_text(encoding="utf-8"), str(path))


def at_commit(ref: str, path: Path) -> Any:
    """A document as it was at a commit of its repository."""
    command = ["git", "show", "--end-of-options", f"{ref}:./{path.name}"]
    shown = subprocess.run(command, cwd=path.resolve().parent, capture_output=True, encoding="utf-8")
    if shown.returncode:
        raise BrokenDocumentError(f"There is no {path.name} at {ref}: {shown.stderr.strip()}")
    return parsed(shown.stdout, f"{path.name} at {ref}")


def parsed(text: str, source: str, yaml: YAML | None = None, lines_before: int = 0) -> Any:
    """A document in YAML or JSON, which begins after `lines_before` lines of its source."""
    try:
        document = (yaml or YAML(typ="safe")).load(text)
        json.dumps(document, default=str)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise broken(source, mark.line + lines_before, mark.column, error.problem) from None
    except ReaderError as error:
        before = text[: error.position]
        column = error.position - before.rfind("\n") - 1
        raise broken(source, before.count("\n") + lines_before, column, error.reason) from None
    except (ValueError, RecursionError):
        raise BrokenDocumentError(f"{source} holds itself by a YAML alias.") from None
    if not (isinstance(document, dict) and "openapi" in document and isinstance(document.get("paths"), dict)):
        raise BrokenDocumentError(f"{source} is no OpenAPI document: it has no `openapi` and `paths` at its top.")
    return document


def broken(source: str, line: int, column: int, why: str) -> BrokenDocumentError:
    return BrokenDocumentError(f"{source}, line {line + 1}, column {column + 1}: {why}")


def followed(document: Any, said: Any, but: str = "\n") -> Any:
    """What a $ref leads to, with what stands beside it; but one to `but…`, or to nowhere."""
    seen: set[str] = set()
    while (
        isinstance(said, dict)
        and isinstance(ref := said.get("$ref"), str)
        and not ({ref} & seen or ref.startswith(but))
    ):
        seen.add(ref)
        found = document
        for step in ref.removeprefix("#/").split("/"):
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        if isinstance(found, dict):
            said = {**found, **{key: said[key] for key in said if key != "$ref"}}
    return said


def operations(document: Any) -> dict[str, Any]:
    """The operations by method and path, each with the parameters of its path."""
    found = {}
    for path, item in document["paths"].items():
        shared = item.get("parameters", []) if isinstance(item, dict) else []
        for method in METHODS if isinstance(item, dict) else ():
            if isinstance(operation := item.get(method), dict):
                own = operation.get("parameters", [])
                both = [*shared, *own] if isinstance(shared, list) and isinstance(own, list) else [shared, own]
                found[f"{method.upper()} {path}"] = {**operation, **({"parameters": both} if both else {})}
    return found


def beside_operations(document: Any) -> dict[str, Any]:
    """What paths say beside their operations and the parameters of these."""
    found = {}
    for path, item in document["paths"].items():
        if isinstance(item, dict):
            item = {name: part for name, part in item.items() if name not in (*METHODS, "parameters")}
        if item != {}:
            found[path] = item
    return found


def leads_to(document: Any, said: Any) -> set[str]:
    """The $refs to components that something in the document leads to."""
    found: set[str] = set()
    while more := set(re.findall(r'"(#/components/[^"]+)"', json.dumps(said, default=str))) - found:
        found |= more
        said = [followed(document, {"$ref": ref}) for ref in more]
    return found
