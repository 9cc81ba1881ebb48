"""Mutants of the API document: every small change, and some pairs of changes."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from scripts.contract.openapi_documents import METHODS

OTHER_TYPES = {"integer": "string", "string": "integer", "boolean": "string", "array": "string", "object": "string"}
PAIRS = 12
PAIR_PREFIX = "two at once: "

Change = Callable[[dict[str, Any]], Any]
"""Changes a document in place."""


class Mutant(NamedTuple):
    name: str
    document: dict[str, Any]


def all_mutants(old: dict[str, Any], draw: random.Random) -> Iterator[Mutant]:
    """Yield a mutant for every change, then `PAIRS` mutants of two changes each."""
    changes = list(document_changes(old))
    for name, change in changes:
        yield make_mutant(old, name, [change])
    for _ in range(PAIRS):
        (one, first), (two, second) = draw.sample(changes, 2)
        yield make_mutant(old, f"{PAIR_PREFIX}{one}; {two}", [first, second])


def make_mutant(old: dict[str, Any], name: str, changes: list[Change]) -> Mutant:
    document = copy.deepcopy(old)
    for change in changes:
        try:
            change(document)
        except (KeyError, IndexError):  # the first change of a pair removed what the second one changes
            continue
    return Mutant(name, document)


def document_changes(old: dict[str, Any]) -> Iterator[tuple[str, Change]]:
    yield "the server's address", lambda d: d["servers"][0].update(url="https://elsewhere.example")
    for name in old["components"]["securitySchemes"]:
        scheme = ("components", "securitySchemes", name)
        yield f"the header of {name}", set_value(*scheme, "name", to="x-other-key")
        yield f"{name} in the query", set_value(*scheme, "in", to="query")
    for path, item in old["paths"].items():
        yield f"{path} is renamed", rename_key("paths", path, to=f"{path}-v2")
        for method in METHODS:
            if method in item:
                yield from operation_changes(item[method], ("paths", path, method), f"{method.upper()} {path}")
    for name, schema in old["components"]["schemas"].items():
        yield from schema_changes(schema, ("components", "schemas", name), name)


def operation_changes(operation: dict[str, Any], at: tuple[Any, ...], name: str) -> Iterator[tuple[str, Change]]:
    yield f"{name} becomes POST", rename_key(*at, to="post")
    yield f"the operationId of {name}", set_value(*at, "operationId", to="somethingElse")
    for index, parameter in enumerate(operation.get("parameters", ())):
        here, what = (*at, "parameters", index), f"parameter {parameter['name']}"
        yield f"{what} is removed", remove(*here)
        yield f"{what} is renamed", set_value(*here, "name", to=f"{parameter['name']}_v2")
        yield f"{what} is required", set_value(*here, "required", to=True)
        yield f"{what} in a header", set_value(*here, "in", to="header")
        yield f"the type of {what}", set_value(*here, "schema", to={"type": OTHER_TYPES[parameter["schema"]["type"]]})
        for bound, to in (("minimum", 2), ("maximum", 100)):
            if bound in parameter["schema"]:
                yield f"the {bound} of {what}", set_value(*here, "schema", bound, to=to)
    for status, response in operation["responses"].items():
        here = (*at, "responses", status)
        yield f"status {status} becomes {int(status) + 1}", rename_key(*here, to=str(int(status) + 1))
        for media_type in response.get("content", {}):
            yield (
                f"the media type of {status}",
                rename_key(*here, "content", media_type, to="application/vnd.konvo+json"),
            )
            yield f"the schema of {status}", set_value(*here, "content", media_type, "schema", to={"type": "string"})


def schema_changes(schema: dict[str, Any], at: tuple[Any, ...], name: str) -> Iterator[tuple[str, Change]]:
    for field in schema.get("required", ()):
        left = [other for other in schema["required"] if other != field]
        yield (
            f"{name}.{field} is no longer required",
            set_value(*at, "required", to=left) if left else remove(*at, "required"),
        )
    for field, part in schema.get("properties", {}).items():
        here, what = (*at, "properties", field), f"{name}.{field}"
        yield f"{what} is removed", remove(*here)
        yield f"{what} is renamed", rename_key(*here, to=f"{field}_v2")
        yield f"the type of {what}", set_value(*here, to={"type": OTHER_TYPES[part.get("type", "object")]})
        if "$ref" in part:
            yield f"{what} is nullable", set_value(*here, to={"nullable": True, "allOf": [{"$ref": part["$ref"]}]})
            continue
        yield f"{what} is nullable", set_value(*here, "nullable", to=True)
        if "format" in part:
            yield f"the format of {what}", remove(*here, "format")
        for value in part.get("enum", ()):
            values = part["enum"]
            yield f"{what} loses {value}", set_value(*here, "enum", to=[other for other in values if other != value])
            yield (
                f"{what} renames {value}",
                set_value(*here, "enum", to=[f"{v}_v2" if v == value else v for v in values]),
            )
        if part.get("type") == "array":
            yield f"the items of {what}", set_value(*here, "items", to={"type": "integer"})


def value_at(document: Any, at: Sequence[Any]) -> Any:
    for step in at:
        document = document[step]
    return document


def set_value(*at: Any, to: Any) -> Change:
    return lambda document: value_at(document, at[:-1]).update({at[-1]: copy.deepcopy(to)})


def remove(*at: Any) -> Change:
    return lambda document: value_at(document, at[:-1]).pop(at[-1])


def rename_key(*at: Any, to: str) -> Change:
    """Return a change that keeps the key's position, since the order may matter."""

    def apply(document: Any) -> None:
        holder = value_at(document, at[:-1])
        renamed = {to if key == at[-1] else key: value for key, value in holder.items()}
        holder.clear()
        holder.update(renamed)

    return apply
