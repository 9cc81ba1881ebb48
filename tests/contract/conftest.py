"""Fixtures of the contract tests: both clients, a second mock, and a server that records requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from konvoai._cli.prism import Mock
from konvoai.testing._http_server import Reply, Server, serving
from tests.support import api_document
from tests.support.contract_clients import AsyncClient, Client, SyncClient


@pytest.fixture(params=[SyncClient, AsyncClient], ids=["sync", "async"])
def mode(request: pytest.FixtureRequest, anyio_backend: str) -> type[Client]:
    """The sync and the async client: each test runs with both."""
    return request.param


@pytest.fixture(scope="session")
def sparse_mock(
    serve: Callable[[Path], Mock], pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Mock:
    """A mock whose dynamic responses omit optional fields at random."""
    yaml = YAML(typ="safe")
    document = yaml.load(Path(pytestconfig.getoption("--mock-document")))
    # With fixed probabilities each record has the same number of fields, and a single optional one is always present.
    document["x-json-schema-faker"] = {
        "alwaysFakeOptionals": False,
        "optionalsProbability": 0.5,
        "fixedProbabilities": False,
    }
    names = {operation.list_field for operation in api_document.lists()}
    for schema in document["components"]["schemas"].values():
        if names & schema.get("properties", {}).keys():  # an envelope: without its list, the client raises an error
            schema["required"] = list(schema["properties"])
    derived = tmp_path_factory.mktemp("sparse") / "openapi.yaml"
    yaml.dump(document, derived)
    return serve(derived)


@pytest.fixture
def recorder() -> Iterator[Server]:
    """A server that records requests and responds with 418, which the API document does not list."""
    with serving(lambda request: Reply(status=418)) as server:
        yield server
