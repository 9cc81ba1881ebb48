"""Interrupted exports of version 0.1.0: the files that it left resume to the right file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from konvoai._export.checkpoint import State
from konvoai.testing._server import mock_server
from konvoai.testing._store.store import Store
from tests.support.command import konvo

START = datetime(2026, 11, 1, tzinfo=UTC)
TOTAL, READ = 700, 500
# Written by an export that Ctrl-C interrupted.
STATE = {
    "asked": {
        "times": ["2026-11-01", "2026-11-01T00:00:01"],
        "include": {"messages": True, "state": True},
        "drop": [],
        "hash": [],
        "secret": "",
    },
    "began": "2026-11-25T13:31:47.924539+00:00",
    "until": "2026-11-01T00:00:01+00:00",
    "end": "2026-11-01T00:00:00.499000+00:00",
}


def sessions(store: Store) -> list[dict[str, Any]]:
    """Returns the sessions of the store, oldest first."""
    pages = ({"page": str(page), "limit": "200", "messages": "true", "state": "true"} for page in range(4))
    return [record for page in pages for record in store.respond(page).body["result"]]


def mark(identifier: str, *, may_repeat: bool) -> bytes:
    return bytes([may_repeat]) + blake2b(json.dumps(identifier).encode(), digest_size=16).digest()


def write_interrupted_export(
    to: Path, read: list[dict[str, Any]], encode: Callable[[bytes], bytes], **more: str
) -> None:
    """Writes the folder that version 0.1.0 leaves, with an earlier copy of session 3 whose repeat was foreseen.

    Data and marks go on after what the state counts, as after a kill between two writes.
    """
    stale = {**read[3], "channel": "stale"}
    rows = [stale, *read[:3], read[3], *read[4:]]
    flagged = {read[3]["id"], read[-1]["id"]}
    data = encode("".join(f"{json.dumps(record)}\n" for record in rows).encode())
    folder = to.with_name(f".{to.name}.partial")
    folder.mkdir()
    (folder / "lock").touch()
    (folder / "data").write_bytes(data + b'{"id": "cut o')
    marks = b"".join(mark(record["id"], may_repeat=record["id"] in flagged) for record in rows)
    (folder / "marks").write_bytes(marks + b"\x00half")
    (folder / "state.json").write_text(json.dumps({**STATE, **more, "rows": len(rows), "size": len(data)}))


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz"])
def test_an_interrupted_export_of_version_0_1_0_resumes(form: str, tmp_path: Path) -> None:
    to = tmp_path / f"a.{form}"
    compress, opener = (gzip.compress, gzip.open) if form.endswith("gz") else (bytes, open)
    with mock_server(Store.of(TOTAL, START, timedelta(milliseconds=1))) as server:
        expected = sessions(server.store)
        write_interrupted_export(to, expected[:READ], compress)
        server.store.requests.clear()
        times = ["--since", "2026-11-01", "--until", "2026-11-01T00:00:01"]
        done = konvo("sessions", "export", "--to", to, "--resume", *times, url=server.url)
        since = {request["updated_at_min"] for request in server.store.requests}
    assert 0 == done.returncode, done.stderr
    assert done.stderr.startswith(f"resuming after 501 sessions, from {STATE['end']}\n700 sessions in ")
    with opener(to, "rt", encoding="utf-8") as lines:
        assert expected == [json.loads(line) for line in lines]
    assert "2026-11-01T00:00:00.498" <= min(since)  # a millisecond before the end: no earlier record is read again
    assert [to] == list(tmp_path.iterdir())


def test_the_state_keeps_its_keys_on_disk() -> None:
    text = json.dumps({**STATE, "rows": 500, "size": 4898479})
    state = State.from_json(text)
    assert (STATE["asked"], STATE["began"], 500) == (state.options, state.started_at, state.rows)
    assert text == state.to_json()


@pytest.mark.parametrize("text", ["", "[]", "5", "{}", '{"asked": {}, "began": "", "until": null, "x": 1}', "\x00"])
def test_a_damaged_state_means_no_interrupted_export(text: str, tmp_path: Path) -> None:
    to = tmp_path / "a.jsonl"
    with mock_server(Store.of(5, START)) as server:
        expected = sessions(server.store)[:5]
        write_interrupted_export(to, expected, bytes)
        (tmp_path / ".a.jsonl.partial" / "state.json").write_text(text)
        done = konvo("sessions", "export", "--to", to, "--resume", url=server.url)
    assert "no interrupted export found" in done.stderr
    assert expected == [json.loads(line) for line in to.read_text(encoding="utf-8").splitlines()]
