"""Decode parsed JSON to the generated attrs models, whatever the server sent.

A value that fits becomes the attribute. A mismatched value stays raw under its JSON name in `additional_properties`, as
does an unknown field. UNSET means "does not fit": `convert` returns it, and its caller keeps the raw value. The JSON
itself is never changed.
"""

import functools
import re
import types
import typing
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import Enum, EnumType
from itertools import takewhile
from typing import Any, Literal
from uuid import UUID

from ..models import UNSET
from .fields import extra_type, fields_of, members_of, plain_type, union_members

ReportDrift = Callable[[dict[str, Any], str, str, str], None]
"""Takes a departure from the API document: the JSON object, its class, the JSON name and the kind."""
Location = tuple[dict[str, Any], str, str]
"""The JSON object that holds a value, its class and the JSON name."""
PLAIN: dict[Any, tuple[type, ...]] = {str: (str,), int: (int,), float: (float, int), bool: (bool,)}
ANYTHING = (Any, object)


def decode_object(data: Any, cls: type, report: ReportDrift) -> Any:
    """Returns the model of a JSON object, or UNSET where the value is not an object of that class."""
    if data.__class__ is not dict:
        return UNSET
    owner, fields, kept = cls.__name__, fields_of(cls), extra_type(cls)
    model: Any = object.__new__(cls)
    extras, rest = data.keys() - fields.keys(), {}
    for name, field in fields.items():
        raw = data.get(name, UNSET)
        value = raw if raw is UNSET else convert(raw, field.hint, (data, owner, name), report)
        if value is UNSET and field.required:
            report(data, owner, name, "missing field" if raw is UNSET else "wrong type")
            return UNSET
        if value is UNSET and raw is not UNSET:
            extras.add(name)
        setattr(model, field.attribute, value)
    for name in [name for name in data if name in extras]:
        if fields:
            report(data, owner, name, "wrong type" if name in fields else "unknown field")
        if kept is None:
            return UNSET
        rest[name] = data[name] if name in fields else convert(data[name], kept, (data, owner, "*"), report)
        if rest[name] is UNSET:
            return UNSET
    if kept is not None:
        model.additional_properties = rest
    return model


def convert(raw: Any, hint: Any, at: Location, report: ReportDrift) -> Any:
    """Returns the attribute for a JSON value, or UNSET where the value fits none of the types of a hint."""
    choices = union_members(hint)
    if raw is None and types.NoneType in choices:
        return None
    if len(choices) > 1:
        choices = [choice for choice in choices if choice is not types.NoneType]
    if len(choices) == 1:
        return convert_to(raw, choices[0], at, report)
    fitting = (convert_to(raw, choice, at, lambda *_: None) for choice in choices)
    return next((value for value in fitting if value is not UNSET), UNSET)


def convert_to(raw: Any, hint: Any, at: Location, report: ReportDrift) -> Any:
    if hint in PLAIN:
        return raw if raw.__class__ in PLAIN[hint] else UNSET
    if hint.__class__ is EnumType:
        return convert_enum(raw, hint, at, report)
    if hint in STRING_PARSERS:
        return parse_string(raw, STRING_PARSERS[hint])
    if hint in ANYTHING:
        return raw
    if typing.get_origin(hint) is list:
        return convert_items(raw, typing.get_args(hint)[0], at, report) if raw.__class__ is list else UNSET
    if typing.get_origin(hint) is Literal:
        return raw if (raw.__class__, raw) in [(value.__class__, value) for value in typing.get_args(hint)] else UNSET
    return decode_object(raw, hint, report)


def convert_items(raw: list[Any], hint: Any, at: Location, report: ReportDrift) -> Any:
    converted = (convert(item, hint, at, report) for item in raw)
    items = list(takewhile(lambda item: item is not UNSET, converted))
    return items if len(items) == len(raw) else UNSET


def convert_enum(raw: Any, cls: Any, at: Location, report: ReportDrift) -> Any:
    if raw.__class__ is not plain_type(cls):
        return UNSET
    member = members_of(cls).get(raw)
    if member is None:
        report(*at, "unknown value")
        member = unknown_member(cls, raw)
    return member


@functools.lru_cache(1024)
def unknown_member(cls: type[Enum], value: Any) -> Enum:
    """Returns a member of an enum for a value that the API document does not list yet."""
    member = typing.cast(Any, plain_type(cls)).__new__(cls, value)
    member._name_, member._value_ = str(value), value
    member.__reduce_ex__ = lambda protocol: (unknown_member, (cls, value))  # by default pickle looks the value up
    return typing.cast(Enum, member)


def parse_string(raw: Any, parse: Callable[[str], Any]) -> Any:
    try:
        return parse(raw) if raw.__class__ is str else UNSET
    except (ValueError, OverflowError):
        return UNSET


def parse_datetime(raw: str) -> Any:
    """Returns an aware datetime for any RFC 3339 spelling; a leap second becomes the second after it."""
    try:
        parsed = datetime.fromisoformat(raw)
    except ValueError:
        parsed = datetime.fromisoformat(re.sub(r":60(?=[.Z+-]|$)", ":59", raw.upper()))
        parsed += timedelta(seconds=":60" in raw)
    return UNSET if parsed.tzinfo is None else parsed


def parse_exactly(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Returns a parser that accepts only the canonical spelling, so that `to_dict` gives back the same string."""
    return lambda raw: value if str(value := parse(raw)) == raw else UNSET


STRING_PARSERS: dict[Any, Callable[[str], Any]] = {
    datetime: parse_datetime,
    date: parse_exactly(date.fromisoformat),
    UUID: parse_exactly(UUID),
}
