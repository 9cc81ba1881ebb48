"""A report of `konvo report`, written and parsed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from konvoai._warehouse.report import report
from tests.support import warehouse

MAX_REPORT_BYTES = 1_500_000


class ReportPage(HTMLParser):
    """A parsed report. A cell with a number is that number, other cells are their text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[Any]]] = {}
        self.contents: list[tuple[str, str]] = []
        self.cells: dict[str, Any] = {}
        self._open: list[int] = []
        self._cell: str | None = None
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        self.contents.append((tag, ""))
        if tag not in ("meta", "link"):
            self._open.append(len(self.contents) - 1)
        if tag == "table":
            self._rows = self.tables[attributes["id"] or ""] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td", "dd"):
            self._cell, self._value, self._id = "", None, attributes.get("id")
        elif tag == "data":
            self._value = float(attributes["value"] or "")

    def handle_data(self, data: str) -> None:
        for index in self._open:
            self.contents[index] = (self.contents[index][0], self.contents[index][1] + data)
        if self._cell is not None:
            self._cell += data

    def handle_endtag(self, tag: str) -> None:
        while self._open and tag != self.contents[self._open.pop()][0]:
            pass
        if tag in ("th", "td", "dd") and self._cell is not None:
            value = parse_number(self._cell) if self._value is None else self._value
            if tag == "dd":
                self.cells[self._id or ""] = value
            else:
                self._rows[-1].append(value)
            self._cell = None

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def texts(self, tag: str) -> list[str]:
        return [text for name, text in self.contents if name == tag]

    def row_names(self, table: str) -> list[Any]:
        return [row[0] for row in self.tables[table][1:]]


def parse_number(text: str) -> Any:
    if text == "\N{EN DASH}":
        return None
    return float(text.replace(",", "")) if re.fullmatch(r"[\d,]+(\.\d+)?", text) else text


def write_report(database: Path, **options: Any) -> Path:
    """Writes a report next to the database, and returns its path."""
    to = database.with_name("report.html")
    result = report(database, to, **options)
    assert result.bytes == to.stat().st_size < MAX_REPORT_BYTES
    return to


def report_on(
    folder: Path, *sessions: warehouse.Row, messages: Iterable[warehouse.Row] | None = None, **options: Any
) -> ReportPage:
    """Returns the report on a database with these rows."""
    return ReportPage(write_report(warehouse.write_tables(folder / "konvo.duckdb", sessions, messages, **options)))


def chart_values(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the data of a Vega-Lite specification."""
    if "values" in spec["data"]:
        return list(spec["data"]["values"])
    return list(spec["datasets"][spec["data"]["name"]])
