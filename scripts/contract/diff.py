"""Print the differences between two API documents, and what they mean for users of the Python client."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scripts.contract.openapi_documents import (
    DOCUMENT,
    SCHEMA_PREFIX,
    InvalidDocumentError,
    load,
    load_at_commit,
    operations,
    path_extras,
    referenced_components,
    resolve_ref,
)
from scripts.contract.release_notes import (
    ABSENT,
    ALL,
    IMPLIED_OBJECT,
    NONE,
    READ,
    SENT,
    Change,
    Usage,
    field_change,
    format_value,
    suggest_release,
    to_json,
)

PROSE_FIELDS = {"description", "summary", "example", "examples", "externalDocs", "title", "info"}
"""Fields without a meaning for the client; a `title` has one where it names a class."""

OBJECT_FIELDS = {
    "schema": "",
    "items": "[]",
    "additionalProperties": ".*",
    "components": "",
    "requestBody": ", requestBody",
}
"""Fields that hold one object, and how its path continues."""

DEFAULT_REASONS = ("there is one more", "what relied on it fails", "what relied on its name fails")
ENTRY_FIELDS = {
    "operations": ("{}", "there is a function more", "its function is gone", "old clients call the old path"),
    "parameters": (", parameter {}", "calls may leave it out", "its argument is gone", "its argument is renamed"),
    "responses": (", response {}", "the client knows one response more", *DEFAULT_REASONS[1:]),
    "headers": (", header {}", *DEFAULT_REASONS),
    "content": (", {}", *DEFAULT_REASONS),
    "schemas": ("schema {}", "there is a class more", "its class is gone", "its class is renamed"),
    "properties": (".{}", "there is an attribute more", "its attribute is gone", "its attribute is renamed"),
    "enum": ("", "the client keeps unknown values, too", "its enum member is gone", "its enum member is renamed"),
    "securitySchemes": ("scheme {}", *DEFAULT_REASONS),
    **{field: (f"{field}[{{}}]", *DEFAULT_REASONS) for field in ("servers", "allOf", "anyOf", "oneOf")},
}
"""Fields that hold named entries: how an entry's path continues, and what it means to add, remove or rename one."""

NOT_USED_IN = {"responses": SENT, "headers": SENT, "parameters": READ, "requestBody": READ}


class Node(NamedTuple):
    """A part of a document without its prose.

    Attributes:
        values: The fields that are compared as they are.
        children: The objects and entries within it, by field or name.
        usage: Whether users send it, read it, or both.
    """

    values: dict[str, Any]
    children: dict[str, Node]
    usage: Usage = ALL


def differences(old: Any, new: Any) -> list[Change]:
    """Return every change from the old document to the new one, except changes of prose."""
    return list(dict.fromkeys(compare_nodes(document_node(old), document_node(new), "")))


def document_node(document: Any) -> Node:
    """Return a document by its operations, with the usage of each schema."""
    document = json.loads(json.dumps(document, default=str))  # YAML reads some names and values as dates
    found = operations(document)
    read = referenced_components(document, [one.get("responses") for one in found.values()])
    sent = referenced_components(document, [{**one, "responses": None} for one in found.values()])
    usages = dict.fromkeys(read - sent, READ) | dict.fromkeys(sent - read, SENT)
    parts = {"operations": found, "paths": path_extras(document), "tags": None}
    return build_node(document, {**document, **parts, "tags of the document": document.get("tags")}, ALL, usages)


def build_node(document: Any, value: Any, usage: Usage, usages: dict[str, Usage]) -> Node:
    """Return the node of a value; every $ref is resolved, except those to schemas, which are classes of their own."""
    value, result = resolve_ref(document, value, stop_at=SCHEMA_PREFIX), Node({}, {}, usage)
    if not isinstance(value, dict):
        return result._replace(values={"": value})
    for name, part in value.items():
        inner_usage = usage - NOT_USED_IN.get(name, NONE)
        if name in ENTRY_FIELDS and isinstance(part, dict | list):
            entries = part if isinstance(part, dict) else index_by_name(document, part)
            if isinstance(part, list) or not part:
                result.values[f"order of {name}"] = [*entries]
            children = {
                key: build_node(document, entry, usages.get(SCHEMA_PREFIX + key, inner_usage), usages)
                for key, entry in entries.items()
            }
            result.children[name] = Node({}, children)
        elif name in OBJECT_FIELDS and isinstance(part, dict):
            result.children[name] = build_node(document, part, inner_usage, usages)
        elif name not in PROSE_FIELDS or (name == "title" and names_a_class(value)):
            result.values[name] = part
    if "properties" in result.children:
        mark_required(result, value.get("required"))
    return result


def names_a_class(schema: dict[str, Any]) -> bool:
    return "enum" in schema or schema.get("type", "object") == "object"


