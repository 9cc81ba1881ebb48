"""Parquet: typed columns, and a column `raw` with each record's JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from .._decoding.records import Record
from .._tables.arrays import RAW, record_batch, schema_of
from .._tables.columns import Column

ROW_GROUP_BYTES = 8 * 2**20


class Parquet:
    """The data is a sequence of Arrow IPC streams, since a Parquet file cannot grow after a stop."""

    def __init__(self, columns: Sequence[Column]) -> None:
        pa.set_memory_pool(pa.system_memory_pool())  # the default pool keeps freed memory, a third of the peak
        self._columns = [*columns, RAW]
        self._schema = schema_of(self._columns)

    def encode(self, records: Sequence[Record], *, first: bool) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._schema) as stream:
            stream.write_batch(record_batch(self._columns, self._schema, records))
        return bytes(sink.getvalue())

    def finalize(self, data: Path, file: Path, superseded: set[int]) -> None:
        with pq.ParquetWriter(file, self._schema, compression="zstd") as writer:
            for table in row_groups(without_rows(read_batches(data), superseded), self._schema):
                writer.write_table(table)


def read_batches(data: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(data)) as file:
        size = file.size()
        while file.tell() < size:
            yield from pa.ipc.open_stream(file)


def without_rows(batches: Iterator[pa.RecordBatch], excluded: set[int]) -> Iterator[pa.RecordBatch]:
    count = 0
    for batch in batches:
        rows = range(count, count + len(batch))
        count += len(batch)
        yield batch if excluded.isdisjoint(rows) else batch.filter(pa.array([row not in excluded for row in rows]))


def row_groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    pending: list[pa.RecordBatch] = []
    for batch in batches:
        pending.append(batch)
        if sum(one.nbytes for one in pending) >= ROW_GROUP_BYTES:
            yield pa.Table.from_batches(pending, schema)
            pending = []
    if pending:
        yield pa.Table.from_batches(pending, schema)
