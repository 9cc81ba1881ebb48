"""Reading whole lists and scans from a local server: time, CPU, requests and memory.

python -m benchmarks.reading [--quick]
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx

from benchmarks.pages import message
from benchmarks.ways import KEY, LIMIT, WAYS
from konvoai import Konvo
from konvoai.testing._server import KEY_HEADER, PATH, mock_server
from konvoai.testing._store import factories
from konvoai.testing._store import store as store_module
from konvoai.testing._store.store import Store

STEP = timedelta(seconds=10)
CPU_ROUNDS = 9
LATENCY = 0.1
LATENCY_PER_OFFSET = 3e-7
DRAW = random.Random(7)  # noqa: S311 - no secret


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure reading lists and scans.")
    parser.add_argument("--quick", action="store_true", help="skip memory, which takes minutes")
    parser.add_argument("--peak", nargs=2, metavar=("HOW", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print(peak_of_reading(*options.peak))
        return 0
    parts = [measure_latency, measure_cpu, measure_depth, measure_requests, measure_memory]
    for number, part in enumerate(parts[:-1] if options.quick else parts):
        print(end="\n" if number else "")
        part()
    return 0


def measure_latency() -> None:
    """Measure a list with several requests in flight."""
    sessions = 10_000
    print(f"{sessions:,} sessions, {LATENCY * 1000:.0f} ms per response:\n")
    with serving(sessions, latency=LATENCY) as url, Konvo(KEY, base_url=url) as konvo, by_httpx(url) as http:
        seconds = {
            "`list`, concurrency=8": elapsed(lambda: drain(konvo.ai_sessions.list(concurrency=8)), sessions),
            "`list`, concurrency=4": elapsed(lambda: drain(konvo.ai_sessions.list(concurrency=4)), sessions),
            "`list`, concurrency=1": elapsed(lambda: drain(konvo.ai_sessions.list(concurrency=1)), sessions),
            "httpx by hand": elapsed(lambda: drain(loop_by_hand(http)), sessions),
            "`scan`, concurrency=8": elapsed(lambda: drain(konvo.ai_sessions.scan(concurrency=8)), sessions),
        }
    base = seconds["`list`, concurrency=8"]
    table(["", "s", "ratio"], [[name, f"{taken:.2f}", f"{taken / base:.1f}"] for name, taken in seconds.items()])


def measure_cpu() -> None:
    """Measure the CPU of whole processes that read a list, compared with plain dicts and the generated client."""
    sessions = 10_000
    print(
        f"CPU of a process that reads {sessions:,} sessions with 10 messages, {CPU_ROUNDS} rounds in turn, medians:\n"
    )
    taken: dict[str, list[float]] = {way: [] for way in WAYS}
    with serving(sessions) as url:
        for number in range(CPU_ROUNDS + 1):
            for way, found in taken.items():
                seconds = cpu_of_process(way, url, sessions)
                if number:  # the first round compiles what it imports
                    found.append(seconds)
    base = taken["httpx to dicts"]
    rows = []
    for way, found in taken.items():
        ratio = statistics.median(ours / theirs for ours, theirs in zip(found, base, strict=True))
        rows.append([way, f"{statistics.median(found) * 1000:.0f}", f"{ratio:.2f}"])
    table(["", "ms", "ratio"], rows)


def cpu_of_process(way: str, url: str, sessions: int) -> float:
    command = [sys.executable, "-m", "benchmarks.ways", way, url]
    read, seconds = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    expect(sessions, int(read))
    return float(seconds)


def measure_depth() -> None:
    """Measure how the time grows with the number of sessions, on a server whose later pages are slower."""
    few, many = 20_000, 200_000
    seconds = {}
    for sessions in (few, many):
        with serving(sessions, latency_per_offset=LATENCY_PER_OFFSET) as url:
            with Konvo(KEY, base_url=url) as konvo, by_httpx(url) as http:
                seconds["`scan`", sessions] = elapsed(lambda: drain(konvo.ai_sessions.scan()), sessions)
                seconds["httpx by hand", sessions] = elapsed(lambda: drain(loop_by_hand(http)), sessions)
    print(f"A server that needs {LATENCY_PER_OFFSET * 1e9:.0f} ns for each session before a page:\n")
    rows = [
        [
            method,
            f"{seconds[method, few]:.1f}",
            f"{seconds[method, many]:.1f}",
            f"{seconds[method, many] / seconds[method, few]:.0f}",
        ]
        for method in ("`scan`", "httpx by hand")
    ]
    table(["", f"s for {few:,}", f"s for {many:,}", f"growth, of {many // few}"], rows)


def measure_requests() -> None:
    """Count the requests of a scan, compared with the minimum for as many sessions."""
    sessions = 20_000
    print(f"Requests of `scan` for {sessions:,} sessions, as a ratio to the {sessions // LIMIT} of full pages:\n")
    rows = []
    for name, created in spreads(sessions).items():
        ratios = [requests_of_scan(created, count) / (sessions / LIMIT) for count in ("honest", "missing")]
        rows.append([name, *(f"{ratio:.2f}" for ratio in ratios)])
    table(["sessions", "ratio", "without `count`"], rows)


def spreads(sessions: int) -> dict[str, Sequence[datetime]]:
    """Return times of creation by the name of their distribution."""
    year = timedelta(days=300)
    start = datetime.now(UTC) - year - timedelta(days=1)
    campaigns = [start + year * DRAW.random() for _ in range(sessions // 500)]
    hour, days = timedelta(hours=1), [start + day * timedelta(days=1) for day in range(year.days)]
    return {
        "evenly spread": [start + year * index / sessions for index in range(sessions)],
        "at random": [start + year * DRAW.random() for _ in range(sessions)],
        "by day, none at night": [DRAW.choice(days) + 12 * hour * DRAW.random() for _ in range(sessions)],
        "bursts of 500 in an hour": [DRAW.choice(campaigns) + hour * DRAW.random() for _ in range(sessions)],
        "bursts of 500 in a minute": [DRAW.choice(campaigns) + hour / 60 * DRAW.random() for _ in range(sessions)],
        "bursts of 500 at once": [at for at in campaigns for _ in range(500)],
        "half in one hour": [start + (hour if index % 2 else year) * DRAW.random() for index in range(sessions)],
    }


def requests_of_scan(created: Sequence[datetime], count: str) -> int:
    store = Store(created=created, count=count)
    with mock_server(store) as running, Konvo(KEY, base_url=running.url) as konvo:
        expect(len(created), drain(konvo.ai_sessions.scan()))
    return len(store.requests)


def measure_memory() -> None:
    """Measure the peak memory of a process that only reads."""
    rows = []
    for how, few, many in (("list", 10_000, 200_000), ("scan", 10_000, 1_000_000)):
        small, large = peak(how, few), peak(how, many)
        growth = large - small
        rows.append([f"`{how}`", f"{few:,}", f"{small / 1e6:.0f}", f"{many:,}", f"{large / 1e6:.0f}"])
        rows[-1] += [f"{growth / 1e6:.0f}", f"{growth / (many - few):.0f}"]
    print("Peak memory of a process that reads, and its growth with the number of sessions:\n")
    table(["", "sessions", "MB", "sessions", "MB", "growth, MB", "bytes per session"], rows)


def peak(how: str, sessions: int) -> int:
    """Return the peak memory in bytes of a separate process, without the memory of this one and of the server."""
    with serving(sessions) as url:
        command = [sys.executable, "-m", "benchmarks.reading", "--peak", how, url]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    read, memory = done.stdout.split()
    expect(sessions, int(read))
    return int(memory)


def peak_of_reading(how: str, url: str) -> str:
    with Konvo(KEY, base_url=url) as konvo:
        read = drain(getattr(konvo.ai_sessions, how)())
    return f"{read} {peak_memory()}"


def peak_memory() -> int:
    """Return this process's peak memory in bytes; on Linux, `ru_maxrss` includes that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        (peak,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextmanager
