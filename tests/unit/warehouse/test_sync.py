"""`sync`, checked by what the DuckDB file contains afterwards."""

from __future__ import annotations

import hmac
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
from typing import Any, Literal

import duckdb
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konvoai import AISession, AuthenticationError, ConfigurationError, InternalServerError, Konvo, KonvoError
from konvoai._decoding.records import Record
from konvoai._pagination.protocol import Window
from konvoai._tables.columns import columns
from konvoai._warehouse import sync as sync_module
from konvoai._warehouse.duckdb_file import DuckDBFile
from konvoai._warehouse.state import State, SyncResult
from konvoai._warehouse.sync import sync
from konvoai._warehouse.tables import make_tables, sanitize
from konvoai._warehouse.time_filters import advice
from konvoai.testing._http_server import Reply, serving
from konvoai.testing._server import MockServer, mock_server
from konvoai.testing._store.factories import record, record_messages, record_state
from konvoai.testing._store.store import Store
from tests.support.http_server import replies
from tests.support.warehouse import (
    column_types,
    make_session,
    query,
    read_messages,
    read_sessions,
    store_of,
    write_tables,
)

pytestmark = pytest.mark.usefixtures("isolated_dlt")

KEY, ADDRESS = "zebra-4711", "http://127.0.0.1:9"
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


@contextmanager
def serve_and_connect(store: Store, **settings: Any) -> Iterator[tuple[Konvo, MockServer]]:
    """Serves a store, always at the same address, since a database has a state for each."""
    with mock_server(store, **settings) as running:
        port = httpx.URL(running.url).port

        def to_port(request: httpx.Request) -> None:
            request.url = request.url.copy_with(port=port)

        hooks = {"request": [to_port]}
        with httpx.Client(event_hooks=hooks, trust_env=False) as http:
            yield Konvo(KEY, base_url=ADDRESS, max_retries=1, http_client=http), running


def run_sync(store: Store, to: Path, **arguments: Any) -> SyncResult:
    with serve_and_connect(store) as (konvo, _):
        return sync(konvo, str(to), **arguments)


