"""The columns of a model in a table, one per field with nested objects flattened; a record's value in each."""

import functools
import json
import typing
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any, Literal, NamedTuple, TypeGuard
from uuid import UUID

import attrs
import msgspec

from .. import models
from .._decoding.fields import json_names, plain_type, union_members

Kind = Literal["text", "integer", "number", "boolean", "time", "date", "json", "list"]
KINDS: dict[Any, Kind] = {str: "text", int: "integer", float: "number", bool: "boolean", UUID: "text"}
KINDS |= {datetime: "time", date: "date"}


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        name: The attribute names from the record inwards, joined by `__`: `status__last_updated`.
        path: The JSON names that lead to the value: `("status", "last_updated")`.
        kind: The type of its values. "json" is any JSON value; "list" is a list of objects that have `fields`.
        fields: The columns of a list's objects; empty for every other kind.
    """

    name: str
    path: tuple[str, ...]
    kind: Kind
    fields: tuple["Column", ...] = ()


@functools.cache
def columns(model: type) -> tuple[Column, ...]:
    """Returns the columns of a generated model, in the order of its fields."""
    return tuple(flatten(model, "", ()))


def flatten(model: type, prefix: str, parent_path: tuple[str, ...]) -> Iterator[Column]:
    """Yields the model's columns; a nested object yields those of its fields, with its name as prefix."""
    names, hints = json_names(model), typing.get_type_hints(model, localns=vars(models))
    for field in attrs.fields(model):
        if not field.init:
            continue
        name = prefix + field.name.rstrip("_")
        path = (*parent_path, names[field.name])
        members = union_members(hints[field.name])
        hint = members[0] if len(members) == 1 else None  # a union of several types has no column type but JSON
        item_type = typing.get_args(hint)[0] if typing.get_origin(hint) is list else None
        if has_fields(hint) and hint is not model:
            yield from flatten(hint, f"{name}__", path)
        elif has_fields(item_type):
            yield Column(name, path, "list", columns(item_type))
        else:
            plain = plain_type(hint) if isinstance(hint, type) and issubclass(hint, Enum) else hint
            yield Column(name, path, KINDS.get(plain, "json"))


def has_fields(hint: Any) -> TypeGuard[type]:
    """Whether the type is a model for which the API document lists fields."""
    return isinstance(hint, type) and attrs.has(hint) and any(field.init for field in attrs.fields(hint))


def value_at(data: Any, path: Sequence[str]) -> Any:
    for name in path:
        data = data.get(name) if data.__class__ is dict else None
    return data


def values_at(records: Sequence[Any], path: Sequence[str]) -> list[Any]:
    """Returns the value of each record; None where it has none."""
    values = list(records)
    for name in path:
        values = [value.get(name) if value.__class__ is dict else None for value in values]
    return values


def cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else to_json(value)


def to_json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeError:  # msgspec rejects a lone surrogate, half of an emoji
        return json.dumps(value)
