"""Importing the client, compared with httpx, and starting the command `konvo`, compared with importing click."""

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.ratios import show

ROUNDS = 15

IMPORTS = {"import httpx": "import httpx", "from konvoai import Konvo": "import konvoai._client"}
STARTS = {
    'python -c "import click"': [sys.executable, "-c", "import click"],
    "konvo --help": [str(Path(sys.executable).with_name("konvo")), "--help"],
}


def import_time(statement: str) -> float:
    """Return the milliseconds that a new interpreter needs for an import statement."""
    command = [sys.executable, "-X", "importtime", "-c", statement]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return int(output.splitlines()[-1].split("|")[1]) / 1000


def run_time(command: list[str]) -> float:
    """Return the milliseconds of a process."""
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return 1000 * (time.perf_counter() - start)


def measure() -> None:
    imports: dict[str, list[float]] = {name: [] for name in IMPORTS}
    starts: dict[str, list[float]] = {name: [] for name in STARTS}
    for _ in range(ROUNDS):
        for name, found in imports.items():
            found.append(import_time(IMPORTS[name]))
        for name, found in starts.items():
            found.append(run_time(STARTS[name]))
    print(f"`python -X importtime`, {ROUNDS} rounds in turn, medians:\n")
    show(imports, digits=0)
    print(f"\nWhole processes, {ROUNDS} rounds in turn, medians:\n")
    show(starts, digits=0)


if __name__ == "__main__":
    measure()
