"""Decode to the generated attrs models what conforms to the API document, at the speed of C.

msgspec parses and checks a whole page into Structs that are made for the generated classes and refuse unknown fields.
One compiled function per class then moves their fields into models. Fields that departed from the API document before
are learned: they accept any value. Their odd values, and rare types, are converted by `tolerant`.
"""

import types
import typing
from collections.abc import Callable
from datetime import datetime
from enum import EnumType
from functools import lru_cache, reduce
from operator import or_
from typing import Any, NamedTuple, NoReturn

import attrs
import msgspec

from ..models import UNSET
from .fields import Field, extra_type, fields_of, members_of, plain_type, union_members
from .tolerant import ANYTHING, PLAIN, Location, convert

Findings = dict[tuple[str, str, str], None]
"""Departures from the API document, each once: class, JSON name and kind."""
Learned = frozenset[tuple[str, str]]
"""Fields that departed from the API document: class and JSON name."""
MAX_DEPTH = 5  # classes that contain one another have many paths, each with Structs of its own
SCALAR = str | int | float | bool | None
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
AWARE = "value if (value := fromisoformat(value)).tzinfo else mismatch()"
DATETIME = "value if (value := struct.f{i}) is UNSET or value is None else " + AWARE
MODEL = FAST % "fast{i}([value], found)[0]"
MODELS = FAST % "fast{i}(value, found)"


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


@lru_cache(256)
def strict(cls: type, learned: Learned, outer: frozenset[type] = frozenset()) -> Strict:
    """Returns what decodes a class; `outer` are the classes that contain it."""
    owner, fields, kept = cls.__name__, fields_of(cls), extra_type(cls)
    unknown = {name for of, name in learned if of == owner and kept} - fields.keys()
    is_map = not fields and kept in ANYTHING
    source, slots = FILL.format(rest="struct" if is_map else "{}") + (KEEP if kept else ""), []
    scope: dict[str, Any] = {"cls": cls, "new": object.__new__, "owner": owner, "UNSET": UNSET, "mismatch": mismatch}
    scope["fromisoformat"] = datetime.fromisoformat
    for i, field in enumerate([*fields.values(), *(Field("", name, kept) for name in sorted(unknown))]):
        rule = rule_of(field.hint, learned, outer | {cls}, loose=(owner, field.name) in learned)
        scope |= {f"class{i}": rule.fast_class, f"fast{i}": rule.fast, f"convert{i}": converter(field, owner, kept)}
        template = FIELD if field.attribute else UNKNOWN
        source += template.format(i=i, **field._asdict(), value=rule.source.format(i=i))
        default = msgspec.NODEFAULT if field.required else UNSET
        slots.append((f"f{i}", rule.type, msgspec.field(name=field.name, default=default)))
    exec(source + "\n    return items", scope)  # noqa: S102 - made of the names of a generated class
    struct = msgspec.defstruct(owner, slots, kw_only=True, forbid_unknown_fields=True, gc=False)
    return Strict(dict[str, Any] if is_map else struct, scope["fill"])


def converter(field: Field, owner: str, kept: Any) -> Callable[[Any, dict[str, Any], Findings], Any]:
    """Returns a function that converts a value, or keeps it among the extras where it does not fit."""
    optional, name = kept is not None and field.attribute and not field.required, field.name if field.attribute else "*"
    at: Location = ({}, owner, name)

    def convert_or_keep(raw: Any, rest: dict[str, Any], found: Findings) -> Any:
        value = convert(raw, field.hint, at, lambda _, *finding: found.setdefault(finding))
        if value is UNSET:
            if not optional:
                mismatch()
            rest[name] = raw
            found[owner, name, "wrong type"] = None
        return value

    return convert_or_keep


def rule_of(hint: Any, learned: Learned, outer: frozenset[type], *, loose: bool = False) -> Rule:
    """Returns how a field is decoded; a loose one accepts any value."""
    members = [member for member in union_members(hint) if member is not types.NoneType]
    if len(members) < len(union_members(hint)):
        rule = rule_of(reduce(or_, members), learned, outer, loose=loose)
        return rule if rule.type is Any else rule._replace(type=rule.type | None)
    member: Any = members[0] if len(members) == 1 else None
    if member in ANYTHING:
        return Rule(Any, EXACT)
    if typing.get_origin(member) is list:
        return list_rule(typing.get_args(member)[0], learned, outer, loose=loose)
    if attrs.has(member) and may_nest(member, outer):
        inner = strict(member, learned, outer)
        return Rule(inner.type | SCALAR, MODEL, typing.get_origin(inner.type) or inner.type, inner.fill)
    if member.__class__ is EnumType:
        return Rule(Any, ENUM, plain_type(member), members_of(member).get) if loose else Rule(member, EXACT)
    if member in PLAIN:
        return Rule(Any, PLAIN_VALUE, member) if loose else Rule(reduce(or_, PLAIN[member]), EXACT)
    return Rule(str, DATETIME) if member is datetime and not loose else Rule(Any, CONVERT)


def may_nest(cls: type, outer: frozenset[type]) -> bool:
    """Returns whether a class has a Struct within others: not where it contains itself, nor where it is a typed map."""
    return cls not in outer and len(outer) < MAX_DEPTH and bool(fields_of(cls) or extra_type(cls) in ANYTHING)


def list_rule(item: Any, learned: Learned, outer: frozenset[type], *, loose: bool) -> Rule:
    rule = rule_of(item, learned, outer)
    if rule.source == MODEL and attrs.has(item):
        return Rule(types.GenericAlias(list, strict(item, learned, outer).type) | SCALAR, MODELS, list, rule.fast)
    if rule.source == EXACT and not loose:
        return Rule(types.GenericAlias(list, rule.type), EXACT)
    return Rule(Any, CONVERT)
