"""`konvo sessions export`, as a process, against the mock server."""

from __future__ import annotations

import csv
import gzip
import hmac
import json
import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from konvoai.testing._http_server import Reply, Request, serving
from konvoai.testing._server import Fault, MockServer, mock_server
from konvoai.testing._store.store import Store
from tests.support.command import konvo, started

START = datetime(2026, 11, 1, tzinfo=UTC)
FORMATS = ("jsonl", "jsonl.gz", "csv", "parquet")
ONE = ("jsonl", *(pytest.param(form, marks=pytest.mark.long) for form in FORMATS[1:]))


def store(number: int) -> Store:
    return Store.of(number, START, timedelta(seconds=20))


def export(server: MockServer, to: Path, *options: str, code: int = 0, **more: Any) -> str:
    done = konvo("sessions", "export", "--to", to, *options, url=server.url, **more)
    assert (code, "") == (done.returncode, done.stdout), done.stderr
    return done.stderr


def rows(file: Path) -> list[dict[str, Any]]:
    """Returns the records of an export: parsed JSON where the format has it, else columns with texts."""
    if file.name.endswith(".parquet"):
        return [json.loads(raw) for raw in pq.read_table(file)["raw"].to_pylist()]
    if file.name.endswith(".csv"):
        with file.open(newline="", encoding="utf-8") as lines:
            return list(csv.DictReader(lines))
    opened = gzip.open if file.name.endswith(".gz") else open
    with opened(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def by_id(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(found, key=lambda record: str(record["id"]))


def everything(of: Store) -> list[dict[str, Any]]:
    """The records of the store, as a request without filters returns them now."""
    found: list[dict[str, Any]] = []
    while len(found) < len(of):
        page = {"page": str(len(found) // 200), "limit": "200", "messages": "true", "state": "true"}
        found += of.respond(page).body["result"]
    return found


def failing_after(requests: int, fault: Fault = 404) -> Callable[[Any], Fault]:
    left = iter(range(requests))
    return lambda request: None if next(left, None) is not None else fault


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_has_every_record_once(form: str, tmp_path: Path) -> None:
    to = tmp_path / f"sessions.{form}"
    with mock_server(store(2500)) as server:
        said = export(server, to)
        expected = everything(server.store)
    assert f"2,500 sessions in {to}\n" == said
    found = rows(to)
    assert [record["id"] for record in expected] == [record["id"] for record in found]
    if form != "csv":
        assert expected == found
    else:
        assert expected[7]["status"]["last_updated"] == found[7]["status__last_updated"]
        assert expected[7]["messages"] == json.loads(found[7]["messages"])
    assert [to] == list(tmp_path.iterdir())


def test_parquet_has_typed_columns(tmp_path: Path) -> None:
    with mock_server(store(20)) as server:
        export(server, tmp_path / "a.parquet")
        expected = everything(server.store)
    table = pq.read_table(tmp_path / "a.parquet")
    assert pa.timestamp("us", "UTC") == table.schema.field("created_at").type
    assert pa.bool_() == table.schema.field("status__unresolved").type
    assert pa.types.is_struct(table.schema.field("messages").type.value_type)
    for row, record in zip(table.to_pylist(), expected, strict=True):
        assert datetime.fromisoformat(record["created_at"]) == row["created_at"]
        assert record["status"]["unresolved"] is row["status__unresolved"]
        assert record["state"]["trail"] == json.loads(row["state__trail"])
        messages = [
            {**message, "created_at": datetime.fromisoformat(message["created_at"])} for message in record["messages"]
        ]
        assert messages == row["messages"]


MALFORMED: list[dict[str, Any]] = [
    {"id": "a", "created_at": "yesterday", "status": [1], "messages": None, "new": {"x": 1}},
    {"id": 5, "channel": "sms", "created_at": "2026-11-01T09:00:00.123456789+05:30", "messages": {"x": 1}},
    {"id": "cut \ud83d", "created_at": None, "status": {"completed": 1}, "messages": [None, {"message": 5}]},
    {"id": "b\n,\"'", "created_at": "2026-11-01T09:00:00", "state": {"trail": 5}, "contact_id": 2**70},
    {"channel": "email"},
    {"channel": "email"},
]


def malformed(request: Request) -> Reply:
    """Returns all malformed records for one day, none for others."""
    query = {"updated_at_min": "", "updated_at_max": "9"} | request.query
    found = MALFORMED if query["updated_at_min"] < "2026-11-01T09" < query["updated_at_max"] else []
    return Reply(json.dumps({"count": len(found), "result": found}, indent=1).encode())


@pytest.mark.parametrize("form", FORMATS)
def test_malformed_records_are_exported_too(form: str, tmp_path: Path) -> None:
    with serving(malformed) as server:
        done = konvo("sessions", "export", "--to", tmp_path / f"a.{form}", url=server.url)
    assert 0 == done.returncode, done.stderr
    found = rows(tmp_path / f"a.{form}")
    if form == "csv":
        assert ["a", "5", r"cut \ud83d", "b\n,\"'", "", ""] == [row["id"] for row in found]
    else:
        assert MALFORMED == found
    if form == "parquet":
        row = pq.read_table(tmp_path / "a.parquet").to_pylist()[1]
        assert (None, "sms", [], datetime(2026, 11, 1, 3, 30, 0, 123456, UTC)) == (
            row["id"],
            row["channel"],
            row["messages"] or [],
            row["created_at"],
        )


def test_a_record_sent_in_several_lines_is_printed_in_one(tmp_path: Path) -> None:
    records = [{"id": "a\n", "channel": "email"}, {"id": "b"}]
    body = json.dumps({"result": records}, indent=2).encode()
    with serving(lambda request: Reply(body if "updated_at_max" not in request.query else b'{"result": []}')) as server:
        done = konvo("sessions", "list", url=server.url)
    assert records == [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("form", ONE)
def test_records_changed_during_export_appear_once_and_latest(form: str, tmp_path: Path) -> None:
    moving = store(1500)
    draw = random.Random(form)
    moving.between = lambda number: moving.touch(moving.id_at(draw.randrange(1500)))
    with mock_server(moving) as server:
        export(server, tmp_path / f"a.{form}")
        moving.between = lambda number: None
        expected = everything(moving)
    found = rows(tmp_path / f"a.{form}")
    assert sorted(record["id"] for record in expected) == sorted(record["id"] for record in found)
    if form == "csv":
        found_times = {row["id"]: row["status__last_updated"] for row in found}
    else:
        found_times = {record["id"]: record["status"]["last_updated"] for record in found}
    assert {record["id"]: record["status"]["last_updated"] for record in expected} == found_times


@pytest.mark.parametrize("form", ONE)
def test_an_interrupted_export_resumes_where_it_stopped(form: str, tmp_path: Path) -> None:
    to = tmp_path / f"a.{form}"
    # A millisecond apart, so that the resumed run starts exactly at the time of a session.
    with mock_server(Store.of(5000, START, timedelta(milliseconds=1))) as server:
        times = ["--since", "100000d", "--until", "0s"]  # relative times, which differ at each run
        export(server, tmp_path / f"whole.{form}", *times)
        requests = len(server.requests)
        server.fault = failing_after(requests * 2 // 3)
        failed = export(server, to, *times, code=1)
        assert "run the same command with --resume to continue\nkonvo: 404 Not Found" in failed
        assert not to.exists()
        server.fault = lambda request: None
        server.requests.clear()
        said = export(server, to, "--resume", *times)
    assert said.startswith("resuming after ")
    assert said.endswith(f"5,000 sessions in {to}\n")
    assert 2 * len(server.requests) < requests * 3 // 2
    assert by_id(rows(tmp_path / f"whole.{form}")) == by_id(rows(to))
    assert {to, tmp_path / f"whole.{form}"} == set(tmp_path.iterdir())


def test_an_export_interrupted_twice_has_no_duplicates(tmp_path: Path) -> None:
    to, times = tmp_path / "a.jsonl", ["--since", "2026-11-01", "--until", "2026-11-01T00:00:05"]
    with mock_server(Store.of(5000, START, timedelta(milliseconds=1))) as server:
        server.fault = failing_after(12)
        export(server, to, *times, code=1)
        server.fault = failing_after(8)
        assert "resuming after 0 " not in export(server, to, *times, "--resume", code=1)
        server.fault = lambda request: None
        export(server, to, *times, "--resume")
        assert server.store.ids_in_order() == [record["id"] for record in rows(to)]


def test_resume_needs_the_options_of_the_interrupted_export(tmp_path: Path) -> None:
    to = tmp_path / "a.csv"
    with mock_server(store(5000)) as server:
        assert export(server, to, "--resume").startswith("no interrupted export found")
        server.fault = failing_after(25)
        export(server, to, "--overwrite", code=1)
        server.fault = lambda request: None
        assert "different options" in export(server, to, "--overwrite", "--resume", "--no-messages", code=2)
        assert "starting over; pass --resume" in export(server, to, "--overwrite", "--no-messages")


def test_resume_needs_the_key_and_address_of_the_export(tmp_path: Path) -> None:
    to = tmp_path / "a.csv"
    with mock_server(store(5000)) as server, mock_server(store(5000)) as other:
        server.fault = failing_after(25)
        export(server, to, code=1)
        server.fault = lambda request: None
        assert "another API key or address" in export(other, to, "--resume", code=2)
        given = {"KONVO_API_KEY": "another"}
        assert "another API key or address" in export(server, to, "--resume", code=2, given=given)
        assert "resuming after " in export(server, to, "--resume")


def test_an_existing_file_stays_without_overwrite(tmp_path: Path) -> None:
    to = tmp_path / "a.jsonl"
    to.write_text("mine")
    with mock_server(store(5)) as server:
        assert "--overwrite" in export(server, to, code=2)
        server.fault = failing_after(0)
        export(server, to, "--overwrite", code=1)
        assert "mine" == to.read_text()


def test_two_exports_to_one_file_at_a_time_fail(tmp_path: Path) -> None:
    to = tmp_path / "a.jsonl"
    with mock_server(store(5), fault=lambda request: "slow") as server:
        process = started("sessions", "export", "--to", str(to), url=server.url)
        while not server.requests:
            time.sleep(0.02)
        assert f"konvo: another export is writing {to}: wait until it ends\n" == export(server, to, code=1)
        process.kill()
        process.communicate()
        server.fault = lambda request: None
        export(server, to)


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with mock_server(store(5)) as server:
        said = export(server, tmp_path / "none" / "a.jsonl", code=1)
    assert 1 == len(said.splitlines())
    assert "No such file or directory" in said


@pytest.mark.parametrize("form", ONE)
def test_dropped_and_hashed_values_never_reach_the_disk(form: str, tmp_path: Path) -> None:
    to = tmp_path / f"a.{form}"
    options = ["--drop", "messages.message", "--drop", "status", "--hash", "external_user_id"]
    given = {"KONVO_HASH_SECRET": "a long one"}
    with mock_server(store(7000)) as server:
        server.fault = failing_after(38)  # at most 16 requests wait, so the first window is complete
        export(server, to, *options, code=1, given=given)
        left = b"".join(path.read_bytes() for path in (tmp_path / f".a.{form}.partial").iterdir())
        server.fault = lambda request: None
        assert "resuming" in export(server, to, "--resume", *options, given=given)
        expected = everything(server.store)
    found = rows(to)
    hashes = [hmac.digest(b"a long one", one["external_user_id"].encode(), "sha256").hex() for one in expected]
    assert hashes == [record["external_user_id"] for record in found]
    for bytes_of in (left, b"".join(json.dumps(record).encode() for record in found)):
        assert not {word for word in (b"tomorrow", b"4915100", b'completed_at": "2', b"a long one") if word in bytes_of}


def test_a_redacted_export_has_every_record_once(tmp_path: Path) -> None:
    # A millisecond apart, so that windows repeat the records at their bounds.
    with mock_server(Store.of(5000, START, timedelta(milliseconds=1))) as server:
        times = ["--since", "2026-11-01", "--until", "2026-11-01T00:00:05"]
        export(server, tmp_path / "a.jsonl", *times, "--drop", "messages.message")
        assert server.store.ids_in_order() == [record["id"] for record in rows(tmp_path / "a.jsonl")]


def under_a_limit(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize(
    ("form", "size"), [("jsonl", 3_000_000), pytest.param("parquet", 4_500_000, marks=pytest.mark.long)]
)
def test_an_export_resumes_after_a_full_disk(form: str, size: int, tmp_path: Path) -> None:
    to = tmp_path / f"a.{form}"
    with mock_server(store(5000)) as server:
        said = export(server, to, code=1, preexec_fn=under_a_limit(size))
        assert f"with --resume to continue\nkonvo: cannot write {to}: File too large\n" in said
        assert not to.exists()
        assert "resuming after " in export(server, to, "--resume")
        assert everything(server.store) == rows(to)


def test_ctrl_c_keeps_the_records_read(tmp_path: Path) -> None:
    to = tmp_path / "a.jsonl"
    with mock_server(store(7000)) as server:
        server.fault = failing_after(38, "slow")
        process = started("sessions", "export", "--to", str(to), url=server.url)
        while len(server.requests) < 39:  # at most 16 of them wait, so the first window is complete
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=30)
        assert (130, "") == (process.returncode, out)
        assert error.endswith("run the same command with --resume to continue\n\ninterrupted\n")
        assert not to.exists()
        server.fault = lambda request: None
        assert "resuming after " in export(server, to, "--resume")
        assert everything(server.store) == rows(to)


@contextmanager
def slowly(number: int) -> Iterator[MockServer]:
    with mock_server(store(number), latency=0.2) as server:
        yield server


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_a_killed_export_resumes_to_the_same_file(seed: int, tmp_path: Path) -> None:
    """Kills the export at random times, until one run reaches the end."""
    draw = random.Random(seed)
    form = FORMATS[seed % len(FORMATS)]
    to, whole = tmp_path / f"a.{form}", tmp_path / f"whole.{form}"
    kills = 0
    with slowly(12_000) as server:
        export(server, whole)
        while not to.exists():
            options = ["--resume"] if kills else []
            process = started("sessions", "export", "--to", str(to), *options, url=server.url)
            try:
                process.wait(draw.uniform(0.5, 1.8) if kills < 6 else 60)
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
            process.communicate()
    assert kills
    assert rows(whole) == rows(to)
