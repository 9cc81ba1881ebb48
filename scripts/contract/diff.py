"""Tell the difference between two API documents in words, and what it means for users of the Python client."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scripts.contract.openapi_documents import (
    CLASS,
    DOCUMENT,
    BrokenDocumentError,
    at_commit,
    beside_operations,
    followed,
    leads_to,
    load,
    operations,
)
from scripts.contract.release_notes import (
    ABSENT,
    ALL,
    IMPLIED,
    NONE,
    READ,
    SENT,
    Change,
    Users,
    changed,
    shown,
    suggestion,
    text,
)

WORDS = {"description", "summary", "example", "examples", "externalDocs", "title", "info"}
OBJECTS = {"schema": "", "items": "[]", "additionalProperties": ".*", "components": "", "requestBody": ", requestBody"}
OTHERS = ("there is one more", "what relied on it fails", "what relied on its name fails")
ENTRIES = {  # fields with entries: how the place of one goes on, and why it matters that one comes, goes or is renamed
    "operations": ("{}", "there is a function more", "its function is gone", "old clients ask at the old place"),
    "parameters": (", parameter {}", "calls may leave it out", "its argument is gone", "its argument is renamed"),
    "responses": (", response {}", "the client knows one answer more", *OTHERS[1:]),
    "headers": (", header {}", *OTHERS),
    "content": (", {}", *OTHERS),
    "schemas": ("schema {}", "there is a class more", "its class is gone", "its class is renamed"),
    "properties": (".{}", "there is an attribute more", "its attribute is gone", "its attribute is renamed"),
    "enum": ("", "the client keeps unknown values, too", "its enum member is gone", "its enum member is renamed"),
    "securitySchemes": ("scheme {}", *OTHERS),
    **{field: (f"{field}[{{}}]", *OTHERS) for field in ("servers", "allOf", "anyOf", "oneOf")},
}
UNUSED = {"responses": SENT, "headers": SENT, "parameters": READ, "requestBody": READ}


class Node(NamedTuple):
    """What an object says, but words: its values, and the objects in it by field or name; do users send or read it?"""

    values: dict[str, Any]
    inner: dict[str, Node]
    users: Users = ALL


def differences(old: Any, new: Any) -> list[Change]:
    """Tell every change from the old document to the new one, but of words."""
    return list(dict.fromkeys(in_objects(whole(old), whole(new), "")))


def whole(document: Any) -> Node:
    """A document by its operations, with what is sent told from what is read."""
    document = json.loads(json.dumps(document, default=str))  # names and dates are texts
    found = operations(document)
    read = leads_to(document, [one.get("responses") for one in found.values()])
    sent = leads_to(document, [{**one, "responses": None} for one in found.values()])
    users = dict.fromkeys(read - sent, READ) | dict.fromkeys(sent - read, SENT)
    parts = {"operations": found, "paths": beside_operations(document), "tags": None}
    return node(document, {**document, **parts, "tags of the document": document.get("tags")}, ALL, users)


def node(document: Any, said: Any, users: Users, by_ref: dict[str, Users]) -> Node:
    """Follow every $ref but to classes."""
    said, made = followed(document, said, but=CLASS), Node({}, {}, users)
    if not isinstance(said, dict):
        return made._replace(values={"": said})
    for name, value in said.items():
        inside = users - UNUSED.get(name, NONE)
        if name in ENTRIES and isinstance(value, dict | list):
            entries = value if isinstance(value, dict) else by_name(document, value)
            if isinstance(value, list) or not value:
                made.values[f"order of {name}"] = [*entries]
            inner = {key: node(document, one, by_ref.get(CLASS + key, inside), by_ref) for key, one in entries.items()}
            made.inner[name] = Node({}, inner)
        elif name in OBJECTS and isinstance(value, dict):
            made.inner[name] = node(document, value, inside, by_ref)
        elif name not in WORDS or (name == "title" and ("enum" in said or said.get("type", "object") == "object")):
            made.values[name] = value
    if "properties" in made.inner:
        made.values.setdefault("type", IMPLIED)
        properties, required = made.inner["properties"].inner, said.get("required")
        if isinstance(required, list):
            made.values["order of required"] = made.values.pop("required")
            for name in required:
                owner = properties[name] if name in [*properties] else made
                owner.values[f"required {shown(name)}" if owner is made else "is required"] = True
    return made


def by_name(document: Any, items: list[Any]) -> dict[str, Any]:
    """The items of a list by their `name`; those of an enum by themselves, and all others by their place."""
    named: dict[str, Any] = {}
    for place, item in enumerate(items):
        said = followed(document, item)
        if isinstance(said, dict):
            name, said = str(said.get("name", place)), {key: part for key, part in said.items() if key != "name"}
        else:
            name, said = shown(item), {}
        while name in named:
            name += "'"
        named[name] = said
    return named


def in_objects(old: Node, new: Node, place: str) -> Iterator[Change]:
    for name in {**old.values, **new.values}:
        was, now = old.values.get(name, ABSENT), new.values.get(name, ABSENT)
        if text(was) != text(now) and (not name.startswith("order of ") or same_names(was, now)):
            yield changed(place or "document", old.users | new.users, name, was, now)
    for name in {**old.inner, **new.inner}:
        a, b = old.inner.get(name), new.inner.get(name)
        if name == "enum" and not (a and b):  # none is not an empty one
            yield changed(place, ALL, name, *(ABSENT if one is None else [*one.inner] for one in (a, b)))
        elif name in ENTRIES:
            yield from in_entries(name, a.inner if a else {}, b.inner if b else {}, place)
        else:
            yield from in_objects(a or Node({}, {}), b or Node({}, {}), goes_on(place, OBJECTS[name]))


def in_entries(field: str, old: dict[str, Node], new: dict[str, Node], place: str) -> Iterator[Change]:
    """Compare by name, or by place where only the name differs."""
    template, added, removed, renaming = ENTRIES[field]
    names = renamed(field, old, new)
    for name in {**old, **new}:
        a, b = old.get(name), new.get(names.get(name, name))
        here, what = goes_on(place, template.format(name)), f"enum value {name} " if field == "enum" else ""
        if name in names:
            yield Change(here, True, f"{what}renamed to {names[name]}: {renaming}")
        if a and b:
            yield from in_objects(a, b, here)
        elif a:
            yield Change(here, True, f"{what}removed: {removed}")
        elif b and name not in names.values():
            required = True in (b.values.get("required"), b.values.get("is required")) and SENT <= b.users
            breaks = (SENT if field == "allOf" else READ if field in ("anyOf", "oneOf") else NONE) & b.users
            why = "required, and calls without it are refused" if required else added
            breaking = required or bool(breaks) or (field == "responses" and name.startswith("2"))
            yield Change(here, breaking, f"{what}added: {why}")


def renamed(field: str, old: dict[str, Node], new: dict[str, Node]) -> dict[str, str]:
    """Pair what differs in its name alone and is at the same place; operations by their operationId."""
    if field == "operations":
        ids = {text(one.values.get("operationId")): name for name, one in new.items()}
        pairs = [(name, ids.get(text(one.values.get("operationId")), name)) for name, one in old.items()]
    else:
        pairs = [(a, b) for a, b in zip(old, new, strict=False) if old[a] == new[b] and field != "responses"]
    return {was: now for was, now in pairs if was not in new and now not in old}


def same_names(*lists: Any) -> bool:
    old, new = ({*map(text, names)} - {*map(text, ABSENT)} for names in lists if isinstance(names, list))
    return old == new


def goes_on(place: str, rest: str) -> str:
    return f"{place} {rest}" if place and rest[:1].isalpha() else f"{place}{rest}".removeprefix(", ")


def main(arguments: Sequence[str] | None = None) -> int:
    codes = "exit code: 0 when nothing breaks users, 1 when something does, 2 when a document cannot be read"
    parser = argparse.ArgumentParser(description=__doc__, epilog=codes)
    parser.add_argument("old", help="a file, or a commit: the new file as it was there")
    parser.add_argument("new", nargs="?", type=Path, default=DOCUMENT, help="a file (default: openapi.yaml)")
    options = parser.parse_args(arguments)
    try:
        old = load(Path(options.old)) if Path(options.old).is_file() else at_commit(options.old, options.new)
        changes = differences(old, load(options.new))
    except (BrokenDocumentError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(*changes, *suggestion(changes), sep="\n", end="\n" if changes else "")
    return 1 if any(change.breaking for change in changes) else 0


if __name__ == "__main__":
    sys.exit(main())
