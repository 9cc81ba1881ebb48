"""An API document as spec_compare.py compares it: what has a name by its name, and $ref followed."""

from __future__ import annotations

import json
from typing import Any, TypeGuard

from losses import METHODS
from spec_rules import shown

CLASS = "#/components/schemas/"
OPERATIONS = "operations of paths"


def plain(document: Any) -> Any:
    """With names and dates as the texts that they are in JSON."""
    return json.loads(json.dumps(document, default=str))


def spread(document: Any) -> Any:
    """Name each operation by its method and path, and give it the parameters of its path."""
    if not (isinstance(document, dict) and isinstance(document.get("paths"), dict)):
        return document
    operations, paths = {}, {}
    for path, item in document["paths"].items():
        methods = [name for name in METHODS if isinstance(item, dict) and isinstance(item.get(name), dict)]
        shared = item.get("parameters") if methods else None
        for name in methods:
            own = item[name].get("parameters", [])
            both = {"parameters": [*shared, *own]} if isinstance(shared, list) and isinstance(own, list) else {}
            operations[f"{name.upper()} {path}"] = {**item[name], **both}
        gone = {*methods, "parameters"} if isinstance(shared, list) else {*methods}
        rest = {key: item[key] for key in item if key not in gone} if methods else item
        if rest or not methods:
            paths[path] = rest
    return {OPERATIONS: operations, **document, "paths": paths}


def with_required(schema: dict[str, Any]) -> dict[str, Any]:
    """With what is required told by the properties themselves."""
    properties, required = schema.get("properties"), schema.get("required", [])
    if not (isinstance(properties, dict) and isinstance(required, list)):
        return schema
    told = {name: {"schema": said, "required": name in required} for name, said in properties.items()}
    others = [name for name in required if name not in [*properties]]
    kept = {key: schema[key] for key in schema if key != "required"}
    return kept | {"properties": told} | ({"required": others} if others else {})


def named(document: Any, value: Any) -> dict[str, Any]:
    """What has names, by name; the items of a list have their `name`, or are their own."""
    if isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for item in value if isinstance(value, list) else ():
        name = str(resolved(document, item).get("name")) if isinstance(item, dict) else shown(item)
        while name in found:
            name += "'"
        found[name] = item
    return found


def target(document: Any, ref: str) -> Any:
    for step in ref.removeprefix("#/").rstrip("/").split("/"):
        document = document.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(document, dict) else None
    return document


def resolved(document: Any, said: dict[str, Any]) -> dict[str, Any]:
    """What a $ref leads to; one that leads nowhere is left."""
    followed: list[Any] = []
    while (
        isinstance(ref := said.get("$ref"), str)
        and ref not in followed
        and isinstance(found := target(document, ref), dict)
    ):
        followed.append(ref)
        said = {**found, **{key: said[key] for key in said if key != "$ref"}}
    return said


def is_class(ref: Any) -> TypeGuard[str]:
    return isinstance(ref, str) and ref.startswith(CLASS)


def name_of(ref: str) -> str:
    return ref.removeprefix(CLASS)


def used(document: Any) -> set[tuple[str, bool]]:
    """Each $ref that an operation leads to, with whether users send what is there, or read it."""
    found: set[tuple[str, bool]] = set()
    operations = document.get(OPERATIONS, {}) if isinstance(document, dict) else {}
    waiting = [(part, field != "responses") for one in operations.values() for field, part in one.items()]
    while waiting:
        part, sent = waiting.pop()
        ref = part.get("$ref") if isinstance(part, dict) else None
        if isinstance(ref, str) and (ref, sent) not in found:
            found.add((ref, sent))
            waiting.append((target(document, ref), sent))
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        waiting += [(one, sent) for one in inner]
    return found
