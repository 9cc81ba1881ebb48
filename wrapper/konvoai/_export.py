"""Export a resource to a file: streamed by windows of time, whole or absent, and able to go on after a stop."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

from ._answer import item_class
from ._columns import columns
from ._files import as_json, format_of
from ._records import Record, scan_records
from ._redact import keyed, redaction
from ._resources import Resource
from ._scan import Window
from .errors import KonvoError

CHUNK = 2000
DIGEST = 16
CLOCKS = timedelta(days=1)
"""More than the server's clock and this machine's may be apart."""

Progress = Callable[[Window[Record], int], object]


@dataclass
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

    Data and digests are on disk before the state tells of them, so what a killed run left is cut to what that tells.
    """

    def __init__(self, to: Path) -> None:
        self.folder = to.with_name(f".{to.name}.partial")
        self.data, self.ids, self.file = (self.folder / name for name in ("data", "ids", "file"))
        self._state = self.folder / "state.json"

    def read(self) -> State | None:
        try:
            return State(**json.loads(self._state.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def open(self, state: State) -> None:
        self.folder.mkdir(exist_ok=True)
        for path, size in ((self.data, state.size), (self.ids, state.rows * DIGEST)):
            with path.open("ab") as file:
                file.truncate(size)
        self.write(state)

    def add(self, state: State, rows: bytes, digests: bytes) -> None:
        for path, more in ((self.data, rows), (self.ids, digests)):
            with path.open("ab") as file:
                file.write(more)
                file.flush()
                os.fsync(file.fileno())
        self.write(state)

    def write(self, state: State) -> None:
        written = self._state.with_suffix(".new")
        written.write_text(json.dumps(asdict(state)), encoding="utf-8")
        written.replace(self._state)

    def give(self, to: Path) -> None:
        with self.file.open("ab") as file:
            os.fsync(file.fileno())
        self.file.replace(to)
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
        KonvoError: The reading failed, or the file cannot be written; what was read before is kept for `resume`.
    """
    model = item_class(resource.envelope)
    written = format_of(to, columns(model))
    change = redaction(columns(model), drop, hashed, secret)
    partial = Partial(to)
    state = State(
        asked={
            "times": [time and time.isoformat() for time in (updated_at_min, updated_at_max)],
            "include": dict(include),
            "drop": sorted(drop),
            "hash": sorted(hashed),
            "secret": keyed(secret, "") if hashed else "",
        },
        began=datetime.now().astimezone().isoformat(),
    )
    if resume:
        state = left_behind(partial, state, tell)
    start = datetime.fromisoformat(state.end) if state.end else updated_at_min
    suspects: set[bytes] = set()
    again = start != updated_at_min
    try:
        partial.open(state)
        scan = scan_records(resource, start, updated_at_max, concurrency, **include)
        for windows in chunks(scan.windows(), state.rows, progress):
            records = [change(record) for window in windows for record in window.items]
            digests = [digest(record) for record in records]
            # Only what changed since it began comes twice, or what a run before this one has read at the bound.
            if again or windows[-1].end > datetime.fromisoformat(state.began) - CLOCKS:
                suspects.update(digests)
            again = False
            rows = written.rows(records, first=not state.size)
            state.rows, state.size = state.rows + len(records), state.size + len(rows)
            state.end = windows[-1].end.isoformat()
            partial.add(state, rows, b"".join(digests))
        doubles = superseded(partial.ids, suspects)
        written.finish(partial.data, partial.file, doubles)
        partial.give(to)
    except OSError as error:
        raise KonvoError(f"{to} cannot be written: {error.strerror}; mend that, then go on with --resume") from error
    return state.rows - len(doubles)


def left_behind(partial: Partial, state: State, tell: Callable[[str], object]) -> State:
    """What an interrupted run has left, where it was asked for the same."""
    left = partial.read()
    if left is None or left.end is None:
        tell("nothing was left to go on with: beginning anew")
        return state
    if left.asked != state.asked:
        raise KonvoError(
            "the interrupted export was asked for something else: repeat its options, or leave out --resume"
        )
    tell(f"going on after {left.rows:,} sessions, from {left.end}")
    return left


def chunks(windows: Iterable[Window[Record]], records: int, progress: Progress) -> Iterator[list[Window[Record]]]:
    """Windows in lists of some thousand records, and the rest."""
    waiting: list[Window[Record]] = []
    held = 0
    for window in windows:
        waiting.append(window)
        held += len(window.items)
        records += len(window.items)
        progress(window, records)
        if held >= CHUNK:
            yield waiting
            waiting, held = [], 0
    if waiting:
        yield waiting


def digest(record: Record) -> bytes:
    """What tells a record from others: its `id`, or all of it where it has none."""
    return blake2b((as_json(record.id) if record.id else record.raw).encode(), digest_size=DIGEST).digest()


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