def serving(sessions: int, **waits: float) -> Iterator[str]:
    """Yield the address of a server process with this number of sessions."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(theirs, sessions, waits), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def serve(pipe: Connection, sessions: int, waits: dict[str, float]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent terminates this process
    factories.identifier = store_module.identifier = "{:036}".format  # of the same length as the API's ids
    messages = [message("session") for _ in range(10)]
    store_module.record_messages = lambda number, created: messages
    store = Store.of(sessions, start=datetime.now(UTC) - (sessions + 1) * STEP, step=STEP, order="updated")
    with mock_server(store, **waits) as running:
        pipe.send(running.url)
        signal.pause()


def by_httpx(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={KEY_HEADER: KEY}, timeout=60)


def loop_by_hand(http: httpx.Client, **parameters: Any) -> Iterator[dict[str, Any]]:
    """Yield sessions page by page, up to the first empty page."""
    page = 0
    while found := http.get(PATH, params={"page": page, "limit": LIMIT, **parameters}).json()["result"]:
        yield from found
        page += 1


def elapsed(read: Callable[[], int], sessions: int) -> float:
    start = time.perf_counter()
    expect(sessions, read())
    return time.perf_counter() - start


def drain(sessions: Iterable[object]) -> int:
    return sum(1 for _ in sessions)


def expect(sessions: int, found: int) -> None:
    if found != sessions:
        raise SystemExit(f"read {found} sessions instead of {sessions}")


def table(head: list[str], rows: list[list[str]]) -> None:
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows), flush=True)


if __name__ == "__main__":
    sys.exit(main())
