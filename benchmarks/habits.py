"""What list and scan lose on servers with habits: drawn servers, read in memory while their sessions change.

python -m benchmarks.habits [--schedules N] [--only TEXT] [--json FILE] [--read FILE] [--before FILE] [--write]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.support.habit_models import HABITS, draw_server
from tests.support.habit_readings import READERS, Reading, Server, read

PAGE = Path(__file__).parents[1] / "docs" / "pagination.md"
START, END = "<!-- habits: python -m benchmarks.habits -->", "<!-- end of habits -->"
Figures = dict[str, Any]
Results = dict[str, dict[str, Figures]]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what list and scan lose on servers with habits.")
    parser.add_argument("--schedules", type=int, default=100, help="drawn servers per habit (default: %(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="measure only the habits with this text")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument("--read", type=Path, metavar="FILE", help="use the figures of another run: measure nothing")
    parser.add_argument("--before", type=Path, metavar="FILE", help="compare with the figures of another run")
    parser.add_argument("--write", action="store_true", help=f"write the tables to {PAGE.name}")
    options = parser.parse_args()
    results = load(options.read) if options.read else measure_all(options.only, options.schedules)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = report(results, load(options.before) if options.before else {})
    print(text)
    if options.write:
        write(text)


def load(file: Path) -> Results:
    results: Results = json.loads(file.read_text(encoding="utf-8"))
    return results


def measure_all(text: str, schedules: int) -> Results:
    results = {}
    for habit in HABITS:
        if text in habit:
            results[habit] = measure(habit, schedules)
            print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def measure(habit: str, schedules: int) -> dict[str, Figures]:
    readings: dict[str, list[Reading]] = {reader: [] for reader in READERS}
    for number in range(schedules):
        records: dict[Any, Any] = {}
        for reader, taken in readings.items():
            draw = draw_server(f"{habit}/{number}", HABITS[habit])
            concurrency = 1 if reader == "page loop" or number % 2 else 4
            try:
                taken.append(read(reader, Server(draw, concurrency, records)))
            except Exception as error:
                error.add_note(f"{reader} of {habit!r}, schedule {number}")
                raise
    return {reader: figures(taken) for reader, taken in readings.items()}


def figures(readings: list[Reading]) -> Figures:
    there = sum(reading.there for reading in readings)
    ended = [reading for reading in readings if not reading.error and not reading.endless]
    errors = [reading.error for reading in readings if reading.error]
    return {
        "lost_per_million": round(1e6 * sum(reading.lost for reading in ended) / max(there, 1)),
        "readings_with_a_loss": sum(reading.lost > 0 for reading in ended),
        "doubled_per_million": round(1e6 * sum(reading.doubled for reading in ended) / max(there, 1)),
        "error_share": round(len(errors) / len(readings), 3),
        "endless_share": round(sum(reading.endless for reading in readings) / len(readings), 3),
        "requests_per_ideal": round(sum(r.requests for r in ended) / sum(r.ideal for r in ended), 2) if ended else None,
        "errors": dict.fromkeys(sorted(str(error)[:200] for error in errors)[:1]),
    }


def report(results: Results, before: Results) -> str:
    """Return the two tables as Markdown."""
    readers = [reader for reader in READERS if reader != "page loop"]
    lost_head = [f"{reader}{when}" for reader in readers for when in ([" before", " after"] if before else [""])]
    lost, cost = [], []
    for habit, by_reader in results.items():
        old = before.get(habit, {})
        runs = [run for name in readers for run in ([old.get(name), by_reader[name]] if before else [by_reader[name]])]
        lost.append([habit, *map(lost_cell, runs), lost_cell(by_reader["page loop"])])
        cost.append([habit, *(cost_cell(by_reader[name]) for name in READERS)])
    return (
        "Sessions lost in silence, per million; in parentheses the share of readings that ended in a clear error, and "
        "in brackets the share that did not end:\n\n"
        + table(["Server", *lost_head, "page loop"], lost)
        + "\n\nRequests, as a ratio to the fewest possible; after a comma, sessions that came twice, per million:\n\n"
        + table(["Server", *READERS], cost)
    )


def lost_cell(run: Figures | None) -> str:
    if run is None:
        return ""
    lost = "" if run["requests_per_ideal"] is None else f"{run['lost_per_million']:,}"
    errors = f"({run['error_share']:.0%})" if run["error_share"] else ""
    endless = f"[{run['endless_share']:.0%}]" if run["endless_share"] else ""
    return " ".join(filter(None, [lost, errors, endless]))


def cost_cell(run: Figures) -> str:
    if run["requests_per_ideal"] is None:
        return "-"
    doubled = f", {run['doubled_per_million']:,}" if run["doubled_per_million"] else ""
    return f"{run['requests_per_ideal']:.2f}{doubled}"


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    ruler = ["---", *["---:" for _ in head[1:]]]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ruler, *rows])


def write(text: str) -> None:
    """Replace what stands between the markers of the page."""
    page = PAGE.read_text(encoding="utf-8")
    head, rest = page.split(START)
    PAGE.write_text(f"{head}{START}\n\n{text}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
