"""The AI sessions as a dlt source, for your own pipelines: `pipeline.run(konvo_source())`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from hashlib import sha256
from math import inf
from typing import TYPE_CHECKING, Any, cast

from ._version import INSTALL_EXTRA

try:
    import dlt
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"konvoai.dlt needs dlt: {INSTALL_EXTRA.format('sync')}", name="dlt") from error
from dlt.common.schema import Schema
from dlt.extract import DltResource, DltSource

from ._arguments import validate_time
from ._client import Konvo
from ._decoding.records import Record
from ._pagination.protocol import Window
from ._pagination.window_plan import BEGINNING
from ._resources import scan_records
from ._settings import as_secret
from ._tables.columns import Column, columns
from .models import AISession

if TYPE_CHECKING:
    from dlt.common.data_types import TDataType
    from dlt.common.schema.typing import TColumnSchema

    from ._pagination.paginator import Scan

__all__ = ["konvo_source"]
# Databases hold these names and the keys of `State`: a changed one makes the next sync start over.
SOURCE_NAME, SESSIONS_TABLE, MESSAGES_TABLE = "konvo", "ai_sessions", "ai_sessions__messages"
DLT_TYPES: dict[str, TDataType] = {
    "text": "text",
    "integer": "bigint",
    "number": "double",
    "boolean": "bool",
    "time": "timestamp",
    "date": "date",
    "json": "json",
}
MAX_JSON_DEPTH = 100  # dlt's JSON encoder fails on deeper values
MAX_TABLE_NESTING = 3  # levels that become columns and tables; deeper ones stay JSON
INVALID_CHARACTERS = re.compile("[\0\ud800-\udfff]")
MAY_NEED_SANITIZING = re.compile(r"\\u0000|\\u[dD][89a-fA-F]|[0-9]{19}")
State = dict[str, Any]
"""What dlt stores in the destination: `since`, the earliest time requested, and `up_to`; ISO 8601 in UTC, or None."""


def konvo_source(
    api_key: str | None = None,
    *,
    base_url: str | None = None,
    since: datetime | None = None,
    lookback: timedelta = timedelta(days=1),
    concurrency: int = 8,
) -> DltSource:
    """Returns the AI sessions as a dlt source: the first run loads all of them, later runs what was updated since.

    The source has one resource, `ai_sessions`, which dlt merges by `id`; the messages go to its child table
    `ai_sessions__messages`. dlt commits its state, which says where the next run continues, together with the rows.
    If a session changes while a run reads it, the run ends before that session repeats, and the next run continues.

    Args:
        api_key: The API key; default: the environment variable KONVO_API_KEY.
        base_url: The server's address; default: KONVO_BASE_URL, or else the server in the API document.
        since: Load only sessions updated after this time, an aware datetime; None for all. Once there is a state, an
            earlier time than before reads again from there, and a later one changes nothing.
        lookback: How far before the end of the last run the next one starts, to catch changes that arrive late.
        concurrency: Maximum number of requests in flight.

    Raises:
        KonvoError: There is no key, or the address is invalid. An error during a run is a `KonvoError` among the
            causes of dlt's `PipelineStepFailed`.
        ValueError: A time has no time zone, the lookback is negative, or the concurrency is below 1.
    """
    api_key = as_secret(api_key)

    def open_client() -> Konvo:
        return Konvo(api_key, base_url=base_url, on_drift="ignore")

    def read_windows(state: State) -> Iterator[Window[Record]]:
        start = resume_from(state, since, lookback)
        with open_client() as konvo, closing(Batches(scan_windows(konvo, start, concurrency))) as batches:
            yield from batches.next_batch(inf)

    with open_client() as konvo:  # reports invalid arguments now, not during a run
        scan_windows(konvo, resume_from({}, since, lookback), concurrency)
    return make_source(read_windows)


def make_source(read_windows: Callable[[State], Iterator[Window[Record]]]) -> DltSource:
    """Returns a source that yields the rows of each window and stores the end of that window in dlt's state."""

    def ai_sessions() -> Iterator[list[dict[str, Any]]]:
        state = dlt.current.resource_state()
        for window in read_windows(state):
            previous = state.get("up_to")  # later than the end of a window within the lookback
            end = window.end if previous is None else max(window.end, datetime.fromisoformat(previous))
            state["up_to"] = end.isoformat()
            yield [to_row(record) for record in window.items]

    session_columns = columns(AISession)
    nested = {column.name: column_hints(column.fields) for column in session_columns if column.kind == "list"}
    resource: DltResource = dlt.resource(
        ai_sessions,
        write_disposition="merge",
        primary_key="id",
        columns=column_hints(session_columns),
        nested_hints={name: dlt.mark.make_nested_hints(columns=hints) for name, hints in nested.items()},
        max_table_nesting=MAX_TABLE_NESTING,
    )
    return DltSource(Schema(SOURCE_NAME), SOURCE_NAME, [resource])


