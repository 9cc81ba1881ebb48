"""Every answer of the document arrives whole, with its types and the values of its examples."""

from __future__ import annotations

import pytest

from scripts.mock import Mock
from tests.support import api_document as document
from tests.support.api_document import Answer, Operation
from tests.support.contract_cases import each_answer, each_list, each_operation
from tests.support.contract_clients import Client
from tests.support.matchers import problems
from tests.support.samples import needed

pytestmark = pytest.mark.anyio


@each_operation
async def test_every_operation_answers(mock: Mock, mode: type[Client], operation: Operation) -> None:
    arrived = await mode(mock.url).call(operation, **needed(operation))
    assert arrived.status_code == operation.success.status


@each_answer
async def test_every_answer_has_its_status_and_media_type(
    mock: Mock, mode: type[Client], operation: Operation, answer: Answer
) -> None:
    arrived = await mode(mock.url, Prefer=f"code={answer.status}").call(operation, **needed(operation))
    assert (arrived.status_code, arrived.headers.get("content-type")) == (answer.status, answer.media_type)


@each_answer
async def test_every_field_arrives_with_its_type_and_example(
    mock: Mock, mode: type[Client], operation: Operation, answer: Answer
) -> None:
    arrived = await mode(mock.url, Prefer=f"code={answer.status}").call(operation, **needed(operation))
    assert list(problems(arrived.parsed, answer.said, "answer", examples=True)) == []


@each_list
async def test_every_field_of_a_list_arrives_through_the_wrapper(
    mock: Mock, mode: type[Client], operation: Operation
) -> None:
    records = await mode(mock.url).items(operation, **needed(operation))
    assert list(problems(records, operation.listed, "records", examples=True)) == []


def test_every_schema_is_reached_by_an_operation() -> None:
    assert document.reached() == set(document.load()["components"]["schemas"])
