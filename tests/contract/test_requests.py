"""Every request has the documented address, parameters and key header."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from konvoai import UNSET, APIStatusError, AsyncKonvo, Konvo
from konvoai._cli.prism import Mock
from konvoai.testing._http_server import Request, Server
from tests.support import api_document
from tests.support.api_document import Operation, Parameter
from tests.support.contract_cases import each_list, each_operation, each_parameter, offered_lists
from tests.support.contract_clients import KEY, Client, generated, is_offered, list_parameters, python_name, resources
from tests.support.samples import invalid_values, parse_value, required_arguments, valid_values

pytestmark = pytest.mark.anyio

REQUIRED = inspect.Parameter.empty


def _each_invalid_value(
    operations: Sequence[Operation], parameters: Callable[[Operation], Sequence[Parameter]]
) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("operation", "parameter", "value"),
        [
            pytest.param(operation, parameter, value, id=f"{operation.id}-{parameter.name}-{value}")
            for operation in operations
            for parameter in parameters(operation)
            for value in invalid_values(parameter.schema)
        ],
    )


each_invalid_value = _each_invalid_value(api_document.operations(), lambda operation: operation.parameters)
each_invalid_list_value = _each_invalid_value(offered_lists, list_parameters)


@each_invalid_value
async def test_the_mock_refuses_an_invalid_value_by_parameter(
    mock: Mock, mode: type[Client], operation: Operation, parameter: Parameter, value: Any
) -> None:
    result = await mode(mock.url).call(
        operation, **{**required_arguments(operation), python_name(parameter.name): value}
    )
    name = parameter.name.lower() if parameter.location == "header" else parameter.name
    assert refused_parameters(result) == [[parameter.location, name]]


def refused_parameters(result: Any) -> list[list[str]]:
    """Return location and name from Prism's header, or from its own body where the document has no 400."""
    if "sl-violations" in result.headers:
        return [violation["location"][1:3] for violation in json.loads(result.headers["sl-violations"])]
    if result.headers.get("content-type") == "application/problem+json":
        return [violation["location"][:2] for violation in json.loads(result.content).get("validation", [])]
    return []


@each_parameter
async def test_the_mock_accepts_every_documented_value(
    mock: Mock, mode: type[Client], operation: Operation, parameter: Parameter
) -> None:
    name, values = python_name(parameter.name), valid_values(parameter.schema)
    results = [
        await mode(mock.url).call(operation, **{**required_arguments(operation), name: value}) for value in values
    ]
    assert [result.status_code for result in results] == [operation.success.status] * len(values)


@each_invalid_list_value
async def test_the_wrapper_refuses_an_invalid_value(
    recorder: Server, mode: type[Client], operation: Operation, parameter: Parameter, value: Any
) -> None:
    with pytest.raises(ValueError, match=parameter.name):
        await mode(recorder.url).items(
            operation, **{**required_arguments(operation), python_name(parameter.name): value}
        )
    assert recorder.requests == []


def received(request: Request, operation: Operation, parameter: Parameter) -> Any:
    """Return the value of a parameter as a server parses it by the API document."""
    texts: dict[str, dict[str, str]] = {
        "query": request.query,
        "header": request.headers,
        "path": dict(zip(operation.path.split("/"), request.path.split("/"), strict=True)),
    }
    names = {"query": parameter.name, "header": parameter.name.lower(), "path": f"{{{parameter.name}}}"}
    return parse_value(texts[parameter.location][names[parameter.location]], parameter.schema)


@each_parameter
async def test_every_value_of_a_generated_function_is_sent(
    recorder: Server, mode: type[Client], operation: Operation, parameter: Parameter
) -> None:
    values = valid_values(parameter.schema)
    for value in values:
        await mode(recorder.url).call(
            operation, **{**required_arguments(operation), python_name(parameter.name): value}
        )
    assert [received(request, operation, parameter) for request in recorder.requests] == values


@each_list
async def test_every_argument_of_a_list_is_sent(recorder: Server, mode: type[Client], operation: Operation) -> None:
    parameters = list_parameters(operation)
    values = {parameter.name: valid_values(parameter.schema)[0] for parameter in parameters}
    with pytest.raises(APIStatusError):
        await mode(recorder.url).items(operation, **{python_name(name): value for name, value in values.items()})
    (request,) = recorder.requests
    assert {parameter.name: received(request, operation, parameter) for parameter in parameters} == values


@each_operation
def test_a_generated_function_has_the_documented_parameters(operation: Operation) -> None:
    documented = {
        python_name(parameter.name): REQUIRED if parameter.required else parameter.schema.get("default", UNSET)
        for parameter in operation.parameters
    }
    taken = inspect.signature(generated(operation).sync_detailed).parameters
    assert {name: taken[name].default for name in taken if name not in ("client", "body")} == documented


def test_the_wrapper_offers_every_list_of_the_document() -> None:
    missing = [operation.id for operation in api_document.lists() if not is_offered(operation)]
    assert [] == missing, "run make generate"


def test_the_wrapper_offers_no_undocumented_list() -> None:
    assert {generated(operation)._get_kwargs for operation in api_document.lists()} == set(resources())


@each_list
def test_the_wrapper_has_every_documented_parameter(operation: Operation) -> None:
    name = resources()[generated(operation)._get_kwargs]
    with Konvo(KEY) as konvo:
        taken = inspect.signature(getattr(konvo, name).list).parameters
    assert {python_name(parameter.name) for parameter in operation.parameters} - set(taken) == set()


@each_operation
async def test_a_request_has_the_documented_method_path_and_key(
    recorder: Server, mode: type[Client], operation: Operation
) -> None:
    arguments = {
        parameter.name: valid_values(parameter.schema)[0] for parameter in operation.parameters if parameter.required
    }
    await mode(recorder.url).call(operation, **required_arguments(operation))
    (request,) = recorder.requests
    found = (request.method, request.path, request.headers.get(api_document.key_header()))
    assert found == (operation.method, operation.path.format(**arguments), KEY)


@each_operation
async def test_the_key_is_sent_in_no_other_header(recorder: Server, mode: type[Client], operation: Operation) -> None:
    await mode(recorder.url).call(operation, **required_arguments(operation))
    (request,) = recorder.requests
    assert [name for name, value in request.headers.items() if KEY in value] == [api_document.key_header()]


async def test_the_default_address_is_the_documented_one(pytestconfig: pytest.Config) -> None:
    """It is read from the document that the mock serves: no response of a mock shows a new address."""
    with Konvo(KEY) as konvo:
        address = konvo.api.get_httpx_client().base_url
    async with AsyncKonvo(KEY) as async_konvo:
        async_address = async_konvo.api.get_async_httpx_client().base_url
    assert [str(url).rstrip("/") for url in (address, async_address)] == [
        api_document.server_url(pytestconfig.getoption("--mock-document"))
    ] * 2
