"""Exports a resource to a file: read by windows of time, complete or absent, and resumable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import Any

from .._client import source_digest
from .._decoding.page import record_type
from .._decoding.records import Record
from .._pagination.paginator import Scan
from .._pagination.protocol import Window
from .._resources import Resource, scan_records
from .._tables.columns import columns, to_json
from ..errors import ConfigurationError, KonvoError
from .checkpoint import DIGEST_BYTES, Checkpoint, State
from .formats import Format, find_format
from .redaction import hmac_hex, redactor

MAX_PENDING_RECORDS = 2000
FLUSH_INTERVAL = 5.0
MAX_CLOCK_DIFFERENCE = timedelta(days=1)
"""Upper limit of how far the clocks of the server and of this machine differ."""
Progress = Callable[[Window[Record], int], object]
Status = Callable[[str], object]


def export(
    resource: Resource[Any, Any],
    to: Path,
    *,
    updated_at_min: datetime | None = None,
    updated_at_max: datetime | None = None,
    raw_times: Sequence[str | None] | None = None,
    include: Mapping[str, Any],
    drop: Sequence[str] = (),
    hashed: Sequence[str] = (),
    secret: str = "",
    resume: bool = False,
    concurrency: int = 8,
    progress: Progress = lambda window, records: None,
    status: Status = lambda message: None,
) -> int:
    """Writes every record once, in its latest state, to a file; returns the number of records.

    Args:
        to: The target file; its extension selects the format: .jsonl, .jsonl.gz, .csv or .parquet.
        updated_at_min: Only records updated after this time, an aware datetime.
        updated_at_max: Only records updated before this time, an aware datetime.
        raw_times: The two times as the user wrote them, e.g. "7d". `resume` compares these words, not the datetimes.
        include: The arguments of the operation, e.g. `messages`.
        drop: Fields to leave out, e.g. `messages.message`.
        hashed: Fields whose values are replaced by an HMAC-SHA256 with `secret`.
        resume: Whether to continue an interrupted export.
        concurrency: Maximum number of requests in flight.
        progress: Called with each window and the number of records so far.
        status: Called with messages for the user.

    Raises:
        ConfigurationError: An argument is wrong; raised before any request.
        KonvoError: The reading failed, or the file cannot be written; the records read so far stay for `resume`.
    """
    model = record_type(resource.envelope)
    encoder = find_format(to, columns(model))
    redact = redactor(columns(model), drop, hashed, secret)
    options = {
        "times": list(raw_times or (format_time(updated_at_min), format_time(updated_at_max))),
        "include": {name: stored(value) for name, value in include.items()},
        "drop": sorted(drop),
        "hash": sorted(hashed),
        "secret": hmac_hex(secret, "") if hashed else "",
    }
    started_at = datetime.now().astimezone().isoformat()
    source = source_of(resource, token_hex(8))
    checkpoint = Checkpoint(to, State(options, started_at, until=format_time(updated_at_max), source=source))
    start = updated_at_min
    with explain_errors(checkpoint, status):
        checkpoint.lock()
        if resume:
            start = resume_checkpoint(checkpoint, resource, status) or start
        elif checkpoint.interrupted():
            status("starting over; pass --resume to continue the interrupted export")
        checkpoint.open()
        scan = scan_records(resource, start, parse_time(checkpoint.state.until), concurrency, **include)
        read(scan, checkpoint, encoder, redact, progress)
        superseded = superseded_rows(checkpoint.digests)
        encoder.finalize(checkpoint.data, checkpoint.file, superseded)
        checkpoint.publish()
    return checkpoint.state.rows - len(superseded)


@contextmanager
def explain_errors(checkpoint: Checkpoint, status: Status) -> Iterator[None]:
    """Reports after any error, Ctrl-C included, that the records read can be resumed; names the file that failed."""
    try:
        yield
    except BaseException as error:
        if checkpoint.state.end:
            status("the records read so far are kept: run the same command with --resume to continue")
        if isinstance(error, OSError):
            raise KonvoError(f"cannot write {checkpoint.to}: {error.strerror}") from error
        raise


def source_of(resource: Resource[Any, Any], salt: str) -> str:
    """Returns the salt, and with it the digest of the API key and address that the resource reads with."""
    scan: Any = resource._scan  # a scan of the client's `_fetch`
    return f"{salt}:{source_digest(scan.args[0].__self__, salt)}"


def resume_checkpoint(checkpoint: Checkpoint, resource: Resource[Any, Any], status: Status) -> datetime | None:
    """Loads the state of an interrupted export; returns the time up to which it has read, None without such a state.

    Raises:
        ConfigurationError: The interrupted export has other options, or another API key or address.
    """
    state = checkpoint.interrupted()
    if state is None:
        status("no interrupted export found: starting from the beginning")
        return None
    if state.options != checkpoint.state.options:
        raise ConfigurationError(
            "the interrupted export has different options: repeat them, or leave out --resume to start over"
        )
    if state.source and state.source != source_of(resource, state.source.partition(":")[0]):
        raise ConfigurationError(
            "the interrupted export was made with another API key or address: use those, or leave out --resume to "
            "start over"
        )
    status(f"resuming after {state.rows:,} {resource.command}, from {state.end}")
    checkpoint.state = state
    return parse_time(state.end)


def read(
    scan: Scan[Record],
    checkpoint: Checkpoint,
    encoder: Format,
    redact: Callable[[Record], Record],
    progress: Progress,
) -> None:
    """Appends every window of a scan to the checkpoint, also the windows that were complete before an error."""
    started_at = datetime.fromisoformat(checkpoint.state.started_at)
    resumed_at = parse_time(checkpoint.state.end)
    pending: list[Window[Record]] = []
    flushed_at, count, complete = monotonic(), 0, 0

    def flush() -> None:
        records = [redact(record) for window in pending for record in window.items]
        # A record repeats only if it changed during the export, or if a resumed run reads the time it starts at again.
        again = resumed_at is not None and pending[0].start <= resumed_at
        may_repeat = again or pending[-1].end > started_at - MAX_CLOCK_DIFFERENCE
        digests = [bytes([may_repeat]) + record_digest(record) for record in records]
        checkpoint.append(encoder.encode(records, first=not checkpoint.state.size), digests, pending[-1].end)
        pending.clear()

    try:
        for window in scan.windows():
            pending.append(window)
            count += len(window.items)
            progress(window, checkpoint.state.rows + count)
            if window.end > window.start:
                complete = len(pending)
            if complete == len(pending) and (count >= MAX_PENDING_RECORDS or monotonic() - flushed_at > FLUSH_INTERVAL):
                flush()
                flushed_at, count, complete = monotonic(), 0, 0
    except BaseException:
        del pending[complete:]  # a resumed run reads the window that is not complete again
        raise
    finally:
        if pending:
            flush()


def stored(value: Any) -> Any:
    """Returns an argument as the checkpoint's JSON has it."""
    if isinstance(value, list | tuple):
        return [stored(item) for item in value]
    return value if isinstance(value, bool | int | float) else str(value)


def format_time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def record_digest(record: Record) -> bytes:
    """Returns a hash of the record's `id`; a record without an `id` gets a random one, so that it equals no other."""
    size = DIGEST_BYTES - 1
    return blake2b(to_json(record.id).encode(), digest_size=size).digest() if record.id else os.urandom(size)


def superseded_rows(digests: Path) -> set[int]:
    """Returns the indexes of the rows whose record occurs again in a later row."""
    # Only the few records that may repeat are kept in memory; the file is read twice instead.
    repeatable = {digest[1:] for digest in read_digests(digests) if digest[0]}
    latest: dict[bytes, int] = {}
    superseded: set[int] = set()
    for row, digest in enumerate(read_digests(digests)):
        if (record := digest[1:]) in repeatable:
            if record in latest:
                superseded.add(latest[record])
            latest[record] = row
    return superseded


def read_digests(digests: Path) -> Iterator[bytes]:
    with digests.open("rb") as file:
        yield from iter(lambda: file.read(DIGEST_BYTES), b"")
