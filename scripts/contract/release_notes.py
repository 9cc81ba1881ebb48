"""What changes of an API document mean for users of the Python client: in words, and for the next version."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable
from textwrap import fill, shorten
from typing import Any, NamedTuple

from scripts.contract.openapi_documents import CLASS, ROOT

Users = frozenset[str]  # who send what changes, and who read it

ABSENT: Any = ["absent"]  # in the place of what one of the documents does not have
IMPLIED = "object, by its properties"
TYPED = {"date-time", "date", "binary", "uuid"}  # the formats that have a Python type
SENT, READ, ALL, NONE = Users({"sent"}), Users({"read"}), Users({"sent", "read"}), Users()
LIMITED = ("values that were right are refused", "no call that was right fails")
# What another value means, by its field: whom it breaks, why, and why not; or, with None, a rule below tells it.
RULES: tuple[tuple[str, Callable[[Any, Any], Users | None], str, str], ...] = (
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
    ("type", lambda a, b: NONE if {a, b} == {IMPLIED, "object"} else None, "", "properties say so already"),
    ("format", lambda a, b: ALL if {str(a), str(b)} & TYPED else None, "the Python type is another one", ""),
    (r"type|enum|\$ref", lambda a, b: ALL, "the Python type is another one", ""),
    ("additionalProperties", lambda a, b: ALL if b is False else NONE, "others are refused", "others are kept"),
    (
        "security",
        lambda a, b: NONE if not b or (a and all(one in b for one in a)) else ALL,
        "the key may be refused",
        "the key is right still",
    ),
    ("url", lambda a, b: ALL, "old clients ask at the old address", ""),
    ("in|name|scheme", lambda a, b: ALL, "old clients send it at the old place, or in the old way", ""),
    ("x-.*|openapi|deprecated|paths|tags of .*", lambda a, b: NONE, "", "it works as before"),
    ("max.*", lambda a, b: NONE if b is None or (a is not None and b > a) else SENT, *LIMITED),
    ("min.*", lambda a, b: NONE if b is None or (a is not None and b < a) else SENT, *LIMITED),
    ("exclusiveM.*|pattern|multipleOf|uniqueItems|format", lambda a, b: SENT if b else NONE, *LIMITED),
    (".*", lambda a, b: ALL, "what the client sends or reads may not fit any more", ""),
)


class Change(NamedTuple):
    place: str
    breaking: bool
    what: str

    def __str__(self) -> str:
        return f"{'breaking' if self.breaking else 'compatible':<10} {self.place}: {self.what}"


def changed(place: str, users: Users, field: str, was: Any, now: Any) -> Change:
    """Another value of a field, or one that came or went."""
    if ABSENT in (was, now):
        what = f"{field} {shown(now)} added" if was == ABSENT else f"{field} {shown(was)} removed"
    else:
        what = f"{field} {shown(was)} became {shown(now)}"
    a, b = (None if one == ABSENT else one for one in (was, now))
    try:
        breaks, why, why_not = next(
            (found, why, why_not)
            for pattern, whom, why, why_not in RULES
            if re.fullmatch(pattern, field) and (found := whom(a, b)) is not None
        )
    except TypeError:  # of a value that no document should have
        breaks, why, why_not = ALL, *RULES[-1][2:]
    return Change(place, bool(breaks & users), f"{what}: {why if breaks & users else why_not}")


def shown(value: Any) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z#][^\s,]*", value)
    return shorten(value.removeprefix(CLASS) if plain else text(value), 70, placeholder="…")


def text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def suggestion(changes: Iterable[Change]) -> list[str]:
    """Lines that suggest the next version and its entry in CHANGELOG.md; none where nothing has changed."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    following, entry = release(changes, version)
    return ["", f"The version after {version} could be {following}, and in CHANGELOG.md:", "", entry] if entry else []


def release(changes: Iterable[Change], version: str) -> tuple[str, str]:
    """The version that the changes ask for, and their entry."""
    sections: dict[str, list[str]] = {"Added": [], "Changed": [], "Removed": []}
    for place, breaking, what in (changes := list(changes)):
        whole = re.match(r"(?:enum value .* )?(added|removed)[,:]", what)
        line = f"- {'Breaking: ' if breaking else ''}`{place}`: {what}."
        entry = fill(line, 120, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
        sections[whole[1].capitalize() if whole else "Changed"].append(entry)
    told = [f"### {title}\n\n" + "\n".join(entries) for title, entries in sections.items() if entries]
    if not told:
        return version, ""
    major, minor, patch = map(int, re.findall(r"\d+", version)[:3])
    if any(change.breaking for change in changes):
        major, minor, patch = (major + 1, 0, 0) if major else (0, minor + 1, 0)
    else:
        major, minor, patch = (major, minor + 1, 0) if major else (0, minor, patch + 1)
    following = f"{major}.{minor}.{patch}"
    return following, "\n\n".join([f"## [{following}] - unreleased", *told])
