"""Lists unlike that of the sessions, merged by one command: what the client offers of them, without a line by hand."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from konvoai.testing._http_server import Reply, Request, Server, serving
from tests.scripts.test_update import copied, run, state, update

PAGES = Path(__file__).with_name("other_lists.yaml")
WORKSPACE = "465d610c-43df-4c87-8396-8eb9742122c4"
RECORDS = {
    "/broadcasts": [{"name": f"b{n}", "status": "sent", "created_at": f"2026-02-25T16:00:{n}Z"} for n in range(10, 60)],
    "/contacts": [{"contact_id": f"{n:032x}", "name": f"c{n}", "orders": n} for n in range(120)],
    "/click-reports": [{"link": f"https://shop.example/{n}", "clicks": n} for n in range(30)],
    "/attributions": [{"id": n, "revenue": n / 4, "orders": [{"order_id": str(n)}]} for n in range(70)],
}
ENVELOPES = {"/contacts": ("data", "total"), "/click-reports": ("clicks", "")}
COMMANDS = {
    "broadcasts": ["broadcasts", "--status", "sent", "--tags", "spring", "--tags", "summer"],
    "contacts": ["contacts", "--workspace-id", WORKSPACE, "--min-orders", "0"],
    "click-reports": ["click-reports", "--search", "shoes"],
    "attributions": ["attributions", "--day", "2026-02-25", "--converted"],
}

pytestmark = pytest.mark.long


def respond(request: Request) -> Reply:
    """A page of the records, which all are within the times of a request."""
    records, (items, total) = RECORDS[request.path], ENVELOPES.get(request.path, ("result", "count"))
    query = request.query
    upper = query.get("created_at_max") or query.get("until") or "3"
    lower = query.get("created_at_min") or query.get("since") or ""
    found = [record for record in records if lower <= str(record.get("created_at", "2026-02-25T16:00:00Z")) <= upper]
    size, page = int(query.get("limit", 1000)), int(query.get("page", 0))
    body = {items: found[page * size : (page + 1) * size], **({total: len(found)} if total else {})}
    return Reply(json.dumps(body).encode(), headers={"Content-Type": "application/json"})


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout into which the pages were merged."""
    folder = copied(tmp_path_factory.mktemp("tree"))
    done = update(folder, str(PAGES))
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(respond) as running:
        yield running


def konvo(tree: Path, server: Server, *arguments: str) -> str:
    done = run(tree, "-m", "konvoai", *arguments, KONVO_API_KEY="key", KONVO_BASE_URL=server.url)
    assert (0, "") == (done.returncode, "\n".join(line for line in done.stderr.splitlines() if " in " not in line))
    return done.stdout


def test_the_contract_tests_pass(tree: Path) -> None:
    done = run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract", "-k", "not AiSessions")
    assert (0, True) == (done.returncode, int(done.stdout.rsplit(" passed", 1)[0].split()[-1]) > 300), done.stdout


def test_the_types_are_those_of_the_document(tree: Path) -> None:
    program = tree / "uses.py"
    program.write_text(
        "from typing import assert_type\nfrom konvoai import Broadcast, Click, Konvo, Paginator, Scan\n"
        "def use(konvo: Konvo) -> None:\n"
        '    assert_type(konvo.broadcasts.list(status="sent", tags=["spring"]), Paginator[Broadcast])\n'
        "    assert_type(konvo.broadcasts.scan(), Scan[Broadcast])\n"
        "    assert_type(konvo.click_reports.list(), Paginator[Click])\n"
        '    konvo.broadcasts.list(status="lost")  # type: ignore[arg-type]\n'
        "    konvo.contacts.list()  # type: ignore[call-arg]\n"
    )
    checked = run(tree, "-m", "mypy", "--strict", "wrapper/konvoai/_generated", "uses.py")
    assert 0 == checked.returncode, checked.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_a_list_has_its_commands(tree: Path, server: Server, name: str) -> None:
    group, *options = COMMANDS[name]
    expected = RECORDS[f"/{name}"]
    listed = [json.loads(line) for line in konvo(tree, server, group, "list", *options).splitlines()]
    assert expected == listed
    if name != "click-reports":
        assert f"{len(expected)}\n" == konvo(tree, server, group, "count", *options)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_list_is_exported_to_each_format(tree: Path, server: Server, name: str, tmp_path: Path) -> None:
    group, *options = COMMANDS[name]
    for extension in ("jsonl", "csv", "parquet"):
        konvo(tree, server, group, "export", *options, "--to", str(tmp_path / f"all.{extension}"))
    expected = sorted(json.dumps(record) for record in RECORDS[f"/{name}"])
    lines = (tmp_path / "all.jsonl").read_text(encoding="utf-8").splitlines()
    assert expected == sorted(json.dumps(json.loads(line)) for line in lines)
    with (tmp_path / "all.csv").open(newline="", encoding="utf-8") as file:
        assert len(expected) == len(list(csv.DictReader(file)))
    assert len(expected) == pq.read_table(tmp_path / "all.parquet").num_rows


def test_the_doctor_examines_another_list(tree: Path, server: Server) -> None:
    done = run(tree, "-m", "konvoai", "doctor", "broadcasts", KONVO_API_KEY="key", KONVO_BASE_URL=server.url)
    assert "page cap: none below the API document's 50" in done.stdout + done.stderr


def test_without_the_pages_the_resources_go_again(tree: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tree, tmp_path / "again", symlinks=True)
    shutil.copy(Path(__file__).parents[2] / "openapi.yaml", folder / "openapi.yaml")
    assert run(folder, "-m", "scripts.generate").returncode == 0
    expected = state(Path(__file__).parents[2])
    assert sorted(expected.values()) == sorted(state(folder).values())
