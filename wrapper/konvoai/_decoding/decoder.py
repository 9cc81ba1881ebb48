"""Decode parsed JSON to the generated attrs models, whatever the server sent.

One function is compiled per generated class on its first use, from the class's fields and their types. It looks up
each field of the JSON object once. A value that fits becomes the attribute. A mismatched value stays raw under its JSON
name in `additional_properties`, as does an unknown field. UNSET means "does not fit": every converter returns it, and
its caller keeps the raw value. The JSON itself is never changed.
"""

import functools
import types
import typing
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any, Literal

import attrs

from .. import models
from ..models import UNSET
from .fields import STRING_PARSERS, json_names, members_of, plain_type, union_members

ReportDrift = Callable[[dict[str, Any], str, str, str], None]
"""Takes a departure from the API document: the JSON object, its class, the JSON name and the kind."""
Convert = Callable[[Any, dict[str, Any], ReportDrift], Any]
"""Takes a JSON value and the object that holds it; returns the attribute, or UNSET where the value does not fit."""
PLAIN: dict[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (float, int), bool: (bool,)}
HEAD = """
def decode(data, holder, report):
    if data.__class__ is not dict:
        return UNSET
    absent = 0
    mismatched = ()"""
FIELD = """
    raw = data.get({name!r}, UNSET)
    {fast}
        if raw is UNSET:
            {v} = raw
            absent += 1
        else:
            {v} = {v}_convert(raw, data, report)
            if {v} is UNSET:
                mismatched += ({name!r},)"""
REQUIRED = """
    if {v} is UNSET:
        report(data, owner, {name!r}, "wrong type" if {name!r} in data else "missing field")
        return UNSET"""
NEW = """
    model = new(cls)"""
SET = """
    model.{attribute} = {v}"""
TAIL = """
    if mismatched or len(data) + absent != {fields}:
        rest = extras(data, mismatched, report)
        if rest is UNSET:
            return UNSET
        model.additional_properties = rest
    elif has_rest:
        model.additional_properties = {{}}
    return model"""
# Common values of common types are recognized inline; `convert` handles all others.
FAST_PLAIN = """{v} = raw
    if raw.__class__ is not {v}_type:"""
FAST_ENUM = """{v} = {v}_members.get(raw) if raw.__class__ is {v}_type else None
    if {v} is None:"""
FAST_DATETIME = """try:
        {v} = fromisoformat(raw) if raw.__class__ is str else None
    except ValueError:
        {v} = None
    if {v} is None or {v}.tzinfo is None:"""


@functools.cache
def decoder(cls: type) -> Convert:
    """Return the function that decodes one generated class; compiled, as a loop over fields takes twice as long."""
    names = json_names(cls)
    hints = typing.get_type_hints(cls, localns=vars(models))
    fields = [field for field in attrs.fields(cls) if field.init]
    owner, rest_hint = cls.__name__, hints.get("additional_properties")
    scope = {"UNSET": UNSET, "owner": owner, "fromisoformat": datetime.fromisoformat}
    scope |= {"cls": cls, "new": cls.__new__, "has_rest": rest_hint is not None}
    scope["extras"] = extras(owner, frozenset(names.values()), rest_hint)
    source = HEAD
    for i, field in enumerate(fields):
        v, name, hint = f"v{i}", names[field.name], hints[field.name]
        fast, used = fast_path(union_members(hint))
        scope |= {f"{v}_{key}": value for key, value in used.items()}
        scope[f"{v}_convert"] = converter(hint, owner, name)
        source += FIELD.format(v=v, name=name, fast=fast.format(v=v))
        if field.default is attrs.NOTHING:
            source += REQUIRED.format(v=v, name=name)
    source += NEW + "".join(SET.format(v=f"v{i}", attribute=field.name) for i, field in enumerate(fields))
    source += TAIL.format(fields=len(fields))
    exec(source, scope)  # noqa: S102 - made of the names of a generated class
    return typing.cast(Convert, scope["decode"])


def fast_path(choices: list[Any]) -> tuple[str, dict[str, Any]]:
    hint = choices[0] if len(choices) == 1 else None
    if hint in PLAIN:
        return FAST_PLAIN, {"type": hint}
    if hint is datetime:
        return FAST_DATETIME, {}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return FAST_ENUM, {"type": plain_type(hint), "members": members_of(hint)}
    return "if True:", {}


