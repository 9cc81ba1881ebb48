"""The HTML of a report: its charts, its safety, its size and its accessibility."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support import warehouse
from tests.support.report_page import ReportPage, chart_values, report_on

SCRIPTS = 3
"""The chart specifications, the chart library and report.js."""


def test_charts_match_the_tables(page: ReportPage) -> None:
    specs = json.loads(page.texts("script")[0])
    for by in ("week", "channel", "skill"):
        rows = page.tables[f"table-{by}"][1:]
        for column, measure in ((1, "sessions"), (4, "rate")):
            values = chart_values(specs[f"{by}-{measure}"])
            assert sorted((row[0], row[column]) for row in rows) == sorted((v["name"], v["value"]) for v in values)
        times = {value["name"]: value["value"] for value in chart_values(specs[f"{by}-time"])}
        assert {row[0]: row[5] and pytest.approx(row[5] / 60, abs=0.006) for row in rows} == times
    senders = Counter[str]()
    for value in chart_values(specs["messages"]):
        senders[value["sender"]] += value["value"]
    rows = page.tables["table-sender"][1:]
    assert [sum(row[column] for row in rows) for column in (1, 2, 3)] == [
        senders[sender] for sender in ("customers", "the AI", "others")
    ]
    hours = {(value["hour"], value["day"][:3]): value["value"] for value in chart_values(specs["hours"])}
    head, *rows = page.tables["table-hour"]
    assert {(int(row[0][:2]), day): row[i] for row in rows for i, day in enumerate(head) if i} == hours


def test_page_loads_nothing(page: ReportPage) -> None:
    for tag, attributes in page.elements:
        assert "src" not in attributes, tag
        assert (attributes.get("href") or "#").startswith(("#", "data:")), tag
    (style,) = page.texts("style")
    assert "url(" not in style
    assert "@import" not in style
    policy = next(meta["content"] for meta in page.attributes("meta") if meta.get("http-equiv")) or ""
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "connect-src" not in policy
    assert "http" not in page.texts("script")[0]


def test_data_is_escaped(page: ReportPage) -> None:
    names = {name or "unknown" for name in (*warehouse.CHANNELS, *warehouse.SKILLS)}
    assert names == set(page.row_names("table-channel") + page.row_names("table-skill"))
    specs, *programs = page.texts("script")
    assert len(programs) == SCRIPTS - 1 == len(page.attributes("script")) - 1
    assert "<" not in specs
    assert all("hacked" not in program for program in programs)


def test_page_size_is_bounded(tmp_path: Path) -> None:
    rows = [
        warehouse.make_session(created_at=datetime(2001, 1, 1, tzinfo=UTC) + timedelta(days=7 * week), channel=name)
        for week in range(1000)
        for name in ("many", f"{week:03}" + "<" * 1000)
    ]
    for index, row in enumerate(rows):
        row["state__type"] = f"skill {index % 31:02}"
    page = report_on(tmp_path, *rows, messages=[{"_dlt_parent_id": row["_dlt_id"]} for row in rows])
    assert 520 == len(page.row_names("table-week")) == len(page.row_names("table-sender"))
    assert any("Earlier weeks left out: 480" in text for text in page.texts("p"))
    assert [["many", 1000.0], ["all others", 971.0]] == [row[:2] for row in page.tables["table-channel"][1:3]]
    assert all(len(name) <= 80 for name in page.row_names("table-channel"))
    assert 2000 == sum(row[1] for row in page.tables["table-skill"][1:])
    assert 31 == len(page.row_names("table-skill"))


def test_no_sessions(tmp_path: Path) -> None:
    page = report_on(tmp_path)
    assert any("no sessions in konvo.duckdb yet" in text for text in page.texts("p"))
    assert {} == page.tables
    assert [] == page.attributes("script")


def test_screen_readers_get_a_valid_structure(page: ReportPage) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert [{"lang": "en"}] == page.attributes("html")
    assert all((link["href"] or "")[1:] in ids for link in page.attributes("a"))
    assert "#main" == page.attributes("a")[0]["href"]
    assert [1, 2, 2, 2, 2, 2, 2] == [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert len(page.tables) == len(page.texts("caption"))
    assert all(cell.get("scope") in ("col", "row") for cell in page.attributes("th"))
    charts = [attributes for attributes in page.attributes("div") if attributes.get("class") == "chart"]
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)
    assert {chart["id"] for chart in charts} == set(json.loads(page.texts("script")[0]))


def test_colors_have_enough_contrast(page: ReportPage) -> None:
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", rule))
        for rule in re.findall(r":root \{(.*?)\}", page.text, re.S)
    )
    for colors in (light, dark):
        for background in ("page", "card"):
            assert all(contrast(colors[name], colors[background]) >= 4.5 for name in ("text", "muted", "accent"))
            assert all(contrast(colors[name], colors[background]) >= 3 for name in ("second", "third", "heat-high"))


def contrast(one: str, other: str) -> float:
    """Returns the contrast ratio of WCAG 2."""

    def luminance(color: str) -> float:
        channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        red, green, blue = (
            value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