def test_each_session_and_each_message_is_a_row(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, to, calls = store_of(450), tmp_path / "konvo.duckdb", []
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    result = run_sync(store, to, progress=lambda window, records: calls.append((len(window.items), records)))

    assert (450, True) == (result.sessions, result.first)
    assert abs(result.up_to - datetime.now(UTC)) < timedelta(minutes=1)
    assert sorted(store.ids_in_order()) == [name for (name,) in read_sessions(to, "id")]
    expected = [
        (f"session-{n:07}", m["message"], index) for n in range(450) for index, m in enumerate(record_messages(n, 0))
    ]
    assert expected == [(row[0], row[4], row[-1]) for row in read_messages(to)]
    assert [("session-0000007", False, "RETURN", [{"skill": "CONCIERGE"}])] == [
        (name, unresolved, intent, json.loads(trail))
        for name, unresolved, intent, trail in query(
            to,
            """select id, status__unresolved, state__sub_intent_type, state__trail
            from ai_sessions where feed_id = 'feed-7'""",
        )
    ]
    assert (450, 450) == (calls[-1][1], sum(items for items, _ in calls))

    assert ("", "") == capfd.readouterr()
    assert [] == os.listdir(tmp_path / "temporary")
    assert not (tmp_path / "dlt").exists()


@pytest.mark.long
def test_types_follow_the_api_document_not_the_first_rows(tmp_path: Path) -> None:
    store, to = store_of(2), tmp_path / "konvo.duckdb"
    store.edits["session-0000000"] = {"channel": 5, "created_at": None, "state": None, "messages": None}
    store.edits["session-0000001"] = {"channel": None, "messages": [{"message": 5, "created_at": None}]}
    run_sync(store, to)
    assert {"message": "VARCHAR", "message_id": "VARCHAR"}.items() <= column_types(to, "ai_sessions__messages").items()
    zoned = "TIMESTAMP WITH TIME ZONE"
    found = column_types(to)
    assert ("VARCHAR", "VARCHAR", "BOOLEAN") == (found["id"], found["channel"], found["status__completed"])
    assert (zoned, zoned) == (found["created_at"], found["status__last_updated"])
    assert [(None, '{"channel":5}'), (None, None)] == read_sessions(to, "channel, rest")
    store.edits.clear()
    store.touch(store.add())
    run_sync(store, to)
    assert "JSON" == column_types(to)["state__trail"]
    assert zoned == column_types(to, "ai_sessions__messages")["created_at"]


def test_changes_replace_rows_and_syncing_again_changes_nothing(tmp_path: Path) -> None:
    store, to = store_of(40), tmp_path / "konvo.duckdb"
    run_sync(store, to)
    store.edits["session-0000007"] = {"messages": record_messages(7, 0)[:1], "sentiment": {"score": 0.5}, "tags": ["a"]}
    store.edits["session-0000011"] = {"messages": []}
    store.edits["session-0000015"] = {"messages": None}
    for name in store.edits:
        store.touch(name)
    added = store.add()
    assert not run_sync(store, to).first

    rows = read_sessions(to), read_messages(to)
    assert sorted(store.ids_in_order()) == [row[0] for row in rows[0]]
    assert added in store.ids_in_order()
    owners = [row[0] for row in rows[1]]
    assert {0: 1, 1: 0, 2: 0} == {n: owners.count(name) for n, name in enumerate(store.edits)}
    assert sum(n % 4 for n in range(40)) - 2 - 3 - 3 == len(owners), "the other messages stay, and none is an orphan"
    unknown = query(
        to, "select (rest->>'$.sentiment.score')::double, rest->'tags' from ai_sessions where rest is not null"
    )
    assert [(0.5, '["a"]')] == unknown

    again = run_sync(store, to)
    assert again.sessions == len(store), "all of them, in the lookback"
    assert rows == (read_sessions(to), read_messages(to))


@pytest.mark.long
def test_lookback_finds_late_changes(tmp_path: Path) -> None:
    store, to = store_of(600), tmp_path / "konvo.duckdb"
    up_to = run_sync(store, to).up_to
    store.add(up_to - timedelta(hours=20))
    store.add(up_to - timedelta(hours=30))
    run_sync(store, to, lookback=DAY)
    assert 601 == len(read_sessions(to))
    run_sync(store, to, lookback=2 * DAY)
    assert 602 == len(read_sessions(to))


@pytest.mark.long
def test_earlier_since_reads_again_and_a_later_one_does_not(tmp_path: Path) -> None:
    store, to, now = store_of(500), tmp_path / "konvo.duckdb", datetime.now(UTC)
    run_sync(store, to, since=now - timedelta(hours=10))
    count = len(read_sessions(to))
    assert 59 <= count <= 61
    run_sync(store, to, since=now - timedelta(hours=1), lookback=3 * DAY)
    assert count == len(read_sessions(to))
    run_sync(store, to, since=now - timedelta(hours=20), lookback=timedelta(0))
    assert 119 <= len(read_sessions(to)) <= 121


@pytest.mark.long
def test_session_that_changes_during_a_sync_is_in_its_latest_state(tmp_path: Path) -> None:
    store, to = store_of(60, cap=10, order="updated"), tmp_path / "konvo.duckdb"
    changing, read = store.ids_in_order()[:5], []

    def change(window: Window[Any], records: int) -> None:
        for found in window.items:
            read.append(found.id)
            if read.count(found.id) == 1 and found.id in changing:
                store.edits[found.id] = {"channel": "later", "messages": [{"message": "later"}]}
                store.touch(found.id)

    run_sync(store, to, progress=change)
    assert [2] * 5 == [read.count(name) for name in changing]
    assert [(name, "later") for name in changing] == read_sessions(to, "id, channel")[:5]
    assert 60 == len(read_sessions(to))
    assert [(name, "later") for name in changing] == [
        (row[0], row[4]) for row in read_messages(to) if row[0] in changing
    ]


DEEP = json.loads("[" * 300 + "]" * 300)
UNUSUAL: dict[str, tuple[dict[str, Any], str, Any]] = {
    "text for a time": ({"created_at": "soon"}, "rest->>'created_at'", "soon"),
    "a list for a text": ({"channel": ["a"]}, "rest->>'$.channel[0]'", "a"),
    "a text for an object": ({"status": "fine"}, "rest->>'status'", "fine"),
    "a text for a list": ({"messages": "none"}, "rest->>'messages'", "none"),
    "an object for JSON": ({"state": {"trail": {"a": 1}}}, "state__trail->>'a'", "1"),
    "too large a number": ({"channel": 10**30, "score": 2**63}, "rest->>'score'", str(2**63)),
    "half of a character": ({"channel": "a\ud800b"}, "channel", "a\ufffdb"),
    "half of one within JSON": ({"state": {"trail": ["\udfff"]}}, "state__trail->>0", "\ufffd"),
    "an escaped emoji": ({"channel": "\U0001f600"}, "channel", "\U0001f600"),
    "a NUL": ({"channel": "a\0b"}, "channel", "a\ufffdb"),
    "a NUL in an unknown field": ({"a\0": "b\0"}, "rest->>'a\ufffd'", "b\ufffd"),
    "too deep": ({"deep": DEEP}, "json_type(rest->'deep')", "ARRAY"),
    "too deep a trail": ({"state": {"trail": DEEP}}, "state__trail::varchar", json.dumps(DEEP)),
    "an empty name": ({"": "x"}, "rest", '{"":"x"}'),
    "only null": ({"channel": None, "unknown": None}, "channel", None),
    "a time after the year 9999": ({"created_at": "9999-12-31T23:59:59-05:00"}, "created_at", None),
    "a name in another case": ({"Channel": "other"}, "channel", "whatsapp"),
    "a field of the state": ({"state": {"mood": {"x": 1}}}, "rest->>'$.state.mood.x'", "1"),
    "a number for an id": ({"id": 2**70}, "rest->>'id'", str(2**70)),
    "an object for an id": ({"id": {"a": 1}}, "rest->>'$.id.a'", "1"),
}


def test_unusual_records_are_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store, to = store_of(len(UNUSUAL) + 1), tmp_path / "konvo.duckdb"
    store.edits = {
        f"session-{n:07}": {"channel": "whatsapp", "feed_id": f"feed-{n}", **fields}
        for n, (fields, _, _) in enumerate(UNUSUAL.values())
    }
    run_sync(store, to)
    for n, (name, (_, column, value)) in enumerate(UNUSUAL.items()):
        found = query(to, f"select {column} from ai_sessions where feed_id = 'feed-{n}'")
        assert [(value,)] == found, name
    assert len(UNUSUAL) + 1 == len(read_sessions(to, "id"))
    assert ("", "") == capfd.readouterr()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(), max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = [column.path for column in columns(AISession)] + [("status",), ("state",), ("unknown",), ("state", "unknown")]
MESSAGE_FIELDS = ["message_id", "message", "created_at", "unknown"]


@pytest.fixture(scope="module")
def destination() -> Iterator[DuckDBFile]:
    with duckdb.connect() as connection, Konvo(KEY) as konvo:
        yield DuckDBFile(connection, konvo)


@given(st.data())
def test_no_value_stops_a_sync_or_is_lost(destination: DuckDBFile, data: st.DataObject) -> None:
    connection = destination._connection
    plain, record = record_of(0), record_of(1) | {"workspace_id": "workspace-2"}
    path, value = data.draw(st.sampled_from(FIELDS)), data.draw(JSON_VALUES)
    record["messages"] = [{data.draw(st.sampled_from(MESSAGE_FIELDS)): value}, value]
    target = record
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = value
    raw = json.dumps(record)
    tables = make_tables([Record(each.get("id"), json.dumps(each), each) for each in (plain, json.loads(raw))])
    for table in tables:
        connection.execute(f"delete from {table}")
    destination.write(tables, State())
    destination.write(tables, State())
    sql = "select id, rest from ai_sessions where workspace_id is distinct from 'workspace-1'"
    ((key, rest),) = connection.sql(sql).fetchall()
    count = "select count(*) from ai_sessions__messages where ai_session_id = ?"
    items = messages if isinstance(messages := record["messages"], list) else []
    assert [(len(items),)] == connection.execute(count, [key]).fetchall()
    if "unknown" in path and value is not None:
        left = json.loads(rest)
        assert sanitize(value) == (left["state"] if len(path) == 2 else left)["unknown"]


def record_of(number: int) -> dict[str, Any]:
    whole = record(number, 0) | record_state(number, 0, 0)
    return whole | {"messages": record_messages(number, 0)}


def test_empty_first_sync_makes_empty_tables(tmp_path: Path) -> None:
    store, to = store_of(0), tmp_path / "konvo.duckdb"
    assert 0 == run_sync(store, to).sessions
    assert [] == read_sessions(to) == read_messages(to)
    store.add()
    run_sync(store, to)
    assert 1 == len(read_sessions(to))


def test_each_key_and_address_has_its_own_state(tmp_path: Path) -> None:
    to, stores = tmp_path / "konvo.duckdb", [store_of(5), store_of(900)]
    stores[1].edits = {f"session-{n:07}": {"id": f"other-{n}"} for n in range(900)}
    with mock_server(stores[0]) as first, mock_server(stores[1]) as second:
        for url, key in ((first.url, KEY), (second.url, KEY), (second.url, "another")):
            with Konvo(key, base_url=url) as konvo:
                assert sync(konvo, str(to)).first
                again = sync(konvo, str(to), lookback=timedelta(minutes=1))
                assert (False, True) == (again.first, again.sessions < 2)
    assert 905 == len(read_sessions(to))
    assert [(3,)] == query(to, "select count(*) from konvo_sync_state")
    assert not [key for key in (KEY, "another") if key.encode() in to.read_bytes()]


@pytest.mark.parametrize("filters", ["created", "updated"])
def test_changes_of_old_sessions_arrive_whatever_the_filters_mean(
    filters: Literal["created", "updated"], tmp_path: Path
) -> None:
    store, to = store_of(3000, filters=filters), tmp_path / "konvo.duckdb"
    assert run_sync(store, to).filters is None, "no session has been updated after its creation"
    old = store.ids_in_order()[100:2100:100]
    for name in old:
        store.edits[name] = {"channel": "later"}
        store.touch(name)
    result = run_sync(store, to)
    assert (filters, 20) == (result.filters, query(to, "select count(*) from ai_sessions where channel='later'")[0][0])
    again = run_sync(store, to)
    assert (filters, again.start) == (again.filters, again.start)
    expected = DAY if filters == "updated" else 30 * DAY
    assert again.start is not None
    assert expected == result.up_to - again.start
    assert (filters == "created") == ("warning" in (advice(again) or ""))


def test_sync_says_which_changes_it_may_miss(tmp_path: Path) -> None:
    store, to = store_of(3000, filters="created"), tmp_path / "konvo.duckdb"
    assert advice(run_sync(store, to)) is None
    result = run_sync(store, to, lookback=DAY)
    assert result.start is not None
    assert f"{result.start:%Y-%m-%d %H:%M}" in (advice(result) or "")


def test_dropped_and_hashed_values_are_nowhere_in_the_database(tmp_path: Path) -> None:
    store, to = store_of(40), tmp_path / "konvo.duckdb"
    store.edits["session-0000007"] = {"external_user_id": 4915100000007}
    options: dict[str, Any] = {
        "drop": ["messages.message"],
        "hashed": ["id", "external_user_id"],
        "secret": "a long one",
    }
    run_sync(store, to, **options)
    run_sync(store, to, **options)
    hashes = {hmac.digest(b"a long one", name.encode(), "sha256").hex() for name in store.ids_in_order()}
    assert hashes == {name for (name,) in read_sessions(to, "id")}
    assert hashes == {name for (name,) in query(to, "select status__session_id from ai_sessions")}
    assert hashes >= {name for (name,) in query(to, "select session_id from ai_sessions__messages")}
    content = repr(read_sessions(to)) + repr(read_messages(to))
    assert not [text for text in ("session-00", "49151", "Where is my order?") if text in content]
    for other in ({}, options | {"secret": "another"}, options | {"drop": []}):
        with pytest.raises(ConfigurationError, match="earlier syncs"):
            run_sync(store, to, **other)
    for wrong in ({"drop": ["id"]}, {"drop": ["nothing"]}, {"hashed": ["channel"]}):
        with pytest.raises(ConfigurationError):
            run_sync(store, tmp_path / "new.duckdb", **wrong)
    assert 40 == len(read_sessions(to))


def test_queries_for_earlier_versions_work(tmp_path: Path) -> None:
    to = tmp_path / "konvo.duckdb"
    run_sync(store_of(40), to)
    joined = "select count(*) from ai_sessions s join ai_sessions__messages m on m._dlt_root_id = s._dlt_id"
    assert [(60,)] == query(to, joined)


def test_tables_of_an_earlier_version_are_not_changed(tmp_path: Path) -> None:
    to = write_tables(tmp_path / "konvo.duckdb", [make_session()], [], schema="main")
    with pytest.raises(KonvoError, match=r"tables of an earlier version .*mv .*sync again"):
        run_sync(store_of(3), to)
    assert [("session",)] == query(to, "select id from ai_sessions")


def test_since_in_the_future_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="in the future"):
        run_sync(store_of(3), tmp_path / "konvo.duckdb", since=datetime.now(UTC) + DAY)
    assert [] == os.listdir(tmp_path)


