"""Find what openapi-python-client drops from a document without a word, even with --fail-on-warning."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scripts.contract.openapi_documents import METHODS, followed


def losses(document: dict[str, Any], package: Path) -> list[str]:
    """Name the operations, parameters, properties and enum values that the package does not speak of."""
    modules = [texts([path]) for path in sorted(package.glob("api/*/*.py"))]
    models = texts(package.glob("models/*.py"))
    schemas = document.get("components", {}).get("schemas", {})
    return [
        *(lost for path, item in document["paths"].items() for lost in lost_of_path(path, item, document, modules)),
        *(f"{text!r} of {name}" for name, schema in schemas.items() for text in named(schema) if text not in models),
    ]


def lost_of_path(path: str, item: dict[str, Any], document: dict[str, Any], modules: list[set[str]]) -> Iterator[str]:
    if "$ref" in item:
        yield f"path {path}, a $ref"
    for method in METHODS:
        if method not in item:
            continue
        module = next((texts for texts in modules if {method, without_names(path)} <= texts), None)
        if module is None:
            yield f"operation {method.upper()} {path}"
            continue
        for parameter in [*item.get("parameters", ()), *item[method].get("parameters", ())]:
            parameter = followed(document, parameter)
            if parameter["in"] != "path" and parameter["name"] not in module:
                yield f"parameter {parameter['name']!r} of {method.upper()} {path}"


def named(schema: Any) -> Iterator[str]:
    """Go through the property names and enum texts of a schema, however deep."""
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties", {})
    yield from properties
    yield from (value for value in schema.get("enum", ()) if isinstance(value, str))
    combined = [part for key in ("allOf", "anyOf", "oneOf") for part in schema.get(key, ())]
    for part in [*properties.values(), *combined, schema.get("items"), schema.get("additionalProperties")]:
        yield from named(part)


def texts(paths: Iterable[Path]) -> set[str]:
    """Collect every string literal of some modules."""
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_bytes())))
    return {without_names(n.value) for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def without_names(template: str) -> str:
    """Blank the parameters of a path, which the generator renames: /sessions/{session-id} to /sessions/{}."""
    return re.sub(r"{[^}]*}", "{}", template)
