"""Every list of the wrapper ends on the mock, whose page never changes and whose `count` is 0."""

from __future__ import annotations

from typing import Any

import pytest

from konvoai import AsyncKonvo, Konvo
from konvoai._cli.prism import Mock
from tests.support.api_document import Operation
from tests.support.contract_cases import each_list
from tests.support.contract_clients import Client, paginator
from tests.support.samples import required_arguments

pytestmark = pytest.mark.anyio

each_limit = pytest.mark.parametrize("limit", [1, 2, 200])


def limited(operation: Operation, limit: int) -> dict[str, int]:
    """Return the argument `limit`, at most what the operation allows; none where it has no such parameter."""
    limits = [parameter.schema for parameter in operation.parameters if parameter.name == "limit"]
    return {"limit": min(limit, limits[0].get("maximum", limit))} if limits else {}


def total(operation: Operation, body: dict[str, Any]) -> Any:
    return body[operation.total_field] if operation.total_field else None


@each_list
@each_limit
def test_a_list_ends_after_the_one_record(konvo: Konvo, operation: Operation, limit: int) -> None:
    records = list(paginator(konvo, operation, {**required_arguments(operation), **limited(operation, limit)}))
    assert len(records) == 1


@each_list
@each_limit
async def test_an_async_list_ends_after_the_one_record(
    async_konvo: AsyncKonvo, operation: Operation, limit: int
) -> None:
    arguments = {**required_arguments(operation), **limited(operation, limit)}
    records = [record async for record in paginator(async_konvo, operation, arguments)]
    assert len(records) == 1


@each_list
async def test_the_count_is_that_of_the_response(mock: Mock, mode: type[Client], operation: Operation) -> None:
    client = mode(mock.url)
    count = await client.count(operation, **required_arguments(operation))
    assert [count] == [total(operation, response.json()) for response in client.received]


@each_list
async def test_a_page_has_the_records_and_count_of_the_response(
    mock: Mock, mode: type[Client], operation: Operation
) -> None:
    client = mode(mock.url)
    page = await client.first_page(operation, **required_arguments(operation))
    response: dict[str, Any] = client.received[0].json()
    assert (len(page.items), page.count) == (len(response[str(operation.list_field)]), total(operation, response))
