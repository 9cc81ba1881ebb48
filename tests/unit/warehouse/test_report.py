"""The page of `konvo report`: its numbers, what it is made of, and what becomes of it where something fails."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from konvoai import KonvoError
from konvoai._warehouse.report import report
from tests.support import ROOT, warehouse

LARGEST = 1_500_000
SCRIPTS = 3
"""The specifications, the library and what draws."""


class Page(HTMLParser):
    """A page, taken apart; a cell is the number that it tells, else its text."""

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
        given = dict(attrs)
        self.elements.append((tag, given))
        self.contents.append((tag, ""))
        if tag not in ("meta", "link"):
            self._open.append(len(self.contents) - 1)
        if tag == "table":
            self._rows = self.tables[given["id"] or ""] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td", "dd"):
            self._cell, self._value, self._id = "", None, given.get("id")
        elif tag == "data":
            self._value = float(given["value"] or "")

    def handle_data(self, data: str) -> None:
        for place in self._open:
            self.contents[place] = (self.contents[place][0], self.contents[place][1] + data)
        if self._cell is not None:
            self._cell += data

    def handle_endtag(self, tag: str) -> None:
        while self._open and tag != self.contents[self._open.pop()][0]:
            pass
        if tag in ("th", "td", "dd") and self._cell is not None:
            told = number(self._cell) if self._value is None else self._value
            if tag == "dd":
                self.cells[self._id or ""] = told
            else:
                self._rows[-1].append(told)
            self._cell = None

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [given for name, given in self.elements if name == tag]

    def names(self, table: str) -> list[Any]:
        return [row[0] for row in self.tables[table][1:]]

    def inside(self, tag: str) -> list[str]:
        return [text for name, text in self.contents if name == tag]


def number(text: str) -> Any:
    if text == "\N{EN DASH}":
        return None
    return float(text.replace(",", "")) if re.fullmatch(r"[\d,]+(\.\d+)?", text) else text


@pytest.fixture(scope="module")
def drawn() -> tuple[list[warehouse.Row], list[warehouse.Row]]:
    return warehouse.drawn(3000)


@pytest.fixture(scope="module")
def database(drawn: tuple[list[warehouse.Row], list[warehouse.Row]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return warehouse.store(tmp_path_factory.mktemp("warehouse") / "konvo.duckdb", *drawn)


@pytest.fixture(scope="module")
def page(database: Path) -> Page:
    return Page(made(database))


def made(database: Path, **options: Any) -> Path:
    to = database.with_name("report.html")
    reported = report(database, to, **options)
    assert reported.bytes == to.stat().st_size < LARGEST
    return to


def small(folder: Path, *rows: warehouse.Row, messages: Iterable[warehouse.Row] | None = None, **options: Any) -> Page:
    return Page(made(warehouse.store(folder / "konvo.duckdb", rows, messages, **options)))


# What the numbers should be, from the rows themselves.


def begun(row: warehouse.Row, zone: ZoneInfo) -> datetime | None:
    created: datetime | None = row["created_at"]
    return None if created is None or created.year == 1 else created.astimezone(zone)


def monday(moment: datetime) -> str:
    return str(moment.date() - timedelta(days=moment.weekday()))


def resolved(row: warehouse.Row) -> bool | None:
    if row["status__completed"] is None:
        return False if row["status__unresolved"] else None
    return row["status__completed"] and not row["status__unresolved"]


def seconds(row: warehouse.Row) -> float | None:
    created, completed = begun(row, ZoneInfo("UTC")), row["status__completed_at"]
    if not resolved(row) or created is None or completed is None:
        return None
    return max((completed - created).total_seconds(), 0.0)


def figures(rows: list[warehouse.Row], owned: Counter[str]) -> list[Any]:
    states = [resolved(row) for row in rows]
    known, done = len(states) - states.count(None), states.count(True)
    times = [time for time in map(seconds, rows) if time is not None]
    messages = sum(owned[row["_dlt_id"]] for row in rows)
    rate, middle = done / known if known else None, median(times) if times else None
    return [len(rows), known, done, rate, middle, messages, messages / len(rows)]


def grouped(
    drawn: tuple[list[warehouse.Row], list[warehouse.Row]], key: Callable[[warehouse.Row], str | None]
) -> dict[str, Any]:
    sessions, messages = drawn
    owned = Counter(message["_dlt_parent_id"] for message in messages)
    groups: dict[str, list[warehouse.Row]] = {}
    for row in sessions:
        if (name := key(row)) is not None:
            groups.setdefault(name, []).append(row)
    return {name: figures(rows, owned) for name, rows in groups.items()}


def equal(expected: dict[str, list[Any]], rows: list[list[Any]]) -> None:
    assert expected.keys() == {row[0] for row in rows}
    assert len(expected) == len(rows)
    for name, *told in rows:
        assert told[-1] == round(told[-1], 1)
        assert told[:-1] == [pytest.approx(value) for value in expected[name][:-1]], name
        assert told[-1] == pytest.approx(expected[name][-1], abs=0.051), name


@pytest.mark.parametrize("timezone", ["UTC", "Europe/Berlin", "America/Los_Angeles"])
def test_the_tables_tell_what_the_rows_are(
    drawn: tuple[list[warehouse.Row], list[warehouse.Row]], database: Path, timezone: str
) -> None:
    page = Page(made(database, timezone=timezone))
    zone = ZoneInfo(timezone)

    def week(row: warehouse.Row) -> str | None:
        moment = begun(row, zone)
        return monday(moment) if moment else None

    weeks = page.tables["table-week"][1:]
    equal(grouped(drawn, week), weeks)
    assert sorted(weeks, reverse=True) == weeks
    channels = page.tables["table-channel"][1:]
    equal(grouped(drawn, lambda row: row["channel"] or "unknown"), channels)
    assert sorted((row[1] for row in channels), reverse=True) == [row[1] for row in channels]
    equal(grouped(drawn, lambda row: row["state__type"] or "unknown"), page.tables["table-skill"][1:])

    senders = Counter[tuple[str, Any]]()
    weeks_of = {row["_dlt_id"]: week(row) for row in drawn[0]}
    for message in drawn[1]:
        sender = message["initiator_origin"]
        senders[weeks_of[message["_dlt_parent_id"]] or "", sender if sender in ("RECIPIENT", "AI") else None] += 1
    for name, *told in page.tables["table-sender"][1:]:
        counts = [senders[name, sender] for sender in ("RECIPIENT", "AI", None)]
        assert told == [*counts, sum(counts)]
    assert len(weeks) == len(page.tables["table-sender"]) - 1

    moments = [moment for moment in (begun(row, zone) for row in drawn[0]) if moment]
    hours = Counter((f"{moment.hour:02}:00", moment.weekday()) for moment in moments)
    assert [[f"{hour:02}:00", *(hours[f"{hour:02}:00", day] for day in range(7))] for hour in range(24)] == page.tables[
        "table-hour"
    ][1:]
    assert [str(min(moments).date()), str(max(moments).date())] == page.inside("time")


def test_the_cards_tell_all_sessions(
    drawn: tuple[list[warehouse.Row], list[warehouse.Row]], database: Path, page: Page
) -> None:
    (expected,) = grouped(drawn, lambda row: "all").values()
    assert len(drawn[0]) == expected[0] == page.cells["total-sessions"]
    assert (expected[3], expected[4]) == (page.cells["total-rate"], pytest.approx(page.cells["total-median"]))
    assert round(expected[6], 1) == page.cells["total-messages"]
    assert len(drawn[0]) == report(database, database.with_name("again.html")).sessions
    undated = sum(begun(row, ZoneInfo("UTC")) is None for row in drawn[0])
    assert undated
    assert any(f"without a creation time: {undated} of 3,000" in text for text in page.inside("p"))


def test_the_charts_have_the_numbers_of_the_tables(page: Page) -> None:
    specs = json.loads(page.inside("script")[0])
    for by in ("week", "channel", "skill"):
        rows = page.tables[f"table-{by}"][1:]
        for column, measure in ((1, "sessions"), (4, "rate")):
            values = values_of(specs[f"{by}-{measure}"])
            assert sorted((row[0], row[column]) for row in rows) == sorted((v["name"], v["value"]) for v in values)
        drawn = {value["name"]: value["value"] for value in values_of(specs[f"{by}-time"])}
        assert {row[0]: row[5] and pytest.approx(row[5] / 60, abs=0.006) for row in rows} == drawn
    senders = Counter[str]()
    for value in values_of(specs["messages"]):
        senders[value["sender"]] += value["value"]
    rows = page.tables["table-sender"][1:]
    assert [sum(row[column] for row in rows) for column in (1, 2, 3)] == [
        senders[sender] for sender in ("customers", "the AI", "others")
    ]
    hours = {(value["hour"], value["day"][:3]): value["value"] for value in values_of(specs["hours"])}
    head, *rows = page.tables["table-hour"]
    assert {(int(row[0][:2]), day): row[i] for row in rows for i, day in enumerate(head) if i} == hours


def values_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    if "values" in spec["data"]:
        return list(spec["data"]["values"])
    return list(spec["datasets"][spec["data"]["name"]])


def test_it_loads_nothing(page: Page) -> None:
    for tag, given in page.elements:
        assert "src" not in given, tag
        assert (given.get("href") or "#").startswith(("#", "data:")), tag
    (style,) = page.inside("style")
    assert "url(" not in style
    assert "@import" not in style
    policy = next(given["content"] for given in page.all("meta") if given.get("http-equiv")) or ""
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "connect-src" not in policy
    assert "http" not in page.inside("script")[0]


def test_data_is_text(page: Page) -> None:
    names = {name or "unknown" for name in (*warehouse.CHANNELS, *warehouse.SKILLS)}
    assert names == set(page.names("table-channel") + page.names("table-skill"))
    specs, *programs = page.inside("script")
    assert len(programs) == SCRIPTS - 1 == len(page.all("script")) - 1
    assert "<" not in specs
    assert all("hacked" not in program for program in programs)


def test_ten_years_and_a_thousand_names_are_a_page_of_bounded_size(tmp_path: Path) -> None:
    rows = [
        warehouse.session_of(created_at=datetime(2001, 1, 1, tzinfo=UTC) + timedelta(days=7 * place), channel=name)
        for place in range(1000)
        for name in ("many", f"{place:03}" + "<" * 1000)
    ]
    for place, row in enumerate(rows):
        row["state__type"] = f"skill {place % 31:02}"
    page = small(tmp_path, *rows, messages=[{"_dlt_parent_id": row["_dlt_id"]} for row in rows])
    assert 520 == len(page.names("table-week")) == len(page.names("table-sender"))
    assert any("Earlier weeks left out: 480" in text for text in page.inside("p"))
    assert [["many", 1000.0], ["all others", 971.0]] == [row[:2] for row in page.tables["table-channel"][1:3]]
    assert all(len(name) <= 80 for name in page.names("table-channel"))
    assert 2000 == sum(row[1] for row in page.tables["table-skill"][1:])
    assert 31 == len(page.names("table-skill"))


def test_no_sessions(tmp_path: Path) -> None:
    page = small(tmp_path)
    assert any("no sessions in konvo.duckdb yet" in text for text in page.inside("p"))
    assert {} == page.tables
    assert [] == page.all("script")


def test_columns_that_no_session_had_are_not_needed(tmp_path: Path) -> None:
    page = small(tmp_path, {"id": "a"}, {"id": "b"}, without=set(warehouse.SESSION) - {"id"})
    assert (2, None, None, None) == tuple(
        page.cells[f"total-{what}"] for what in ("sessions", "rate", "median", "messages")
    )
    assert [["unknown", 2, 0, 0, None, None]] == page.tables["table-channel"][1:] == page.tables["table-skill"][1:]
    assert {"table-channel", "table-skill"} == set(page.tables)


def test_without_messages_there_are_no_figures_of_them(tmp_path: Path) -> None:
    page = small(tmp_path, warehouse.session_of())
    assert {"table-week", "table-channel", "table-skill", "table-hour"} == set(page.tables)
    assert "Messages" not in page.tables["table-week"][0]
    assert any("no messages" in text for text in page.inside("small"))


def test_sessions_without_messages_count(tmp_path: Path) -> None:
    earlier = datetime(2025, 12, 30, tzinfo=UTC)
    rows = [warehouse.session_of(), warehouse.session_of(), warehouse.session_of(created_at=earlier, channel="chat")]
    page = small(tmp_path, *rows, messages=[{"_dlt_parent_id": rows[0]["_dlt_id"]}] * 3)
    assert 1.0 == page.cells["total-messages"]
    assert [[0, 0, 3, 3], [0, 0, 0, 0]] == [row[1:] for row in page.tables["table-sender"][1:]]


def test_times_that_are_text_count(tmp_path: Path) -> None:
    path = tmp_path / "konvo.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(
            """CREATE TABLE ai_sessions AS
            SELECT '2026-03-29T00:59:59.5Z' AS created_at, '2026-03-29T01:00:30Z' AS status__completed_at,
                true AS status__completed
            UNION ALL SELECT 'soon', NULL, NULL"""
        )
    page = Page(made(path, timezone="Europe/Berlin"))
    assert [["2026-03-23", 1, 1, 1, 1, 30.5]] == page.tables["table-week"][1:]
    assert 1 == page.tables["table-hour"][2][7]


def test_the_tables_into_which_dlt_loads_first_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "konvo.duckdb"
    warehouse.store(path, [warehouse.session_of()] * 3, schema="a_staging")
    warehouse.store(path, [warehouse.session_of()] * 2, schema="aa", without={"_dlt_id"})
    warehouse.store(path, [warehouse.session_of()], schema='shop "1"'.replace('"', ""))
    assert 1 == Page(made(path)).cells["total-sessions"]


def test_the_database_is_only_read(database: Path) -> None:
    before = database.read_bytes()
    with held(database, read_only=True):
        made(database)
    assert before == database.read_bytes()
    assert not [path for path in database.parent.iterdir() if path.suffix not in (".duckdb", ".html")]


@contextmanager
def held(path: Path, **options: Any) -> Iterator[None]:
    """Another process has it open."""
    hold = f"import duckdb, sys; held = duckdb.connect({str(path)!r}, **{options})\n"
    hold += "print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdin
        assert b"held" in process.stdout.readline()
        try:
            yield
        finally:
            process.stdin.close()


def refused(database: Path, to: Path, **options: Any) -> str:
    with pytest.raises(KonvoError) as caught:
        report(database, to, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_errors_tell_what_to_do(tmp_path: Path) -> None:
    to, path = tmp_path / "report.html", tmp_path / "konvo.duckdb"
    assert "there is no file" in refused(path, to)
    for content in (b"", b"hello\n" * 2000, b"SQLite format 3\0" + bytes(5000)):
        path.write_bytes(content)
        told = refused(path, to)
        assert "create one with `konvo sync" in told
        assert "download" not in told
    path.unlink()
    duckdb.connect(path).close()
    assert f"has no table ai_sessions: run `konvo sync --to {path}` first" in refused(path, to)
    path.unlink()
    warehouse.store(path, [warehouse.session_of()])
    damaged = tmp_path / "damaged.duckdb"
    damaged.write_bytes(path.read_bytes().replace(b"\0" * 100, b"\1" * 100))
    assert "damaged.duckdb cannot be read as a DuckDB file" in refused(damaged, to)
    damaged.unlink()
    with held(path):
        assert "is in use by another process" in refused(path, to)
    assert "unknown time zone 'Berlin'" in refused(path, to, timezone="Berlin")
    assert "unknown time zone" in refused(path, to, timezone="'; DROP TABLE ai_sessions; --")
    assert "would replace the database" in refused(path, path)
    assert "cannot be written" in refused(path, tmp_path / "nowhere" / "report.html")
    assert "cannot be written" in refused(path, tmp_path)
    assert "cannot be written" in refused(path, path / "report.html")
    assert [path] == list(tmp_path.iterdir())


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file can grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_page_is_whole_or_as_it_was(database: Path, tmp_path: Path) -> None:
    to = tmp_path / "report.html"
    with full_disk(100_000):
        assert "cannot be written" in refused(database, to)
    assert [] == list(tmp_path.iterdir())
    to.write_text("the page of yesterday")
    with full_disk(100_000):
        assert "cannot be written" in refused(database, to)
    assert [(to, "the page of yesterday")] == [(path, path.read_text()) for path in tmp_path.iterdir()]


def test_it_can_be_read_without_seeing(page: Page) -> None:
    ids = [given["id"] for _, given in page.elements if "id" in given]
    assert len(ids) == len(set(ids))
    assert [{"lang": "en"}] == page.all("html")
    assert all((given["href"] or "")[1:] in ids for given in page.all("a"))
    assert "#main" == page.all("a")[0]["href"]
    assert [1, 2, 2, 2, 2, 2, 2] == [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert len(page.tables) == len(page.inside("caption"))
    assert all(given.get("scope") in ("col", "row") for given in page.all("th"))
    charts = [given for given in page.all("div") if given.get("class") == "chart"]
    assert all(given["role"] == "img" and given["aria-label"] for given in charts)
    assert {given["id"] for given in charts} == set(json.loads(page.inside("script")[0]))


def test_colours_have_contrast(page: Page) -> None:
    light, dark = (
        dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part))
        for part in re.findall(r":root \{(.*?)\}", page.text, re.S)
    )
    for colours in (light, dark):
        for behind in ("page", "card"):
            assert all(contrast(colours[name], colours[behind]) >= 4.5 for name in ("text", "muted", "accent"))
            assert all(contrast(colours[name], colours[behind]) >= 3 for name in ("second", "third", "heat-high"))


def contrast(one: str, other: str) -> float:
    """As WCAG 2 has it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


