"""Importing konvoai, as a ratio to importing httpx alone: the cumulative times that `python -X importtime` tells."""

import subprocess
import sys

from ratios import show

ROUNDS = 15


def taken(module: str) -> float:
    """Milliseconds that a fresh interpreter takes to import a module with all that it imports."""
    command = [sys.executable, "-X", "importtime", "-c", f"import {module}"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    return int(told.splitlines()[-1].split("|")[1]) / 1000


def measure() -> None:
    times: dict[str, list[float]] = {"httpx": [], "konvoai": []}
    for _ in range(ROUNDS):
        for module, found in times.items():
            found.append(taken(module))
    print(f"`python -X importtime`, {ROUNDS} rounds in turn, medians:\n")
    show({f"import {module}": found for module, found in times.items()}, digits=0)


if __name__ == "__main__":
    measure()