def resume_from(state: State, since: datetime | None, lookback: timedelta) -> datetime | None:
    """Returns the time to read from; None for the beginning.

    A `since` earlier than the stored one resets the state.

    Raises:
        ValueError: `since` has no time zone, or `lookback` is negative.
    """
    if lookback < timedelta(0):
        raise ValueError("lookback must not be negative")
    since = validate_time("since", since)
    earliest = datetime.fromisoformat(state["since"]) if state.get("since") else BEGINNING
    if state.get("up_to") is None or (since or earliest) < earliest:
        state.update(since=since and since.isoformat(), up_to=None)
        return since
    up_to = datetime.fromisoformat(state["up_to"])
    return max(up_to - min(lookback, up_to - BEGINNING), earliest)


def scan_windows(konvo: Konvo, start: datetime | None, concurrency: int) -> Generator[Window[Record]]:
    """Returns the windows of a scan of raw session records that were updated after `start`."""
    sessions = cast(Any, konvo.ai_sessions)
    scan: Scan[Record] = scan_records(sessions, start, concurrency=concurrency, messages=True, state=True)
    return scan.windows()


class Batches:
    """Groups windows into batches for one dlt run each.

    A session occurs once in a batch: of two rows with the same key, dlt does not know the later one.

    Attributes:
        exhausted: Whether there are no more windows.
    """

    def __init__(self, windows: Generator[Window[Record]]) -> None:
        self._windows = windows
        self._pending: Window[Record] | None = None
        self.exhausted = False
        self.close = windows.close

    def next_batch(self, max_characters: float) -> Iterator[Window[Record]]:
        """Yields the windows of the next batch, which ends after `max_characters` of JSON."""
        batch_keys: set[str] = set()
        size = 0
        while size < max_characters:
            window = self._pending or next(self._windows, None)
            self._pending, self.exhausted = window, window is None
            if window is None:
                return
            by_key = {record_key(record): record for record in window.items}
            if not batch_keys.isdisjoint(by_key):
                return
            window.items, self._pending = list(by_key.values()), None
            batch_keys.update(by_key)
            size += sum(len(record.raw) for record in window.items)
            yield window


def record_key(record: Record) -> str:
    """Returns the record's `id` as text, or a hash of its contents if it has none."""
    if record.id and type(record.id) in (str, int):
        return INVALID_CHARACTERS.sub("\ufffd", str(record.id))
    return "sha256:" + sha256(json.dumps(record.data, sort_keys=True).encode()).hexdigest()


def to_row(record: Record) -> dict[str, Any]:
    """Returns the record's data with its key as `id`; sanitizes it only if its JSON text looks suspicious."""
    raw = record.raw
    suspicious = MAY_NEED_SANITIZING.search(raw) or raw.count("[") + raw.count("{") > MAX_JSON_DEPTH
    return {**(sanitize(record.data) if suspicious else record.data), "id": record_key(record)}


def sanitize(value: Any, depth: int = 0) -> Any:
    """Returns a value that databases accept.

    NUL and lone surrogates become U+FFFD; integers beyond 64 bits become text, values nested too deeply JSON text.
    """
    if isinstance(value, dict | list) and depth > MAX_JSON_DEPTH:
        return json.dumps(value)
    if isinstance(value, dict):
        return {sanitize(name): sanitize(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [sanitize(item, depth + 1) for item in value]
    if isinstance(value, str):
        return INVALID_CHARACTERS.sub("\ufffd", value)
    return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


def column_hints(table_columns: Sequence[Column]) -> list[TColumnSchema]:
    """Returns dlt's types of the columns; without them dlt would infer types from the first rows."""
    return [
        {"name": column.name, "data_type": DLT_TYPES[column.kind]}
        for column in table_columns
        if column.kind in DLT_TYPES
    ]
