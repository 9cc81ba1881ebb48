"""The formats of an export: how records become data that grows, and how the data becomes the final file."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

from .._decoding.records import Record
from .._tables.columns import Column, cell, value_at
from .._version import INSTALL_EXTRA
from ..errors import ConfigurationError, KonvoError

GZIP_LEVEL = 6


class Format(Protocol):
    def encode(self, records: Sequence[Record], *, first: bool) -> bytes:
        """Returns the bytes that records add to the data; with `first`, the header precedes them."""

    def finalize(self, data: Path, file: Path, superseded: set[int]) -> None:
        """Makes the file from the data, without the rows of the given indexes."""


class JsonLines:
    """JSON Lines: the records as the server wrote them."""

    def __init__(self, opener: Callable[..., IO[Any]] = open, compress: Callable[[bytes], bytes] = bytes) -> None:
        self._open = opener
        self._compress = compress

    def encode(self, records: Sequence[Record], *, first: bool) -> bytes:
        return self._compress("".join(f"{record.raw}\n" for record in records).encode())

    def finalize(self, data: Path, file: Path, superseded: set[int]) -> None:
        if not superseded:
            data.replace(file)
            return
        with self._open(data, "rb") as lines, self._open(file, "wb") as target:
            target.writelines(line for row, line in enumerate(lines) if row not in superseded)


def gzip_member(data: bytes) -> bytes:
    return gzip.compress(data, GZIP_LEVEL, mtime=0)


class Csv:
    """CSV: a row for each record; lists are JSON."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns

    def encode(self, records: Sequence[Record], *, first: bool) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text)
        if first:
            writer.writerow(column.name for column in self._columns)
        writer.writerows([cell(value_at(record.data, column.path)) for column in self._columns] for record in records)
        return text.getvalue().encode(errors="backslashreplace")  # a lone surrogate, half of an emoji

    def finalize(self, data: Path, file: Path, superseded: set[int]) -> None:
        if not superseded:
            data.replace(file)
            return
        with data.open(newline="", encoding="utf-8") as source, file.open("w", newline="", encoding="utf-8") as target:
            rows = enumerate(csv.reader(source), -1)  # the header precedes row 0
            csv.writer(target).writerows(cells for row, cells in rows if row not in superseded)


def find_format(file: Path, columns: Sequence[Column]) -> Format:
    """Returns the format that the extension of a file selects.

    Raises:
        ConfigurationError: The extension is not supported.
        KonvoError: The format needs a package that is not installed.
    """
    name = file.name.lower()
    if name.endswith((".jsonl", ".ndjson")):
        return JsonLines()
    if name.endswith((".jsonl.gz", ".ndjson.gz")):
        return JsonLines(gzip.open, gzip_member)
    if name.endswith(".csv"):
        return Csv(columns)
    if not name.endswith(".parquet"):
        problem = f"unsupported extension {file.suffix!r}" if file.suffix else f"{file.name!r} has no extension"
        raise ConfigurationError(f"{problem}: use .jsonl, .jsonl.gz, .csv or .parquet")
    try:
        from .parquet import Parquet
    except ModuleNotFoundError:
        raise KonvoError(f"parquet needs pyarrow: {INSTALL_EXTRA.format('parquet')}") from None
    return Parquet(columns)