@pytest.mark.long
def test_records_without_an_id_get_a_hash_of_their_contents(tmp_path: Path) -> None:
    store, to = store_of(5, ids=False), tmp_path / "konvo.duckdb"
    run_sync(store, to)
    run_sync(store, to)
    found = read_sessions(to, "feed_id, id like 'sha256:%'")
    assert [(f"feed-{n}", True) for n in range(5)] == sorted(found)


def test_names_and_state_in_the_database_are_stable(tmp_path: Path) -> None:
    """Other versions of konvoai resume from them, and users query them."""
    to = tmp_path / "konvo.duckdb"
    up_to = run_sync(store_of(3), to).up_to
    assert {"main.konvo_sync_state", "main.ai_sessions", "main.ai_sessions__messages"} == {
        name for (name,) in query(to, "select schema_name || '.' || table_name from duckdb_tables")
    }
    assert {"id", "rest", "_dlt_id"} < column_types(to).keys()
    messages = column_types(to, "ai_sessions__messages").keys()
    assert {"ai_session_id", "position", "rest", "_dlt_root_id", "_dlt_list_idx"} < messages
    ((state,),) = query(to, "select state from konvo_sync_state")
    assert {"since": None, "up_to": up_to.isoformat()}.items() <= json.loads(state).items()
    assert KEY.encode() not in to.read_bytes()


