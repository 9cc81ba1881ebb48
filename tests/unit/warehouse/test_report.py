"""`report`: it reads the database only, reports errors in one line, and writes atomically."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from konvoai import Konvo, KonvoError
from konvoai._warehouse.report import report
from konvoai._warehouse.sync import sync
from konvoai.testing._server import mock_server
from tests.support import warehouse
from tests.support.report_page import ReportPage, write_report


@contextmanager
def open_elsewhere(path: Path, **options: Any) -> Iterator[None]:
    """Opens the database in another process."""
    program = f"import duckdb, sys; connection = duckdb.connect({str(path)!r}, **{options})\n"
    program += "print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdin
        assert b"open" in process.stdout.readline()
        try:
            yield
        finally:
            process.stdin.close()


def error_of(database: Path, to: Path, **options: Any) -> str:
    with pytest.raises(KonvoError) as caught:
        report(database, to, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_database_is_only_read(database: Path) -> None:
    before = database.read_bytes()
    with open_elsewhere(database, read_only=True):
        write_report(database)
    assert before == database.read_bytes()
    assert not [path for path in database.parent.iterdir() if path.suffix not in (".duckdb", ".html")]


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    to, path = tmp_path / "report.html", tmp_path / "konvo.duckdb"
    assert "there is no file" in error_of(path, to)
    for content in (b"", b"hello\n" * 2000, b"SQLite format 3\0" + bytes(5000)):
        path.write_bytes(content)
        message = error_of(path, to)
        assert "cannot be read as a DuckDB file" in message
        assert "create one with `konvo sync" in message
        assert "download" not in message
    path.unlink()
    duckdb.connect(path).close()
    assert f"has no table ai_sessions: run `konvo sync --to {path}` first" in error_of(path, to)
    path.unlink()
    warehouse.write_tables(path, [warehouse.make_session()])
    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(path.read_bytes().replace(b"\0" * 100, b"\1" * 100))
    assert "damaged.duckdb cannot be read as a DuckDB file" in error_of(damaged, to)
    damaged.unlink()
    with open_elsewhere(path):
        assert "is in use by another process" in error_of(path, to)
    assert "unknown time zone 'Berlin'" in error_of(path, to, timezone="Berlin")
    assert "unknown time zone" in error_of(path, to, timezone="'; DROP TABLE ai_sessions; --")
    assert "would replace the database" in error_of(path, path)
    assert "cannot be written" in error_of(path, tmp_path / "nowhere" / "report.html")
    assert "cannot be written" in error_of(path, tmp_path)
    assert "cannot be written" in error_of(path, path / "report.html")
    assert [path] == list(tmp_path.iterdir())


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Limits the size of every file, like a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_report_is_written_atomically(database: Path, tmp_path: Path) -> None:
    to = tmp_path / "report.html"
    with file_size_limit(100_000):
        assert "cannot be written" in error_of(database, to)
    assert [] == list(tmp_path.iterdir())
    to.write_text("the page of yesterday")
    with file_size_limit(100_000):
        assert "cannot be written" in error_of(database, to)
    assert [(to, "the page of yesterday")] == [(path, path.read_text()) for path in tmp_path.iterdir()]


def test_report_on_a_synced_database(tmp_path: Path) -> None:
    to = tmp_path / "synced.duckdb"
    with mock_server(warehouse.store_of(40)) as running, Konvo("key", base_url=running.url) as konvo:
        sync(konvo, str(to))
    page = ReportPage(write_report(to))
    assert (40, 1.5) == (page.cells["total-sessions"], page.cells["total-messages"])
