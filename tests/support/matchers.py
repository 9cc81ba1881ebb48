"""Whether what arrived is what the document says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import attrs
from openapi_python_client.strings import ClassName

from konvoai.models import UNSET
from tests.support.api_document import Schema, properties, resolve
from tests.support.contract_clients import python_name

PLAIN = {"string": str, "integer": int, "number": int | float, "boolean": bool}
TEXTS = {"date-time": datetime, "date": date, "uuid": UUID}


def problems(value: Any, said: Schema, place: str, *, whole: bool = True, examples: bool = False) -> Iterator[str]:
    """The places where a decoded value is not what the schema says.

    Args:
        whole: Whether fields that may be left out must be there too.
        examples: Whether values must be those of the examples.
    """
    schema = resolve(said)
    if examples and (shown := _example(schema)) is not UNSET:
        if not _is_same(value, shown):
            yield f"{place} is {value!r}, not {shown!r}"
        examples = False  # what is within is told by this one
    if value is None and schema.get("nullable"):
        return
    if properties(schema):
        class_name = said.get("$ref", "").rpartition("/")[2]
        yield from _problems_of_object(value, schema, class_name, place, whole=whole, examples=examples)
    elif schema.get("type") == "array" and isinstance(value, list):
        if examples and not value:
            yield f"{place} is empty"
        for i, item in enumerate(value):
            yield from problems(item, schema["items"], f"{place}[{i}]", whole=whole, examples=examples)
    elif not _fits(value, schema):
        yield f"{place} is {value!r}"


def _problems_of_object(value: Any, schema: Schema, class_name: str, place: str, **asked: bool) -> Iterator[str]:
    if not attrs.has(type(value)) or (class_name and type(value).__name__ != ClassName(class_name, "")):
        yield f"{place} is {value!r}"
        return
    known = {"additional_properties", *map(python_name, schema["properties"])}
    yield from (f"{place}.{name} is not in the document" for name in attrs.fields_dict(type(value)).keys() - known)
    for field, said in schema["properties"].items():
        member = getattr(value, python_name(field), UNSET)
        if member is not UNSET:
            yield from problems(member, said, f"{place}.{field}", **asked)
        elif asked["whole"] or field in schema.get("required", []):
            yield f"{place}.{field} is missing"
    if not schema.get("additionalProperties"):
        yield from (f"{place}[{name!r}] is not in the document" for name in getattr(value, "additional_properties", {}))


def _fits(value: Any, schema: Schema) -> bool:
    kind = schema.get("type")
    if "enum" in schema:
        return isinstance(value, Enum) and {member.value for member in type(value)} == set(schema["enum"])
    if kind == "object":
        return attrs.has(type(value))
    if kind == "string" and schema.get("format") in TEXTS:
        return isinstance(value, TEXTS[schema["format"]]) and not _is_naive(value)
    if kind in PLAIN:
        return isinstance(value, PLAIN[kind]) and isinstance(value, bool) == (kind == "boolean")
    return kind is None


def _is_naive(value: Any) -> bool:
    return isinstance(value, datetime) and value.tzinfo is None


def _example(schema: Schema) -> Any:
    """What Prism shows: it prefers a default and the first value of an enum to the example."""
    return schema.get("default", schema.get("enum", [schema.get("example", UNSET)])[0])


def _is_same(value: Any, example: Any) -> bool:
    if isinstance(value, datetime):
        return value == datetime.fromisoformat(example)
    if isinstance(value, Enum):
        return bool(value.value == example)
    return bool(to_json(value) == example)


def to_json(value: Any) -> Any:
    if isinstance(value, list):
        return [to_json(member) for member in value]
    return value.to_dict() if attrs.has(type(value)) else value


def losses(value: Any, sent: Any, place: str) -> Iterator[str]:
    """Whether a decoded value gives back the JSON that it was made of."""
    back = to_json(value)
    if _instants(back) != _instants(sent):
        yield f"{place} gives back {back!r}, not {sent!r}"


def _instants(value: Any) -> Any:
    """JSON with its times as instants, since one instant has several spellings."""
    if isinstance(value, dict):
        return {name: _instants(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_instants(member) for member in value]
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else value
    except ValueError:
        return value
