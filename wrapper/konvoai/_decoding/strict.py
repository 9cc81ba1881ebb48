"""Decode to the generated attrs models what conforms to the API document, at the speed of C.

msgspec parses and checks a whole page into Structs that are made for the generated classes and refuse unknown fields. One
compiled function per class then moves their fields into models. Fields that departed from the API document before are
learned: they accept any value. These and rare types take the converters of `tolerant`.
"""

import functools
import types
import typing
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, NoReturn

import attrs
import msgspec

from ..models import UNSET
from .fields import Field, extra_type, fields_of, members_of, plain_type, union_members
from .tolerant import ANYTHING, PLAIN, convert

Learned = frozenset[tuple[str, str]]
"""Fields that departed from the API document: class and JSON name."""
SCALAR = str | int | float | bool | None
NODEFAULT = msgspec.NODEFAULT
FILL = """
def fill(items, found):
    for i, struct in enumerate(items):
        items[i] = model = new(cls)
        rest = {rest}"""
KEEP = """
        model.additional_properties = rest"""
FIELD = """
        model.{attribute} = {value}"""
UNKNOWN = """
        if struct.f{i} is not UNSET:
            rest[{name!r}] = {value}
            found[owner, {name!r}, "unknown field"] = None"""
EXACT = "struct.f{i}"
CONVERT = "value if (value := struct.f{i}) is UNSET else convert{i}(value, rest, found)"
# Values of the expected class are converted inline, others by `convert`.
FAST = "%s if (value := struct.f{i}).__class__ is class{i} else " + CONVERT.replace("(value := struct.f{i})", "value")
PLAIN_VALUE = FAST % "value"
ENUM = FAST % "(fast{i}(value) or convert{i}(value, rest, found))"
DATETIME = FAST % "(value if (value := fromisoformat(value)).tzinfo else mismatch())"
MODEL = FAST % "fast{i}([value], found)[0]"
MODELS = FAST % "fast{i}(value, found)"


class Findings(dict[tuple[str, str, str], None]):
    """The departures from the API document, each once: class, JSON name and kind."""

    def report(self, data: dict[str, Any], owner: str, name: str, kind: str) -> None:
        self[owner, name, kind] = None


class Strict(NamedTuple):
    """What decodes a class: the type for msgspec, and a function that replaces the items of a list by models."""

    type: Any
    fill: Callable[[list[Any], Findings], list[Any]]


class Rule(NamedTuple):
    """How a field is decoded: the type for msgspec, the source of its value, and what that source refers to."""

    type: Any
    source: str
    fast_class: type | None = None
    fast: Any = None


def can_learn(name: str) -> bool:
    """Returns whether msgspec accepts the name for a field."""
    return name.isprintable() and not {'"', "\\"} & set(name)


def mismatch() -> NoReturn:
    raise ValueError("only the tolerant decoder accepts this value")


@functools.lru_cache(64)
def strict(cls: type, learned: Learned, outer: frozenset[type] = frozenset()) -> Strict:
    """Returns what decodes a class; `outer` are the classes that contain it."""
    owner, fields, kept = cls.__name__, fields_of(cls), extra_type(cls)
    is_map = not fields and kept in ANYTHING
    source, slots = FILL.format(rest="struct" if is_map else "{}") + (KEEP if kept else ""), []
    scope = {"cls": cls, "new": object.__new__, "owner": owner, "UNSET": UNSET, "mismatch": mismatch}
    scope["fromisoformat"] = datetime.fromisoformat
    for i, (name, field) in enumerate(fields.items()):
        rule = rule_of(field.hint, learned, outer | {cls}, loose=(owner, name) in learned)
        source += FIELD.format(attribute=field.attribute, value=rule.source.format(i=i))
        scope |= {f"class{i}": rule.fast_class, f"fast{i}": rule.fast, f"convert{i}": converter(field, owner, kept)}
        slots.append((f"f{i}", rule.type, msgspec.field(name=name, default=NODEFAULT if field.required else UNSET)))
    unknown = {name for of, name in learned if of == owner and kept} - fields.keys()
    for i, name in enumerate(sorted(unknown), len(fields)):
        source += UNKNOWN.format(i=i, name=name, value=(EXACT if kept in ANYTHING else CONVERT).format(i=i))
        scope[f"convert{i}"] = converter(Field("", "*", kept, required=True), owner, kept)
        slots.append((f"f{i}", Any, msgspec.field(name=name, default=UNSET)))
    exec(source + "\n    return items", scope)  # noqa: S102 - made of the names of a generated class
    struct = msgspec.defstruct(owner, slots, kw_only=True, forbid_unknown_fields=True, gc=False)
    return Strict(dict[str, Any] if is_map else struct, typing.cast(Any, scope["fill"]))


def converter(field: Field, owner: str, kept: Any) -> Callable[[Any, dict[str, Any], Findings], Any]:
    """Returns a function that converts a value, or keeps it among the extras where it does not fit."""

    def convert_or_keep(raw: Any, rest: dict[str, Any], found: Findings) -> Any:
        value = convert(raw, field.hint, ({}, owner, field.name), found.report)
        if value is UNSET:
            if field.required or kept is None:
                mismatch()
            rest[field.name] = raw
            found[owner, field.name, "wrong type"] = None
        return value

    return convert_or_keep


def rule_of(hint: Any, learned: Learned, outer: frozenset[type], *, loose: bool = False) -> Rule:
    """Returns how a field is decoded; a loose one accepts any value."""
    members = [member for member in union_members(hint) if member is not types.NoneType]
    member = members[0] if len(members) == 1 else None
    if member in ANYTHING:
        return Rule(Any, EXACT)
    if typing.get_origin(member) is list:
        return list_rule(*typing.get_args(member), learned, outer, loose=loose)
    if member is datetime and not loose:
        return Rule(SCALAR, DATETIME, str)
    if attrs.has(member) and member not in outer and (fields_of(member) or extra_type(member) in ANYTHING):
        inner = strict(member, learned, outer)
        return Rule(inner.type | SCALAR, MODEL, typing.get_origin(inner.type) or inner.type, inner.fill)
    is_enum = isinstance(member, type) and issubclass(member, Enum)
    if not is_enum and member not in PLAIN:
        return Rule(Any, CONVERT)
    if loose:
        return Rule(Any, ENUM, plain_type(member), members_of(member).get) if is_enum else Rule(Any, PLAIN_VALUE, member)
    kind = int | float if member is float else member
    return Rule(kind if len(members) == len(union_members(hint)) else kind | None, EXACT)


def list_rule(item: Any, learned: Learned, outer: frozenset[type], *, loose: bool) -> Rule:
    rule = rule_of(item, learned, outer)
    if rule.source == EXACT and not loose:
        return Rule(list[rule.type], EXACT)  # type: ignore[name-defined]
    if rule.source == MODEL and attrs.has(item):
        return Rule(list[strict(item, learned, outer).type] | SCALAR, MODELS, list, rule.fast)
    return Rule(Any, CONVERT)