@pytest.mark.long
def test_state_is_only_in_the_database_file(tmp_path: Path) -> None:
    store, to = store_of(300), tmp_path / "konvo.duckdb"
    run_sync(store, to)
    moved = tmp_path / "elsewhere" / "a b%20?#ü.duckdb"
    moved.parent.mkdir()
    shutil.move(to, moved)
    assert not run_sync(store, moved, lookback=timedelta(hours=1)).first
    assert run_sync(store, to).first
    assert read_sessions(moved) == read_sessions(to)


@pytest.mark.long
def test_failed_sync_keeps_its_batches_and_the_next_one_resumes(tmp_path: Path) -> None:
    store, to = store_of(9000, order="updated"), tmp_path / "konvo.duckdb"
    with serve_and_connect(store) as (konvo, running):

        def fail(window: Window[Any], records: int) -> None:
            if records > 5000:  # more than a batch
                running.fault = lambda request: 500

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sync_module, "MAX_BATCH_SIZE", 100_000)
            with pytest.raises(InternalServerError):
                sync(konvo, str(to), progress=fail)
        committed = len(read_sessions(to))
        assert 0 < committed < 9000
        running.fault = lambda request: None
        result = sync(konvo, str(to), lookback=timedelta(0))
    assert (9000 - committed, False) == (result.sessions, result.first)
    assert sorted(store.ids_in_order()) == [name for (name,) in read_sessions(to, "id")]


