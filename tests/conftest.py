"""Fixtures for all tests: a clean environment, the mock, clients of it, and Prism's log with each failure."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from konvoai import AsyncKonvo, Konvo
from konvoai._cli.prism import Mock, MockError, prism
from tests.support import api_document

KEY = "test-key"
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

hypothesis.settings.register_profile("default", deadline=None, max_examples=200, derandomize="CI" in os.environ)
hypothesis.settings.register_profile("long", deadline=None, max_examples=2000, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("default")

log_offsets = pytest.StashKey[dict[str, int]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mock-document", type=Path, default=api_document.PATH, help="what the mock serves (default: openapi.yaml)"
    )


def pytest_sessionstart() -> None:
    """Fail once, not in each test, if the API document no longer has an operation that the wrapper offers."""
    try:
        import konvoai._resources  # noqa: F401
    except ImportError as error:
        pytest.exit(
            f"The wrapper offers what openapi.yaml no longer has: {error}. Take it out of "
            "wrapper/konvoai/_resources.py and wrapper/konvoai/_client.py.",
            returncode=1,
        )


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the key, server, log level and proxies that the environment sets."""
    for name in list(os.environ):
        if name.startswith("KONVO_") or name.lower() in PROXIES:
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[[Path], Mock]]:
    """Return a function that starts Prism with a document, on a free port, for the rest of the session."""
    with ExitStack() as running:

        def start(served: Path) -> Mock:
            try:
                # By default, Prism adds fields to its dynamic responses that the API document does not have.
                return running.enter_context(prism(served, extra=["--json-schema-faker-fillProperties=false"]))
            except MockError as error:
                message = str(error)
            pytest.fail(message, pytrace=False)

        yield start


@pytest.fixture(scope="session")
def mock(serve: Callable[[Path], Mock], pytestconfig: pytest.Config) -> Mock:
    """Return a mock of the API document."""
    return serve(pytestconfig.getoption("--mock-document"))


@pytest.fixture
def konvo(mock: Mock) -> Iterator[Konvo]:
    """Yield a client of the mock."""
    with Konvo(KEY, base_url=mock.url) as client:
        yield client


@pytest.fixture
async def async_konvo(mock: Mock, anyio_backend: str) -> AsyncIterator[AsyncKonvo]:
    """Yield an async client of the mock."""
    async with AsyncKonvo(KEY, base_url=mock.url) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Add to a failed test what Prism has logged since the test began."""
    report: Any = yield
    mocks = {value.url: value for value in item.funcargs.values() if isinstance(value, Mock)}
    if report.when == "setup":
        item.stash[log_offsets] = {url: len(running.log()) for url, running in mocks.items()}
    elif report.failed:
        for url, running in mocks.items():
            report.sections.append((f"Prism's log ({url})", running.log()[item.stash[log_offsets][url] :]))
    return report
