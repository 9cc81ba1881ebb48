"""The mock server conforms to the API document: Prism and schemathesis find no departure in its responses."""

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

from konvoai._cli.prism import Mock, prism
from konvoai.testing._server import PATH, MockServer, mock_server
from konvoai.testing._store.habits import START
from konvoai.testing._store.made_store import MadeStore
from konvoai.testing._store.store import Store
from tests.support import api_document

pytestmark = pytest.mark.long

KEY = {api_document.key_header(): "key"}
NOW = START + timedelta(hours=12)
EVERYTHING = {"messages": "true", "state": "true"}

VALID = [
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
INVALID = [
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


class Servers(NamedTuple):
    """A mock server, and a validating Prism proxy in front of it."""

    mock_server: MockServer
    proxy: Mock

    def get(self, query: dict[str, str], *, directly: bool = False) -> httpx.Response:
        with httpx.Client(verify=False, timeout=60) as client:
            return client.get((self.mock_server if directly else self.proxy).url + PATH, params=query, headers=KEY)


@contextmanager
def serve_behind_prism(document: Path) -> Iterator[Servers]:
    store = Store.of(30, step=timedelta(minutes=17), now=NOW)
    with mock_server(store) as running, prism(document, command="proxy", extra=["--errors", running.url]) as proxy:
        yield Servers(running, proxy)


@pytest.fixture(scope="module")
def plain() -> Iterator[Servers]:
    with serve_behind_prism(api_document.PATH) as servers:
        yield servers


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    derived = tmp_path_factory.mktemp("strict") / "openapi.yaml"
    YAML(typ="safe").dump(api_document.strict(), derived)
    with serve_behind_prism(derived) as servers:
        yield servers


each_valid_request = pytest.mark.parametrize("query", VALID, ids=query_id)


@each_valid_request
def test_prism_passes_a_valid_request_and_its_response(plain: Servers, query: dict[str, str]) -> None:
    direct, passed = plain.get(query, directly=True), plain.get(query)
    assert (200, direct.json()) == (passed.status_code, passed.json())


@each_valid_request
def test_a_strict_prism_passes_a_complete_response(strict: Servers, query: dict[str, str]) -> None:
    passed = strict.get(query | EVERYTHING)
    assert 200 == passed.status_code, passed.text


@pytest.mark.parametrize("query", INVALID, ids=query_id)
def test_prism_and_the_mock_server_refuse_the_same_requests(plain: Servers, query: dict[str, str]) -> None:
    assert (422, 400) == (plain.get(query).status_code, plain.get(query, directly=True).status_code)


def test_a_strict_prism_passes_an_error(strict: Servers) -> None:
    passed = strict.get({"limit": ""})  # Prism takes it as no limit
    assert 400 == passed.status_code, passed.text


def test_prism_detects_an_invalid_response(plain: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain.mock_server.store, "count", "text")
    assert 500 == plain.get({}).status_code


def test_a_strict_prism_detects_a_missing_field(strict: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict.mock_server.store, "ids", False)
    assert 500 == strict.get(EVERYTHING).status_code


def schemathesis(store: Store, folder: Path) -> tuple[int, str]:
    """Run schemathesis against a mock server; return the exit code and the output."""
    document = copy.deepcopy(api_document.load())
    for item in document["paths"].values():
        item["get"]["responses"]["401"] = item["get"]["responses"]["400"]  # which the document lacks
    derived = folder / "openapi.yaml"
    YAML(typ="safe").dump(document, derived)
    with mock_server(store, key="key") as running:
        command = [sys.executable, "-m", "schemathesis.cli", "run", derived, "--url", running.url, "--checks=all"]
        options = ["--header", f"{api_document.key_header()}: key", "--generation-deterministic", "--max-examples=50"]
        done = subprocess.run([*command, *options, "--no-color"], cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("store", [Store.of(500), MadeStore.until(NOW, 500, seed=1)], ids=["numbered", "realistic"])
def test_schemathesis_finds_nothing(store: Store, tmp_path: Path) -> None:
    code, output = schemathesis(store, tmp_path)
    assert 0 == code, output


def test_schemathesis_detects_an_invalid_response(tmp_path: Path) -> None:
    code, output = schemathesis(Store.of(500, count="text"), tmp_path)
    assert (1, True) == (code, "Response violates schema" in output), output