def extras(
    owner: str, known: frozenset[str], hint: Any
) -> Callable[[dict[str, Any], tuple[str, ...], ReportDrift], Any]:
    """Return a function that collects unknown fields and mismatched values, or UNSET where the class keeps none."""
    convert = converter(typing.get_args(hint)[1], owner, "*") if hint else never

    def gather(data: dict[str, Any], mismatched: tuple[str, ...], report: ReportDrift) -> Any:
        rest = {}
        for name, value in data.items():
            if name not in known:
                if known:
                    report(data, owner, name, "unknown field")
                value = convert(value, data, report)
            elif name in mismatched:
                report(data, owner, name, "wrong type")
                value = value if hint else UNSET
            else:
                continue
            if value is UNSET:
                return UNSET
            rest[name] = value
        return rest

    return gather


def converter(hint: Any, owner: str, name: str) -> Convert:
    nullable = types.NoneType in union_members(hint)
    choices = [convert_one(member, owner, name) for member in union_members(hint) if member is not types.NoneType]
    if not nullable and len(choices) == 1:
        return choices[0]

    def convert(raw: Any, holder: dict[str, Any], report: ReportDrift) -> Any:
        if raw is None and nullable:
            return None
        if len(choices) == 1:
            return choices[0](raw, holder, report)
        fitting = (choice(raw, holder, lambda *_: None) for choice in choices)
        return next((value for value in fitting if value is not UNSET), UNSET)

    return convert


def convert_one(hint: Any, owner: str, name: str) -> Convert:
    if hint is Any or hint is object:
        return lambda raw, holder, report: raw
    if hint in PLAIN:
        return lambda raw, holder, report: raw if raw.__class__ in PLAIN[hint] else UNSET
    if typing.get_origin(hint) is list:
        (item,) = typing.get_args(hint)
        convert_item = None if attrs.has(item) else converter(item, owner, name)
        return list_of(lambda: convert_item or decoder(item))
    if typing.get_origin(hint) is Literal:
        known = [(value.__class__, value) for value in typing.get_args(hint)]
        return lambda raw, holder, report: raw if (raw.__class__, raw) in known else UNSET
    if hint in STRING_PARSERS:
        return string(STRING_PARSERS[hint])
    if issubclass(hint, Enum):
        return enum(hint, owner, name)
    if attrs.has(hint):
        return lambda raw, holder, report: decoder(hint)(raw, holder, report)
    raise NotImplementedError(f"{owner}.{name}: no decoder for {hint}")


def never(raw: Any, holder: dict[str, Any], report: ReportDrift) -> Any:
    return UNSET


def list_of(item_converter: Callable[[], Convert]) -> Convert:
    def convert(raw: Any, holder: dict[str, Any], report: ReportDrift) -> Any:
        if raw.__class__ is not list:
            return UNSET
        convert_item = item_converter()
        items = []
        for raw_item in raw:
            item = convert_item(raw_item, holder, report)
            if item is UNSET:
                return UNSET
            items.append(item)
        return items

    return convert


def enum(cls: type[Enum], owner: str, name: str) -> Convert:
    plain = plain_type(cls)
    members = members_of(cls)

    def convert(raw: Any, holder: dict[str, Any], report: ReportDrift) -> Any:
        if raw.__class__ is not plain:
            return UNSET
        member = members.get(raw)
        if member is None:
            report(holder, owner, name, "unknown value")
            member = unknown_member(cls, raw)
        return member

    return convert


@functools.lru_cache(1024)
def unknown_member(cls: type[Enum], value: Any) -> Enum:
    """Return a member of an enum for a value that the API document does not list yet."""
    member = typing.cast(Any, plain_type(cls)).__new__(cls, value)
    member._name_, member._value_ = str(value), value
    member.__reduce_ex__ = lambda protocol: (unknown_member, (cls, value))  # by default pickle looks the value up
    return typing.cast(Enum, member)


def string(parse: Callable[[str], Any]) -> Convert:
    def convert(raw: Any, holder: dict[str, Any], report: ReportDrift) -> Any:
        if raw.__class__ is not str:
            return UNSET
        try:
            return parse(raw)
        except (ValueError, OverflowError):
            return UNSET

    return convert
