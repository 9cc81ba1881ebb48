"""Answers made at random, whole and with gaps, arrive as the document says and lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scripts.mock import Mock
from tests.support.api_document import Answer, Operation
from tests.support.contract_cases import each_answer, each_list
from tests.support.contract_clients import Client
from tests.support.matchers import losses, problems
from tests.support.samples import needed

pytestmark = pytest.mark.anyio

SEEDS = range(25)


@pytest.fixture(params=[True, False], ids=["whole", "gaps"])
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether answers have all their fields, or optional ones are left out at random."""
    return request.param


@pytest.fixture
def source(request: pytest.FixtureRequest, whole: bool) -> Mock:
    return request.getfixturevalue("mock" if whole else "sparse_mock")


@contextmanager
def asking(mode: type[Client], source: Mock, answer: Answer, seed: int) -> Iterator[Client]:
    """A client that gets a random answer; an exception tells which."""
    prefer = f"code={answer.status}, dynamic=true, seed={seed}"
    try:
        yield mode(source.url, Prefer=prefer)
    except Exception as error:
        error.add_note(f"Prefer: {prefer}")
        raise


def each_once(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the repetitions of an id, which happen at random and which a list does not hand over."""
    kept: dict[Any, dict[str, Any]] = {}
    for place, record in enumerate(records):
        kept.setdefault(record.get("id", place), record)
    return list(kept.values())


@each_answer
async def test_a_model_is_as_the_document_says_and_loses_nothing(
    source: Mock, whole: bool, mode: type[Client], operation: Operation, answer: Answer
) -> None:
    found = []
    for seed in SEEDS:
        with asking(mode, source, answer, seed) as client:
            arrived = await client.call(operation, **needed(operation))
            found += problems(arrived.parsed, answer.said, f"answer to seed {seed}", whole=whole)
            found += losses(arrived.parsed, client.received[0].json(), f"answer to seed {seed}")
    assert found == []


@each_list
async def test_a_record_of_a_list_is_as_the_document_says_and_loses_nothing(
    source: Mock, whole: bool, mode: type[Client], operation: Operation
) -> None:
    found = []
    for seed in SEEDS:
        with asking(mode, source, operation.success, seed) as client:
            page = await client.first_page(operation, **needed(operation))
            records = page.items if page else []
            found += problems(records, operation.listed, f"records of seed {seed}", whole=whole)
            sent = each_once(client.received[0].json()[operation.list_field])
            found += losses(records, sent, f"records of seed {seed}")
    assert found == []
