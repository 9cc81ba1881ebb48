"""Batches and streams of Spark from a mock of the API, while its sessions change and its requests fail."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from konvoai.spark import latest
from konvoai.testing._server import MockServer, mock_server
from konvoai.testing._store.store import Store

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
REQUEST_TIME = timedelta(milliseconds=250)  # by the clock of the server
KEY = "sk-hidden-0123456789"
SCHEMA = "id string, status__last_updated timestamp, as_of timestamp"


def store_of(number: int) -> Store:
    return Store.of(number, NOW - timedelta(minutes=number + 10), timedelta(minutes=1), now=NOW)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    with mock_server(store_of(getattr(request, "param", 3000)), key=KEY) as running:
        yield running


def read(spark: Any, server: MockServer, schema: str | None = SCHEMA, **options: Any) -> Any:
    reader = spark.read.format("konvo").option("baseUrl", server.url).options(**options)
    return (reader.schema(schema) if schema else reader).load()


def moving(server: MockServer, rate: float) -> None:
    """Lets so many sessions change before each response, and lets the clock of the server go on."""
    store, draw = server.store, random.Random(rate)

    def touch(number: int) -> None:
        assert store.now
        store.now += REQUEST_TIME
        for _ in range(int(rate) + (draw.random() < rate % 1)):
            store.touch(store.id_at(draw.randrange(len(store))))

    store.between = touch


def states(store: Store) -> dict[str, datetime | None]:
    return {id: store.times(id)[1] for id in store.ids_in_order()}


def in_utc(time: datetime) -> datetime:
    return time.astimezone(UTC)


@pytest.mark.parametrize("server", [20_000], indirect=True)
def test_a_batch_has_every_session_once_though_requests_fail(spark: Any, server: MockServer) -> None:
    draw = random.Random(5)
    server.fault = lambda request: (503, {"Retry-After": "0.01"}) if draw.random() < 0.2 else None
    rows = (
        read(spark, server, "id string, created_at timestamp", numPartitions=6)
        .selectExpr("id", "created_at", "spark_partition_id() as part")
        .collect()
    )
    assert {1} == set(Counter(row.id for row in rows).values())
    assert {id: server.store.times(id)[0] for id in server.store.ids_in_order()} == {
        row.id: in_utc(row.created_at) for row in rows
    }
    assert 6 == len({row.part for row in rows})


def test_a_frame_has_the_columns_of_the_model(spark: Any, server: MockServer) -> None:
    frame = read(spark, server, None)
    first = frame.orderBy("created_at").first()
    assert "as_of" == frame.columns[-1]
    assert "session-0000000" == first.id
    with_messages = frame.where("size(messages) > 0").first()
    assert with_messages.messages[0].message
    assert with_messages.id == with_messages.messages[0].session_id
    assert server.store.times(first.id)[0] == in_utc(first.created_at)
    assert first.status__unresolved in (True, False)


@pytest.mark.parametrize("rate", [0.2, 1, 5])
@pytest.mark.parametrize("server", [10_000], indirect=True)
def test_moving_sessions_are_not_lost_and_the_latest_is_one(spark: Any, server: MockServer, rate: float) -> None:
    before = set(server.store.ids_in_order())
    moving(server, rate)
    rows = read(spark, server).collect()
    once = latest(read(spark, server)).collect()
    assert before == {row.id for row in rows}
    assert sorted(before) == sorted(row.id for row in once)


def test_the_latest_row_is_the_last_update(spark: Any) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    rows = [("a", start + timedelta(hours=hour), start) for hour in (1, 3, 2)] + [(None, start, start)] * 2
    rows.append(("b", None, start))
    found = latest(spark.createDataFrame(rows, SCHEMA)).collect()
    expected = [("a", start + timedelta(hours=3)), ("b", None), (None, start), (None, start)]
    assert expected == sorted(
        ((row.id, row.status__last_updated and in_utc(row.status__last_updated)) for row in found),
        key=lambda r: str(r[0] or "z"),
    )
    with pytest.raises(ValueError, match="as_of"):
        latest(spark.createDataFrame([("a",)], "id string"))


def test_a_schema_decides_what_is_requested(spark: Any, server: MockServer) -> None:
    assert 3000 == read(spark, server, "id string, channel string").where("id is not null").count()
    flags = {
        (one.query.get("messages"), one.query.get("state")) for one in server.requests if one.query["limit"] != "1"
    }
    assert {("false", "false")} == flags


@pytest.mark.parametrize(
    ("options", "schema", "message"),
    [
        ({"untill": "2026-11-01"}, SCHEMA, "unknown option untill"),
        ({"apiKey": "k"}, SCHEMA, "unknown option apikey"),
        ({"since": "yesterday"}, SCHEMA, "invalid since 'yesterday'"),
        ({"numPartitions": "0"}, SCHEMA, "numPartitions"),
        ({}, "id string, mood string", "unknown column mood string"),
        ({}, "id long", "unknown column id bigint"),
    ],
)
def test_a_wrong_option_or_column_is_an_error(
    spark: Any, server: MockServer, options: dict[str, str], schema: str, message: str
) -> None:
    with pytest.raises(Exception, match=message):
        read(spark, server, schema, **options).collect()
    assert [] == server.requests


def test_a_batch_has_only_what_is_between_the_times(spark: Any, server: MockServer) -> None:
    since, until = NOW - timedelta(minutes=2000), NOW - timedelta(minutes=1000)
    rows = read(spark, server, since=since.isoformat(), until=until.isoformat()).collect()
    expected = [id for id, time in states(server.store).items() if time and since < time < until]
    assert abs(len(rows) - len(expected)) <= 2
    assert set(expected) <= {row.id for row in rows}


def test_pushdown_reads_from_the_lower_bound_on(spark: Any, server: MockServer) -> None:
    spark.conf.set("spark.sql.python.filterPushdown.enabled", "true")
    try:
        frame = read(spark, server, "id string, created_at timestamp", pushdown="true")
        rows = frame.where("created_at >= '2026-11-22T00:00:00Z'").collect()
    finally:
        spark.conf.set("spark.sql.python.filterPushdown.enabled", "false")
    expected = [
        id for id in server.store.ids_in_order() if server.store.times(id)[0] >= datetime(2026, 11, 22, tzinfo=UTC)
    ]
    assert sorted(expected) == sorted(row.id for row in rows)
    pages = [one.query for one in server.requests if one.query["limit"] != "1"]
    assert pages
    # A scan may also request a time that has no sessions, to see whether the server filters.
    assert all(not "19" < page["updated_at_min"] < "2026-11-21T23" for page in pages)


@pytest.mark.parametrize("server", [5000], indirect=True)
def test_a_stream_merges_to_the_last_states(spark: Any, server: MockServer, folder: Path) -> None:
    table: dict[str, datetime] = {}
    attempts: list[int] = []
    store = server.store

    def merge(frame: Any, number: int) -> None:
        rows = frame.collect()
        attempts.append(number)
        if len(attempts) in (1, 2):
            raise RuntimeError("the sink fails")
        table.update((row.id, max(in_utc(row.status__last_updated), table.get(row.id, store_start))) for row in rows)

    store_start = datetime(1970, 1, 1, tzinfo=UTC)
    moving(server, 1)
    for run in range(5):
        if run == 4:
            store.between = lambda number: None
            assert store.now
            store.now += timedelta(minutes=1)
        stream = spark.readStream.format("konvo").option("baseUrl", server.url).schema(SCHEMA).load()
        query = (
            stream.writeStream.foreachBatch(merge)
            .option("checkpointLocation", str(folder / "checkpoint"))
            .trigger(availableNow=True)
            .start()
        )
        with pytest.raises(Exception, match="the sink fails") if run < 2 else nullcontext():
            query.awaitTermination()
    assert attempts[:3] == [0, 0, 0]
    assert states(store) == table


def test_the_key_is_nowhere_to_be_read(spark: Any, server: MockServer, folder: Path, capfd: Any) -> None:
    """In no plan, page, event, log or checkpoint, of this and of the tests before."""
    frame = read(spark, server)
    frame.createOrReplaceTempView("sessions")
    spark.sql("select count(*) from sessions").collect()
    for mode in ("extended", "formatted", "cost"):
        frame.explain(mode)
    url, app = spark.sparkContext.uiWebUrl, spark.sparkContext.applicationId
    pages = ["/environment/", "/SQL/", "/jobs/", "/stages/", "/executors/", f"/api/v1/applications/{app}/environment"]
    pages.append(f"/api/v1/applications/{app}/sql?details=true&planDescription=true")
    texts = [urllib.request.urlopen(url + page).read().decode(errors="replace") for page in pages]
    files = [path for path in folder.rglob("*") if path.is_file() and path != folder / "key"]
    texts += [path.read_text(errors="replace") for path in files]
    texts += list(capfd.readouterr())
    assert any("events" in path.parts for path in files)
    assert [] == [text[:200] for text in texts if KEY in text]


def test_a_missing_key_says_where_it_is_needed(spark: Any, server: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KONVO_API_KEY_FILE")
    from konvoai.errors import ConfigurationError
    from konvoai.spark import Options

    with pytest.raises(ConfigurationError, match=r"KONVO_API_KEY.*on the driver and on every worker"):
        Options.of({"baseUrl": server.url}).client()


def test_the_source_is_found_without_pyarrow_and_spark_running() -> None:
    program = (
        "import sys; sys.modules['pyarrow'] = None; import pyspark_konvo; print(pyspark_konvo.DefaultSource.name())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, timeout=60)
    assert ("konvo\n", "") == (done.stdout, done.stderr)
