"""Find what openapi-python-client silently drops from a document, even with --fail-on-warning."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scripts.contract.openapi_documents import METHODS, operations, resolve_ref

RESERVED = ("to_dict", "from_dict", "additional_properties", "additional_keys")
"""What every generated class has itself."""


def find_limit(document: dict[str, Any]) -> str:
    """Return the first part of the document of which the generator makes a wrong client, or an empty text."""
    modules: dict[str, str] = {}
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        other = modules.setdefault(re.sub(r"\W|_", "", name).lower(), name)
        if other != name:
            return f"the schemas {other} and {name} get one class: rename one of them"
        for reserved in RESERVED:
            if isinstance(schema, dict) and reserved in schema.get("properties", {}):
                kept = "the client keeps the field in `additional_properties` all the same"
                return f"schema {name}: every generated class has a `{reserved}` itself; remove the property, {kept}"
    for endpoint, operation in operations(document).items():
        for parameter in operation.get("parameters", ()):
            parameter = resolve_ref(document, parameter)
            if parameter["in"] == "path" and "default" in resolve_ref(document, parameter.get("schema", {})):
                return f"{endpoint}: the path has to have `{parameter['name']}`; remove its default"
    return ""


def find_gaps(document: dict[str, Any], package: Path) -> list[str]:
    """Return the operations, parameters, properties and enum values that the generated package does not contain."""
    modules = [string_literals([path]) for path in sorted(package.glob("api/*/*.py"))]
    models = string_literals(package.glob("models/*.py"))
    schemas = document.get("components", {}).get("schemas", {})
    return [
        *(gap for path, item in document["paths"].items() for gap in gaps_of_path(path, item, document, modules)),
        *(f"{name!r} of {of}" for of, schema in schemas.items() for name in names_in(schema) if name not in models),
    ]


def gaps_of_path(path: str, item: dict[str, Any], document: dict[str, Any], modules: list[set[str]]) -> Iterator[str]:
    if "$ref" in item:
        yield f"path {path}, a $ref"
    for method in METHODS:
        if method not in item:
            continue
        module = next((literals for literals in modules if {method, blank_parameters(path)} <= literals), None)
        if module is None:
            yield f"operation {method.upper()} {path}"
            continue
        for parameter in [*item.get("parameters", ()), *item[method].get("parameters", ())]:
            parameter = resolve_ref(document, parameter)
            if parameter["in"] != "path" and parameter["name"] not in module:
                yield f"parameter {parameter['name']!r} of {method.upper()} {path}"


def names_in(schema: Any) -> Iterator[str]:
    """Yield the property names and enum strings of a schema, at any depth."""
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties", {})
    yield from properties
    yield from (value for value in schema.get("enum", ()) if isinstance(value, str))
    combined = [part for key in ("allOf", "anyOf", "oneOf") for part in schema.get(key, ())]
    for part in [*properties.values(), *combined, schema.get("items"), schema.get("additionalProperties")]:
        yield from names_in(part)


def string_literals(paths: Iterable[Path]) -> set[str]:
    """Return every string literal of some modules."""
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_bytes())))
    return {blank_parameters(n.value) for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def blank_parameters(template: str) -> str:
    """Return a path without its parameters' names, which the generator changes: /sessions/{}."""
    return re.sub(r"{[^}]*}", "{}", template)
