"""Parquet: typed columns, and each record's JSON beside them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .._columns import Column, Kind
from .._decoding.records import Record
from .formats import as_json, value_at

ROW_GROUP = 8 * 2**20
TYPES: dict[Kind, Any] = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_()}
TYPES |= {"time": pa.timestamp("us", "UTC"), "date": pa.date32(), "json": pa.string()}


class Parquet:
    """The data is Arrow's, in streams one after the other, as no Parquet file can grow after a stop."""

    def __init__(self, columns: Sequence[Column]) -> None:
        pa.set_memory_pool(pa.system_memory_pool())  # the default one keeps what is freed, a third of the peak
        self._columns = columns
        fields = [pa.field(column.name, type_of(column)) for column in columns]
        self._schema = pa.schema([*fields, pa.field("raw", pa.string())])

    def rows(self, records: Sequence[Record], *, first: bool) -> bytes:
        data = [record.data for record in records]
        arrays = [array(column, data) for column in self._columns]
        batch = pa.record_batch([*arrays, pa.array([record.raw for record in records])], schema=self._schema)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._schema) as stream:
            stream.write_batch(batch)
        return bytes(sink.getvalue())

    def finish(self, data: Path, file: Path, doubles: set[int]) -> None:
        with pq.ParquetWriter(file, self._schema, compression="zstd") as writer:
            for table in row_groups(kept(batches(data), doubles), self._schema):
                writer.write_table(table)


def type_of(column: Column) -> pa.DataType:
    if column.kind == "list":
        return pa.list_(pa.struct([pa.field(field.name, type_of(field)) for field in column.fields]))
    return TYPES[column.kind]


def array(column: Column, data: Sequence[Any]) -> pa.Array:
    """The values of a column; one that does not fit is null, and in `raw` as it came."""
    values = [value_at(one, column.path) for one in data]
    if column.kind == "list":
        return objects(column, values)
    if column.kind == "json":
        return pa.array([None if value is None else as_json(value) for value in values], pa.string())
    try:
        if column.kind in ("time", "date"):
            return pa.array(values, pa.string()).cast(TYPES[column.kind])
        return pa.array(values, TYPES[column.kind])
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeError, OverflowError):
        fitting = FITTING[column.kind]
        return pa.array([fitting(value) for value in values], TYPES[column.kind])


def objects(column: Column, values: Sequence[Any]) -> pa.Array:
    """Lists of objects, of which each field is an array of its own."""
    lists = [value if isinstance(value, list) else None for value in values]
    ends = itertools.accumulate((len(items or ()) for items in lists), initial=0)
    offsets = [None if items is None else end for items, end in zip([*lists, []], ends, strict=True)]
    flat = [item for items in lists if items for item in items]
    inner = [array(field, flat) for field in column.fields]
    absent = pa.array([not isinstance(item, dict) for item in flat], pa.bool_())
    structs = pa.StructArray.from_arrays(inner, fields=list(type_of(column).value_type), mask=absent)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), structs, type=type_of(column))


def text(value: Any) -> str | None:
    try:
        return value if isinstance(value, str) and value.encode() is not None else None
    except UnicodeError:  # a cut emoji
        return None


def time(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None


def day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def integer(value: Any) -> int | None:
    return value if type(value) is int and -(2**63) <= value < 2**63 else None


def number(value: Any) -> float | None:
    try:
        return float(value) if type(value) in (int, float) else None
    except OverflowError:
        return None


def boolean(value: Any) -> bool | None:
    return value if type(value) is bool else None


FITTING: dict[Kind, Callable[[Any], Any]] = {"text": text, "time": time, "date": day, "integer": integer}
FITTING |= {"number": number, "boolean": boolean}


def batches(data: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(data)) as file:
        size = file.size()
        while file.tell() < size:
            yield from pa.ipc.open_stream(file)


def kept(found: Iterator[pa.RecordBatch], doubles: set[int]) -> Iterator[pa.RecordBatch]:
    number = 0
    for batch in found:
        rows = range(number, number + len(batch))
        number += len(batch)
        yield batch if doubles.isdisjoint(rows) else batch.filter(pa.array([row not in doubles for row in rows]))


def row_groups(found: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    for batch in found:
        waiting.append(batch)
        if sum(one.nbytes for one in waiting) >= ROW_GROUP:
            yield pa.Table.from_batches(waiting, schema)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting, schema)
