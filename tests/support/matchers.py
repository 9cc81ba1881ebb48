"""Compare decoded values with the schemas of the API document."""

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

SCALARS = {"string": str, "integer": int, "number": int | float, "boolean": bool}
STRING_FORMATS = {"date-time": datetime, "date": date, "uuid": UUID}


def mismatches(
    value: Any, schema: Schema, path: str, *, complete: bool = True, examples: bool = False
) -> Iterator[str]:
    """Yield a message for each part of a decoded value that does not match the schema.

    Args:
        complete: Whether optional fields must be present, too.
        examples: Whether values must equal the examples of the schema.
    """
    class_name = schema.get("$ref", "").rpartition("/")[2]
    schema = resolve(schema)
    if examples and (example := _example(schema)) is not UNSET:
        if not _is_same(value, example):
            yield f"{path} is {value!r}, not {example!r}"
        examples = False  # the example includes all values within
    if value is None and schema.get("nullable"):
        return
    if properties(schema):
        yield from _object_mismatches(value, schema, class_name, path, complete=complete, examples=examples)
    elif schema.get("type") == "array" and isinstance(value, list):
        if examples and not value:
            yield f"{path} is empty"
        for i, item in enumerate(value):
            yield from mismatches(item, schema["items"], f"{path}[{i}]", complete=complete, examples=examples)
    elif not _fits(value, schema):
        yield f"{path} is {value!r}"


def _object_mismatches(value: Any, schema: Schema, class_name: str, path: str, **options: bool) -> Iterator[str]:
    if not attrs.has(type(value)) or (class_name and type(value).__name__ != ClassName(class_name, "")):
        yield f"{path} is {value!r}"
        return
    known = {"additional_properties", *map(python_name, schema["properties"])}
    yield from (f"{path}.{name} is not in the document" for name in attrs.fields_dict(type(value)).keys() - known)
    for field, part in schema["properties"].items():
        member = getattr(value, python_name(field), UNSET)
        if member is not UNSET:
            yield from mismatches(member, part, f"{path}.{field}", **options)
        elif options["complete"] or field in schema.get("required", []):
            yield f"{path}.{field} is missing"
    if not schema.get("additionalProperties"):
        yield from (f"{path}[{name!r}] is not in the document" for name in getattr(value, "additional_properties", {}))


def _fits(value: Any, schema: Schema) -> bool:
    kind = schema.get("type")
    if "enum" in schema:
        return isinstance(value, Enum) and {member.value for member in type(value)} == set(schema["enum"])
    if kind == "object":
        return attrs.has(type(value))
    if kind == "string" and schema.get("format") in STRING_FORMATS:
        return isinstance(value, STRING_FORMATS[schema["format"]]) and not _is_naive(value)
    if kind in SCALARS:
        return isinstance(value, SCALARS[kind]) and isinstance(value, bool) == (kind == "boolean")
    return kind is None


def _is_naive(value: Any) -> bool:
    return isinstance(value, datetime) and value.tzinfo is None


def _example(schema: Schema) -> Any:
    """Return Prism's example: a default, or the first value of an enum, or the schema's example."""
    return schema.get("default", schema.get("enum", [schema.get("example", UNSET)])[0])


def _is_same(value: Any, example: Any) -> bool:
    if isinstance(value, datetime):
        return value == datetime.fromisoformat(example)
    if isinstance(value, Enum):
        return bool(value.value == example)
    if isinstance(value, date | UUID):
        return str(value) == str(example)
    return bool(to_json(value) == example)


def to_json(value: Any) -> Any:
    if isinstance(value, list):
        return [to_json(member) for member in value]
    return value.to_dict() if attrs.has(type(value)) else value


def round_trip_mismatches(value: Any, sent: Any, path: str) -> Iterator[str]:
    """Yield a message if a decoded value does not encode to the JSON that it was decoded from."""
    encoded = to_json(value)
    if _instants(encoded) != _instants(sent):
        yield f"{path} encodes to {encoded!r}, not {sent!r}"


def _instants(value: Any) -> Any:
    """Return JSON with datetimes for its times, since one instant has several spellings."""
    if isinstance(value, dict):
        return {name: _instants(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_instants(member) for member in value]
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else value
    except ValueError:
        return value
