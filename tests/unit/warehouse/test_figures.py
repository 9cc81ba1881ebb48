"""The figures of a report, compared with the same figures computed in Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from konvoai._warehouse.report import report
from tests.support import warehouse
from tests.support.report_page import ReportPage, report_on, write_report

Key = Callable[[warehouse.Row], str | None]


def created_in(row: warehouse.Row, zone: ZoneInfo) -> datetime | None:
    created: datetime | None = row["created_at"]
    return None if created is None or created.year == 1 else created.astimezone(zone)


def monday_of(time: datetime) -> str:
    return str(time.date() - timedelta(days=time.weekday()))


def is_resolved(row: warehouse.Row) -> bool | None:
    if row["status__completed"] is None:
        return False if row["status__unresolved"] else None
    return row["status__completed"] and not row["status__unresolved"]


def resolution_seconds(row: warehouse.Row) -> float | None:
    created, completed = created_in(row, ZoneInfo("UTC")), row["status__completed_at"]
    if not is_resolved(row) or created is None or completed is None:
        return None
    return max((completed - created).total_seconds(), 0.0)


def expected_figures(rows: list[warehouse.Row], message_counts: Counter[str]) -> list[Any]:
    states = [is_resolved(row) for row in rows]
    with_status, resolved = len(states) - states.count(None), states.count(True)
    times = [time for time in map(resolution_seconds, rows) if time is not None]
    messages = sum(message_counts[row["_dlt_id"]] for row in rows)
    rate, median_seconds = resolved / with_status if with_status else None, median(times) if times else None
    return [len(rows), with_status, resolved, rate, median_seconds, messages, messages / len(rows)]


def expected_groups(tables: warehouse.Tables, key: Key) -> dict[str, list[Any]]:
    message_counts = Counter(message["_dlt_parent_id"] for message in tables.messages)
    groups: dict[str, list[warehouse.Row]] = {}
    for row in tables.sessions:
        if (name := key(row)) is not None:
            groups.setdefault(name, []).append(row)
    return {name: expected_figures(rows, message_counts) for name, rows in groups.items()}


def assert_rows(expected: dict[str, list[Any]], rows: list[list[Any]]) -> None:
    assert expected.keys() == {row[0] for row in rows}
    assert len(expected) == len(rows)
    for name, *values in rows:
        assert values[-1] == round(values[-1], 1)
        assert values[:-1] == [pytest.approx(value) for value in expected[name][:-1]], name
        assert values[-1] == pytest.approx(expected[name][-1], abs=0.051), name


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin", "America/Los_Angeles"])
def test_tables_match_the_database(tables: warehouse.Tables, database: Path, timezone: str) -> None:
    page = ReportPage(write_report(database, timezone=timezone))
    zone = ZoneInfo(timezone)

    def week(row: warehouse.Row) -> str | None:
        created = created_in(row, zone)
        return monday_of(created) if created else None

    weeks = page.tables["table-week"][1:]
    assert_rows(expected_groups(tables, week), weeks)
    assert sorted(weeks, reverse=True) == weeks
    channels = page.tables["table-channel"][1:]
    assert_rows(expected_groups(tables, lambda row: row["channel"] or "unknown"), channels)
    assert sorted((row[1] for row in channels), reverse=True) == [row[1] for row in channels]
    assert_rows(expected_groups(tables, lambda row: row["state__type"] or "unknown"), page.tables["table-skill"][1:])

    senders = Counter[tuple[str, Any]]()
    weeks_by_id = {row["_dlt_id"]: week(row) for row in tables.sessions}
    for message in tables.messages:
        sender = message["initiator_origin"]
        senders[weeks_by_id[message["_dlt_parent_id"]] or "", sender if sender in ("RECIPIENT", "AI") else None] += 1
    for name, *values in page.tables["table-sender"][1:]:
        counts = [senders[name, sender] for sender in ("RECIPIENT", "AI", None)]
        assert values == [*counts, sum(counts)]
    assert len(weeks) == len(page.tables["table-sender"]) - 1

    times = [time for time in (created_in(row, zone) for row in tables.sessions) if time]
    hours = Counter((f"{time.hour:02}:00", time.weekday()) for time in times)
    assert [[f"{hour:02}:00", *(hours[f"{hour:02}:00", day] for day in range(7))] for hour in range(24)] == page.tables[
        "table-hour"
    ][1:]
    assert [str(min(times).date()), str(max(times).date())] == page.texts("time")


def test_cards_match_the_database(tables: warehouse.Tables, database: Path, page: ReportPage) -> None:
    (expected,) = expected_groups(tables, lambda row: "all").values()
    assert len(tables.sessions) == expected[0] == page.cells["total-sessions"]
    assert (expected[3], expected[4]) == (page.cells["total-rate"], pytest.approx(page.cells["total-median"]))
    assert round(expected[6], 1) == page.cells["total-messages"]
    assert len(tables.sessions) == report(database, database.with_name("again.html")).sessions
    undated = sum(created_in(row, ZoneInfo("UTC")) is None for row in tables.sessions)
    assert undated
    assert any(f"without a creation time: {undated} of 3,000" in text for text in page.texts("p"))


def test_columns_may_be_missing(tmp_path: Path) -> None:
    page = report_on(tmp_path, {"id": "a"}, {"id": "b"}, without=set(warehouse.SESSION_TYPES) - {"id"})
    assert (2, None, None, None) == tuple(
        page.cells[f"total-{name}"] for name in ("sessions", "rate", "median", "messages")
    )
    assert [["unknown", 2, 0, 0, None, None]] == page.tables["table-channel"][1:] == page.tables["table-skill"][1:]
    assert {"table-channel", "table-skill"} == set(page.tables)


def test_messages_table_may_be_missing(tmp_path: Path) -> None:
    page = report_on(tmp_path, warehouse.make_session())
    assert {"table-week", "table-channel", "table-skill", "table-hour"} == set(page.tables)
    assert "Messages" not in page.tables["table-week"][0]
    assert any("no messages" in text for text in page.texts("small"))


def test_sessions_without_messages_count(tmp_path: Path) -> None:
    earlier = datetime(2025, 12, 30, tzinfo=UTC)
    rows = [warehouse.make_session(), warehouse.make_session()]
    rows.append(warehouse.make_session(created_at=earlier, channel="chat"))
    page = report_on(tmp_path, *rows, messages=[{"_dlt_parent_id": rows[0]["_dlt_id"]}] * 3)
    assert 1.0 == page.cells["total-messages"]
    assert [[0, 0, 3, 3], [0, 0, 0, 0]] == [row[1:] for row in page.tables["table-sender"][1:]]


def test_times_stored_as_text_count(tmp_path: Path) -> None:
    path = tmp_path / "konvo.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(
            """CREATE TABLE ai_sessions AS
            SELECT '2026-03-29T00:59:59.5Z' AS created_at, '2026-03-29T01:00:30Z' AS status__completed_at,
                true AS status__completed
            UNION ALL SELECT 'soon', NULL, NULL"""
        )
    page = ReportPage(write_report(path, timezone="Europe/Berlin"))
    assert [["2026-03-23", 1, 1, 1, 1, 30.5]] == page.tables["table-week"][1:]
    assert 1 == page.tables["table-hour"][2][7]


def test_staging_tables_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "konvo.duckdb"
    warehouse.write_tables(path, [warehouse.make_session()] * 3, schema="a_staging")
    warehouse.write_tables(path, [warehouse.make_session()] * 2, schema="aa", without={"_dlt_id"})
    warehouse.write_tables(path, [warehouse.make_session()], schema="shop 1")
    assert 1 == ReportPage(write_report(path)).cells["total-sessions"]
