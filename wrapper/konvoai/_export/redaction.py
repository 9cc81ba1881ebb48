"""Drops fields of records, or replaces their values by keyed hashes."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .._decoding.records import Record
from .._tables.columns import Column, to_json
from ..errors import ConfigurationError


def redactor(
    columns: Sequence[Column], drop: Sequence[str], hashed: Sequence[str], secret: str
) -> Callable[[Record], Record]:
    """Returns a function that drops and hashes fields of a record.

    Raises:
        ConfigurationError: A field does not exist, or there is no secret for the hashes.
    """
    fields = {".".join(path): path for column in columns for path in paths(column)}
    for name in (*drop, *hashed):
        if name not in fields:
            raise ConfigurationError(f"unknown field {name!r}: the fields are {', '.join(fields)}")
    if hashed and not secret:
        raise ConfigurationError("hashing needs a secret: set KONVO_HASH_SECRET to a long random text, and keep it")
    if not drop and not hashed:
        return lambda record: record

    def redact(record: Record) -> Record:
        # The scan compares a record with later copies of it to find repeats, so the record itself stays as it is.
        data = record.data
        for name in drop:
            data = replaced(data, fields[name], lambda parent, key: parent.pop(key))
        for name in hashed:
            data = replaced(data, fields[name], hash_field)
        return Record(record.id, to_json(data), data)

    def hash_field(parent: dict[str, Any], key: str) -> None:
        if parent[key] is not None:
            parent[key] = hmac_hex(secret, parent[key])

    return redact


def paths(column: Column) -> Iterator[tuple[str, ...]]:
    """Yields the paths of a column's fields: each object on the way to it, itself, and the fields in its lists."""
    for length in range(1, len(column.path) + 1):
        yield column.path[:length]
    for field in column.fields:
        for path in paths(field):
            yield (*column.path, *path)


def replaced(value: Any, path: Sequence[str], change: Callable[[dict[str, Any], str], object]) -> Any:
    """Returns a copy of a value, with `change` applied to each object that has the last name of a path.

    The path leads through lists too. What is not on the path is shared with the value.
    """
    if isinstance(value, list):
        return [replaced(item, path, change) for item in value]
    if not isinstance(value, dict) or path[0] not in value:
        return value
    copy = dict(value)
    if len(path) == 1:
        change(copy, path[0])
    else:
        copy[path[0]] = replaced(copy[path[0]], path[1:], change)
    return copy


def hmac_hex(secret: str, value: Any) -> str:
    """Returns the HMAC-SHA256 of a text, or of a value's JSON, in hexadecimal digits."""
    text = value if isinstance(value, str) else to_json(value)
    return hmac.digest(secret.encode(), text.encode(errors="surrogatepass"), "sha256").hex()
