"""The checkpoint of an export: what it has read so far, on disk, so that another run can continue after any stop."""

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
DIGEST_BYTES = 17
"""Bytes that the file of digests has for a row: whether its record may repeat, then a hash of the record's id."""
JSON_NAMES = {"options": "asked", "started_at": "began"}  # state.json keeps its keys, so that older folders can resume


@dataclass(frozen=True)
class State:
    """How far an export has come, and what a run needs to continue it.

    Attributes:
        options: The options of the export; only a run with the same options may continue it.
        started_at: When the first run started, by the clock of this machine, ISO 8601.
        until: The upper time limit of the first run, ISO 8601.
        end: Every record updated before this time is in the data, ISO 8601.
        rows: Number of records in the data, superseded ones included.
        size: Size of the data in bytes.
        source: A salt and the digest of the API key and address; empty in exports of earlier versions.
    """

    options: dict[str, Any]
    started_at: str
    until: str | None
    end: str | None = None
    rows: int = 0
    size: int = 0
    source: str = ""

    @classmethod
    def from_json(cls, text: str) -> State:
        """Parses a state; raises ValueError, TypeError or AttributeError where the text is not one."""
        attributes = {key: name for name, key in JSON_NAMES.items()}
        return cls(**{attributes.get(key, key): value for key, value in json.loads(text).items()})

    def to_json(self) -> str:
        fields = {JSON_NAMES.get(name, name): value for name, value in asdict(self).items()}
        return json.dumps(fields if self.source else {name: fields[name] for name in fields if name != "source"})


class Checkpoint:
    """The folder next to the target file in which an export grows: `data`, a digest of each row, and `state.json`.

    Data and digests reach the disk before the state that counts them. Bytes beyond that state were left by a killed
    run, and the next write truncates them.
    """

    def __init__(self, to: Path, state: State) -> None:
        self.to, self.state = to, state
        self.folder = to.with_name(f".{to.name}.partial")
        self.data, self.digests, self.file = (self.folder / name for name in ("data", "marks", "file"))
        self._state_file = self.folder / "state.json"

    def lock(self) -> None:
        """Locks the folder until this process ends, where the system supports it.

        Raises:
            KonvoError: Another process holds the lock.
        """
        self.folder.mkdir(exist_ok=True)
        if fcntl is None:
            return
        self._lock = (self.folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise KonvoError(f"another export is writing {self.to}: wait until it ends") from None

    def interrupted(self) -> State | None:
        """Returns the state that an interrupted run left; None where there is none, or nothing was read."""
        try:
            state = State.from_json(self._state_file.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError, AttributeError):
            return None
        return state if state.end else None

    def open(self) -> None:
        """Writes the state, and truncates data and digests to it."""
        self._write_state()
        self._append(self.data, self.state.size, b"")
        self._append(self.digests, self.state.rows * DIGEST_BYTES, b"")

    def append(self, data: bytes, digests: list[bytes], end: datetime) -> None:
        """Adds encoded records, one digest each; `end` is the end of the window that they complete."""
        state = self.state
        self._append(self.data, state.size, data)
        self._append(self.digests, state.rows * DIGEST_BYTES, b"".join(digests))
        self.state = replace(state, end=end.isoformat(), rows=state.rows + len(digests), size=state.size + len(data))
        self._write_state()

    def _append(self, path: Path, size: int, content: bytes) -> None:
        with path.open("ab") as file:
            file.truncate(size)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def _write_state(self) -> None:
        new = self._state_file.with_suffix(".new")
        new.write_text(self.state.to_json(), encoding="utf-8")
        new.replace(self._state_file)

    def publish(self) -> None:
        """Moves the finished file to its target, and removes the folder."""
        with self.file.open("ab") as file:
            os.fsync(file.fileno())
        self.file.replace(self.to)
        shutil.rmtree(self.folder, ignore_errors=True)
