"""The records of a list or a scan as Arrow tables and batches, built without models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Protocol, Self

import pyarrow as pa

from .._decoding.drift import Drift
from .._decoding.fields import envelope_of
from .._decoding.parse import DecodedPage, DecodeError, gc_paused, parse, valid_count, valid_records
from .._decoding.records import Record, decode_raw_page, raw_envelope
from .arrays import RAW, record_batch, schema_of
from .columns import Column, columns, to_json


class Part(Protocol):
    """A page or a window."""

    items: list[Any]


class Tables:
    """The columns that a reading builds, and how its responses become tables of them.

    Attributes:
        columns: The columns, in the order of the user.
        schema: Their Arrow types.
    """

    def __init__(self, envelope: type, chosen: Sequence[Column], *, raw: bool) -> None:
        self.columns = [*chosen, RAW] if raw else list(chosen)
        self.schema = schema_of(self.columns)
        self.decode = partial(decode_raw_page if raw else decode_data, envelope)

    @classmethod
    def of(cls, envelope: type, names: Sequence[str] | None, raw: bool = False) -> Self:
        """Returns the tables of a response's records; raises ValueError where a column does not exist."""
        return cls(envelope, choose(columns(envelope_of(envelope).record), names), raw=raw)

    def batch(self, records: Sequence[Record]) -> pa.RecordBatch:
        return record_batch(self.columns, self.schema, records)

    def reader(self, parts: Iterable[Part]) -> pa.RecordBatchReader:
        """Returns what reads the pages or windows as batches, one for each that has records."""
        batches = (self.batch(part.items) for part in parts if part.items)
        return pa.RecordBatchReader.from_batches(self.schema, batches)

    def builder(self) -> TableBuilder:
        return TableBuilder(self)


class TableBuilder:
    """A table that grows; of a record that comes again, the last copy remains."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._batches: list[pa.RecordBatch] = []
        self._latest: dict[Any, int] = {}
        self._superseded: set[int] = set()
        self._rows = 0

    def add(self, records: Sequence[Record]) -> None:
        for row, record in enumerate(records, self._rows):
            if record.id and isinstance(record.id, str | int):
                if (earlier := self._latest.get(record.id)) is not None:
                    self._superseded.add(earlier)
                self._latest[record.id] = row
        self._rows += len(records)
        if records:
            self._batches.append(self._tables.batch(records))

    def table(self) -> pa.Table:
        found = pa.Table.from_batches(self._batches, self._tables.schema)
        if not self._superseded:
            return found
        return found.take(pa.array(row for row in range(self._rows) if row not in self._superseded))


def choose(available: Sequence[Column], names: Sequence[str] | None) -> Sequence[Column]:
    if names is None:
        return available
    by_name = {column.name: column for column in available}
    if isinstance(names, str) or not names or len(set(names)) < len(names):
        raise ValueError(f"columns must be a list of different names, such as ['id'], not {names!r}")
    for name in names:
        if name not in by_name:
            raise ValueError(f"unknown column {name!r}: the columns are {', '.join(by_name)}")
    return [by_name[name] for name in names]


def decode_data(envelope: type, content: bytes, drift: Drift) -> DecodedPage:
    """Returns the records and the total of a page, as `decode_raw_page` does; only those without an id have `raw`."""
    name, total, key, _ = raw_envelope(envelope)
    with gc_paused():
        body = parse(content)
        records = valid_records(body, name)
        for index, data in enumerate(records):
            if data.__class__ is not dict:
                raise DecodeError("the record is not a JSON object", f"{name}[{index}]")
            found = data.get(key)
            records[index] = Record(found, "" if found and found.__class__ is str else to_json(data), data)
        return DecodedPage(records, valid_count(body.get(total)))
