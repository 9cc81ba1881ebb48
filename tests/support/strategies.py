"""Hypothesis strategies for response bodies, derived from the schemas of the API document."""

from datetime import datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from tests.support.api_document import Schema, properties, resolve

texts = st.text() | st.sampled_from(
    ["", "null", "2026-02-25T16:46:34", "2026-02-25T16:46:34.206Z", "\ud83d", "whatsapp"]
)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
zones = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)


def format_time(time: datetime) -> str:
    text = time.isoformat()
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


SCALARS = {
    "string": st.text(),
    "integer": st.integers(),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    None: any_json,
}
FORMATS = {
    "date-time": st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=zones).map(format_time),
    "date": st.dates().map(str),
    "uuid": st.uuids().map(str),
}


def conforming(schema: Schema, *, extra: bool = True) -> st.SearchStrategy[Any]:
    """Draw values that conform to a schema; with `extra`, also with fields that it does not list."""
    schema = resolve(schema)
    kind = schema.get("type")
    if "enum" in schema:
        drawn: st.SearchStrategy[Any] = st.sampled_from(schema["enum"])
    elif "oneOf" in schema:
        drawn = st.one_of(*(conforming(choice, extra=extra) for choice in schema["oneOf"]))
    elif kind == "object" or "properties" in schema:
        drawn = objects(schema, extra)
    elif kind == "array":
        drawn = st.lists(st.deferred(lambda: conforming(schema["items"], extra=extra)), max_size=3)
    else:
        drawn = FORMATS[schema["format"]] if schema.get("format") in FORMATS else SCALARS[kind]
    return drawn | st.none() if schema.get("nullable") else drawn


def objects(schema: Schema, extra: bool) -> st.SearchStrategy[Any]:
    """Draw objects of a schema."""
    fields = {name: conforming(field, extra=extra) for name, field in properties(schema).items()}
    required = {name: fields.pop(name) for name in schema.get("required", [])}
    listed = st.fixed_dictionaries(required, optional=fields)
    names = texts.filter(lambda name: name not in properties(schema))
    others = schema.get("additionalProperties", extra or not properties(schema))
    value = conforming({} if others is True else others, extra=extra) if others else st.nothing()
    return st.builds(lambda one, other: one | other, listed, st.dictionaries(names, value, max_size=2 if others else 0))


def locations(value: Any) -> list[tuple[Any, Any]]:
    """Return every location within parsed JSON: the object or list, and the name or index in it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, child in inner for found in [(value, name), *locations(child)]]
