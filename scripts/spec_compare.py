"""Compare two API documents, object by object; spec_rules.py says what each change means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from spec_document import (
    CLASS,
    OPERATIONS,
    is_class,
    name_of,
    named,
    plain,
    resolved,
    spread,
    target,
    used,
    with_required,
)
from spec_rules import ABSENT, OTHERS, PARTS, WORDING, At, Change, added, became, changed, text, wording

# The fields that hold other objects: one, {by name} or [in a list]. Any other field is a value.
FIELDS = {"paths": "paths", OPERATIONS: "{operation}", "parameters": "{parameter}", "requestBody": "body"}
FIELDS |= {"responses": "{response}", "headers": "{header}", "content": "{media type}", "servers": "[server]"}
FIELDS |= {"components": "components", "schemas": "{schema}", "requestBodies": "{body}", "securitySchemes": "{scheme}"}
FIELDS |= {"properties": "{property}", "enum": "{enum value}", "document tags": "[tag]"}
FIELDS |= dict.fromkeys(("schema", "items", "additionalProperties", "not"), "schema")
FIELDS |= dict.fromkeys(("allOf", "anyOf", "oneOf"), "[schema]")
PLACES = {"items": "[]", "additionalProperties": ".*", "not": " not", "requestBody": ", requestBody"}


class Comparison:
    def __init__(self, old: Any, new: Any) -> None:
        self.old, self.new = spread(plain(old)), spread(plain(new))
        self.used = used(self.old) | used(self.new)
        schemas = [named(one, target(one, CLASS)) for one in (self.old, self.new)]
        self.classes: dict[str, str] | None = None  # until the new names are known, a $ref to any class is the same
        self.classes = self.renamed("schema", *schemas)

    def changes(self) -> list[Change]:
        return list(dict.fromkeys(self.walk("document", self.old, self.new, At())))

    def walk(self, kind: str, old: Any, new: Any, at: At) -> Iterator[Change]:
        """Compare two objects, field by field."""
        if not (isinstance(old, dict) and isinstance(new, dict)):
            if text(old) != text(new):
                yield Change(at.place or kind, True, f"{became(kind, old, new)}: one of them is no object")
            return
        ref, new_ref = old.get("$ref"), new.get("$ref")
        if is_class(ref) and is_class(new_ref):
            if self.classes is not None and self.classes.get(name_of(ref), name_of(ref)) != name_of(new_ref):
                yield Change(at.place, True, f"{became('$ref', ref, new_ref)}: the Python type is another one")
            old, new = ({**one, "$ref": ""} for one in (old, new))
        elif ref != new_ref:
            pair = text([old, new])
            if pair in at.inlined:  # a schema that holds itself
                return
            at, old, new = at._replace(inlined=at.inlined | {pair}), resolved(self.old, old), resolved(self.new, new)
        if kind == "schema":
            a, b = old.get("required", ABSENT), new.get("required", ABSENT)
            if text(a) != text(b) and same_items(*(unique([] if one is ABSENT else one) for one in (a, b))):
                yield Change(at.place, False, "required written in another way: says the same")
            old, new = with_required(old), with_required(new)
        for field in {**old, **new}:
            a, b = old.get(field, ABSENT), new.get(field, ABSENT)
            if text(a) == text(b):
                continue
            if wording(kind, field, {**old, **new}):
                yield Change(at.place or kind, False, WORDING)
                continue
            found = list(self.field(kind, field, a, b, old.keys() & new.keys(), at))
            yield from found
            if ABSENT in (a, b) and all(change.what == WORDING for change in found):
                yield Change(at.place or kind, False, f"{became(field, a, b)}: it says nothing")

    def field(self, kind: str, field: str, old: Any, new: Any, kept: set[str], at: At) -> Iterator[Change]:
        """Compare what two objects have in one field."""
        shape = "path" if kind == "paths" else FIELDS.get(f"{kind} {field}") or FIELDS.get(field, "")
        if field in ("enum", "additionalProperties") and ABSENT in (old, new):
            shape = ""  # none is not an empty one
        child = shape.strip("{}[]")
        empty: Any = [] if shape.startswith("[") else {}
        a, b = (empty if one is ABSENT else one for one in (old, new))
        if shape.startswith("{") and isinstance(a, dict | list) and isinstance(b, dict | list):
            names = named(self.old, a), named(self.new, b)
            yield from self.entries(child, *names, at)
            if isinstance(a, list) and [*names[0]] != [*names[1]] and same_items([*names[0]], [*names[1]]):
                yield Change(at.place, False, f"{field} in another order: the client goes by their names")
        elif shape.startswith("[") and isinstance(a, list) and isinstance(b, list):
            yield from self.parts(field, child, a, b, at)
        elif shape == child != "" and isinstance(a, dict) and isinstance(b, dict):
            place = field if kind == "paths" else at.place + PLACES.get(field, "")
            yield from self.walk(child, a, b, at.inside(place, child))
        else:
            breaking, why = changed(kind, field, old, new, kept, at)
            place = at.place or (field if field == "security" else kind)
            yield Change(place, breaking, f"{became(field, old, new)}: {why}")

    def entries(self, kind: str, old: dict[str, Any], new: dict[str, Any], at: At) -> Iterator[Change]:
        """Compare what has names: by name, or by place where only the name differs."""
        renamed = self.renamed(kind, old, new)
        for name in {**old, **new}:
            here = self.entry(kind, name, at)
            what = f"{kind} {name} " if kind == "enum value" else ""
            if name in renamed:
                verb = "moved" if kind == "operation" else "renamed"
                yield Change(here.place, True, f"{what}{verb} to {renamed[name]}: {PARTS.get(kind, OTHERS)[2]}")
                if kind != "enum value":
                    yield from self.walk(kind, nameless(old, name), nameless(new, renamed[name]), here)
            elif name in old and name in new:
                yield from self.walk(kind, old[name], new[name], here)
            elif name in old:
                yield Change(here.place, True, f"{what}removed: {PARTS.get(kind, OTHERS)[1]}")
            elif name not in renamed.values():
                said = resolved(self.new, new[name]) if isinstance(new[name], dict) else {}
                breaking, why = added(kind, name, said, here)
                yield Change(here.place, breaking, f"{what}added: {why}")

    def entry(self, kind: str, name: str, at: At) -> At:
        if kind == "schema":
            sent, read = ((CLASS + name, one) in self.used for one in (True, False))
            return At(f"schema {name}", sent or not read, read or not sent)
        places = {"property": f".{name}", "enum value": "", "operation": name, "media type": f", {name}"}
        return at.inside(at.place + places.get(kind, f", {kind} {name}"), kind)

    def parts(self, field: str, kind: str, old: list[Any], new: list[Any], at: At) -> Iterator[Change]:
        """Compare what has no names: one by one, or, where there are more or less, each with its like."""
        place = at.place or field
        if same_items(old, new):
            first = field in ("anyOf", "oneOf", "servers")
            yield Change(place, first, f"{field} in another order: {'the first counts' if first else 'says the same'}")
        elif len(old) == len(new):
            for index, (a, b) in enumerate(zip(old, new, strict=True)):
                yield from self.walk(kind, a, b, at.inside(f"{at.place} {field}[{index}]", kind))
        else:
            more = list(new)
            for one in old:
                like = next((other for other in more if self.same(kind, one, other)), ABSENT)
                if like is ABSENT:
                    yield Change(place, field != "tags", f"{became(field, one, ABSENT)}: {OTHERS[1]}")
                else:
                    more.remove(like)
            breaking = at.sent if field == "allOf" else at.read and field in ("anyOf", "oneOf")
            for one in more:
                yield Change(place, breaking, f"{became(field, ABSENT, one)}: {OTHERS[0]}")

    def same(self, kind: str, old: Any, new: Any) -> bool:
        return all(change.what == WORDING for change in self.walk(kind, old, new, At()))

    def renamed(self, kind: str, old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
        """Pair what is at the same place, after the same name that stayed, and differs in its name alone."""
        if kind == "schema" and self.classes is not None:
            return self.classes
        if kind == "operation":
            ids = {text(one.get("operationId")): name for name, one in new.items() if name not in old}
            gone = {name: text(one.get("operationId", ABSENT)) for name, one in old.items() if name not in new}
            return {name: ids[said] for name, said in gone.items() if said in ids}
        before, after = places(old, new), places(new, old)
        pairs = [pair for place in before for pair in zip(before[place], after[place], strict=False)]
        if kind != "enum value":
            pairs = [(a, b) for a, b in pairs if self.same(kind, nameless(old, a), nameless(new, b))]
        return dict(pairs) if kind != "response" else {}


def places(names: dict[str, Any], others: dict[str, Any]) -> dict[str, list[str]]:
    """The names that the others do not have, by the last one before them that they have."""
    found, last = defaultdict[str, list[str]](list), ""
    for name in names:
        if name in others:
            last = name
        else:
            found[last].append(name)
    return found


def nameless(entries: dict[str, Any], name: str) -> Any:
    """What has a name, without a field that repeats it."""
    said = entries[name]
    return {**said, "name": ""} if isinstance(said, dict) and said.get("name") == name else said


def unique(items: Any) -> Any:
    return sorted({text(item) for item in items}) if isinstance(items, list) else items


def same_items(old: Any, new: Any) -> bool:
    return isinstance(old, list) and isinstance(new, list) and sorted(map(text, old)) == sorted(map(text, new))
