"""A database of random sessions, the report on it, and an environment without dlt's settings."""

from pathlib import Path

import pytest

from konvoai._http import retry
from tests.support import warehouse
from tests.support.report_page import ReportPage, write_report


@pytest.fixture(scope="session")
def tables() -> warehouse.Tables:
    return warehouse.random_tables(3000)


@pytest.fixture(scope="session")
def database(tables: warehouse.Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return warehouse.write_tables(tmp_path_factory.mktemp("warehouse") / "konvo.duckdb", *tables)


@pytest.fixture
def page(database: Path) -> ReportPage:
    return ReportPage(write_report(database))


@pytest.fixture
def isolated_dlt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keeps dlt away from this machine's settings and folders, and turns its telemetry off."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setattr(retry, "INITIAL_BACKOFF", 0.005)
