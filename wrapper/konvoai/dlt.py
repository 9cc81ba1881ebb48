"""The AI conversations as a dlt source, for pipelines of your own: `pipeline.run(konvo_source())`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from hashlib import sha256
from math import inf
from typing import TYPE_CHECKING, Any, cast

from dlt.common.schema import Schema
from dlt.extract import DltResource, DltSource

from ._client import Konvo
from ._columns import Column, columns
from ._decoding.records import Record
from ._pagination.protocol import Window
from ._pagination.window_plan import BEGINNING
from ._resources import scan_records, validate_time
from ._settings import as_secret
from .models import AISession

if TYPE_CHECKING:
    from dlt.common.data_types import TDataType
    from dlt.common.schema.typing import TColumnSchema

    from ._pagination.paginator import Scan

try:
    import dlt
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("konvoai.dlt needs dlt: pip install 'konvoai[sync]'", name="dlt") from error
__all__ = ["konvo_source"]
NAME, TABLE, MESSAGES = "konvo", "ai_sessions", "ai_sessions__messages"
TYPES: dict[str, TDataType] = {
    "text": "text",
    "integer": "bigint",
    "number": "double",
    "boolean": "bool",
    "time": "timestamp",
    "date": "date",
    "json": "json",
}
DEEPEST = 100  # of what a record nests: dlt's JSON ends somewhere above
MOST_NESTING = 3  # levels that become columns and tables; what lies deeper stays JSON
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
SUSPICIOUS = re.compile(r"\\u0000|\\u[dD][89a-fA-F]|[0-9]{19}")
State = dict[str, Any]
"""What the destination remembers: `since`, the first time asked for, and `up_to`; ISO 8601 in UTC, or None."""


def konvo_source(
    api_key: str | None = None,
    *,
    base_url: str | None = None,
    since: datetime | None = None,
    lookback: timedelta = timedelta(days=1),
    concurrency: int = 4,
) -> DltSource:
    """The AI conversations, for `pipeline.run`: all of them first, then what was updated since the last run.

    It has one resource, `ai_sessions`, which dlt merges by `id`; the messages come as its table
    `ai_sessions__messages`. How far a run came is kept in dlt's state, with the rows. A session that changes while it
    is read ends the run before it would come again; the next run goes on there.

    Args:
        api_key: The key; without it that of the environment variable KONVO_API_KEY.
        base_url: The server's address; without it that of KONVO_BASE_URL, or else the API document's.
        since: Only sessions updated after this time, an aware datetime; None for all. Once there is a state, an earlier
            time than before reads again from there, and a later one changes nothing.
        lookback: How far before the end of the last run the next one begins, for changes that came in late.
        concurrency: Requests in flight at most.

    Raises:
        KonvoError: There is no key, or the address cannot be used. What goes wrong in a run is a `KonvoError` as the
            cause of dlt's `PipelineStepFailed`.
        ValueError: A time without a time zone, a lookback below 0, or a concurrency below 1.
    """
    api_key = as_secret(api_key)

    def client() -> Konvo:
        return Konvo(api_key, base_url=base_url, on_drift="ignore")

    def windows(state: State) -> Iterator[Window[Record]]:
        with client() as konvo, closing(Batches(scan(konvo, begin(state, since, lookback), concurrency))) as slices:
            yield from slices.next(inf)

    with client() as konvo:  # what is wrong with the arguments is told here, not in the midst of a run
        scan(konvo, begin({}, since, lookback), concurrency)
    return source(windows)


def source(windows: Callable[[State], Iterator[Window[Record]]]) -> DltSource:
    """The source that hands over windows, and remembers with them how far they go."""

    def ai_sessions() -> Iterator[list[dict[str, Any]]]:
        state = dlt.current.resource_state()
        for window in windows(state):
            reached = state.get("up_to")  # it may be later than a window of the lookback
            end = window.end if reached is None else max(window.end, datetime.fromisoformat(reached))
            state["up_to"] = end.isoformat()
            yield [row(record) for record in window.items]

    known = columns(AISession)
    nested = {column.name: hints(column.fields) for column in known if column.kind == "list"}
    resource: DltResource = dlt.resource(
        ai_sessions,
        write_disposition="merge",
        primary_key="id",
        columns=hints(known),
        nested_hints={name: dlt.mark.make_nested_hints(columns=fields) for name, fields in nested.items()},
        max_table_nesting=MOST_NESTING,
    )
    return DltSource(Schema(NAME), NAME, [resource])


def begin(state: State, since: datetime | None, lookback: timedelta) -> datetime | None:
    """From where to read on; where `since` is earlier than before, the state is put back to it."""
    if lookback < timedelta(0):
        raise ValueError("lookback must not be below 0")
    since = validate_time("since", since)
    first = datetime.fromisoformat(state["since"]) if state.get("since") else BEGINNING
    if state.get("up_to") is None or (since or first) < first:
        state.update(since=since and since.isoformat(), up_to=None)
        return since
    up_to = datetime.fromisoformat(state["up_to"])
    return max(up_to - min(lookback, up_to - BEGINNING), first)


def scan(konvo: Konvo, start: datetime | None, concurrency: int) -> Generator[Window[Record]]:
    sessions = cast(Any, konvo.ai_sessions)
    reading: Scan[Record] = scan_records(sessions, start, concurrency=concurrency, messages=True, state=True)
    return reading.windows()


class Batches:
    """Windows, in slices in which no session comes twice: dlt would not know which of its rows is the later.

    Attributes:
        ended: Whether there is no further window.
    """

    def __init__(self, windows: Generator[Window[Record]]) -> None:
        self._windows = windows
        self._waiting: Window[Record] | None = None
        self.ended = False
        self.close = windows.close

    def next(self, most: float) -> Iterator[Window[Record]]:
        """The next slice, which ends once it has `most` characters of JSON."""
        held: set[str] = set()
        size = 0
        while size < most:
            window = self._waiting or next(self._windows, None)
            self._waiting, self.ended = window, window is None
            if window is None:
                return
            found = {key(record): record for record in window.items}
            if not held.isdisjoint(found):
                return
            window.items, self._waiting = list(found.values()), None
            held.update(found)
            size += sum(len(record.raw) for record in window.items)
            yield window


def key(record: Record) -> str:
    """The record's `id` as text; where it has none, a hash of all of it: then each of its states is a row."""
    if record.id and type(record.id) in (str, int):
        return UNSTORABLE.sub("\ufffd", str(record.id))
    return "sha256:" + sha256(json.dumps(record.data, sort_keys=True).encode()).hexdigest()


def row(record: Record) -> dict[str, Any]:
    raw = record.raw
    odd = SUSPICIOUS.search(raw) or raw.count("[") + raw.count("{") > DEEPEST
    return {**(sanitize(record.data) if odd else record.data), "id": key(record)}


def sanitize(value: Any, depth: int = 0) -> Any:
    """A value as destinations can hold it: texts without NUL and halves of characters, other whole numbers as text."""
    if isinstance(value, dict | list) and depth > DEEPEST:
        return json.dumps(value)
    if isinstance(value, dict):
        return {sanitize(name): sanitize(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [sanitize(inner, depth + 1) for inner in value]
    if isinstance(value, str):
        return UNSTORABLE.sub("\ufffd", value)
    return str(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


def hints(known: Sequence[Column]) -> list[TColumnSchema]:
    """The types of columns, which else the first rows would decide."""
    return [{"name": column.name, "data_type": TYPES[column.kind]} for column in known if column.kind in TYPES]
