"""Export a resource to a file: streamed by windows of time, whole or absent, and able to go on after a stop."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import Any

from .._columns import columns
from .._decoding.page import record_type
from .._decoding.records import Record
from .._pagination.paginator import Scan
from .._pagination.protocol import Window
from .._resources import Resource, scan_records
from ..errors import ConfigurationError, KonvoError
from .checkpoint import MARK, Partial, State
from .formats import Format, as_json, format_of
from .redaction import hmac_hex, redaction

CHUNK = 2000
SECONDS = 5.0
CLOCKS = timedelta(days=1)
"""More than the server's clock and this machine's may be apart."""
Progress = Callable[[Window[Record], int], object]


def export(
    resource: Resource[Any, Any],
    to: Path,
    *,
    updated_at_min: datetime | None = None,
    updated_at_max: datetime | None = None,
    times: Sequence[str | None] | None = None,
    include: Mapping[str, bool],
    drop: Sequence[str] = (),
    hashed: Sequence[str] = (),
    secret: str = "",
    resume: bool = False,
    concurrency: int = 4,
    progress: Progress = lambda window, records: None,
    tell: Callable[[str], object] = lambda words: None,
) -> int:
    """Writes every record of a resource's scan to a file, each once, in its latest state; gives their number.

    Args:
        to: Its ending tells the format: .jsonl, .jsonl.gz, .csv or .parquet.
        times: How the two times were told, where that is not what they are, as "7d": to go on takes the same words.
        include: The flags of the operation, such as `messages`.
        drop: Fields to leave out, as `messages.message`.
        hashed: Fields of which a hash, hmac_hex with `secret`, is written instead of the value.
        resume: Whether to go on with what an interrupted run has left.
        progress: Told each window, and how many records there are so far.
        tell: Told in words where it begins.

    Raises:
        ConfigurationError: An argument is wrong; said before anything is asked.
        KonvoError: The reading failed, or the file cannot be written; what was read before is kept for `resume`.
    """
    model = record_type(resource.envelope)
    written = format_of(to, columns(model))
    change = redaction(columns(model), drop, hashed, secret)
    asked = {
        "times": list(times or (told(updated_at_min), told(updated_at_max))),
        "include": dict(include),
        "drop": sorted(drop),
        "hash": sorted(hashed),
        "secret": hmac_hex(secret, "") if hashed else "",
    }
    began = datetime.now().astimezone().isoformat()
    partial = Partial(to, State(asked, began, until=told(updated_at_max)))
    start = updated_at_min
    try:
        partial.lock()
        if resume:
            start = resume_from(partial, tell) or start
        elif partial.left():
            tell("beginning anew, though --resume would go on with what an interrupted export has left")
        partial.open()
        scan = scan_records(resource, start, time(partial.state.until), concurrency, **include)
        read(scan, partial, written, change, progress)
        doubles = superseded(partial.marks)
        written.finish(partial.data, partial.file, doubles)
        partial.give()
    except BaseException as error:
        if partial.state.end:
            tell("what has been read is kept: the same command goes on there with --resume")
        if isinstance(error, OSError):
            raise KonvoError(f"{to} cannot be written: {error.strerror}") from error
        raise
    return partial.state.rows - len(doubles)


def resume_from(partial: Partial, tell: Callable[[str], object]) -> datetime | None:
    """Goes on with what an interrupted run has left, where it was asked for the same; tells up to when that is."""
    left = partial.left()
    if left is None:
        tell("nothing was left to go on with: beginning anew")
        return None
    if left.asked != partial.state.asked:
        raise ConfigurationError(
            "the interrupted export was asked for something else: repeat its options, or leave out --resume"
        )
    tell(f"going on after {left.rows:,} sessions, from {left.end}")
    partial.state = left
    return time(left.end)


def read(
    scan: Scan[Record], partial: Partial, written: Format, change: Callable[[Record], Record], progress: Progress
) -> None:
    """Adds what a scan brings, and what it had brought before a failure too."""
    began = datetime.fromisoformat(partial.state.began)
    resumed = bool(partial.state.end)
    waiting: list[Window[Record]] = []
    since, held = monotonic(), 0

    def add() -> None:
        records = [change(record) for window in waiting for record in window.items]
        # Only what changed since it began comes twice, and what a run before this one has read at the bound.
        twice = bytes([resumed or waiting[-1].end > began - CLOCKS])
        marks = [twice + digest(record) for record in records]
        partial.add(written.rows(records, first=not partial.state.size), marks, waiting[-1].end)
        waiting.clear()

    try:
        for window in scan.windows():
            waiting.append(window)
            held += len(window.items)
            progress(window, partial.state.rows + held)
            if held >= CHUNK or monotonic() - since > SECONDS:
                add()
                since, held, resumed = monotonic(), 0, False
    finally:
        if waiting:
            add()


def told(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def digest(record: Record) -> bytes:
    """What tells a record from others; without an `id` it is taken for no other."""
    return blake2b(as_json(record.id).encode(), digest_size=MARK - 1).digest() if record.id else os.urandom(MARK - 1)


def superseded(marks: Path) -> set[int]:
    """The numbers of the rows of which a later one is the same record."""
    suspects = {mark[1:] for mark in read_marks(marks) if mark[0]}
    last: dict[bytes, int] = {}
    doubles: set[int] = set()
    for row, mark in enumerate(read_marks(marks)):
        if (found := mark[1:]) in suspects:
            if found in last:
                doubles.add(last[found])
            last[found] = row
    return doubles


def read_marks(marks: Path) -> Iterator[bytes]:
    with marks.open("rb") as file:
        yield from iter(lambda: file.read(MARK), b"")
