"""Read API documents, and look up operations and references in them."""

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
SCHEMA_PREFIX = "#/components/schemas/"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class InvalidDocumentError(Exception):
    """An API document cannot be used; the message says where and why."""


def load(path: Path) -> Any:
    return parse(path.read_text(encoding="utf-8"), str(path))


def load_at_commit(ref: str, path: Path) -> Any:
    """Return a document as it was at a commit of its repository."""
    command = ["git", "show", "--end-of-options", f"{ref}:./{path.name}"]
    done = subprocess.run(command, cwd=path.resolve().parent, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise InvalidDocumentError(f"There is no {path.name} at {ref}: {done.stderr.strip()}")
    return parse(done.stdout, f"{path.name} at {ref}")


def parse(text: str, source: str, yaml: YAML | None = None, lines_before: int = 0) -> Any:
    """Return a document in YAML or JSON.

    Args:
        source: The name of the document in error messages.
        yaml: The parser; without it, a safe one.
        lines_before: The lines of the source before the document, for line numbers in error messages.

    Raises:
        InvalidDocumentError: The text is not an OpenAPI document.
    """
    try:
        document = (yaml or YAML(typ="safe")).load(text)
        json.dumps(document, default=str)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise syntax_error(source, mark.line + lines_before, mark.column, error.problem) from None
    except ReaderError as error:
        before = text[: error.position]
        column = error.position - before.rfind("\n") - 1
        raise syntax_error(source, before.count("\n") + lines_before, column, error.reason) from None
    except (ValueError, RecursionError):
        raise InvalidDocumentError(f"{source} contains itself through a YAML alias: remove the alias.") from None
    if not (isinstance(document, dict) and "openapi" in document and isinstance(document.get("paths"), dict)):
        raise InvalidDocumentError(f"{source} is not an OpenAPI document: `openapi` or `paths` is missing at its top.")
    return document


def syntax_error(source: str, line: int, column: int, reason: str) -> InvalidDocumentError:
    return InvalidDocumentError(f"{source}, line {line + 1}, column {column + 1}: {reason}")


def resolve_ref(document: Any, value: Any, stop_at: str = "\n") -> Any:
    """Return what a $ref points to, merged with the keys next to it; other values are returned unchanged.

    A $ref that points nowhere, or that starts with `stop_at`, stays.
    """
    seen: set[str] = set()
    while (
        isinstance(value, dict)
        and isinstance(ref := value.get("$ref"), str)
        and not ({ref} & seen or ref.startswith(stop_at))
    ):
        seen.add(ref)
        target = document
        for step in ref.removeprefix("#/").split("/"):
            target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
        if isinstance(target, dict):
            value = {**target, **{key: value[key] for key in value if key != "$ref"}}
    return value


def operations(document: Any) -> dict[str, Any]:
    """Return the operations by method and path, each with the parameters of its path."""
    found = {}
    for path, item in document["paths"].items():
        shared = item.get("parameters", []) if isinstance(item, dict) else []
        for method in METHODS if isinstance(item, dict) else ():
            if isinstance(operation := item.get(method), dict):
                own = operation.get("parameters", [])
                both = [*shared, *own] if isinstance(shared, list) and isinstance(own, list) else [shared, own]
                found[f"{method.upper()} {path}"] = {**operation, **({"parameters": both} if both else {})}
    return found


def path_extras(document: Any) -> dict[str, Any]:
    """Return, by path, the keys that are neither operations nor parameters."""
    found = {}
    for path, item in document["paths"].items():
        if isinstance(item, dict):
            item = {name: part for name, part in item.items() if name not in (*METHODS, "parameters")}
        if item != {}:
            found[path] = item
    return found


def referenced_components(document: Any, value: Any) -> set[str]:
    """Return the $refs to components that a part of the document uses, directly or through others."""
    found: set[str] = set()
    while more := set(re.findall(r'"(#/components/[^"]+)"', json.dumps(value, default=str))) - found:
        found |= more
        value = [resolve_ref(document, {"$ref": ref}) for ref in more]
    return found
