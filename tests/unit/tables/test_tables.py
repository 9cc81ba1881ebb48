"""Lists and scans as Arrow tables and batches, by both clients and by the libraries that read the C stream."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from datetime import datetime
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from konvoai import AISession, AISessionResponse, AsyncKonvo, InternalServerError, Konvo, NotFoundError
from konvoai._decoding.drift import Drift
from konvoai._decoding.records import decode_raw_page
from konvoai._tables.columns import columns
from konvoai._tables.tables import Tables
from konvoai._version import INSTALL_EXTRA
from konvoai.testing import MockKonvo
from konvoai.testing._server import MockServer, mock_server
from konvoai.testing._store.changes import keep_changing
from konvoai.testing._store.store import Store
from tests.support.both_clients import KEY, ClientMode
from tests.support.strategies import any_json, conforming

NAMES = [column.name for column in columns(AISession)]
EVERYTHING = {"messages": True, "state": True}


@pytest.fixture
def mock() -> Any:
    with MockKonvo(sessions=450) as running:
        yield running


def to_arrow(
    mode: ClientMode, url: str, method: str, *table: Any, raw: bool = False, batches: bool = False, **arguments: Any
) -> pa.Table:
    """Returns the table of a list or a scan, at once or by batches."""
    if mode == "sync":
        with Konvo(KEY, base_url=url, max_retries=0) as konvo:
            found = getattr(konvo.ai_sessions, method)(**arguments)
            return found.to_arrow_batches(*table, raw=raw).read_all() if batches else found.to_arrow(*table, raw=raw)

    async def read() -> pa.Table:
        async with AsyncKonvo(KEY, base_url=url, max_retries=0) as konvo:
            found = getattr(konvo.ai_sessions, method)(**arguments)
            if not batches:
                return await found.to_arrow(*table, raw=raw)
            return pa.Table.from_batches([batch async for batch in found.to_arrow_batches(*table, raw=raw)])

    return asyncio.run(read())


@pytest.mark.parametrize("method", ["list", "scan"])
@pytest.mark.parametrize("batches", [False, True])
def test_a_table_has_the_columns_of_every_session(
    mode: ClientMode, method: str, batches: bool, mock: MockKonvo
) -> None:
    table = to_arrow(mode, mock.url, method, batches=batches, **EVERYTHING)
    with mock.client() as konvo:
        sessions = [session.to_dict() for session in konvo.ai_sessions.list(**EVERYTHING)]
        assert table.schema == konvo.ai_sessions.arrow_schema()
    assert NAMES == table.column_names
    for row, session in zip(table.to_pylist(), sessions, strict=True):
        assert (session["id"], session["channel"]) == (row["id"], row["channel"])
        assert datetime.fromisoformat(session["created_at"]) == row["created_at"]
        assert session["status"].get("unresolved") == row["status__unresolved"]
        assert session["state"]["trail"] == json.loads(row["state__trail"])
        assert [message["message"] for message in session["messages"]] == [one["message"] for one in row["messages"]]


@pytest.mark.parametrize(
    ("chosen", "messages", "state"),
    [
        (["id", "channel"], "false", "false"),
        (["status__unresolved", "id"], "false", "true"),
        (["state__type"], "false", "true"),
        (["messages", "created_at"], "true", "false"),
        (["messages", "state__trail"], "true", "true"),
    ],
)
def test_columns_decide_what_is_requested(
    mode: ClientMode, chosen: list[str], messages: str, state: str, mock: MockKonvo
) -> None:
    table = to_arrow(mode, mock.url, "scan", chosen, state=True)
    assert chosen == table.column_names
    assert 450 == table.num_rows
    assert 0 == sum(column.null_count for column in table.columns if column.type != pa.bool_())
    last = mock.requests[-1].query
    assert {"messages": messages, "state": state} == {name: last[name] for name in ("messages", "state")}


def test_no_columns_are_those_that_the_list_requests(mode: ClientMode, mock: MockKonvo) -> None:
    table = to_arrow(mode, mock.url, "list", state=True)
    assert NAMES == table.column_names
    assert table.num_rows == table["messages"].null_count
    assert 0 == table["state__type"].null_count


def test_raw_is_the_record_as_received(mode: ClientMode, mock: MockKonvo) -> None:
    table = to_arrow(mode, mock.url, "scan", ["id"], raw=True, **EVERYTHING)
    with mock.client() as konvo:
        expected = [
            json.loads(raw) for raw in konvo.ai_sessions.list(**EVERYTHING).to_arrow(raw=True)["raw"].to_pylist()
        ]
    assert ["id", "raw"] == table.column_names
    assert expected == [json.loads(raw) for raw in table["raw"].to_pylist()]
    assert {"messages", "status", "state"} <= expected[0].keys()


@pytest.mark.parametrize("chosen", [["id", "mood"], ["raw"], "id", [], ["id", "id"]])
def test_a_wrong_column_is_an_error_before_any_request(mode: ClientMode, chosen: Any, mock: MockKonvo) -> None:
    with pytest.raises(ValueError, match="column"):
        to_arrow(mode, mock.url, "list", chosen)
    with pytest.raises(ValueError, match="column"):
        to_arrow(mode, mock.url, "scan", chosen, batches=True)
    assert [] == mock.requests


def test_an_empty_list_has_the_types_of_its_columns(mode: ClientMode) -> None:
    with MockKonvo() as mock:
        table = to_arrow(mode, mock.url, "list", ["messages", "created_at"])
        with mock.client() as konvo:
            assert konvo.ai_sessions.arrow_schema(["messages", "created_at"]) == table.schema
    assert 0 == table.num_rows


@pytest.mark.parametrize("rate", [1.0, 5.0])
def test_a_table_of_a_scan_has_moving_sessions_once(mode: ClientMode, rate: float) -> None:
    store = Store.of(1500)
    draw = random.Random(rate)

    def touch(number: int) -> None:
        for _ in range(int(rate)):
            store.touch(store.id_at(draw.randrange(1500)))

    store.between = touch
    with mock_server(store, key=KEY) as server:
        table = to_arrow(mode, server.url, "scan", ["id", "status__last_updated"])
        store.between = lambda number: None
        expected = to_arrow("sync", server.url, "list", ["id", "status__last_updated"])
    assert 1500 == table.num_rows
    assert sorted(expected.to_pylist(), key=str) == sorted(table.to_pylist(), key=str)


def test_a_table_of_a_list_has_what_stays(mode: ClientMode) -> None:
    store = Store.of(1000)
    before = set(store.ids_in_order())
    keep_changing(store, 0.5)
    with mock_server(store, key=KEY) as server:
        found = to_arrow(mode, server.url, "list", ["id"])["id"].to_pylist()
    assert len(set(found)) == len(found)
    assert before & set(store.ids_in_order()) <= set(found)


@pytest.mark.parametrize("batches", [False, True])
def test_an_error_stays_the_one_of_iteration(mode: ClientMode, batches: bool, mock: MockKonvo) -> None:
    mock.fail(404)
    with pytest.raises(NotFoundError) as caught:
        to_arrow(mode, mock.url, "scan", batches=batches)
    assert 0 == caught.value.records_yielded


def test_polars_reads_the_stream(mock: MockKonvo) -> None:
    with mock.client() as konvo:
        frame = pl.DataFrame(konvo.ai_sessions.scan(**EVERYTHING))
        expected = konvo.ai_sessions.scan(**EVERYTHING).to_arrow()
    assert expected.to_pylist() == frame.to_dicts()


def test_pandas_reads_the_stream(mock: MockKonvo) -> None:
    with mock.client() as konvo:
        frame = pd.DataFrame.from_arrow(konvo.ai_sessions.list(state=True))
        expected = konvo.ai_sessions.list(state=True).to_arrow()
    assert (450, len(NAMES)) == frame.shape
    assert expected["id"].to_pylist() == list(frame["id"])
    assert expected["created_at"].to_pylist() == list(frame["created_at"])


def test_duckdb_reads_the_stream(mock: MockKonvo) -> None:
    with mock.client() as konvo, duckdb.connect() as connection:
        sessions = konvo.ai_sessions.scan(**EVERYTHING)
        found = connection.from_arrow(sessions).aggregate("count(*), count(distinct id), sum(len(messages))").fetchall()
        messages = sum(map(len, sessions.to_arrow(["messages"])["messages"].to_pylist()))
    assert [(450, 450, messages)] == found


def test_a_stream_reads_again_each_time_it_is_used(mock: MockKonvo) -> None:
    with mock.client() as konvo:
        sessions = konvo.ai_sessions.list()
        assert [] == mock.requests
        assert 450 == pa.table(sessions).num_rows
        requests = len(mock.requests)
        assert 450 == pa.table(sessions).num_rows
    assert 2 * requests - 1 <= len(mock.requests)


@pytest.mark.parametrize("method", ["list", "scan"])
def test_the_error_of_a_stream_is_kept_with_the_list(method: str, mock: MockKonvo) -> None:
    with mock.client(max_retries=0) as konvo:
        sessions = getattr(konvo.ai_sessions, method)()
        mock.fail(500)
        with pytest.raises(pl.exceptions.ComputeError, match="500 Internal Server Error"):
            pl.DataFrame(sessions)
        assert isinstance(sessions.error, InternalServerError)
        assert 450 == pl.DataFrame(sessions).height
        assert sessions.error is None


def test_an_error_amid_the_batches_says_how_far_they_came(mock: MockKonvo) -> None:
    with mock.client(max_retries=0) as konvo:
        batches = konvo.ai_sessions.list(concurrency=1, limit=50).to_arrow_batches(["id"])
        first = batches.read_next_batch().num_rows
        mock.fail(500, times=10)
        with pytest.raises(InternalServerError) as caught:
            batches.read_all()
    assert 0 < first <= caught.value.records_yielded < 450


def test_batches_that_are_abandoned_end_their_requests() -> None:
    with mock_server(Store.of(5000), key=KEY) as server, Konvo(KEY, base_url=server.url) as konvo:
        assert 0 < konvo.ai_sessions.list(limit=50).to_arrow_batches(["id"]).read_next_batch().num_rows <= 50
        assert len(server.requests) < 60


def page_of(records: list[Any], **envelope: Any) -> bytes:
    return json.dumps({"count": len(records), "result": records, **envelope}).encode()


RECORDS = st.lists(
    conforming({"$ref": "#/components/schemas/AISession"})
    | st.dictionaries(st.sampled_from(["id", "channel", "created_at", "status", "state", "messages"]), any_json),
    max_size=4,
)


@given(RECORDS, st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
def test_some_columns_are_those_of_all_and_raw_changes_none(records: list[Any], chosen: list[str]) -> None:
    content, drift = page_of(records), Drift("ignore")
    every, some = Tables.of(AISessionResponse, None, raw=True), Tables.of(AISessionResponse, chosen)
    expected = every.batch(every.decode(content, drift).items)
    found = some.batch(some.decode(content, drift).items)
    found.validate(full=True)
    assert expected.select(chosen).equals(found)
    assert json.loads(content)["result"] == [json.loads(raw) for raw in expected["raw"].to_pylist()]


@given(RECORDS)
def test_a_record_is_the_same_whether_raw_is_read_or_not(records: list[Any]) -> None:
    content, drift = page_of(records), Drift("ignore")
    expected = decode_raw_page(AISessionResponse, content, drift)
    found = Tables.of(AISessionResponse, None).decode(content, drift)
    assert expected.total == found.total
    assert [(record.id, record.data) for record in expected.items] == [(one.id, one.data) for one in found.items]


def test_sessions_without_an_id_all_have_a_row(mode: ClientMode) -> None:
    with MockKonvo() as mock:
        for _ in range(3):
            mock.add({"channel": "email", "created_at": "2026-11-01T00:00:00Z"})
        assert ["email"] * 3 == to_arrow(mode, mock.url, "list", ["channel"])["channel"].to_pylist()


@pytest.mark.parametrize("use", ["list().to_arrow()", "scan().to_arrow_batches()", "arrow_schema()"])
def test_without_pyarrow_the_error_names_the_extra(use: str) -> None:
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from konvoai import Konvo, KonvoError\n"
        f"try: Konvo('k').ai_sessions.{use}\n"
        "except KonvoError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert f"Arrow tables need pyarrow: {INSTALL_EXTRA.format('arrow')}\n" == done.stdout


def test_reading_by_batches_takes_the_memory_of_a_page() -> None:
    server: MockServer
    with mock_server(Store.of(3000), key=KEY) as server, Konvo(KEY, base_url=server.url) as konvo:
        reader = konvo.ai_sessions.list(concurrency=1).to_arrow_batches(["id"])
        assert [] == server.requests
        reader.read_next_batch()
        assert len(server.requests) <= 4
