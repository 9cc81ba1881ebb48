"""What the contract tests share: the two faces, the second mock, and a server that keeps what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from scripts.mock import Mock
from tests.support.contract_clients import AsyncClient, Client, SyncClient
from tests.support.http_server import Reply, Server, serving


@pytest.fixture(params=[SyncClient, AsyncClient], ids=["sync", "async"])
def mode(request: pytest.FixtureRequest, anyio_backend: str) -> type[Client]:
    """Each test runs on both faces."""
    return request.param


@pytest.fixture(scope="session")
def sparse_mock(
    serve: Callable[[Path], Mock], pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Mock:
    """A mock that leaves out optional fields at random in its dynamic answers."""
    yaml = YAML(typ="safe")
    said = yaml.load(Path(pytestconfig.getoption("--mock-document")))
    # With fixed probabilities each record has the same number of fields, and a lone optional one is always there.
    said["x-json-schema-faker"] = {
        "alwaysFakeOptionals": False,
        "optionalsProbability": 0.5,
        "fixedProbabilities": False,
    }
    for schema in said["components"]["schemas"].values():
        if "count" in schema.get("properties", {}):  # an envelope: a list without its list is refused, not read
            schema["required"] = list(schema["properties"])
    derived = tmp_path_factory.mktemp("sparse") / "openapi.yaml"
    yaml.dump(said, derived)
    return serve(derived)


@pytest.fixture
def recorder() -> Iterator[Server]:
    """A server that keeps what it is asked; its answer, 418, is in no document."""
    with serving(lambda request: Reply(status=418)) as server:
        yield server
