"""The formats of an export: how records become bytes that grow, and how these become the file."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from .._columns import Column
from .._decoding.records import Record
from ..errors import ConfigurationError, KonvoError

GZIP_LEVEL = 6


class Format(Protocol):
    def rows(self, records: Sequence[Record], *, first: bool) -> bytes:
        """What records add to the data; the first time with what the data begins with."""

    def finish(self, data: Path, file: Path, doubles: set[int]) -> None:
        """Makes the file of the data, those of its rows left out that are told by number."""


class Lines:
    """JSON in lines, the records as they came."""

    def __init__(self, opened: Callable[..., IO[Any]] = open, packed: Callable[[bytes], bytes] = bytes) -> None:
        self._open = opened
        self._pack = packed

    def rows(self, records: Sequence[Record], *, first: bool) -> bytes:
        return self._pack("".join(f"{record.raw}\n" for record in records).encode())

    def finish(self, data: Path, file: Path, doubles: set[int]) -> None:
        if not doubles:
            data.replace(file)
            return
        with self._open(data, "rb") as lines, self._open(file, "wb") as kept:
            kept.writelines(line for number, line in enumerate(lines) if number not in doubles)


def packed(data: bytes) -> bytes:
    return gzip.compress(data, GZIP_LEVEL, mtime=0)


class Csv:
    """A row for each record; lists are JSON."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns

    def rows(self, records: Sequence[Record], *, first: bool) -> bytes:
        text = io.StringIO()
        writer = csv.writer(text)
        if first:
            writer.writerow(column.name for column in self._columns)
        writer.writerows([cell(value_at(record.data, column.path)) for column in self._columns] for record in records)
        return text.getvalue().encode(errors="backslashreplace")  # a cut emoji

    def finish(self, data: Path, file: Path, doubles: set[int]) -> None:
        if not doubles:
            data.replace(file)
            return
        with data.open(newline="", encoding="utf-8") as rows, file.open("w", newline="", encoding="utf-8") as kept:
            numbered = enumerate(csv.reader(rows), -1)  # the names of the columns come first
            csv.writer(kept).writerows(row for number, row in numbered if number not in doubles)


def value_at(data: Any, path: Sequence[str]) -> Any:
    for name in path:
        data = data.get(name) if data.__class__ is dict else None
    return data


def cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else as_json(value)


def as_json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeError:  # a cut emoji
        return json.dumps(value)


def format_of(file: Path, columns: Sequence[Column]) -> Format:
    """The format that a file's ending tells.

    Raises:
        KonvoError: It tells none, or one that needs a package that is not installed.
    """
    name = file.name.lower()
    if name.endswith((".jsonl", ".ndjson")):
        return Lines()
    if name.endswith((".jsonl.gz", ".ndjson.gz")):
        return Lines(gzip.open, packed)
    if name.endswith(".csv"):
        return Csv(columns)
    if not name.endswith(".parquet"):
        raise ConfigurationError(f"{file.name} tells no format: end it with .jsonl, .jsonl.gz, .csv or .parquet")
    try:
        from .parquet import Parquet
    except ModuleNotFoundError:
        raise KonvoError("parquet needs pyarrow: pip install 'konvoai[parquet]'") from None
    return Parquet(columns)
