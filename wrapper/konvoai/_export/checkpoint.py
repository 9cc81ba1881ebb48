"""What an export has come to: on disk, so that it can go on after whatever stopped it."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import KonvoError

try:
    import fcntl
except ModuleNotFoundError:  # on Windows
    fcntl = None  # type: ignore[assignment]
MARK = 17
"""The bytes of a row's mark: whether its record may be there twice, and what tells that from others."""


@dataclass(frozen=True)
class State:
    """How far an export has come: what has to be told to go on with it.

    Attributes:
        asked: What was asked for; only the same goes on.
        began: When its first run began, by this machine's clock.
        until: Up to when it reads, as its first run was told.
        end: Everything up to here is in it, ISO 8601.
        rows: How many records, doubles included.
        size: Of its data, in bytes.
    """

    asked: dict[str, Any]
    began: str
    until: str | None
    end: str | None = None
    rows: int = 0
    size: int = 0


class Partial:
    """The folder beside the file in which an export grows: `data`, a mark of each row, and `state`.

    Data and marks are on disk before the state tells of them; what is beyond that, a killed run has left.
    """

    def __init__(self, to: Path, state: State) -> None:
        self.to, self.state = to, state
        self.folder = to.with_name(f".{to.name}.partial")
        self.data, self.marks, self.file = (self.folder / name for name in ("data", "marks", "file"))
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
        self._add(self.marks, self.state.rows * MARK, b"")

    def add(self, rows: bytes, marks: list[bytes], end: datetime) -> None:
        state = self.state
        self._add(self.data, state.size, rows)
        self._add(self.marks, state.rows * MARK, b"".join(marks))
        self.state = replace(state, end=end.isoformat(), rows=state.rows + len(marks), size=state.size + len(rows))
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
