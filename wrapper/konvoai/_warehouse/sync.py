"""Keep tables of the sessions up to date in a DuckDB file, or in any database where dlt can replace rows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

import pyarrow as pa

from .._client import Konvo
from .._decoding.records import Record
from .._pagination.paginator import Scan
from .._pagination.protocol import Window
from .._resources import scan_records
from ..errors import ConfigurationError
from .duckdb_file import open_duckdb
from .pipeline import open_pipeline
from .state import Progress, Redaction, State, SyncResult, validate_start
from .tables import make_tables
from .time_filters import FilterCheck

MAX_BATCH_SIZE = 16 * 2**20  # characters of JSON; a batch ends with the window that exceeds it
MAX_PENDING_SIZE = 64 * 2**20  # within a window


class Batch(NamedTuple):
    """The rows to write together, and the number of sessions that were read for them."""

    tables: dict[str, pa.Table]
    sessions: int


class Destination(Protocol):
    """A database, open for a sync.

    Attributes:
        state: The state of the last sync with this API key and address.
    """

    state: State

    def write(self, tables: dict[str, pa.Table], state: State) -> None:
        """Replaces the rows of sessions, and stores the state with them."""


def sync(
    konvo: Konvo,
    to: str,
    *,
    since: datetime | None = None,
    lookback: timedelta | None = None,
    drop: Sequence[str] = (),
    hashed: Sequence[str] = (),
    secret: str = "",
    concurrency: int = 8,
    progress: Progress = lambda window, records: None,
) -> SyncResult:
    """Brings the tables `ai_sessions` and `ai_sessions__messages` up to date.

    Commits rows in batches, each together with the state, so that an interrupted sync resumes after the last batch.
    The state is stored only in the destination, one for each API key and address.

    Args:
        konvo: The client to read with.
        to: The path of a DuckDB file, which ends in .duckdb or .db or has a slash, or the name of a dlt destination.
        since: Load only sessions updated after this time, an aware datetime; None for all. Once there is a state, an
            earlier time than before reads again from there, and a later one changes nothing.
        lookback: How far before the end of the last sync this one starts, to catch changes that arrive late; None is a
            day, or 30 where the time filters of the API are not known to mean updates.
        drop: Fields to leave out, e.g. `messages.message`.
        hashed: Fields whose values are replaced by an HMAC-SHA256 with `secret`.
        secret: The key of the hashes.
        concurrency: Maximum number of requests in flight.
        progress: Called with each window and the number of sessions so far.

    Raises:
        ConfigurationError: `to` is an address, `since` is in the future, a field to drop or hash is unknown or is not
            the one of earlier syncs, or there is no secret.
        KonvoError: A request failed, or the destination cannot be written. Committed batches stay.
        ValueError: A time has no time zone, the lookback is negative, or the concurrency is below 1.
    """
    validate_start(since, lookback)
    redaction = Redaction(drop, hashed, secret)
    scan_windows(konvo, since, concurrency)  # reports invalid arguments before it opens the destination
    with open_destination(to, konvo) as destination:
        state, count = destination.state, 0
        redaction.check(state)
        first = state.up_to is None
        start = state.resume_from(since, lookback)
        for batch in read(konvo, state, start, concurrency, redaction, progress):
            count += batch.sessions
            destination.write(batch.tables, state)
        return SyncResult(count, datetime.fromisoformat(state.up_to or ""), first, start, state.filters)


def read(
    konvo: Konvo,
    state: State,
    start: datetime | None,
    concurrency: int,
    redaction: Redaction,
    progress: Progress = lambda window, records: None,
) -> Iterator[Batch]:
    """Yields the batches of a sync, and advances the state before each."""
    check = FilterCheck()
    with closing(cast(Any, scan_windows(konvo, start, concurrency))) as windows:
        for records, end in batches(windows, progress):
            if end is not None:
                state.advance(end)
            if state.filters is None:
                check.observe(records)
            yield Batch(make_tables(map(redaction.redact, records)), len(records))
    if state.filters is None and (filters := check.result(konvo)):
        state.filters = filters
        yield Batch(make_tables([]), 0)


def scan_windows(konvo: Konvo, start: datetime | None, concurrency: int) -> Iterator[Window[Record]]:
    """Returns the windows of a scan of raw session records that were updated after `start`."""
    sessions = cast(Any, konvo.ai_sessions)
    scan: Scan[Record] = scan_records(sessions, start, concurrency=concurrency, messages=True, state=True)
    return scan.windows()


def batches(windows: Iterator[Window[Record]], progress: Progress) -> Iterator[tuple[list[Record], datetime | None]]:
    """Groups windows into batches of about `MAX_BATCH_SIZE`; there is at least one, which may be empty.

    With each comes the time up to which everything has been read, where that is known.
    """
    records: list[Record] = []
    size = count = 0
    end: datetime | None = None
    for window in windows:
        count += len(window.items)
        progress(window, count)
        records += window.items
        size += sum(len(record.raw) for record in window.items)
        complete = window.end > window.start  # else more of it follows
        end = window.end if complete else end
        if size >= (MAX_BATCH_SIZE if complete else MAX_PENDING_SIZE):
            yield records, end
            records, size, end = [], 0, None
    yield records, end


def open_destination(to: str, konvo: Konvo) -> AbstractContextManager[Destination]:
    """Opens the destination.

    Raises:
        ConfigurationError: It is an address.
    """
    if "://" in to or (re.search("[@=]", to) and not to.endswith((".duckdb", ".db"))):
        raise ConfigurationError(
            "the destination must be a file or the dlt name of a database, not an address: use --to postgres, "
            "and set DESTINATION__POSTGRES__CREDENTIALS to the address"
        )
    return open_duckdb(Path(to), konvo) if is_path(to) else open_pipeline(to, konvo)


def is_path(to: str) -> bool:
    return to.endswith((".duckdb", ".db")) or "/" in to or os.sep in to