@pytest.mark.long
def test_interrupted_lookback_does_not_move_the_state_back(tmp_path: Path) -> None:
    store, to = store_of(4000, order="updated"), tmp_path / "konvo.duckdb"
    with serve_and_connect(store) as (konvo, running), pytest.MonkeyPatch.context() as patch:
        up_to = sync(konvo, str(to)).up_to
        patch.setattr(sync_module, "MAX_BATCH_SIZE", 100_000)
        progress: list[int] = []

        def fail(window: Window[Any], records: int) -> None:
            progress.append(records)
            if records > 300:  # more than a batch
                running.fault = lambda request: 500

        with pytest.raises(InternalServerError):
            sync(konvo, str(to), lookback=25 * DAY, progress=fail)
        assert 300 < progress[-1] < 3600
        running.fault = lambda request: None
        result = sync(konvo, str(to), lookback=timedelta(hours=1))
    assert 5 <= result.sessions <= 7
    assert result.up_to >= up_to


def test_ctrl_c_raises_keyboard_interrupt(tmp_path: Path) -> None:
    def stop(window: Window[Any], records: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_sync(store_of(1), tmp_path / "konvo.duckdb", progress=stop)


def test_invalid_key_raises_authentication_error(tmp_path: Path) -> None:
    with serve_and_connect(store_of(1), key="another") as (konvo, _), pytest.raises(AuthenticationError, match="401"):
        sync(konvo, str(tmp_path / "konvo.duckdb"))


@pytest.mark.parametrize("table", ["ai_sessions", "ai_sessions__messages"])
def test_table_of_another_program_is_not_changed(tmp_path: Path, table: str) -> None:
    to = tmp_path / "konvo.duckdb"
    with duckdb.connect(str(to)) as connection:
        connection.sql(f"create table {table} as select 'mine' as id")
    with pytest.raises(KonvoError, match=f"{to} has a table {table} that konvo sync did not create.*rename it"):
        run_sync(store_of(3), to)
    assert [("mine",)] == query(to, f"from {table}")
    assert [(table,)] == query(to, "select table_name from duckdb_tables")


@pytest.mark.long
def test_dropped_table_with_a_state_is_an_error(tmp_path: Path) -> None:
    to = tmp_path / "konvo.duckdb"
    run_sync(store_of(3), to)
    with duckdb.connect(str(to)) as connection:
        connection.sql("drop table ai_sessions")
    with pytest.raises(KonvoError, match="but no table ai_sessions"):
        run_sync(store_of(3), to)


def test_errors_of_the_destination_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "notes.duckdb").write_text("no database" * 1000)
    monkeypatch.setenv("DESTINATION__REDSHIFT__CREDENTIALS", "mysql://me:hush@127.0.0.1/db")
    expected = {
        str(tmp_path / "missing" / "konvo.duckdb"): "there is no folder .*missing: create it",
        str(tmp_path / "notes.duckdb"): "notes.duckdb cannot be written: .*not a valid DuckDB database",
        "nowhere": "dlt has no destination nowhere",
        "filesystem": "dlt's filesystem cannot replace rows",
        "postgres": "dlt has no credentials for postgres: set DESTINATION__POSTGRES__CREDENTIALS",
        "redshift": "redshift cannot be written: ",
    }
    with serve_and_connect(store_of(1)) as (konvo, running):
        for to, message in expected.items():
            with pytest.raises(KonvoError, match=message) as caught:
                sync(konvo, to)
            assert "\n" not in str(caught.value)
            assert "hush" not in str(caught.value)
        with pytest.raises(ValueError, match="lookback"):
            sync(konvo, "x.duckdb", lookback=-DAY)
        with pytest.raises(ValueError, match="time zone"):
            sync(konvo, "x.duckdb", since=datetime(2026, 1, 1))
        assert [] == running.requests
    assert not Path("x.duckdb").exists()


