"""Plans the spans of a client's sessions, and reads what belongs to one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from .._arguments import validate_int, validate_time
from .._decoding.records import Record
from .._pagination.protocol import DEFAULT_LAG, Bounds
from .._pagination.stretch_reader import created_at
from .._pagination.window_plan import BEGINNING
from .plan import Span, plan

if TYPE_CHECKING:
    import pyarrow

    from .._client import Konvo


def plan_spans(konvo: Konvo, *, since: datetime | None = None, until: datetime | None = None, spans: int) -> list[Span]:
    """Returns spans of time with about as many sessions each, for the tasks of a process pool, Ray or Dask.

    They cover the time from `since` to `until` without a gap. Sessions that change afterwards leave their span for a
    later time: when all spans have been read, `scan(updated_at_min=spans[-1].end)` has these, in their later state.
    Costs about ten requests of one session for each span.

    Args:
        konvo: The client that counts.
        since: Only sessions updated after this time, an aware datetime; None for all.
        until: Only sessions updated before this time, an aware datetime. None, as any later time, is 5 seconds before
            the server's now, after which changes may not be visible yet.
        spans: How many spans at most: fewer where there are not 200 sessions for each. One where the server does not
            count.

    Raises:
        APIStatusError, APIConnectionError: A request failed after its retries.
        ValueError: A time has no zone, or `spans` is below 1.
    """
    validate_int("spans", spans, 1)
    since, until = validate_time("since", since), validate_time("until", until)
    if since is not None and until is not None and since > until:
        raise ValueError("since must not be after until: swap them")
    end = horizon(konvo)
    end = end if until is None else min(end, until)
    return drive(konvo, since, end if since is None else max(since, end), spans)


def horizon(konvo: Konvo) -> datetime:
    """Returns the server's time before which every change is visible."""
    now = counted(konvo, (None, None)).date or datetime.now(UTC)
    return now.replace(microsecond=0) - DEFAULT_LAG


def drive(konvo: Konvo, since: datetime | None, until: datetime, spans: int) -> list[Span]:
    flow = plan(since, until, spans)
    bounds = next(flow)
    while True:
        try:
            bounds = flow.send(counted(konvo, bounds).count)
        except StopIteration as end:
            found: list[Span] = end.value
            return found


def counted(konvo: Konvo, bounds: Bounds) -> Any:
    query = konvo.ai_sessions._query(bounds, 1)
    return konvo._fetch(query, query.count_request())


class Task(NamedTuple):
    """What one task of an engine reads.

    Attributes:
        span: The span.
        changed_since: Where the spans of all tasks end: what has changed from there on may have left this span before
            it was read. None reads the span alone.
        until: The user's upper bound of what has changed, or None.
    """

    span: Span
    changed_since: datetime | None = None
    until: datetime | None = None


class Batch(NamedTuple):
    """Records as Arrow, and the time up to which they had been read."""

    records: pyarrow.RecordBatch
    as_of: datetime


def read_task(konvo: Konvo, task: Task, columns: Sequence[str], *, raw: bool = False) -> Iterator[Batch]:
    """Yields the sessions of a task's span, one request after the other; then those that may have left it.

    A session leaves the span only for a time after all spans, so it is found there afterwards. It was created before
    the span ends; a later one cannot have been in it.
    """
    span = task.span
    yield from read_windows(konvo, (span.start, span.end), columns, raw)
    if task.changed_since is not None:
        yield from read_windows(konvo, (task.changed_since, task.until), columns, raw, created_by=span.end)


def read_windows(
    konvo: Konvo, bounds: Bounds, columns: Sequence[str], raw: bool, created_by: datetime | None = None
) -> Iterator[Batch]:
    minimum, maximum = bounds
    scan = konvo.ai_sessions.scan(
        updated_at_min=minimum, updated_at_max=maximum, messages=True, state=True, concurrency=1
    )
    windows, tables = scan._tables(columns, raw)
    with closing(windows):
        for window in windows:
            items = [record for record in window.items if created_by is None or was_created(record, created_by)]
            if items:
                # A scan without bounds begins at year 1, which many time zones and databases do not have.
                yield Batch(tables.batch(items), max(window.end, BEGINNING))


def was_created(record: Record, by: datetime) -> bool:
    """Whether a record was created by a time; true where it does not say."""
    created = created_at(record)
    return created is None or created.tzinfo is None or created <= by
