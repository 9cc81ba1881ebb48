"""Every documented response is decoded completely, with its types and the values of its examples."""

from __future__ import annotations

import pytest

from konvoai._cli.prism import Mock
from tests.support import api_document
from tests.support.api_document import Operation, Response
from tests.support.contract_cases import each_list, each_operation, each_response
from tests.support.contract_clients import Client
from tests.support.matchers import mismatches
from tests.support.samples import required_arguments

pytestmark = pytest.mark.anyio


@each_operation
async def test_every_operation_responds(mock: Mock, mode: type[Client], operation: Operation) -> None:
    result = await mode(mock.url).call(operation, **required_arguments(operation))
    assert result.status_code == operation.success.status


@each_response
async def test_every_response_has_its_status_and_media_type(
    mock: Mock, mode: type[Client], operation: Operation, response: Response
) -> None:
    result = await mode(mock.url, Prefer=f"code={response.status}").call(operation, **required_arguments(operation))
    assert (result.status_code, result.headers.get("content-type")) == (response.status, response.media_type)


@each_response
async def test_every_field_has_its_type_and_example(
    mock: Mock, mode: type[Client], operation: Operation, response: Response
) -> None:
    result = await mode(mock.url, Prefer=f"code={response.status}").call(operation, **required_arguments(operation))
    assert list(mismatches(result.parsed, response.schema, "response", examples=True)) == []


@each_list
async def test_every_field_of_a_list_is_read_by_the_wrapper(
    mock: Mock, mode: type[Client], operation: Operation
) -> None:
    records = await mode(mock.url).items(operation, **required_arguments(operation))
    assert list(mismatches(records, operation.list_schema, "records", examples=True)) == []


def test_every_schema_is_used_by_an_operation() -> None:
    assert api_document.used_schemas() == set(api_document.load()["components"]["schemas"])
