"""The stand-in is an honest Konvo: Prism and schemathesis find nothing in its answers that is not in the document."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from ruamel.yaml import YAML

from scripts.mock import Mock, prism
from tests.support import api_document as document
from tests.support.mock_server import PATH, MockServer, mock_server
from tests.support.store import START, Store

pytestmark = pytest.mark.long

KEY = {document.key_header(): "key"}
NOON = START + timedelta(hours=12)
EVERYTHING = {"messages": "true", "state": "true"}

GOOD = [
    {},
    {"limit": "1"},
    {"limit": "200"},
    {"page": "-1"},
    {"page": "0", "limit": "7"},
    {"page": "3", "limit": "7"},
    {"page": str(2**31 - 1)},
    {"updated_at_min": "2026-01-01T03:00:00Z"},
    {"updated_at_max": "2026-01-01T03:00:00.123456+02:00", "limit": "7"},
    {"updated_at_min": "2026-01-01T03:00:00Z", "updated_at_max": "2026-01-01T02:00:00Z"},
    {"messages": "true"},
    {"state": "true", "messages": "false"},
    EVERYTHING,
]
BAD = [
    *[{"page": text} for text in ("first", "1.5", "1,2", str(2**31))],
    *[{"limit": text} for text in ("all", "0", "-1", "201", "1.5")],
    *[{flag: text} for flag in ("messages", "state") for text in ("yes", "1", "TRUE")],
    *[
        {bound: text}
        for bound in ("updated_at_min", "updated_at_max")
        for text in ("now", "2026-02-01", "2026-02-01T00:00:00", "2026-02-30T00:00:00Z", "2026-02-01T24:00:00Z")
    ],
]


def query_id(query: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in query.items()) or "nothing"


class Behind(NamedTuple):
    """A stand-in, and a Prism before it that lets through what keeps to a document."""

    mock_server: MockServer
    proxy: Mock

    def ask(self, query: dict[str, str], *, directly: bool = False) -> httpx.Response:
        with httpx.Client(verify=False, timeout=60) as client:
            return client.get((self.mock_server if directly else self.proxy).url + PATH, params=query, headers=KEY)


@contextmanager
def behind(served: Path) -> Iterator[Behind]:
    store = Store.of(30, step=timedelta(minutes=17), now=NOON)
    with mock_server(store) as running, prism(served, command="proxy", extra=["--errors", running.url]) as proxy:
        yield Behind(running, proxy)


@pytest.fixture(scope="module")
def plain() -> Iterator[Behind]:
    with behind(document.PATH) as both:
        yield both


@pytest.fixture(scope="module")
def strictly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    derived = tmp_path_factory.mktemp("strict") / "openapi.yaml"
    YAML(typ="safe").dump(document.strict(), derived)
    with behind(derived) as both:
        yield both


each_good_request = pytest.mark.parametrize("query", GOOD, ids=query_id)


@each_good_request
def test_prism_lets_a_good_request_and_its_answer_pass(plain: Behind, query: dict[str, str]) -> None:
    direct, passed = plain.ask(query, directly=True), plain.ask(query)
    assert (200, direct.json()) == (passed.status_code, passed.json())


@each_good_request
def test_a_strict_prism_lets_an_answer_with_everything_pass(strictly: Behind, query: dict[str, str]) -> None:
    passed = strictly.ask(query | EVERYTHING)
    assert 200 == passed.status_code, passed.text


@pytest.mark.parametrize("query", BAD, ids=query_id)
def test_prism_and_the_stand_in_refuse_the_same_requests(plain: Behind, query: dict[str, str]) -> None:
    assert (422, 400) == (plain.ask(query).status_code, plain.ask(query, directly=True).status_code)


def test_a_strict_prism_lets_a_refusal_pass(strictly: Behind) -> None:
    passed = strictly.ask({"limit": ""})  # which Prism takes for no limit
    assert 400 == passed.status_code, passed.text


def test_prism_notices_an_answer_that_breaks_the_document(plain: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain.mock_server.store, "count", "text")
    assert 500 == plain.ask({}).status_code


def test_a_strict_prism_notices_a_missing_field(strictly: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strictly.mock_server.store, "ids", False)
    assert 500 == strictly.ask(EVERYTHING).status_code


def schemathesis(store: Store, folder: Path) -> tuple[int, str]:
    """The exit code of a run against a stand-in, and what it said."""
    said = copy.deepcopy(document.load())
    for item in said["paths"].values():
        item["get"]["responses"]["401"] = item["get"]["responses"]["400"]  # of which the document does not speak
    derived = folder / "openapi.yaml"
    YAML(typ="safe").dump(said, derived)
    with mock_server(store, key="key") as running:
        command = [sys.executable, "-m", "schemathesis.cli", "run", derived, "--url", running.url, "--checks=all"]
        options = ["--header", f"{document.key_header()}: key", "--generation-deterministic", "--max-examples=50"]
        done = subprocess.run([*command, *options, "--no-color"], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    code, said = schemathesis(Store.of(500), tmp_path)
    assert 0 == code, said


def test_schemathesis_notices_an_answer_that_breaks_the_document(tmp_path: Path) -> None:
    code, said = schemathesis(Store.of(500, count="text"), tmp_path)
    assert (1, True) == (code, "Response violates schema" in said), said
