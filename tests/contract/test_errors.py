"""Every error status raises the error class of that status, with the documented body."""

from __future__ import annotations

import pytest

from konvoai import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)
from konvoai._cli.prism import Mock
from konvoai.testing._http_server import Server
from tests.support.api_document import Operation, Response
from tests.support.contract_cases import each_list, each_list_error, each_operation
from tests.support.contract_clients import Client
from tests.support.matchers import to_json
from tests.support.samples import required_arguments

pytestmark = pytest.mark.anyio

CLASSES = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    429: RateLimitError,
}

no_usable_key = pytest.mark.parametrize("key", [pytest.param(None, id="none"), pytest.param("", id="blank")])


def error_class(status: int) -> type[APIStatusError]:
    return CLASSES.get(status) or (InternalServerError if status >= 500 else APIStatusError)


async def raised(client: Client, operation: Operation) -> APIStatusError:
    with pytest.raises(APIStatusError) as caught:
        await client.items(operation, **required_arguments(operation))
    return caught.value


@each_list_error
async def test_a_documented_error_status_raises_its_class(
    mock: Mock, mode: type[Client], operation: Operation, error: Response
) -> None:
    found = await raised(mode(mock.url, Prefer=f"code={error.status}"), operation)
    assert (type(found), found.status_code) == (error_class(error.status), error.status)


@each_list_error
async def test_a_documented_error_carries_its_body(
    mock: Mock, mode: type[Client], operation: Operation, error: Response
) -> None:
    client = mode(mock.url, Prefer=f"code={error.status}")
    found = await raised(client, operation)
    assert [to_json(found.body)] == [response.json() for response in client.received]


@each_list
async def test_an_undocumented_status_raises_its_class(
    recorder: Server, mode: type[Client], operation: Operation
) -> None:
    found = await raised(mode(recorder.url), operation)
    assert (type(found), found.status_code, found.body) == (APIStatusError, 418, None)


@each_operation
async def test_an_undocumented_status_has_no_model(recorder: Server, mode: type[Client], operation: Operation) -> None:
    result = await mode(recorder.url).call(operation, **required_arguments(operation))
    assert (result.status_code, result.parsed) == (418, None)


@each_list
@no_usable_key
async def test_a_list_without_a_key_raises_authentication_error(
    mock: Mock, mode: type[Client], operation: Operation, key: str | None
) -> None:
    found = await raised(mode(mock.url, key=key), operation)
    assert (type(found), found.status_code) == (AuthenticationError, 401)


@each_operation
@no_usable_key
async def test_an_operation_without_a_key_is_refused(
    mock: Mock, mode: type[Client], operation: Operation, key: str | None
) -> None:
    result = await mode(mock.url, key=key).call(operation, **required_arguments(operation))
    assert result.status_code == 401