def test_file_that_another_program_has_open(tmp_path: Path) -> None:
    to = tmp_path / "konvo.duckdb"
    hold = f"import duckdb, sys; held = duckdb.connect({str(to)!r}); print(); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", hold], stdin=pipe, stdout=pipe) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(KonvoError, match=r"konvo\.duckdb is open in another program"):
            run_sync(store_of(1), to)
        other.communicate()


@pytest.mark.long
def test_missing_extra_prints_the_pip_command() -> None:
    program = "import sys; sys.modules['dlt'] = None; from konvoai import Konvo; {}"
    for call in ("from konvoai._warehouse.sync import sync; sync(Konvo('k'), 'postgres')", "import konvoai.dlt"):
        run = subprocess.run([sys.executable, "-c", program.format(call)], capture_output=True, text=True)
        assert "pip install 'konvoai[dlt]'" in run.stderr.splitlines()[-1]


@pytest.mark.long
def test_no_telemetry_is_sent(tmp_path: Path) -> None:
    """By default dlt reports each run to its vendor, here to a server of this test."""
    with mock_server(store_of(3)) as running, serving(replies(Reply({}))) as vendor:
        environment = process_environment(running.url, RUNTIME__DLTHUB_TELEMETRY_ENDPOINT=vendor.url)
        del environment["RUNTIME__DLTHUB_TELEMETRY"]
        command = [sys.executable, "-c", PROGRAM, "konvo.duckdb", "1000"]
        run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        assert "3" == run.stdout.splitlines()[-1]
        assert [] == vendor.requests
    assert not (tmp_path / "dlt").exists()


