"""The columns that a model has in a table: its fields, those of objects in it beside them, each with one type."""

import functools
import typing
from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from typing import Any, Literal, NamedTuple, TypeGuard
from uuid import UUID

import attrs

from . import models
from ._decoding.fields import json_names, plain_type, union_members

Kind = Literal["text", "integer", "number", "boolean", "time", "date", "json", "list"]
KINDS: dict[Any, Kind] = {str: "text", int: "integer", float: "number", bool: "boolean", UUID: "text"}
KINDS |= {datetime: "time", date: "date"}


class Column(NamedTuple):
    """A column.

    Attributes:
        name: The attribute's names from the record inwards, as in `status__last_updated`.
        path: The JSON names that lead to the value.
        kind: What its values are. Of "json" they are whatever came; of "list", objects that have `fields`.
    """

    name: str
    path: tuple[str, ...]
    kind: Kind
    fields: tuple["Column", ...] = ()


@functools.cache
def columns(cls: type) -> tuple[Column, ...]:
    """The columns of a generated model, in its order."""
    return tuple(inner(cls, "", ()))


def inner(cls: type, prefix: str, path: tuple[str, ...]) -> Iterator[Column]:
    names, hints = json_names(cls), typing.get_type_hints(cls, localns=vars(models))
    for field in attrs.fields(cls):
        if not field.init:
            continue
        name, place, choices = (
            prefix + field.name.rstrip("_"),
            (*path, names[field.name]),
            union_members(hints[field.name]),
        )
        hint = choices[0] if len(choices) == 1 else None
        items = typing.get_args(hint)[0] if typing.get_origin(hint) is list else None
        if is_record(hint) and hint is not cls:
            yield from inner(hint, f"{name}__", place)
        elif is_record(items):
            yield Column(name, place, "list", columns(items))
        else:
            plain = plain_type(hint) if isinstance(hint, type) and issubclass(hint, Enum) else hint
            yield Column(name, place, KINDS.get(plain, "json"))


def is_record(hint: Any) -> TypeGuard[type]:
    """Whether it is a model of which the document lists fields."""
    return isinstance(hint, type) and attrs.has(hint) and any(field.init for field in attrs.fields(hint))
