"""Random responses, complete and with missing fields, match the API document and lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from konvoai import IncompleteError
from konvoai._cli.prism import Mock
from tests.support.api_document import Operation, Response
from tests.support.contract_cases import each_list, each_response
from tests.support.contract_clients import Client
from tests.support.matchers import mismatches, round_trip_mismatches
from tests.support.samples import required_arguments

pytestmark = pytest.mark.anyio

SEEDS = range(25)


@pytest.fixture(params=[True, False], ids=["complete", "sparse"])
def complete(request: pytest.FixtureRequest) -> bool:
    """Whether responses have all their fields, or omit optional ones at random."""
    return request.param


@pytest.fixture
def source(request: pytest.FixtureRequest, complete: bool) -> Mock:
    return request.getfixturevalue("mock" if complete else "sparse_mock")


@contextmanager
def random_client(mode: type[Client], source: Mock, response: Response, seed: int) -> Iterator[Client]:
    """Yield a client that gets the random response of a seed; an exception names the seed."""
    prefer = f"code={response.status}, dynamic=true, seed={seed}"
    try:
        yield mode(source.url, Prefer=prefer)
    except Exception as error:
        error.add_note(f"Prefer: {prefer}")
        raise


def deduplicate(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the records without repeated ids, which a list yields only once."""
    retained: dict[Any, dict[str, Any]] = {}
    for index, record in enumerate(records):
        retained.setdefault(record.get("id", index), record)
    return list(retained.values())


@each_response
async def test_a_random_response_matches_and_loses_nothing(
    source: Mock, complete: bool, mode: type[Client], operation: Operation, response: Response
) -> None:
    found = []
    for seed in SEEDS:
        with random_client(mode, source, response, seed) as client:
            result = await client.call(operation, **required_arguments(operation))
            found += mismatches(result.parsed, response.schema, f"response of seed {seed}", complete=complete)
            found += round_trip_mismatches(result.parsed, client.received[0].json(), f"response of seed {seed}")
    assert found == []


@each_list
async def test_a_random_record_of_a_list_matches_and_loses_nothing(
    source: Mock, complete: bool, mode: type[Client], operation: Operation
) -> None:
    found = []
    for seed in SEEDS:
        with random_client(mode, source, operation.success, seed) as client:
            try:
                page = await client.first_page(operation, **required_arguments(operation))
            except IncompleteError:  # a random total of a response without records
                page = None
            records = page.items if page else []
            found += mismatches(records, operation.list_schema, f"records of seed {seed}", complete=complete)
            sent = deduplicate(client.received[0].json()[operation.list_field])
            found += round_trip_mismatches(records, sent, f"records of seed {seed}")
    assert found == []
