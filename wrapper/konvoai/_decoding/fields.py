"""The fields of a generated class: their JSON names, their types, and how strings become values."""

import re
import types
import typing
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

import attrs

from ..models import UNSET, Unset


def json_names(cls: type) -> dict[str, str]:
    """Return the JSON name of each attribute, as the generated `to_dict` spells it."""
    names = [field.name for field in attrs.fields(cls) if field.init]
    probe = cls(**{field.alias: NameProbe(field.name) for field in attrs.fields(cls) if field.init})
    spelled = {attribute_name(value): name for name, value in probe.to_dict().items()}
    return {name: spelled[name] for name in names}


class NameProbe:
    """A value for any attribute that carries the name of the attribute through `to_dict`."""

    def __init__(self, name: str) -> None:
        self.value = name

    def __str__(self) -> str:
        return self.value

    def __iter__(self) -> typing.Iterator["NameProbe"]:
        return iter([self])

    isoformat = to_dict = __str__


def attribute_name(value: Any) -> str:
    return attribute_name(value[0]) if isinstance(value, list) else str(value)


def union_members(hint: Any) -> list[Any]:
    """Return the types that an attribute may have, UNSET left out."""
    union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    return [member for member in (typing.get_args(hint) if union else [hint]) if member is not Unset]


def members_of(cls: type[Enum]) -> dict[Any, Enum]:
    return {member.value: member for member in cls}


def plain_type(cls: type[Enum]) -> type[Any]:
    return str if issubclass(cls, str) else int


def parse_datetime(raw: str) -> Any:
    """Return an aware datetime for any RFC 3339 spelling; a leap second becomes the second after it."""
    try:
        parsed = datetime.fromisoformat(raw)
    except ValueError:
        parsed = datetime.fromisoformat(re.sub(r":60(?=[.Z+-]|$)", ":59", raw.upper()))
        parsed += timedelta(seconds=":60" in raw)
    return UNSET if parsed.tzinfo is None else parsed


def parse_exactly(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a parser that accepts only the canonical spelling, so that `to_dict` gives back the same string."""
    return lambda raw: value if str(value := parse(raw)) == raw else UNSET


STRING_PARSERS: dict[Any, Callable[[str], Any]] = {
    datetime: parse_datetime,
    date: parse_exactly(date.fromisoformat),
    UUID: parse_exactly(UUID),
}