SCENES = [
    {"name": "light", "timezone": "America/Los_Angeles"},
    {"name": "dark", "scheme": "dark"},
    {"name": "phone", "width": 360},
    {"name": "evening", "width": 360, "change": "dark"},
    {"name": "plain", "scripts": False},
]

NO_BROWSER = "The Chromium that npm installs is for Linux on x86-64; elsewhere name one: CHROMIUM=/path/to/chromium."


@pytest.fixture(scope="module")
def seen(database: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a reader meets in headless Chromium; the pictures are beside the page."""
    folder = tmp_path_factory.mktemp("seen")
    sparse = warehouse.store(folder / "konvo.duckdb", [{"created_at": datetime(2026, 1, 5, tzinfo=UTC)}])
    scenes = [scene | {"page": str(made(database, timezone="Europe/Berlin"))} for scene in SCENES]
    scenes += [{"name": "sparse", "page": str(made(sparse))}]
    command = ["node", ROOT / "tests/support/browser.mjs", folder, json.dumps(scenes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert 0 == done.returncode, f"{done.stderr}\n{NO_BROWSER}"
    return dict(json.loads(done.stdout))


@pytest.mark.long
def test_a_browser_draws_every_chart_and_asks_for_nothing(seen: dict[str, Any], page: Page) -> None:
    specs = json.loads(page.inside("script")[0])
    for scene in SCENES:
        told = seen[str(scene["name"])]
        assert ([], 1, False) == (told["said"], len(told["asked"]), told["hacked"]), scene
        assert list(page.tables) == told["tables"]
        drawn = {chart["id"]: len(chart["marks"]) for chart in told["charts"]}
        if scene.get("scripts") is False:
            assert {} == drawn
            continue
        assert specs.keys() == drawn.keys()
        for name, marks in drawn.items():
            line = name in ("week-rate", "week-time")
            assert marks == len([v for v in values_of(specs[name]) if v["value"] is not None or not line]) + line, name
        assert all(chart["labels"] and chart["label"] for chart in told["charts"])


@pytest.mark.long
def test_a_browser_has_no_complaint_about_a_page_of_little(seen: dict[str, Any]) -> None:
    told = seen["sparse"]
    assert ([], 1) == (told["said"], len(told["asked"]))
    charts = {chart["id"]: len(chart["marks"]) for chart in told["charts"]}
    assert ["0", "1"] == told["charts"][1]["labels"][:2]
    assert {"week-sessions": 1, "channel-sessions": 1, "skill-sessions": 1, "hours": 168} == charts


@pytest.mark.long
def test_a_browser_anywhere_shows_the_weeks_of_the_report(seen: dict[str, Any], page: Page) -> None:
    """It is in California; the axis would show the day before."""
    (chart,) = (chart for chart in seen["light"]["charts"] if chart["id"] == "week-sessions")
    first = datetime.fromisoformat(min(page.names("table-week")))
    assert chart["marks"][0]["text"].startswith(f"start: {first:%b %d, %Y};")


@pytest.mark.long
def test_a_phone_does_not_scroll_sideways(seen: dict[str, Any]) -> None:
    for told in seen.values():
        assert 0 == told["overflow"]
        assert not [chart["id"] for chart in told["charts"] if chart["outside"]]


@pytest.mark.long
def test_the_dark_has_other_colours(seen: dict[str, Any]) -> None:
    def colours(scene: str) -> list[set[tuple[str, str]]]:
        return [{(mark["fill"], mark["stroke"]) for mark in chart["marks"]} for chart in seen[scene]["charts"]]

    assert seen["light"]["background"] != seen["dark"]["background"] == seen["evening"]["background"]
    assert all(day.isdisjoint(night) for day, night in zip(colours("light"), colours("dark"), strict=True))
    assert colours("dark") == colours("evening")
    assert colours("light") == colours("phone")


@pytest.mark.long
def test_the_keyboard_reaches_everything(seen: dict[str, Any], page: Page) -> None:
    told = seen["phone"]["focused"]
    links = [given["href"] for given in page.all("a")]
    assert links == [place["name"] for place in told if place["tag"] == "a"]
    assert links == [place["name"] for place in told][: len(links)]
    assert len(page.tables) == len([place for place in told if place["tag"] == "summary"])
    assert len(page.tables) == len([place for place in told if place["tag"] == "div"])
    assert all(place["visible"] and place["outlined"] for place in told)