def process_environment(url: str, **more: str) -> dict[str, str]:
    return {**os.environ, "KONVO_API_KEY": KEY, "KONVO_BASE_URL": url, **more}


@pytest.mark.long
def test_killed_syncs_resume_to_the_same_rows(tmp_path: Path) -> None:
    """Kills ten syncs, each a random time after a random number of sessions."""
    store, rng = store_of(5000, order="updated"), random.Random(7)
    uninterrupted, killed = tmp_path / "uninterrupted.duckdb", tmp_path / "killed.duckdb"
    with mock_server(store, latency=0.1) as running:

        def start(to: Path) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-c", PROGRAM, str(to), "120000"]
            environment = process_environment(running.url, TMPDIR=str(tmp_path))
            return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)

        start(uninterrupted).communicate()
        seen = []
        for _ in range(10):
            with start(killed) as process:
                assert process.stdout is not None
                minimum = rng.randint(1, 2500)
                any(int(line) >= minimum for line in process.stdout)
                time.sleep(rng.uniform(0, 0.3))
                process.kill()
            seen.append(rows_after_a_kill(killed))
        with start(killed) as process:
            process.communicate()
    print("sessions after each kill:", seen)
    assert seen == sorted(seen)
    assert any(0 < number < 5000 for number in seen)
    assert 5000 == len(read_sessions(uninterrupted))
    assert read_sessions(uninterrupted) == read_sessions(killed)
    assert read_messages(uninterrupted) == read_messages(killed)


def rows_after_a_kill(path: Path) -> int:
    with duckdb.connect(str(path)) as connection:  # not read-only: DuckDB may have to replay its write-ahead log
        made = connection.sql("select 1 from duckdb_tables where table_name = 'ai_sessions'").fetchall()
        return len(connection.sql("select id from ai_sessions").fetchall()) if made else 0


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="no RLIMIT_FSIZE")
def test_full_disk_keeps_the_committed_rows(tmp_path: Path) -> None:
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
            committed = connection.sql("select count(*) from ai_sessions").fetchall()[0][0]
        assert 0 < committed < 20_000
        assert committed == len({name for (name,) in read_sessions(to, "id")})
        assert None not in [row[0] for row in read_messages(to)]
        with Konvo(KEY, base_url=running.url) as konvo:
            assert not sync(konvo, str(to)).first
    assert sorted(store.ids_in_order()) == [name for (name,) in read_sessions(to, "id")]
    assert sum(n % 4 for n in range(20_000)) == len(read_messages(to))
