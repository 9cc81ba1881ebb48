"""Records as Arrow arrays, one for each column."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from .._decoding.records import Record
from .columns import Column, Kind, to_json, values_at

TYPES: dict[Kind, Any] = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
TYPES |= {"time": pa.timestamp("us", "UTC"), "date": pa.date32(), "json": pa.string()}
RAW = Column("raw", (), "text")
"""The column with each record's JSON."""


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([pa.field(column.name, arrow_type(column)) for column in columns])


def arrow_type(column: Column) -> pa.DataType:
    if column.kind == "list":
        return pa.list_(pa.struct([pa.field(field.name, arrow_type(field)) for field in column.fields]))
    return TYPES[column.kind]


def record_batch(columns: Sequence[Column], schema: pa.Schema, records: Sequence[Record]) -> pa.RecordBatch:
    """Returns the records as a batch; `schema` is that of the columns, and `RAW` may be one of these."""
    data = [record.data for record in records]
    arrays = [
        pa.array([record.raw for record in records], pa.string()) if column is RAW else build_array(column, data)
        for column in columns
    ]
    return pa.record_batch(arrays, schema=schema)


def build_array(column: Column, data: Sequence[Any]) -> pa.Array:
    """Returns the values of a column; a value of another type is null here, and unchanged in `raw`."""
    values = values_at(data, column.path)
    if column.kind == "list":
        return build_list_array(column, values)
    if column.kind == "json":
        return pa.array([None if value is None else to_json(value) for value in values], pa.string())
    try:
        if column.kind in ("time", "date"):
            return pa.array(values, pa.string()).cast(TYPES[column.kind])
        return pa.array(values, TYPES[column.kind])
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeError, OverflowError):
        convert = CONVERTERS[column.kind]
        return pa.array([convert(value) for value in values], TYPES[column.kind])


def build_list_array(column: Column, values: Sequence[Any]) -> pa.Array:
    """Returns lists of objects, with one Arrow array for each field of the objects."""
    lists = [value if isinstance(value, list) else None for value in values]
    ends = itertools.accumulate((len(items or ()) for items in lists), initial=0)
    offsets = [None if items is None else end for items, end in zip([*lists, []], ends, strict=True)]
    flat = [item for items in lists if items for item in items]
    arrays = [build_array(field, flat) for field in column.fields]
    absent = pa.array([not isinstance(item, dict) for item in flat], pa.bool_())
    structs = pa.StructArray.from_arrays(arrays, fields=list(arrow_type(column).value_type), mask=absent)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs, type=arrow_type(column))


def to_text(value: Any) -> str | None:
    try:
        return value if isinstance(value, str) and value.encode() is not None else None
    except UnicodeError:  # a lone surrogate, half of an emoji
        return None


def to_time(value: Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(value)
        return time.astimezone(UTC) if time.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def to_date(value: Any) -> date | None:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def to_integer(value: Any) -> int | None:
    return value if type(value) is int and -(2**63) <= value < 2**63 else None


def to_number(value: Any) -> float | None:
    try:
        return float(value) if type(value) in (int, float) else None
    except OverflowError:
        return None


def to_boolean(value: Any) -> bool | None:
    return value if type(value) is bool else None


CONVERTERS: dict[Kind, Callable[[Any], Any]] = {"text": to_text, "time": to_time, "date": to_date}
CONVERTERS |= {"integer": to_integer, "number": to_number, "boolean": to_boolean}
