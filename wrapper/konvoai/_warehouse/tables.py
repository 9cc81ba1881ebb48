"""Records as the Arrow tables of a database: sessions and messages, with `rest` for whatever no column took."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import chain, repeat
from math import isfinite
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from .._decoding.records import Record
from .._tables.arrays import build_array
from .._tables.columns import Column, columns, to_json, value_at
from ..models import AISession

SESSIONS_TABLE, ID, REST = "ai_sessions", "id", "rest"
PARENT_ID, POSITION = "ai_session_id", "position"
MAX_JSON_DEPTH = 100  # deeper values become JSON text, since databases limit the depth of theirs
MAX_TIME = pa.scalar(datetime.max.replace(tzinfo=UTC), pa.timestamp("us", "UTC"))
INVALID_CHARACTERS = re.compile("[\0\ud800-\udfff]")
INVALID_ESCAPES = re.compile(
    r"\\u0000|\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB]..)\\u[dD][c-fC-F]", re.DOTALL
)
Objects = Sequence[Any]
Shape = dict[str, Any]
"""The fields of an object that have columns: None for one, a Shape for an object, the Column of a list."""


class TableColumn(NamedTuple):
    """A column of a table of the database.

    Attributes:
        name: Its name, in every database.
        kind: The kind of its values, as in `_tables.columns`.
    """

    name: str
    kind: str


SESSION_COLUMNS = tuple(column for column in columns(AISession) if column.kind != "list")
LISTS = tuple(column for column in columns(AISession) if column.kind == "list")
TABLES: dict[str, tuple[TableColumn, ...]] = {
    SESSIONS_TABLE: (*(TableColumn(column.name, column.kind) for column in SESSION_COLUMNS), TableColumn(REST, "json"))
}
TABLES |= {
    f"{SESSIONS_TABLE}__{column.name}": (
        TableColumn(PARENT_ID, "text"),
        TableColumn(POSITION, "integer"),
        *(TableColumn(field.name, field.kind) for field in column.fields),
        TableColumn(REST, "json"),
    )
    for column in LISTS
}
"""The tables of a database, and their columns."""


def make_tables(records: Iterable[Record]) -> dict[str, pa.Table]:
    """Returns the rows of each table; of records with the same key the last counts."""
    rows = {record_key(record.data): record.data for record in map(storable, records)}
    keys, data = [*rows], [*rows.values()]
    arrays = object_arrays(columns(AISession), SESSION_COLUMNS, data)
    arrays[[column.name for column in SESSION_COLUMNS].index(ID)] = pa.array(keys, pa.string())
    tables = {SESSIONS_TABLE: pa.table(arrays, [column.name for column in TABLES[SESSIONS_TABLE]])}
    return tables | {f"{SESSIONS_TABLE}__{column.name}": list_table(column, rows) for column in LISTS}


def list_table(column: Column, rows: Mapping[str, Any]) -> pa.Table:
    """Returns the table of a list: a row for each item, with the key of its record and its position."""
    lists = {key: items for key, data in rows.items() if type(items := value_at(data, column.path)) is list}
    items = [*chain.from_iterable(lists.values())]
    parents = chain.from_iterable(repeat(key, len(items)) for key, items in lists.items())
    positions = chain.from_iterable(range(len(items)) for items in lists.values())
    arrays = [pa.array([*parents], pa.string()), pa.array([*positions], pa.int64())]
    arrays += object_arrays(column.fields, column.fields, items)
    return pa.table(arrays, [column.name for column in TABLES[f"{SESSIONS_TABLE}__{column.name}"]])


def object_arrays(known: Sequence[Column], table_columns: Sequence[Column], objects: Objects) -> list[pa.Array]:
    """Returns the array of each column, and last the JSON of whatever none of them took."""
    shape = shape_of(known)
    rests = {index: rest for index, value in enumerate(objects) if (rest := without_columns(value, shape)) is not None}
    arrays = []
    for column in table_columns:
        array = within_years(build_array(column, objects))
        arrays.append(array)
        for index, value in misfits(column, array, objects):
            put(rests.setdefault(index, {}), column.path, value)
    texts = [to_json(sanitize(rests[index])) if index in rests else None for index in range(len(objects))]
    return [*arrays, pa.array(texts, pa.string())]


def shape_of(known: Sequence[Column]) -> Shape:
    shape: Shape = {}
    for column in known:
        put(shape, column.path, column if column.kind == "list" else None)
    return shape


def put(target: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        target = target.setdefault(name, {})
    target[path[-1]] = value


def without_columns(value: Any, shape: Shape) -> Any:
    """Returns the fields of an object that have no column, or the value itself where it is no object; None without."""
    if value.__class__ is not dict:
        return value
    rest = {name: left for name, inner in value.items() if (left := left_of(name, inner, shape)) is not None}
    return rest or None


def left_of(name: str, value: Any, shape: Shape) -> Any:
    if name not in shape:
        return value
    part = shape[name]
    if part is None or value is None:
        return None
    if part.__class__ is Column:
        return None if type(value) is list else value
    return without_columns(value, part)


def misfits(column: Column, array: pa.Array, objects: Objects) -> Iterator[tuple[int, Any]]:
    """Yields the index and value of each object whose value is null in the column, and not in the object."""
    if not array.null_count:
        return
    values = [value_at(value, column.path) for value in objects]
    if array.null_count > values.count(None):
        valid = array.is_valid().to_pylist()
        yield from ((index, value) for index, value in enumerate(values) if value is not None and not valid[index])


def within_years(array: pa.Array) -> pa.Array:
    """Returns the times up to the year 9999 in UTC; Python and some databases have no later ones."""
    if not pa.types.is_timestamp(array.type):
        return array
    late = pc.greater(array, MAX_TIME)
    return pc.if_else(late, pa.scalar(None, array.type), array) if pc.any(late).as_py() else array


def record_key(data: Mapping[str, Any]) -> str:
    """Returns the record's `id` as text, or a hash of its contents if it has none."""
    value = data.get(ID)
    if value and type(value) in (str, int):
        return str(value)
    return "sha256:" + sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def storable(record: Record) -> Record:
    """Returns the record without characters that databases reject; copies it only where it has one."""
    if "\\u" not in record.raw or not INVALID_ESCAPES.search(record.raw):
        return record
    return record._replace(data=sanitize(record.data))


def sanitize(value: Any, depth: int = 0) -> Any:
    """Returns a value that is JSON in every database.

    NUL and lone surrogates become U+FFFD; numbers that are not finite, and values nested too deeply, become text.
    """
    if isinstance(value, str):
        return INVALID_CHARACTERS.sub("\ufffd", value)
    if isinstance(value, dict | list) and depth > MAX_JSON_DEPTH:
        return deep_text(value)
    if isinstance(value, dict):
        return {sanitize(name): sanitize(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [sanitize(item, depth + 1) for item in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def deep_text(value: Any) -> str:
    try:
        return INVALID_CHARACTERS.sub("\ufffd", json.dumps(value))
    except RecursionError:  # the parser reads a little deeper than this stack reaches
        return "nested too deeply"
