"""Arrow batches of pages of 200 sessions, compared with `json.loads` of the same bytes, and with models."""

import json
import statistics
from collections.abc import Callable, Sequence

import pyarrow as pa

from benchmarks.decode import cpu_time
from benchmarks.pages import page
from konvoai import AISessionResponse
from konvoai._decoding.drift import Drift
from konvoai._decoding.page import decode_page
from konvoai._tables.tables import Tables

ROUNDS = 15
PAGES = 5
FIVE_COLUMNS = ["id", "channel", "created_at", "status__unresolved", "state__type"]


def without_messages(content: bytes) -> bytes:
    body = json.loads(content)
    for record in body["result"]:
        del record["messages"]
    return json.dumps(body).encode()


def batch(columns: Sequence[str] | None, *, raw: bool = False) -> Callable[[bytes], object]:
    tables = Tables.of(AISessionResponse, columns, raw)
    return lambda content: tables.batch(tables.decode(content, Drift("ignore")).items)


def by_models(content: bytes) -> object:
    sessions = decode_page(AISessionResponse, content, Drift("ignore")).items
    return pa.Table.from_pylist([session.to_dict() for session in sessions])


WAYS: dict[str, Callable[[bytes], object]] = {
    "every column": batch(None),
    "every column and `raw`": batch(None, raw=True),
    "five columns": batch(FIVE_COLUMNS),
    "models, `to_dict` and `Table.from_pylist`": by_models,
}


def main() -> None:
    full = [page() for _ in range(PAGES)]
    kinds = [full, [without_messages(content) for content in full]]
    print(f"CPU of a page of 200 sessions, {ROUNDS} rounds in turn, medians of ratios to `json.loads`:\n")
    print("| | with 10 messages each | without messages |\n|---|---:|---:|")
    ratios = {name: tuple([] for _ in kinds) for name in WAYS}
    for _ in range(ROUNDS):
        for kind, pages in enumerate(kinds):
            base = cpu_time(json.loads, pages)
            for name, way in WAYS.items():
                ratios[name][kind].append(cpu_time(way, pages) / base)
    for name, found in ratios.items():
        print(f"| {name} | " + " | ".join(f"{statistics.median(one):.2f}" for one in found) + " |")


if __name__ == "__main__":
    main()
