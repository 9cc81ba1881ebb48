"""Leave out of records what should not be kept, or put hmac_hex hashes in its place."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .._columns import Column
from .._decoding.records import Record
from ..errors import ConfigurationError
from .formats import as_json


def redaction(
    known: Sequence[Column], drop: Sequence[str], hashed: Sequence[str], secret: str
) -> Callable[[Record], Record]:
    """What leaves fields out of a record, or puts hmac_hex hashes in their place, before anything is written.

    Raises:
        ConfigurationError: There is no such field, or no secret for hashes.
    """
    fields = {".".join(path): path for column in known for path in paths(column)}
    for name in (*drop, *hashed):
        if name not in fields:
            raise ConfigurationError(f"there is no field {name}: the fields are {', '.join(fields)}")
    if hashed and not secret:
        raise ConfigurationError("hashes need a secret: set KONVO_HASH_SECRET to a long random text, and keep it")
    if not drop and not hashed:
        return lambda record: record

    def change(record: Record) -> Record:
        for name in drop:
            for holder, key in holders(record.data, fields[name]):
                del holder[key]
        for name in hashed:
            for holder, key in holders(record.data, fields[name]):
                if holder[key] is not None:
                    holder[key] = hmac_hex(secret, holder[key])
        return Record(record.id, as_json(record.data), record.data)

    return change


def paths(column: Column) -> Iterator[tuple[str, ...]]:
    """The places that can be named: every object on the way to a column, and what its lists hold."""
    for length in range(1, len(column.path) + 1):
        yield column.path[:length]
    for field in column.fields:
        for path in paths(field):
            yield (*column.path, *path)


def holders(value: Any, path: Sequence[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects that have the last name of a path, in lists on the way too."""
    if isinstance(value, list):
        for item in value:
            yield from holders(item, path)
    elif isinstance(value, dict) and path[0] in value:
        if len(path) == 1:
            yield value, path[0]
        else:
            yield from holders(value[path[0]], path[1:])


def hmac_hex(secret: str, value: Any) -> str:
    """HMAC-SHA256 of a text, or of a value's JSON, in hexadecimal digits."""
    said = value if isinstance(value, str) else as_json(value)
    return hmac.digest(secret.encode(), said.encode(errors="surrogatepass"), "sha256").hex()
