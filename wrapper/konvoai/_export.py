"""Export a resource to a file: streamed by windows of time, whole or absent, and able to go on after a stop."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import Any

from ._answer import item_class
from ._columns import columns
from ._files import Format, as_json, format_of
from ._paginator import Scan
from ._records import Record, scan_records
from ._redact import keyed, redaction
from ._resources import Resource
from ._scan import Window
from ._settings import InvalidSettingError
from .errors import KonvoError

try:
    import fcntl
except ModuleNotFoundError:  # on Windows
    fcntl = None  # type: ignore[assignment]

CHUNK = 2000
SECONDS = 5.0
DIGEST = 16
CLOCKS = timedelta(days=1)
"""More than the server's clock and this machine's may be apart."""

Progress = Callable[[Window[Record], int], object]


@dataclass(frozen=True)
class State:
    """How far an export has come: what has to be told to go on with it.

    Attributes:
        asked: What was asked for; only the same goes on.
        began: When its first run began, by this machine's clock.
        end: Everything up to here is in it, ISO 8601.
        rows: How many records, doubles included.
        size: Of its data, in bytes.
    """

    asked: dict[str, Any]
    began: str
    end: str | None = None
    rows: int = 0
    size: int = 0


class Partial:
    """The folder beside the file in which an export grows: `data`, a digest of each row's `id`, and `state`.

    Data and digests are on disk before the state tells of them; what is beyond that, a killed run has left.
    """

    def __init__(self, to: Path, state: State) -> None:
        self.to, self.state = to, state
        self.folder = to.with_name(f".{to.name}.partial")
        self.data, self.ids, self.file = (self.folder / name for name in ("data", "ids", "file"))
        self._state = self.folder / "state.json"

    def lock(self) -> None:
        """Keeps other processes away until this one ends, where the system can."""
        self.folder.mkdir(exist_ok=True)
        if fcntl is None:
            return
        self._lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise KonvoError(f"another export to {self.to} is under way: wait for its end") from None

    def left(self) -> State | None:
        """How far an interrupted run has come; None where there is none."""
        try:
            left = State(**json.loads(self._state.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return left if left.end else None

    def open(self) -> None:
        self._write_state()
        self._add(self.data, self.state.size, b"")
        self._add(self.ids, self.state.rows * DIGEST, b"")

    def add(self, rows: bytes, digests: list[bytes], end: datetime) -> None:
        state = self.state
        self._add(self.data, state.size, rows)
        self._add(self.ids, state.rows * DIGEST, b"".join(digests))
        self.state = replace(state, end=end.isoformat(), rows=state.rows + len(digests), size=state.size + len(rows))
        self._write_state()

    def _add(self, path: Path, size: int, more: bytes) -> None:
        with path.open("ab") as file:
            file.truncate(size)
            file.write(more)
            file.flush()
            os.fsync(file.fileno())

    def _write_state(self) -> None:
        written = self._state.with_suffix(".new")
        written.write_text(json.dumps(asdict(self.state)), encoding="utf-8")
        written.replace(self._state)

    def give(self) -> None:
        with self.file.open("ab") as file:
            os.fsync(file.fileno())
        self.file.replace(self.to)
        shutil.rmtree(self.folder, ignore_errors=True)


def export(
    resource: Resource[Any, Any],
    to: Path,
    *,
    updated_at_min: datetime | None = None,
    updated_at_max: datetime | None = None,
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
        include: The flags of the operation, such as `messages`.
        drop: Fields to leave out, as `messages.message`.
        hashed: Fields of which a hash, keyed with `secret`, is written instead of the value.
        resume: Whether to go on with what an interrupted run has left.
        progress: Told each window, and how many records there are so far.
        tell: Told in words where it begins.

    Raises:
        InvalidSettingError: An argument is wrong; said before anything is asked.
        KonvoError: The reading failed, or the file cannot be written; what was read before is kept for `resume`.
    """
    model = item_class(resource.envelope)
    written = format_of(to, columns(model))
    change = redaction(columns(model), drop, hashed, secret)
    asked = {
        "times": [time and time.isoformat() for time in (updated_at_min, updated_at_max)],
        "include": dict(include),
        "drop": sorted(drop),
        "hash": sorted(hashed),
        "secret": keyed(secret, "") if hashed else "",
    }
    partial = Partial(to, State(asked, began=datetime.now().astimezone().isoformat()))
    start = updated_at_min
    try:
        partial.lock()
        if resume:
            start = take_up(partial, tell) or start
        partial.open()
        scan = scan_records(resource, start, updated_at_max, concurrency, **include)
        suspects = read(scan, partial, written, change, progress)
        doubles = superseded(partial.ids, suspects)
        written.finish(partial.data, partial.file, doubles)
        partial.give()
    except BaseException as error:
        if partial.state.end:
            tell("what has been read is kept: the same command goes on there with --resume")
        if isinstance(error, OSError):
            raise KonvoError(f"{to} cannot be written: {error.strerror}") from error
        raise
    return partial.state.rows - len(doubles)


def take_up(partial: Partial, tell: Callable[[str], object]) -> datetime | None:
    """Goes on with what an interrupted run has left, where it was asked for the same; tells up to when that is."""
    left = partial.left()
    if left is None:
        tell("nothing was left to go on with: beginning anew")
        return None
    if left.asked != partial.state.asked:
        raise InvalidSettingError(
            "the interrupted export was asked for something else: repeat its options, or leave out --resume"
        )
    tell(f"going on after {left.rows:,} sessions, from {left.end}")
    partial.state = left
    return datetime.fromisoformat(left.end or "")


def read(
    scan: Scan[Record], partial: Partial, written: Format, change: Callable[[Record], Record], progress: Progress
) -> set[bytes]:
    """Adds what a scan brings, and what it had brought before a failure too; gives the digests that may come twice."""
    began = datetime.fromisoformat(partial.state.began)
    resumed = bool(partial.state.end)
    suspects: set[bytes] = set()
    waiting: list[Window[Record]] = []
    since, held = monotonic(), 0

    def add() -> None:
        records = [change(record) for window in waiting for record in window.items]
        digests = [digest(record) for record in records]
        # Only what changed since it began comes twice, and what a run before this one has read at the bound.
        if resumed or waiting[-1].end > began - CLOCKS:
            suspects.update(digests)
        partial.add(written.rows(records, first=not partial.state.size), digests, waiting[-1].end)
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
    return suspects


def digest(record: Record) -> bytes:
    """What tells a record from others; without an `id` it is taken for no other."""
    return blake2b(as_json(record.id).encode(), digest_size=DIGEST).digest() if record.id else os.urandom(DIGEST)


def superseded(ids: Path, suspects: set[bytes]) -> set[int]:
    """The numbers of the rows of which a later one is the same record."""
    last: dict[bytes, int] = {}
    doubles: set[int] = set()
    with ids.open("rb") as file:
        for row, found in enumerate(iter(lambda: file.read(DIGEST), b"")):
            if found in suspects:
                if found in last:
                    doubles.add(last[found])
                last[found] = row
    return doubles
