"""`sync` and `konvo_source`, by what is in the DuckDB file afterwards."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from konvoai import AuthenticationError, InternalServerError, Konvo, KonvoError
from konvoai._http import retry
from konvoai._pagination.protocol import Window
from konvoai._warehouse import sync as sync_module
from konvoai._warehouse.sync import SyncResult, sync
from tests.support.factories import record_messages
from tests.support.http_server import Reply, replies, serving
from tests.support.mock_server import MockServer, mock_server
from tests.support.store import Store

KEY = "zebra-4711"
DAY = timedelta(days=1)
PROGRAM = """
import sys
from konvoai import Konvo, KonvoError
from konvoai._warehouse import sync
sync.MAX_BATCH_SIZE = int(sys.argv[2])
try:
    with Konvo() as konvo:
        progress = lambda window, records: print(records, flush=True)
        print(sync.sync(konvo, sys.argv[1], progress=progress).sessions)
except KonvoError as error:
    sys.exit(str(error))
"""


class Edited(Store):
    """A shop whose records have other fields than they were made with, where `edits` has them by their id."""

    edits: dict[str, dict[str, Any]]

    def _record(self, number: int, asked: Any) -> dict[str, Any]:
        made = super()._record(number, asked)
        return {**made, **getattr(self, "edits", {}).get(made.get("id"), {})}


def store_of(number: int, **habits: Any) -> Edited:
    """Sessions of ten minutes each, up to one before now."""
    store = Edited.of(
        number, start=datetime.now(UTC) - number * timedelta(minutes=10), step=timedelta(minutes=10), **habits
    )
    assert isinstance(store, Edited)
    store.edits = {}
    return store


@pytest.fixture(autouse=True)
def of_tests_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither what dlt is told on this machine, nor a trace of these tests on it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setattr(retry, "INITIAL_BACKOFF", 0.005)


@contextmanager
def reading(store: Store, **habits: Any) -> Iterator[tuple[Konvo, MockServer]]:
    with mock_server(store, **habits) as running, Konvo(KEY, base_url=running.url, max_retries=1) as konvo:
        yield konvo, running


def synced(store: Store, to: Path, **arguments: Any) -> SyncResult:
    with reading(store) as (konvo, _):
        return sync(konvo, str(to), **arguments)


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.sql(sql).fetchall()


def sessions(path: Path, columns: str = "* exclude (_dlt_id, _dlt_load_id)") -> list[tuple[Any, ...]]:
    return query(path, f"select {columns} from ai_sessions order by id")


def messages(path: Path) -> list[tuple[Any, ...]]:
    """All of them, each with the id of its session, in their order."""
    return query(
        path,
        """select s.id, m.* exclude (_dlt_id, _dlt_root_id, _dlt_parent_id)
        from ai_sessions__messages m left join ai_sessions s on m._dlt_root_id = s._dlt_id
        order by s.id, m._dlt_list_idx""",
    )


def types(path: Path, table: str = "ai_sessions") -> dict[str, str]:
    return {name: kind for name, kind, *_ in query(path, f"describe {table}")}


def test_each_session_is_a_row_and_so_is_each_message(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, to, told = store_of(450), tmp_path / "konvo.duckdb", []
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    done = synced(store, to, progress=lambda window, records: told.append((len(window.items), records)))

    assert (450, True) == (done.sessions, done.first)
    assert abs(done.up_to - datetime.now(UTC)) < timedelta(minutes=1)
    assert sorted(store.ids_in_order()) == [name for (name,) in sessions(to, "id")]
    wanted = [
        (f"session-{n:07}", m["message"], place) for n in range(450) for place, m in enumerate(record_messages(n, 0))
    ]
    assert wanted == [(row[0], row[4], row[-1]) for row in messages(to)]
    assert [("session-0000007", False, "RETURN", [{"skill": "CONCIERGE"}])] == [
        (name, unresolved, intent, json.loads(trail))
        for name, unresolved, intent, trail in query(
            to,
            """select id, status__unresolved, state__sub_intent_type, state__trail
            from ai_sessions where feed_id = 'feed-7'""",
        )
    ]
    assert (450, 450) == (told[-1][1], sum(items for items, _ in told))

    assert [(0,)] == query(to, "select count(*) from main_staging.ai_sessions"), "no second copy stays"
    assert ("", "") == capfd.readouterr()
    assert [] == os.listdir(tmp_path / "temporary")
    assert not (tmp_path / "dlt").exists()


@pytest.mark.long
def test_types_are_those_of_the_document_whatever_comes_first(tmp_path: Path) -> None:
    store, to = store_of(2), tmp_path / "konvo.duckdb"
    store.edits["session-0000000"] = {"channel": 5, "created_at": None, "state": None, "messages": None}
    store.edits["session-0000001"] = {"channel": None, "messages": [{"message": 5, "created_at": None}]}
    synced(store, to)
    assert {"message": "VARCHAR", "message_id": "VARCHAR"}.items() <= types(to, "ai_sessions__messages").items()
    zoned = "TIMESTAMP WITH TIME ZONE"
    found = types(to)
    assert ("VARCHAR", "VARCHAR", "BOOLEAN") == (found["id"], found["channel"], found["status__completed"])
    assert (zoned, zoned) == (found["created_at"], found["status__last_updated"])
    assert [("5",), (None,)] == sessions(to, "channel")
    store.edits.clear()
    store.touch(store.add())
    synced(store, to)
    assert "JSON" == types(to)["state__trail"]
    assert zoned == types(to, "ai_sessions__messages")["created_at"]


def test_changes_are_taken_over_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    store, to = store_of(40), tmp_path / "konvo.duckdb"
    synced(store, to)
    store.edits["session-0000007"] = {"messages": record_messages(7, 0)[:1], "sentiment": {"score": 0.5}, "tags": ["a"]}
    store.edits["session-0000011"] = {"messages": []}
    store.edits["session-0000015"] = {"messages": None}
    for name in store.edits:
        store.touch(name)
    added = store.add()
    assert not synced(store, to).first

    everything = sessions(to), messages(to)
    assert sorted(store.ids_in_order()) == [row[0] for row in everything[0]]
    assert added in store.ids_in_order()
    left = [row[0] for row in everything[1]]
    assert {0: 1, 1: 0, 2: 0} == {n: left.count(name) for n, name in enumerate(store.edits)}
    assert sum(n % 4 for n in range(40)) - 2 - 3 - 3 == len(left), "the other messages stay, and none is an orphan"
    assert [(0.5,)] == query(to, "select sentiment__score from ai_sessions where sentiment__score is not null")
    assert [("a",)] == query(to, "select value from ai_sessions__tags")

    again = synced(store, to)
    assert again.sessions == len(store), "all of them, in the lookback"
    assert everything == (sessions(to), messages(to))


@pytest.mark.long
def test_a_change_that_came_in_late_is_found_within_the_lookback(tmp_path: Path) -> None:
    store, to = store_of(600), tmp_path / "konvo.duckdb"
    up_to = synced(store, to).up_to
    store.add(up_to - timedelta(hours=20))
    store.add(up_to - timedelta(hours=30))
    synced(store, to)
    assert 601 == len(sessions(to))
    synced(store, to, lookback=2 * DAY)
    assert 602 == len(sessions(to))


@pytest.mark.long
def test_since_is_where_the_first_time_begins_and_an_earlier_one_reads_again(tmp_path: Path) -> None:
    store, to, now = store_of(500), tmp_path / "konvo.duckdb", datetime.now(UTC)
    synced(store, to, since=now - timedelta(hours=10))
    few = len(sessions(to))
    assert 59 <= few <= 61
    synced(store, to, since=now - timedelta(hours=1), lookback=3 * DAY)
    assert few == len(sessions(to))
    synced(store, to, since=now - timedelta(hours=20), lookback=timedelta(0))
    assert 119 <= len(sessions(to)) <= 121


@pytest.mark.long
def test_a_session_that_changes_meanwhile_is_in_its_later_state(tmp_path: Path) -> None:
    store, to = store_of(60, cap=10, order="updated"), tmp_path / "konvo.duckdb"
    changing, handed = store.ids_in_order()[:5], []

    def change(window: Window[Any], records: int) -> None:
        for record in window.items:
            handed.append(record.id)
            if handed.count(record.id) == 1 and record.id in changing:
                store.edits[record.id] = {"channel": "later", "messages": [{"message": "later"}]}
                store.touch(record.id)

    synced(store, to, progress=change)
    assert [2] * 5 == [handed.count(name) for name in changing]
    assert [(name, "later") for name in changing] == sessions(to, "id, channel")[:5]
    assert 60 == len(sessions(to))
    assert [(name, "later") for name in changing] == [(row[0], row[4]) for row in messages(to) if row[0] in changing]


ODD: dict[str, tuple[dict[str, Any], str, Any]] = {
    "a text for a time": ({"created_at": "soon"}, "created_at__v_text", "soon"),
    "a list for a text": ({"channel": ["a"]}, "(select value from ai_sessions__channel)", "a"),
    "a text for an object": ({"status": "fine"}, "status", "fine"),
    "a text for a list": ({"messages": "none"}, "messages", "none"),
    "an object for JSON": ({"state": {"trail": {"a": 1}}}, "state__trail->>'a'", "1"),
    "too large a number": ({"channel": 10**30, "score": 2**63}, "score", str(2**63)),
    "half of a character": ({"channel": "a\ud800b"}, "channel", "a\ufffdb"),
    "half of one within JSON": ({"state": {"trail": ["\udfff"]}}, "state__trail->>0", "\ufffd"),
    "a NUL": ({"channel": "a\0b"}, "channel", "a\ufffdb"),
    "too deep": ({"deep": json.loads("[" * 300 + "]" * 300)}, "1", 1),
    "an empty name": ({"": "x"}, "_empty", "x"),
    "no more than null": ({"channel": None, "unheard": None}, "channel", None),
}


def test_odd_records_are_kept_and_cost_no_other(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store, to = store_of(len(ODD) + 1), tmp_path / "konvo.duckdb"
    store.edits = {f"session-{n:07}": fields for n, (fields, _, _) in enumerate(ODD.values())}
    synced(store, to)
    for n, (what, (_, column, value)) in enumerate(ODD.items()):
        found = query(to, f"select {column} from ai_sessions where id = 'session-{n:07}'")
        assert [(value,)] == found, what
    assert len(ODD) + 1 == len(sessions(to, "id"))
    assert ("", "") == capfd.readouterr(), "what dlt would say of them is of no use"


@pytest.mark.long
def test_records_without_an_id_get_one_of_what_is_in_them(tmp_path: Path) -> None:
    store, to = store_of(5, ids=False), tmp_path / "konvo.duckdb"
    synced(store, to)
    synced(store, to)
    found = sessions(to, "feed_id, id like 'sha256:%'")
    assert [(f"feed-{n}", True) for n in range(5)] == sorted(found)


@pytest.mark.long
def test_the_file_alone_tells_where_it_stands(tmp_path: Path) -> None:
    store, to = store_of(300), tmp_path / "konvo.duckdb"
    synced(store, to)
    moved = tmp_path / "elsewhere" / "a b%20?#ü.duckdb"
    moved.parent.mkdir()
    shutil.move(to, moved)
    assert not synced(store, moved, lookback=timedelta(hours=1)).first
    assert synced(store, to).first
    assert sessions(moved) == sessions(to)


@pytest.mark.long
def test_what_was_committed_stays_when_the_reading_fails_and_the_next_goes_on(tmp_path: Path) -> None:
    store, to = store_of(3000, order="updated"), tmp_path / "konvo.duckdb"
    with reading(store) as (konvo, running):

        def fail(window: Window[Any], records: int) -> None:
            if records > 300:  # more than a slice
                running.fault = lambda request: 500

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sync_module, "MAX_BATCH_SIZE", 100_000)
            with pytest.raises(InternalServerError):
                sync(konvo, str(to), progress=fail)
        kept = len(sessions(to))
        assert 0 < kept < 3000
        running.fault = lambda request: None
        done = sync(konvo, str(to), lookback=timedelta(0))
    assert (3000 - kept, False) == (done.sessions, done.first)
    assert sorted(store.ids_in_order()) == [name for (name,) in sessions(to, "id")]


@pytest.mark.long
def test_an_interrupted_lookback_does_not_put_the_next_one_further_back(tmp_path: Path) -> None:
    store, to = store_of(4000, order="updated"), tmp_path / "konvo.duckdb"
    with reading(store) as (konvo, running), pytest.MonkeyPatch.context() as patch:
        up_to = sync(konvo, str(to)).up_to
        patch.setattr(sync_module, "MAX_BATCH_SIZE", 100_000)
        late: list[int] = []

        def fail(window: Window[Any], records: int) -> None:
            late.append(records)
            if records > 300:  # more than a slice
                running.fault = lambda request: 500

        with pytest.raises(InternalServerError):
            sync(konvo, str(to), lookback=25 * DAY, progress=fail)
        assert 300 < late[-1] < 3600
        running.fault = lambda request: None
        done = sync(konvo, str(to), lookback=timedelta(hours=1))
    assert 5 <= done.sessions <= 7
    assert done.up_to >= up_to


def test_ctrl_c_is_no_error_of_the_destination(tmp_path: Path) -> None:
    def stop(window: Window[Any], records: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synced(store_of(1), tmp_path / "konvo.duckdb", progress=stop)


def test_the_key_is_not_known(tmp_path: Path) -> None:
    with reading(store_of(1), key="another") as (konvo, _), pytest.raises(AuthenticationError, match="401"):
        sync(konvo, str(tmp_path / "konvo.duckdb"))


@pytest.mark.parametrize("table", ["ai_sessions", "ai_sessions__messages"])
def test_a_table_made_by_hand_is_not_touched(tmp_path: Path, table: str) -> None:
    to = tmp_path / "konvo.duckdb"
    with duckdb.connect(str(to)) as connection:
        connection.sql(f"create table {table} as select 'mine' as id")
    with pytest.raises(KonvoError, match=f"{to} has a table {table} that konvo sync did not create.*rename it"):
        synced(store_of(3), to)
    assert [("mine",)] == query(to, f"from {table}")
    assert [(table,)] == query(to, "select table_name from duckdb_tables")


@pytest.mark.long
def test_a_table_that_is_gone_is_not_taken_for_up_to_date(tmp_path: Path) -> None:
    to = tmp_path / "konvo.duckdb"
    synced(store_of(3), to)
    with duckdb.connect(str(to)) as connection:
        connection.sql("drop table ai_sessions")
    with pytest.raises(KonvoError, match="but no table ai_sessions"):
        synced(store_of(3), to)


def test_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.duckdb").write_text("no database" * 1000)
    monkeypatch.setenv("DESTINATION__REDSHIFT__CREDENTIALS", "mysql://me:hush@127.0.0.1/db")
    wanted = {
        str(tmp_path / "missing" / "konvo.duckdb"): "there is no folder .*missing: create it",
        str(tmp_path / "notes.duckdb"): "notes.duckdb cannot be written: .*not a valid DuckDB database",
        "nowhere": "dlt has no destination nowhere",
        "filesystem": "dlt's filesystem cannot replace rows",
        "postgres": "dlt has no credentials for postgres: set DESTINATION__POSTGRES__CREDENTIALS",
        "redshift": "redshift cannot be written: ",
    }
    with reading(store_of(1)) as (konvo, running):
        for to, words in wanted.items():
            with pytest.raises(KonvoError, match=words) as caught:
                sync(konvo, to)
            assert "\n" not in str(caught.value)
            assert "hush" not in str(caught.value)
        with pytest.raises(ValueError, match="lookback"):
            sync(konvo, "x.duckdb", lookback=-DAY)
        with pytest.raises(ValueError, match="time zone"):
            sync(konvo, "x.duckdb", since=datetime(2026, 1, 1))
        assert [] == running.requests
    assert not Path("x.duckdb").exists()


def test_a_file_that_another_program_has_open(tmp_path: Path) -> None:
    to = tmp_path / "konvo.duckdb"
    hold = f"import duckdb, sys; held = duckdb.connect({str(to)!r}); print(); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", hold], stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(KonvoError, match=r"konvo\.duckdb is open in another program"):
            synced(store_of(1), to)
        other.communicate()


@pytest.mark.long
def test_without_the_extra_it_is_said_how_to_install_it() -> None:
    program = "import sys; sys.modules['dlt'] = None; from konvoai import Konvo; {}"
    for call in ("from konvoai._warehouse.sync import sync; sync(Konvo('k'), 'x.duckdb')", "import konvoai.dlt"):
        run = subprocess.run([sys.executable, "-c", program.format(call)], capture_output=True, text=True)
        assert "pip install 'konvoai[sync]'" in run.stderr.splitlines()[-1]


@pytest.mark.long
def test_nobody_else_is_told(tmp_path: Path) -> None:
    """dlt would tell its makers of each run, at the address that it is given here."""
    with mock_server(store_of(3)) as running, serving(replies(Reply({}))) as makers:
        environment = process_environment(running.url, RUNTIME__DLTHUB_TELEMETRY_ENDPOINT=makers.url)
        del environment["RUNTIME__DLTHUB_TELEMETRY"]
        command = [sys.executable, "-c", PROGRAM, "konvo.duckdb", "1000"]
        run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        assert "3" == run.stdout.splitlines()[-1]
        assert [] == makers.requests
    assert not (tmp_path / "dlt").exists()


def process_environment(url: str, **more: str) -> dict[str, str]:
    return {**os.environ, "KONVO_API_KEY": KEY, "KONVO_BASE_URL": url, **more}


def test_a_source_for_pipelines_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dlt

    from konvoai.dlt import konvo_source

    store, to = store_of(30), tmp_path / "own.duckdb"
    pipeline = dlt.pipeline(
        "own", pipelines_dir=str(tmp_path / "work"), destination=dlt.destinations.duckdb(str(to)), dataset_name="main"
    )
    with mock_server(store, key=KEY) as running:
        with pytest.raises(KonvoError, match="KONVO_API_KEY"):
            konvo_source()
        with pytest.raises(ValueError, match="lookback"):
            konvo_source(KEY, lookback=-DAY)
        monkeypatch.setenv("KONVO_API_KEY", KEY)
        monkeypatch.setenv("KONVO_BASE_URL", running.url)
        pipeline.run(konvo_source())
        store.edits["session-0000003"] = {"messages": [], "mood": "good"}
        store.touch("session-0000003")
        pipeline.run(konvo_source(lookback=timedelta(minutes=1)))
    assert store.requests[-1]["updated_at_min"] > (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert [(30, "good")] == query(to, "select count(*), max(mood) from ai_sessions")
    assert "session-0000003" not in [row[0] for row in messages(to)]
    assert [] == [file for file in tmp_path.rglob("*") if file.is_file() and KEY.encode() in file.read_bytes()]


def test_a_run_of_the_source_that_fails_tells_why(tmp_path: Path) -> None:
    import dlt
    from dlt.pipeline.exceptions import PipelineStepFailed

    from konvoai.dlt import konvo_source

    pipeline = dlt.pipeline(
        "own", pipelines_dir=str(tmp_path / "work"), destination=dlt.destinations.duckdb("o.duckdb")
    )
    with mock_server(store_of(1), key="another") as running, pytest.raises(PipelineStepFailed) as caught:
        pipeline.run(konvo_source(KEY, base_url=running.url))
    error: BaseException | None = caught.value
    while error is not None and not isinstance(error, AuthenticationError):
        error = error.__cause__ or error.__context__
    assert error is not None
    assert KEY not in str(caught.value)


@pytest.mark.long
def test_killed_at_any_moment_it_goes_on_to_the_same_rows(tmp_path: Path) -> None:
    """Ten times, each a drawn while after a drawn number of sessions."""
    store, draw = store_of(5000, order="updated"), random.Random(7)
    whole, killed = tmp_path / "whole.duckdb", tmp_path / "killed.duckdb"
    with mock_server(store, latency=0.01) as running:

        def start(to: Path) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-c", PROGRAM, str(to), "120000"]
            given = process_environment(running.url, TMPDIR=str(tmp_path))
            return subprocess.Popen(command, env=given, stdout=subprocess.PIPE)

        start(whole).communicate()
        seen = []
        for _ in range(10):
            with start(killed) as process:
                assert process.stdout is not None
                enough = draw.randint(1, 1500)
                any(int(line) >= enough for line in process.stdout)
                time.sleep(draw.uniform(0, 0.6))
                process.kill()
            seen.append(rows_after_a_kill(killed))
        with start(killed) as process:
            process.communicate()
    print("sessions after each kill:", seen)
    assert seen == sorted(seen)
    assert any(0 < number < 5000 for number in seen)
    assert 5000 == len(sessions(whole))
    assert sessions(whole) == sessions(killed)
    assert messages(whole) == messages(killed)


def rows_after_a_kill(path: Path) -> int:
    with duckdb.connect(str(path)) as connection:  # not to read only: there may be a log that has to be taken in
        made = connection.sql("select 1 from duckdb_tables where table_name = 'ai_sessions'").fetchall()
        return len(connection.sql("select id from ai_sessions").fetchall()) if made else 0


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
def test_a_disk_that_is_full_costs_nothing_that_was_committed(tmp_path: Path) -> None:
    store, to = store_of(20_000, order="updated"), tmp_path / "konvo.duckdb"
    limited = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))\n"
    )
    with mock_server(store) as running:
        command = [sys.executable, "-c", limited + PROGRAM, str(to), "300000"]
        run = subprocess.run(command, env=process_environment(running.url), stderr=subprocess.PIPE, text=True)
        assert 1 == run.returncode
        assert f"no disk space left for {to}" in run.stderr
        assert 1 == len(run.stderr.splitlines())
        with duckdb.connect(str(to)) as connection:
            kept = connection.sql("select count(*) from ai_sessions").fetchall()[0][0]
        assert 0 < kept < 20_000
        assert kept == len({name for (name,) in sessions(to, "id")})
        assert None not in [row[0] for row in messages(to)]
        with Konvo(KEY, base_url=running.url) as konvo:
            assert not sync(konvo, str(to)).first
    assert sorted(store.ids_in_order()) == [name for (name,) in sessions(to, "id")]
    assert sum(n % 4 for n in range(20_000)) == len(messages(to))