def mark_required(node: Node, required: Any) -> None:
    """Move the names of an object's `required` to the properties that they name."""
    node.values.setdefault("type", IMPLIED_OBJECT)
    properties = node.children["properties"].children
    if isinstance(required, list):
        node.values["order of required"] = node.values.pop("required")
        for name in required:
            if name in [*properties]:  # compared, not hashed: a name may be of any type
                properties[name].values["is required"] = True
            else:
                node.values[f"required {format_value(name)}"] = True


def index_by_name(document: Any, items: list[Any]) -> dict[str, Any]:
    """Return the items of a list by `name`, enum values by themselves, and all others by index."""
    named: dict[str, Any] = {}
    for index, item in enumerate(items):
        value = resolve_ref(document, item)
        if isinstance(value, dict):
            name, value = str(value.get("name", index)), {key: part for key, part in value.items() if key != "name"}
        else:
            name, value = format_value(item), {}
        while name in named:
            name += "'"
        named[name] = value
    return named


def compare_nodes(old: Node, new: Node, path: str) -> Iterator[Change]:
    for name in {**old.values, **new.values}:
        before, after = old.values.get(name, ABSENT), new.values.get(name, ABSENT)
        if to_json(before) != to_json(after) and (not name.startswith("order of ") or same_names(before, after)):
            yield field_change(path or "document", old.usage | new.usage, name, before, after)
    for name in {**old.children, **new.children}:
        a, b = old.children.get(name), new.children.get(name)
        if name == "enum" and not (a and b):  # a missing enum allows every value, an empty one none
            yield field_change(path, ALL, name, *(ABSENT if one is None else [*one.children] for one in (a, b)))
        elif name in ENTRY_FIELDS:
            yield from compare_entries(name, a.children if a else {}, b.children if b else {}, path)
        else:
            yield from compare_nodes(a or Node({}, {}), b or Node({}, {}), join_path(path, OBJECT_FIELDS[name]))


def compare_entries(field: str, old: dict[str, Node], new: dict[str, Node], path: str) -> Iterator[Change]:
    """Compare entries by name, and renamed ones by index."""
    template, added, removed, renamed = ENTRY_FIELDS[field]
    renames = find_renames(field, old, new)
    for name in {**old, **new}:
        a, b = old.get(name), new.get(renames.get(name, name))
        here, what = join_path(path, template.format(name)), f"enum value {name} " if field == "enum" else ""
        if name in renames:
            yield Change(here, True, f"{what}renamed to {renames[name]}: {renamed}")
        if a and b:
            yield from compare_nodes(a, b, here)
        elif a:
            yield Change(here, True, f"{what}removed: {removed}")
        elif b and name not in renames.values():
            required = is_required(b)
            why = "required, and calls without it are refused" if required else added
            yield Change(here, required or breaks_when_added(field, name, b), f"{what}added: {why}")


def is_required(node: Node) -> bool:
    return True in (node.values.get("required"), node.values.get("is required")) and SENT <= node.usage


def breaks_when_added(field: str, name: str, node: Node) -> bool:
    affected = SENT if field == "allOf" else READ if field in ("anyOf", "oneOf") else NONE
    return bool(affected & node.usage) or (field == "responses" and name.startswith("2"))


def find_renames(field: str, old: dict[str, Node], new: dict[str, Node]) -> dict[str, str]:
    """Return the new names of entries that are equal and at the same index; operations are matched by operationId."""
    if field == "operations":
        ids = {to_json(one.values.get("operationId")): name for name, one in new.items()}
        pairs = [(name, ids.get(to_json(one.values.get("operationId")), name)) for name, one in old.items()]
    else:
        pairs = [(a, b) for a, b in zip(old, new, strict=False) if old[a] == new[b] and field != "responses"]
    return {before: after for before, after in pairs if before not in new and after not in old}


def same_names(*lists: Any) -> bool:
    old, new = ({*map(to_json, names)} - {*map(to_json, ABSENT)} for names in lists if isinstance(names, list))
    return old == new


def join_path(path: str, rest: str) -> str:
    return f"{path} {rest}" if path and rest[:1].isalpha() else f"{path}{rest}".removeprefix(", ")


def main(arguments: Sequence[str] | None = None) -> int:
    codes = "exit code: 0 when nothing breaks users, 1 when something does, 2 when a document cannot be read"
    parser = argparse.ArgumentParser(description=__doc__, epilog=codes)
    parser.add_argument("old", help="a file, or a commit: the new file as it was there")
    parser.add_argument("new", nargs="?", type=Path, default=DOCUMENT, help="a file (default: openapi.yaml)")
    options = parser.parse_args(arguments)
    try:
        old = load(Path(options.old)) if Path(options.old).is_file() else load_at_commit(options.old, options.new)
        changes = differences(old, load(options.new))
    except (InvalidDocumentError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(*changes, *suggest_release(changes), sep="\n", end="\n" if changes else "")
    return 1 if any(change.breaking for change in changes) else 0


if __name__ == "__main__":
    sys.exit(main())
