"""What a change of an API document means for users of the Python client, in words."""

from __future__ import annotations

import json
import re
from textwrap import shorten
from typing import Any, NamedTuple

ABSENT: Any = "\0absent"  # in the place of what one of the documents does not have
WORDING = "wording"
WORDS = ("description", "summary", "example", "examples", "externalDocs", "title")
PYTHON_TYPES = ("date-time", "date", "binary", "uuid")  # the formats that have one of their own
PARTS = {  # what it means that one is added, removed or renamed
    "operation": ("there is a function more", "its function is gone", "old clients ask at the old place"),
    "parameter": ("calls may leave it out", "its argument is gone", "its argument is renamed"),
    "response": ("the client knows one answer more", "what was read from it is gone", ""),
    "property": ("there is an attribute more", "its attribute is gone", "its attribute is renamed"),
    "enum value": ("the client keeps unknown values, too", "its enum member is gone", "its enum member is renamed"),
    "schema": ("there is a class more", "its class is gone", "its class is renamed"),
}
OTHERS = ("there is one more", "what relied on it fails", "what relied on its name fails")


class Change(NamedTuple):
    place: str
    breaking: bool
    what: str

    def __str__(self) -> str:
        return f"{'breaking' if self.breaking else 'compatible':<10} {self.place}: {self.what}"


class At(NamedTuple):
    """Where a comparison is, and whether users send what is there, read it, or both."""

    place: str = ""
    sent: bool = True
    read: bool = True
    inlined: frozenset[str] = frozenset()

    def inside(self, place: str, kind: str) -> At:
        sent, read = self.sent and kind not in ("response", "header"), self.read and kind not in ("parameter", "body")
        return self._replace(place=place.removeprefix(", ").strip(), sent=sent, read=read)


def wording(kind: str, field: str, both: dict[str, Any]) -> bool:
    """Whether a field is for people alone; classes and enums are named after their title."""
    named = field == "title" and kind == "schema" and (both.get("type") == "object" or {"enum", "properties"} & {*both})
    return (field in WORDS and not named) or (kind, field) == ("document", "info")


def added(kind: str, name: str, said: dict[str, Any], at: At) -> tuple[bool, str]:
    """Whether one more breaks users, and why."""
    if kind in ("parameter", "property") and at.sent and said.get("required"):
        return True, "required: calls without it are refused"
    if kind == "response" and name.startswith("2"):
        return True, "calls may end in an answer that readers do not expect"
    return False, PARTS.get(kind, OTHERS)[0]


def changed(kind: str, field: str, old: Any, new: Any, kept: set[str], at: At) -> tuple[bool, str]:
    """Whether another value of a field breaks users, and why."""
    was, now = (None if one is ABSENT else one for one in (old, new))
    if field in ("required", "nullable", "deprecated", "uniqueItems") and not was and not now:
        return False, "says the same"
    match field:
        case "operationId":
            return True, "the Python function is named after it"
        case "tags":
            first = [one[:1] if isinstance(one, list) else one for one in (was or [], now or [])]
            return first[0] != first[1], "the Python module is named after the first"
        case "title" | "x-enum-varnames":
            return True, "Python names are made from it"
        case "required" if not isinstance(was, list) and not isinstance(now, list):
            if now:
                return at.sent, "calls without it are refused" if at.sent else "readers can rely on it"
            return at.read, "readers may find UNSET" if at.read else "calls may leave it out"
        case "nullable":
            if now:
                return at.read, "readers may find None, or UNSET with an old client" if at.read else "None may be sent"
            return at.sent, "None is refused from now on" if at.sent else "readers find no None any more"
        case "default":
            return at.sent, "calls that leave it out change" if at.sent else "what is read stays as it is"
        case "type":
            implied = {was, now} == {None, "object"} if is_text(was, now) else False
            same = implied and "properties" in kept
            return not same, "properties say so already" if same else "the Python type is another one"
        case "format":
            if was in PYTHON_TYPES or now in PYTHON_TYPES:
                return True, "the Python type is another one"
            if at.sent and now is not None:
                return True, "values that were right may be refused"
            return False, "the Python type stays"
        case "enum":
            return True, "the Python type is another one"
        case "additionalProperties":
            if was in (None, True, {}) and now in (None, True, {}):
                return False, "says the same"
            if was is False:
                return False, "further fields are kept"
            return True, "further fields are " + ("refused or lost" if now is False else "of another type")
        case "security":
            more = isinstance(was, list) and isinstance(now, list) and was and all(one in now for one in was)
            if more or now == [] or (now is None and kind == "document"):
                return False, "the key that was sent is still right"
            return True, "the key that was sent may be refused"
        case "in" if kind == "parameter":
            return True, "old clients send it at the old place"
        case "url":
            return True, "old clients ask at the old address"
        case _ if kind == "scheme":
            return True, "old clients send the key in the old way"
        case "deprecated":
            return False, "it works as before"
        case _ if field.startswith("x-") or field == "openapi" or kind == "tag":
            return False, "the client does not look at it"
        case _ if re.match("min|max|exclusiveM|pattern$|multipleOf$|uniqueItems$", field):
            if not tighter(field, was, now) or not at.sent:
                return False, "what was right is right still" if at.sent else "the client does not check what it reads"
            return True, {"max": "larger ", "min": "smaller "}.get(field[:3], "") + "values that were right are refused"
    return True, "what the client sends or reads may not fit any more"


def tighter(field: str, was: Any, now: Any) -> bool:
    if now is None or now is False:
        return False
    if field[:3] in ("min", "max") and all(type(one) in (int, float) for one in (was, now)):
        return bool(now < was if field[:3] == "max" else now > was)
    return True


def is_text(*values: Any) -> bool:
    return all(value is None or isinstance(value, str) for value in values)


def became(field: str, old: Any, new: Any) -> str:
    if old is ABSENT or new is ABSENT:
        return f"{field} {shown(new)} added" if old is ABSENT else f"{field} {shown(old)} removed"
    return f"{field} {shown(old)} became {shown(new)}"


def shown(value: Any) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z#][^\s,]*", value)
    return shorten(value.rpartition("/components/schemas/")[2] if plain else text(value), 70, placeholder="…")


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
