"""Every request goes where the document says, with the parameters and the key as it spells them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from typing import Any

import pytest

from konvoai import UNSET, APIStatusError, AsyncKonvo, Konvo
from scripts.contract.missing_resources import instructions, missing_lists
from scripts.mock import Mock
from tests.support import api_document as document
from tests.support.api_document import Operation, Parameter
from tests.support.contract_cases import each_list, each_operation, each_parameter, offered_lists
from tests.support.contract_clients import KEY, Client, generated, lists_of_the_wrapper, python_name
from tests.support.http_server import Request, Server
from tests.support.samples import bad, good, needed, read

pytestmark = pytest.mark.anyio

REQUIRED = inspect.Parameter.empty


def _bad_values(operations: Sequence[Operation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("operation", "parameter", "value"),
        [
            pytest.param(operation, parameter, value, id=f"{operation.id}-{parameter.name}-{value}")
            for operation in operations
            for parameter in operation.parameters
            for value in bad(parameter.schema)
        ],
    )


each_bad_value = _bad_values(document.operations())
each_bad_value_of_a_list = _bad_values(offered_lists)


@each_bad_value
async def test_the_mock_refuses_a_wrong_value_by_the_name_of_its_parameter(
    mock: Mock, mode: type[Client], operation: Operation, parameter: Parameter, value: Any
) -> None:
    answer = await mode(mock.url).call(operation, **{**needed(operation), python_name(parameter.name): value})
    name = parameter.name.lower() if parameter.place == "header" else parameter.name
    assert refused_parameters(answer) == [[parameter.place, name]]


def refused_parameters(answer: Any) -> list[list[str]]:
    """Place and name as Prism tells them: in a header, or in a body of its own where the document has no 400."""
    if "sl-violations" in answer.headers:
        return [told["location"][1:3] for told in json.loads(answer.headers["sl-violations"])]
    if answer.headers.get("content-type") == "application/problem+json":
        return [told["location"][:2] for told in json.loads(answer.content).get("validation", [])]
    return []


@each_parameter
async def test_the_mock_accepts_every_documented_value(
    mock: Mock, mode: type[Client], operation: Operation, parameter: Parameter
) -> None:
    name, values = python_name(parameter.name), good(parameter.schema)
    answers = [await mode(mock.url).call(operation, **{**needed(operation), name: value}) for value in values]
    assert [answer.status_code for answer in answers] == [operation.success.status] * len(values)


@each_bad_value_of_a_list
async def test_the_wrapper_refuses_what_the_document_does_not_admit(
    recorder: Server, mode: type[Client], operation: Operation, parameter: Parameter, value: Any
) -> None:
    with pytest.raises(ValueError, match=parameter.name):
        await mode(recorder.url).items(operation, **{**needed(operation), python_name(parameter.name): value})
    assert recorder.requests == []


def received(request: Request, operation: Operation, parameter: Parameter) -> Any:
    """The value of a parameter as a server finds it that goes by the document."""
    texts: dict[str, dict[str, str]] = {
        "query": request.query,
        "header": request.headers,
        "path": dict(zip(operation.path.split("/"), request.path.split("/"), strict=True)),
    }
    names = {"query": parameter.name, "header": parameter.name.lower(), "path": f"{{{parameter.name}}}"}
    return read(texts[parameter.place][names[parameter.place]], parameter.schema)


@each_parameter
async def test_every_value_given_to_a_generated_function_reaches_the_server(
    recorder: Server, mode: type[Client], operation: Operation, parameter: Parameter
) -> None:
    values = good(parameter.schema)
    for value in values:
        await mode(recorder.url).call(operation, **{**needed(operation), python_name(parameter.name): value})
    assert [received(request, operation, parameter) for request in recorder.requests] == values


@each_list
async def test_every_argument_of_a_list_reaches_the_server(
    recorder: Server, mode: type[Client], operation: Operation
) -> None:
    values = {parameter.name: good(parameter.schema)[0] for parameter in operation.parameters}
    with pytest.raises(APIStatusError):
        await mode(recorder.url).items(operation, **{python_name(name): value for name, value in values.items()})
    (request,) = recorder.requests
    assert {parameter.name: received(request, operation, parameter) for parameter in operation.parameters} == values


@each_operation
def test_a_generated_function_takes_the_documented_parameters_with_their_defaults(operation: Operation) -> None:
    documented = {
        python_name(parameter.name): REQUIRED if parameter.required else parameter.schema.get("default", UNSET)
        for parameter in operation.parameters
    }
    taken = inspect.signature(generated(operation).sync_detailed).parameters
    assert {name: taken[name].default for name in taken if name not in ("client", "body")} == documented


def test_the_wrapper_offers_every_list_of_the_document() -> None:
    missing = missing_lists(document.load())
    if missing:
        pytest.fail("\n\n".join(map(instructions, missing)), pytrace=False)


def test_the_wrapper_offers_no_list_that_the_document_does_not_have() -> None:
    assert lists_of_the_wrapper() - {python_name(operation.tag) for operation in document.lists()} == set()


@each_list
def test_the_wrapper_takes_every_documented_parameter_of_a_list(operation: Operation) -> None:
    with Konvo(KEY) as konvo:
        taken = inspect.signature(getattr(konvo, python_name(operation.tag)).list).parameters
    assert {python_name(parameter.name) for parameter in operation.parameters} - set(taken) == set()


@each_operation
async def test_a_request_has_the_documented_method_path_and_key(
    recorder: Server, mode: type[Client], operation: Operation
) -> None:
    arguments = {parameter.name: good(parameter.schema)[0] for parameter in operation.parameters if parameter.required}
    await mode(recorder.url).call(operation, **needed(operation))
    (request,) = recorder.requests
    found = (request.method, request.path, request.headers.get(document.key_header()))
    assert found == (operation.method, operation.path.format(**arguments), KEY)


@each_operation
async def test_the_key_goes_nowhere_else(recorder: Server, mode: type[Client], operation: Operation) -> None:
    await mode(recorder.url).call(operation, **needed(operation))
    (request,) = recorder.requests
    assert [name for name, value in request.headers.items() if KEY in value] == [document.key_header()]


async def test_the_default_address_is_that_of_the_document(pytestconfig: pytest.Config) -> None:
    """Of what the mock serves: where the API has moved, no answer of a mock shows it."""
    with Konvo(KEY) as konvo:
        address = konvo.api.get_httpx_client().base_url
    async with AsyncKonvo(KEY) as async_konvo:
        async_address = async_konvo.api.get_async_httpx_client().base_url
    assert [str(url).rstrip("/") for url in (address, async_address)] == [
        document.server_url(pytestconfig.getoption("--mock-document"))
    ] * 2
