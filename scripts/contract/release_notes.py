"""What changes of an API document mean for users of the Python client: in words, and for the next version."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from textwrap import fill, shorten
from typing import Any, NamedTuple

from scripts.contract.openapi_documents import ROOT, SCHEMA_PREFIX

Usage = frozenset[str]
"""How users meet a part of the document: they send it, read it, or both."""

ABSENT: Any = ["absent"]
"""The value of a field that one of the two documents does not have."""
IMPLIED_OBJECT = "object, by its properties"
TYPED_FORMATS = {"date-time", "date", "binary", "uuid"}
"""The formats that have a Python type of their own."""
SENT, READ, ALL, NONE = Usage({"sent"}), Usage({"read"}), Usage({"sent", "read"}), Usage()
LIMIT_REASONS = ("values that were right are refused", "no call that was right fails")

# The first rule that matches the field and returns a usage decides: whose code breaks, why, and otherwise why not.
RULES: tuple[tuple[str, Callable[[Any, Any], Usage | None], str, str], ...] = (
    ("order of .*", lambda a, b: NONE, "", "the client goes by the names"),
    ("(is )?required|nullable|deprecated|uniqueItems", lambda a, b: None if a or b else NONE, "", "says the same"),
    ("(is )?required", lambda a, b: SENT if b else None, "calls without it are refused", "readers can rely on it"),
    ("(is )?required", lambda a, b: READ, "readers may find UNSET", "calls may leave it out"),
    ("nullable", lambda a, b: READ if b else None, "readers may find None, or UNSET", "None may be sent"),
    ("nullable", lambda a, b: SENT, "None is refused from now on", "readers find no None any more"),
    ("default", lambda a, b: SENT, "calls that leave it out change", "what is read stays as it is"),
    ("operationId|title|x-enum-varnames", lambda a, b: ALL, "Python names are made from it", ""),
    (
        "tags",
        lambda a, b: NONE if (a or [])[:1] == (b or [])[:1] else ALL,
        "the first names the module",
        "only the first counts",
    ),
    ("type", lambda a, b: NONE if {a, b} == {IMPLIED_OBJECT, "object"} else None, "", "properties say so already"),
    ("format", lambda a, b: ALL if {str(a), str(b)} & TYPED_FORMATS else None, "the Python type is another one", ""),
    (r"type|enum|\$ref", lambda a, b: ALL, "the Python type is another one", ""),
    ("additionalProperties", lambda a, b: ALL if b is False else NONE, "others are refused", "others are kept"),
    (
        "security",
        lambda a, b: NONE if not b or (a and all(one in b for one in a)) else ALL,
        "the key may be refused",
        "the key is right still",
    ),
    ("url", lambda a, b: ALL, "old clients call the old address", ""),
    ("in|name|scheme", lambda a, b: ALL, "old clients still send the old name, location or scheme", ""),
    ("x-.*|openapi|deprecated|paths|tags of .*", lambda a, b: NONE, "", "it works as before"),
    ("max.*", lambda a, b: NONE if b is None or (a is not None and b > a) else SENT, *LIMIT_REASONS),
    ("min.*", lambda a, b: NONE if b is None or (a is not None and b < a) else SENT, *LIMIT_REASONS),
    ("exclusiveM.*|pattern|multipleOf|uniqueItems|format", lambda a, b: SENT if b else NONE, *LIMIT_REASONS),
    (".*", lambda a, b: ALL, "what the client sends or reads may not fit any more", ""),
)


class Change(NamedTuple):
    """One change of the document.

    Attributes:
        path: Where it is, in words.
        breaking: Whether it breaks users of the client.
        what: What changed, and what that means.
    """

    path: str
    breaking: bool
    what: str

    def __str__(self) -> str:
        return f"{'breaking' if self.breaking else 'compatible':<10} {self.path}: {self.what}"


def field_change(path: str, usage: Usage, field: str, before: Any, after: Any) -> Change:
    """Return the change of a field that has another value, was added, or was removed."""
    if ABSENT in (before, after):
        added = before == ABSENT
        what = f"{field} {format_value(after if added else before)} {'added' if added else 'removed'}"
    else:
        what = f"{field} {format_value(before)} became {format_value(after)}"
    a, b = (None if value == ABSENT else value for value in (before, after))
    try:
        breaks, why, why_not = next(
            (found, why, why_not)
            for pattern, whom, why, why_not in RULES
            if re.fullmatch(pattern, field) and (found := whom(a, b)) is not None
        )
    except TypeError:  # a value of an invalid type: assume the worst
        breaks, why, why_not = ALL, *RULES[-1][2:]
    return Change(path, bool(breaks & usage), f"{what}: {why if breaks & usage else why_not}")


def format_value(value: Any) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z#][^\s,]*", value)
    return shorten(value.removeprefix(SCHEMA_PREFIX) if plain else to_json(value), 70, placeholder="…")


def to_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def suggest_release(changes: Iterable[Change]) -> list[str]:
    """Return lines that suggest the next version and its entry in CHANGELOG.md; none without changes."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    following, entry = next_release(changes, version)
    return ["", f"The version after {version} could be {following}, and in CHANGELOG.md:", "", entry] if entry else []


def next_release(changes: Iterable[Change], version: str) -> tuple[str, str]:
    """Return the version that the changes require by semantic versioning, and their changelog entry."""
    changes = list(changes)
    sections: dict[str, list[str]] = {"Added": [], "Changed": [], "Removed": []}
    for path, breaking, what in changes:
        match = re.match(r"(?:enum value .* )?(added|removed)[,:]", what)
        line = f"- {'Breaking: ' if breaking else ''}`{path}`: {what}."
        entry = fill(line, 120, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
        sections[match[1].capitalize() if match else "Changed"].append(entry)
    blocks = [f"### {title}\n\n" + "\n".join(entries) for title, entries in sections.items() if entries]
    if not blocks:
        return version, ""
    following = next_version(version, any(change.breaking for change in changes))
    return following, "\n\n".join([f"## [{following}] - unreleased", *blocks])


def next_version(version: str, breaking: bool) -> str:
    major, minor, patch = map(int, re.findall(r"\d+", version)[:3])
    if major:
        return f"{major + 1}.0.0" if breaking else f"{major}.{minor + 1}.0"
    return f"0.{minor + 1}.0" if breaking else f"0.{minor}.{patch + 1}"
