"""A report in headless Chromium."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support import ROOT, warehouse
from tests.support.report_page import ReportPage, chart_values, write_report

pytestmark = pytest.mark.long

SCENES = [
    {"name": "light", "timezone": "America/Los_Angeles"},
    {"name": "dark", "scheme": "dark"},
    {"name": "phone", "width": 360},
    {"name": "evening", "width": 360, "change": "dark"},
    {"name": "plain", "scripts": False},
]
NO_BROWSER = "npm installs a Chromium for Linux on x86-64; on other systems set CHROMIUM=/path/to/chromium."


@pytest.fixture(scope="module")
def scenes(database: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser shows in each scene, and `sparse`; browser.mjs saves screenshots in the same folder."""
    folder = tmp_path_factory.mktemp("scenes")
    sparse = warehouse.write_tables(folder / "konvo.duckdb", [{"created_at": datetime(2026, 1, 5, tzinfo=UTC)}])
    scenes = [scene | {"page": str(write_report(database, timezone="Europe/Berlin"))} for scene in SCENES]
    scenes += [{"name": "sparse", "page": str(write_report(sparse))}]
    command = ["node", ROOT / "tests/support/browser.mjs", folder, json.dumps(scenes)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert 0 == run.returncode, f"{run.stderr}\n{NO_BROWSER}"
    return dict(json.loads(run.stdout))


def test_every_chart_is_drawn_without_requests(scenes: dict[str, Any], page: ReportPage) -> None:
    specs = json.loads(page.texts("script")[0])
    for scene in SCENES:
        shown = scenes[str(scene["name"])]
        assert ([], 1, False) == (shown["logs"], len(shown["requests"]), shown["hacked"]), scene
        assert list(page.tables) == shown["tables"]
        charts = {chart["id"]: len(chart["marks"]) for chart in shown["charts"]}
        if scene.get("scripts") is False:
            assert {} == charts
            continue
        assert specs.keys() == charts.keys()
        for name, marks in charts.items():
            line = name in ("week-rate", "week-time")
            values = [value for value in chart_values(specs[name]) if value["value"] is not None or not line]
            assert marks == len(values) + line, name
        assert all(chart["labels"] and chart["label"] for chart in shown["charts"])


def test_one_session_draws_without_warnings(scenes: dict[str, Any]) -> None:
    shown = scenes["sparse"]
    assert ([], 1) == (shown["logs"], len(shown["requests"]))
    charts = {chart["id"]: len(chart["marks"]) for chart in shown["charts"]}
    assert ["0", "1"] == shown["charts"][1]["labels"][:2]
    assert {"week-sessions": 1, "channel-sessions": 1, "skill-sessions": 1, "hours": 168} == charts


def test_weeks_ignore_the_time_zone_of_the_browser(scenes: dict[str, Any], page: ReportPage) -> None:
    """The browser is in California, where the local date of a UTC midnight is the day before."""
    (chart,) = (chart for chart in scenes["light"]["charts"] if chart["id"] == "week-sessions")
    first = datetime.fromisoformat(min(page.row_names("table-week")))
    assert chart["marks"][0]["text"].startswith(f"start: {first:%b %d, %Y};")


def test_phones_do_not_scroll_sideways(scenes: dict[str, Any]) -> None:
    for shown in scenes.values():
        assert 0 == shown["overflow"]
        assert not [chart["id"] for chart in shown["charts"] if chart["outside"]]


def test_dark_scheme_has_other_colors(scenes: dict[str, Any]) -> None:
    def colors(scene: str) -> list[set[tuple[str, str]]]:
        return [{(mark["fill"], mark["stroke"]) for mark in chart["marks"]} for chart in scenes[scene]["charts"]]

    assert scenes["light"]["background"] != scenes["dark"]["background"] == scenes["evening"]["background"]
    assert all(light.isdisjoint(dark) for light, dark in zip(colors("light"), colors("dark"), strict=True))
    assert colors("dark") == colors("evening")
    assert colors("light") == colors("phone")


def test_tab_key_reaches_everything(scenes: dict[str, Any], page: ReportPage) -> None:
    focused = scenes["phone"]["focused"]
    links = [link["href"] for link in page.attributes("a")]
    assert links == [element["name"] for element in focused if element["tag"] == "a"]
    assert links == [element["name"] for element in focused][: len(links)]
    assert len(page.tables) == len([element for element in focused if element["tag"] == "summary"])
    assert len(page.tables) == len([element for element in focused if element["tag"] == "div"])
    assert all(element["visible"] and element["outlined"] for element in focused)
