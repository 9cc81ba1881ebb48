"""The fields of a generated class: their JSON names and types."""

import functools
import types
import typing
from enum import Enum
from typing import Any, NamedTuple

import attrs

from .. import models
from ..models import Unset

TOTALS = ("count", "total", "total_count", "totalCount", "total_results", "total_items")


class Field(NamedTuple):
    """A field that the API document lists for a class."""

    attribute: str
    name: str
    hint: Any
    required: bool = False


@functools.cache
def fields_of(cls: type) -> dict[str, Field]:
    """Returns the listed fields of a generated class, by JSON name."""
    names, hints = json_names(cls), typing.get_type_hints(cls, localns=vars(models))
    required = {field.name: field.default is attrs.NOTHING for field in attrs.fields(cls)}
    return {name: Field(key, name, hints[key], required[key]) for key, name in names.items()}


class Envelope(NamedTuple):
    """The fields of a response that has a list.

    Attributes:
        records: The field of the list.
        record: The generated class of its items.
        total: The JSON name of the number of all records, None without one.
        key: The JSON name of what identifies a record, None without one.
    """

    records: Field
    record: type
    total: str | None
    key: str | None


@functools.cache
def envelope_of(cls: type) -> Envelope:
    """Returns the fields of a generated class of a response with one list of objects.

    Raises:
        ValueError: The class has no such list, or several.
    """
    fields = fields_of(cls)
    lists = {field.name: items for field in fields.values() if (items := item_class(field.hint))}
    name = "result" if "result" in lists else next(iter(lists), None)
    if name is None or (len(lists) > 1 and name != "result"):
        raise ValueError(f"{cls.__name__} has {len(lists) or 'no'} lists of objects")
    numbers = [field.name for field in fields.values() if union_members(field.hint) == [int]]
    total = next((found for found in TOTALS if found in numbers), None)
    return Envelope(fields[name], lists[name], total, key_of(lists[name]))


def item_class(hint: Any) -> type | None:
    """Returns the generated class of the items of a list, None for any other type."""
    items = [typing.get_args(member) for member in union_members(hint) if typing.get_origin(member) is list]
    return items[0][0] if len(items) == 1 and attrs.has(items[0][0]) else None


def key_of(record: type) -> str | None:
    """Returns the JSON name of the field that identifies a record: `id`, or that of its class, `contact_id`."""
    names = {plain_name(name): name for name in fields_of(record)}
    own = plain_name(record.__name__)
    return next((names[name] for name in ("id", f"{own}id", "uuid", f"{own}uuid") if name in names), None)


def plain_name(name: str) -> str:
    return name.replace("_", "").lower()


@functools.cache
def extra_type(cls: type) -> Any:
    """Returns the type of the fields that a class does not list; None where it keeps no others."""
    hint = typing.get_type_hints(cls, localns=vars(models)).get("additional_properties")
    return None if hint is None else typing.get_args(hint)[1]


def json_names(cls: type) -> dict[str, str]:
    """Returns the JSON name of each attribute, as the generated `to_dict` spells it."""
    names = [field.name for field in attrs.fields(cls) if field.init]
    probe = cls(**{field.alias: NameProbe(field.name) for field in attrs.fields(cls) if field.init})
    spelled = {attribute_name(value): name for name, value in probe.to_dict().items()}
    return {name: spelled[name] for name in names}


class NameProbe(str):
    """The name of an attribute, which `to_dict` accepts as a value of any type."""

    value = property(str)
    isoformat = to_dict = str.__str__

    def __iter__(self) -> typing.Iterator[str]:
        return iter([self])


def attribute_name(value: Any) -> str:
    return attribute_name(value[0]) if isinstance(value, list) else str(value)


@functools.cache
def union_members(hint: Any) -> list[Any]:
    """Returns the types that an attribute may have, UNSET left out."""
    union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    return [member for member in (typing.get_args(hint) if union else [hint]) if member is not Unset]


@functools.cache
def members_of(cls: type[Enum]) -> dict[Any, Enum]:
    return {member.value: member for member in cls}


@functools.cache
def plain_type(cls: type) -> type[Any]:
    return str if issubclass(cls, str) else int
