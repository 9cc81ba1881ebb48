"""Export and sync of 100,000 sessions with 10 messages, compared with a plain script: time, CPU and peak memory.

python -m benchmarks.export [--sessions N | --quick] [FORMAT ...]

The plain script reads page by page with httpx, and writes with json, csv, gzip, pyarrow or duckdb.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.reading import KEY, by_httpx, loop_by_hand, serving, table

FORMATS = ("jsonl", "jsonl.gz", "csv", "parquet", "duckdb")
EVERYTHING = {"messages": True, "state": True}
KONVO = str(Path(sys.executable).with_name("konvo"))


class Cost(NamedTuple):
    seconds: float
    cpu: float
    megabytes: float


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure exports and sync.")
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"{', '.join(FORMATS)} (default: all)")
    parser.add_argument("--sessions", type=int, default=100_000)
    parser.add_argument("--quick", action="store_const", dest="sessions", const=5_000, help="only 5,000 sessions")
    parser.add_argument("--plain", nargs=2, metavar=("URL", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.plain:
        plain(options.plain[0], Path(options.plain[1]))
        return
    print(f"{options.sessions:,} sessions with state and 10 messages:\n")
    rows = []
    with serving(options.sessions) as url:
        for form in options.formats or FORMATS:
            with tempfile.TemporaryDirectory() as folder:
                by_hand = cost(
                    url, [sys.executable, "-m", "benchmarks.export", "--plain", url, f"{folder}/plain.{form}"]
                )
                command = ["sync"] if form == "duckdb" else ["sessions", "export"]
                ours = cost(url, [KONVO, *command, "--to", f"{folder}/ours.{form}"])
            ratio = f"{ours.seconds / by_hand.seconds:.2f}"
            rows.append([form, *cells(by_hand), *cells(ours), ratio, f"{ours.cpu / by_hand.cpu:.2f}"])
    head = ["", "script s", "CPU s", "MB", "konvo s", "CPU s", "MB", "time ratio", "CPU ratio"]
    table(head, rows)


def cells(found: Cost) -> list[str]:
    return [f"{found.seconds:.1f}", f"{found.cpu:.1f}", f"{found.megabytes:.0f}"]


def cost(url: str, command: list[str]) -> Cost:
    """Return the time, CPU and peak memory of a process."""
    start, before, peak = time.perf_counter(), os.times(), 0
    process = subprocess.Popen(command, env={**os.environ, "KONVO_API_KEY": KEY, "KONVO_BASE_URL": url})
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM"):
                peak = int(line.split()[1])
        time.sleep(0.02)
    taken, after = time.perf_counter() - start, os.times()
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(taken, cpu, peak / 1024)


def plain(url: str, file: Path) -> None:
    with by_httpx(url) as http:
        sessions = loop_by_hand(http, **EVERYTHING)
        WRITERS[file.name.partition(".")[2]](sessions, file)


def pages(sessions: Iterator[dict[str, Any]], size: int = 200) -> Iterator[list[dict[str, Any]]]:
    page: list[dict[str, Any]] = []
    for session in sessions:
        page.append(session)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page


def write_jsonl(sessions: Iterator[dict[str, Any]], file: Path) -> None:
    with file.open("w") as out:
        for session in sessions:
            out.write(json.dumps(session) + "\n")


def write_jsonl_gz(sessions: Iterator[dict[str, Any]], file: Path) -> None:
    with gzip.open(file, "wt", compresslevel=6) as out:
        for session in sessions:
            out.write(json.dumps(session) + "\n")


def flat(session: dict[str, Any]) -> dict[str, Any]:
    row = {name: value for name, value in session.items() if name not in ("status", "state", "messages")}
    row |= {f"status__{name}": value for name, value in session["status"].items()}
    row |= {f"state__{name}": value for name, value in session["state"].items() if name != "trail"}
    return row | {"state__trail": json.dumps(session["state"]["trail"]), "messages": json.dumps(session["messages"])}


def write_csv(sessions: Iterator[dict[str, Any]], file: Path) -> None:
    with file.open("w", newline="") as out:
        writer = None
        for row in map(flat, sessions):
            if writer is None:
                writer = csv.DictWriter(out, row)
                writer.writeheader()
            writer.writerow(row)


def arrow(page: list[dict[str, Any]]) -> Any:
    """Return a page as an Arrow table, with times and the record's JSON."""
    import pyarrow as pa

    rows = [{**flat(session), "messages": session["messages"], "raw": json.dumps(session)} for session in page]
    found = pa.Table.from_pylist(rows)
    for index, name in enumerate(found.column_names):
        if name.endswith(("_at", "_date", "_updated")):
            found = found.set_column(index, name, found[name].cast(pa.timestamp("us", "UTC")))
    return found


def write_parquet(sessions: Iterator[dict[str, Any]], file: Path) -> None:
    import pyarrow.parquet as pq

    writer = None
    for page in pages(sessions, 2000):
        found = arrow(page)
        writer = writer or pq.ParquetWriter(file, found.schema, compression="zstd")
        writer.write_table(found)
    if writer:
        writer.close()


def write_duckdb(sessions: Iterator[dict[str, Any]], file: Path) -> None:
    import duckdb
    import pyarrow as pa

    with duckdb.connect(str(file)) as connection:
        for number, page in enumerate(pages(sessions, 5000)):
            rows = arrow(page).drop_columns(["messages", "raw"])
            messages = pa.Table.from_pylist([message for session in page for message in session["messages"]])
            for name, found in {"ai_sessions": rows, "ai_sessions__messages": messages}.items():
                connection.register("found", found)
                method = f"INSERT INTO {name}" if number else f"CREATE TABLE {name} AS"
                connection.execute(f"{method} SELECT * FROM found")  # noqa: S608 - one of the two names above


WRITERS: dict[str, Callable[[Iterator[dict[str, Any]], Path], None]] = {
    "jsonl": write_jsonl,
    "jsonl.gz": write_jsonl_gz,
    "csv": write_csv,
    "parquet": write_parquet,
    "duckdb": write_duckdb,
}

if __name__ == "__main__":
    main()
